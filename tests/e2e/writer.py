"""Who looks at etcd while masters come and go: a writer that never rests, and a witness.

The writer remembers what it was promised; the witness notes whoever votes before it has started.
Both speak to the members' JSON gateways with mutual TLS and import nothing of the program: what
they see is to be held against it.
"""

import base64
import http.client
import json
import secrets
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

ATTEMPT_S = 1.0
PAUSE_S = 0.005
LOOK_EVERY_S = 0.02
PREFIX = "written/"


class EtcdError(Exception):
    """A member refused, or did not answer."""


def client_context(tls: Mapping[str, str]) -> ssl.SSLContext:
    """Read the files that `hakube emulator env` names; they may go, what was read stays."""
    context = ssl.create_default_context(cafile=tls["ETCDCTL_CACERT"])
    context.load_cert_chain(tls["ETCDCTL_CERT"], tls["ETCDCTL_KEY"])
    return context


class Member:
    """One member's client port, over one connection that is made anew when it breaks."""

    def __init__(self, url: str, context: ssl.SSLContext, *, timeout_s: float = ATTEMPT_S) -> None:
        where = urlsplit(url)
        self._wire = http.client.HTTPSConnection(
            where.hostname or "", where.port, context=context, timeout=timeout_s
        )

    def ask(self, path: str, question: Mapping[str, object]) -> dict[str, Any]:
        """Send one request.

        Raises:
            EtcdError: No good answer came in time; whether it was carried out is not known.
        """
        try:
            self._wire.request("POST", f"/v3/{path}", json.dumps(question))
            answer = self._wire.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise EtcdError(f"{type(error).__name__}: {error}") from error
        if answer.status != 200:
            raise EtcdError(str(found.get("message") or found.get("error") or found))
        return found

    def close(self) -> None:
        self._wire.close()


@dataclass(slots=True, kw_only=True)
class Writer:
    """Writes one key after the other; each until some member acknowledges it."""

    context: ssl.SSLContext
    urls: Sequence[str]
    """The members to try, replaced as a whole when the cluster has changed."""
    acknowledged: dict[str, str] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)
    """When acknowledgements came, by the monotonic clock."""
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self.moments.append(time.monotonic())
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the write under way; a write that nobody acknowledges is given up."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
        self.moments.append(time.monotonic())

    def longest_gap_s(self) -> float:
        """Give the longest time without an acknowledgement, from start to stop."""
        pairs = zip(self.moments, self.moments[1:], strict=False)
        return max((later - earlier for earlier, later in pairs), default=0.0)

    def _run(self) -> None:
        members: dict[str, Member] = {}
        turn = 0
        number = 0
        key, value = _fresh(number)
        while not self._stop.is_set():
            urls = tuple(self.urls)
            url = urls[turn % len(urls)]
            member = members.setdefault(url, Member(url, self.context))
            try:
                member.ask("kv/put", {"key": _encoded(key), "value": _encoded(value)})
            except EtcdError as error:
                # It may have been carried out all the same: the next gets the same key and value.
                self.failures.append(f"{url}: {error}")
                turn += 1
            else:
                self.moments.append(time.monotonic())
                self.acknowledged[key] = value
                number += 1
                key, value = _fresh(number)
                turn += number % 10 == 0
            self._stop.wait(PAUSE_S)
        for member in members.values():
            member.close()


@dataclass(slots=True, kw_only=True)
class Witness:
    """Watches the membership as one member knows it, and notes voters that were never learners.

    etcd lists a member without a name until it has started. One that votes before that was added
    as a voter: from then on it counts for every majority, although nobody knows whether it lives.
    """

    context: ssl.SSLContext
    url: str
    looks: int = 0
    premature: set[str] = field(default_factory=set)
    """Peer URLs of members that voted before they had started."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        member, url = Member(self.url, self.context), self.url
        while not self._stop.wait(LOOK_EVERY_S):
            if url != self.url:
                member.close()
                member, url = Member(self.url, self.context), self.url
            try:
                listed = member.ask("cluster/member/list", {"linearizable": False})["members"]
            except EtcdError:
                continue
            self.looks += 1
            fresh = (m for m in listed if not m.get("name") and not m.get("isLearner"))
            self.premature.update(url for m in fresh for url in m["peerURLs"])
        member.close()


def _fresh(number: int) -> tuple[str, str]:
    return f"{PREFIX}{number:08d}", secrets.token_hex(16)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def read_back(url: str, context: ssl.SSLContext) -> dict[str, str]:
    """Read everything the writer may have written, through the quorum."""
    member = Member(url, context, timeout_s=20)
    try:
        beyond = PREFIX[:-1] + chr(ord(PREFIX[-1]) + 1)
        found = member.ask("kv/range", {"key": _encoded(PREFIX), "range_end": _encoded(beyond)})
    finally:
        member.close()
    return {
        base64.b64decode(pair["key"]).decode(): base64.b64decode(pair["value"]).decode()
        for pair in found.get("kvs", [])
    }
