"""The local etcd over its JSON gateway, with the client certificate.

The gateway writes 64-bit numbers as decimal strings and leaves out what is zero or false; ids are
hexadecimal everywhere else here. It reports etcd's refusals as they are; nothing is tried again
but a read that a change of leaders broke off.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from hakube_gce.agent.etcd_errors import classify
from hakube_gce.agent.ports import (
    CLIENT_PORT,
    EtcdError,
    EtcdStatus,
    EtcdTrouble,
    Member,
    Role,
)
from hakube_gce.agent.wire import Credentials, WireError, ask

LOOK_TIMEOUT_S = 3.0
CHANGE_TIMEOUT_S = 10.0
"""etcd itself gives up on a change without a quorum after 7 s."""

_PROBE_KEY = b"hakube-probe"
_ALARM = re.compile(r"alarm:(\w+)")


class EtcdGateway:
    """One etcd's client port."""

    def __init__(self, *, address: str, credentials: Credentials, port: int = CLIENT_PORT) -> None:
        self._address = address
        self._credentials = credentials
        self._port = port

    def status(self) -> EtcdStatus:
        found = self._ask("maintenance/status", {})
        header = found.get("header", {})
        return EtcdStatus(
            cluster_id=hexadecimal(header.get("cluster_id")),
            member_id=hexadecimal(header.get("member_id")),
            leader_id=hexadecimal(found.get("leader")),
            role=Role.LEARNER if found.get("isLearner") else Role.VOTER,
            term=int(found.get("raftTerm", 0)),
            applied_index=int(found.get("raftAppliedIndex", 0)),
            db_size_bytes=int(found.get("dbSize", 0)),
            version=str(found.get("version", "")),
            alarms=_alarms(found),
        )

    def read_linearizable(self) -> None:
        self._read("kv/range", {"key": _coded(_PROBE_KEY)})

    def members(self) -> tuple[Member, ...]:
        # etcd 3.4 does not know "linearizable" and answers from what it has applied; after a read
        # through the quorum that is as new as the read.
        self.read_linearizable()
        return parse_members(self._read("cluster/member/list", {"linearizable": True}))

    def members_locally(self) -> tuple[Member, ...]:
        return parse_members(self._ask("cluster/member/list", {"linearizable": False}))

    def add_learner(self, peer_url: str) -> str:
        # The one call here that adds a member, and it cannot add a voter.
        added = self._change("member/add", {"peerURLs": [peer_url], "isLearner": True})
        return hexadecimal(added.get("member", {}).get("ID"))

    def promote(self, member_id: str) -> None:
        self._change("member/promote", {"ID": decimal(member_id)})

    def remove(self, member_id: str) -> None:
        self._change("member/remove", {"ID": decimal(member_id)})

    def transfer_leadership(self, to: str) -> None:
        question = {"targetID": decimal(to)}
        self._ask("maintenance/transfer-leadership", question, timeout_s=CHANGE_TIMEOUT_S)

    def prove_writable(self) -> None:
        key = _coded(_PROBE_KEY)
        self._ask("kv/put", {"key": key}, timeout_s=CHANGE_TIMEOUT_S)
        self._ask("kv/deleterange", {"key": key}, timeout_s=CHANGE_TIMEOUT_S)

    def keys(self, prefix: str) -> tuple[str, ...]:
        begin = prefix.encode()
        end = begin[:-1] + bytes([begin[-1] + 1])  # etcd's own way to say "all that begin so"
        question = {"key": _coded(begin), "range_end": _coded(end), "keys_only": True}
        found = self._read("kv/range", question)
        return tuple(base64.b64decode(kv["key"]).decode() for kv in found.get("kvs", []))

    def delete(self, key: str) -> None:
        question = {"key": _coded(key.encode())}
        self._ask("kv/deleterange", question, timeout_s=CHANGE_TIMEOUT_S)

    def _read(self, path: str, question: Mapping[str, object]) -> dict[str, Any]:
        try:
            return self._ask(path, question)
        except EtcdError as error:
            if error.trouble is not EtcdTrouble.LEADER_CHANGED:
                raise
        # Leadership moved, as it does before each planned removal of the leader. Reads under way
        # are broken off then, though nothing is wrong and the new leader is known.
        return self._ask(path, question)

    def _change(self, path: str, question: Mapping[str, object]) -> dict[str, Any]:
        return self._ask(f"cluster/{path}", question, timeout_s=CHANGE_TIMEOUT_S)

    def _ask(
        self, path: str, question: Mapping[str, object], *, timeout_s: float = LOOK_TIMEOUT_S
    ) -> dict[str, Any]:
        try:
            reply = ask(
                self._address,
                self._port,
                f"/v3/{path}",
                credentials=self._credentials,
                timeout_s=timeout_s,
                body=json.dumps(question).encode(),
            )
            found = json.loads(reply.body)
        except (WireError, ValueError) as error:
            raise EtcdError(EtcdTrouble.UNREACHABLE, f"etcd did not answer: {error}") from error
        if not isinstance(found, dict):
            raise EtcdError(EtcdTrouble.OTHER, f"etcd answered {found!r}")
        if "code" in found or "error" in found:
            raise classify(int(found.get("code", 2)), _message(found))
        return found


def parse_members(found: Mapping[str, Any]) -> tuple[Member, ...]:
    """Read a member list as the gateway or a peer port writes it."""
    return tuple(
        Member(
            id=hexadecimal(member.get("ID", member.get("id"))),
            name=str(member.get("name", "")),
            peer_url=str(next(iter(member.get("peerURLs") or []), "")),
            role=Role.LEARNER if member.get("isLearner") else Role.VOTER,
        )
        for member in found.get("members", [])
    )


def hexadecimal(number: object) -> str:
    """Return a 64-bit number as the channel writes it; empty for 0, which is nobody.

    >>> hexadecimal("10276657743932975437"), hexadecimal(0), hexadecimal(None)
    ('8e9e05c52164694d', '', '')
    """
    return f"{int(str(number)):x}" if number and str(number) != "0" else ""


def decimal(member_id: str) -> str:
    """Return a member id as the gateway wants it.

    Raises:
        EtcdError: It is no hexadecimal number, so it is nobody's.
    """
    try:
        return str(int(member_id, 16))
    except ValueError as error:
        raise EtcdError(EtcdTrouble.MEMBER_NOT_FOUND, f"{member_id!r} is no member id") from error


def _coded(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")


def _alarms(status: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the alarms that a status tells of among its errors, e.g. ``NOSPACE``.

    Asking for alarms by the call made for it would write into the log of the cluster each time.
    """
    errors = " ".join(str(error) for error in status.get("errors") or [])
    return tuple(sorted(set(_ALARM.findall(errors)) - {"NONE"}))


def _message(found: Mapping[str, Any]) -> str:
    # 3.4 says {"error", "message", "code"}, 3.5 {"code", "message"}; streams nest it once more.
    inner = found.get("error")
    if isinstance(inner, dict):
        return str(inner.get("message", inner))
    return str(found.get("message") or inner or found)
