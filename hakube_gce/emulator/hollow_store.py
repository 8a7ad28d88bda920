"""Keeps the hollow API server's objects in the master's own etcd, through etcd's JSON gateway.

Nothing is cached: every read is linearizable and every write is a transaction, so that without a
quorum the API fails and after a crash it remembers exactly as the real one would. Values are the
objects' JSON; a real API server on the same etcd reads JSON too. Conflicts are told, never
resolved here.
"""

import base64
import http.client
import json
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 3.0

_READ_TRIES = 4
_LEADER_CHANGED = "leader changed"
"""What etcd says to reads under way when leadership moves, as it does before each planned removal
of the leader. Nothing is wrong and the new leader is known; Kubernetes' own client of etcd asks
such reads again, too, so clients of the API never hear of it."""


class StoreUnavailable(Exception):
    """etcd does not answer, or says that it cannot: no leader, no quorum, a learner."""


class Conflict(Exception):
    """The key is not as the write demanded; the caller looks and decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A key's value as of its last change."""

    key: str
    value: dict[str, Any]
    revision: int
    """etcd's mod_revision: Kubernetes' resourceVersion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event of a watch."""

    revision: int
    before: Stored | None
    after: Stored | None
    """None: the key was deleted."""


class Store:
    """One etcd endpoint, spoken to by many threads."""

    def __init__(self, endpoint: str, *, authority: Path, certificate: Path, key: Path) -> None:
        self._host = urlsplit(endpoint).netloc
        self._context = ssl.create_default_context(cafile=str(authority))
        self._context.load_cert_chain(certificate, key)
        self._idle: list[http.client.HTTPSConnection] = []
        self._guard = threading.Lock()

    def close(self) -> None:
        """Let go of connections that nobody uses now."""
        with self._guard:
            idle, self._idle = self._idle, []
        for wire in idle:
            wire.close()

    def check(self, *, timeout_s: float) -> None:
        """Prove that a linearizable read succeeds.

        Raises:
            StoreUnavailable: It does not.
        """
        self._read({"key": _b64("/registry/health"), "limit": 1}, timeout_s=timeout_s)

    def get(self, key: str) -> Stored | None:
        found = self._read({"key": _b64(key)}).get("kvs", [])
        return _stored(found[0]) if found else None

    def list(self, prefix: str) -> tuple[Sequence[Stored], int]:
        """Return all that stands below a prefix, in order, and the revision that is true of."""
        found = self._read({"key": _b64(prefix), "range_end": _b64(_end(prefix))})
        revision = int(found["header"]["revision"])
        return [_stored(kv) for kv in found.get("kvs", [])], revision

    def create(self, key: str, value: Mapping[str, Any], *, inside: str = "") -> int:
        """Write a key that must not exist yet, under another that must; return the revision.

        Raises:
            Conflict: It exists, or ``inside`` is gone.
        """
        conditions = [_compare(key, "CREATE", "EQUAL", 0)]
        if inside:
            conditions.append(_compare(inside, "CREATE", "GREATER", 0))
        return self._write(conditions, [_put(key, value)])

    def replace(self, key: str, value: Mapping[str, Any], *, revision: int) -> int:
        """Write a key that must still be as of a revision; return the new one.

        Raises:
            Conflict: It changed, or is gone.
        """
        return self._write([_compare(key, "MOD", "EQUAL", revision)], [_put(key, value)])

    def delete(self, key: str, *, revision: int, below: Sequence[str] = ()) -> int:
        """Delete a key that must still be as of a revision, and all below some prefixes with it.

        Raises:
            Conflict: It changed, or is gone already.
        """
        deletions = [{"request_delete_range": {"key": _b64(key)}}]
        for prefix in below:
            span = {"key": _b64(prefix), "range_end": _b64(_end(prefix))}
            deletions.append({"request_delete_range": span})
        return self._write([_compare(key, "MOD", "EQUAL", revision)], deletions)

    def watch(self, prefix: str, *, after: int) -> "Watch":
        """Begin to follow what happens below a prefix after a revision."""
        wire = self._connect(None)
        span = {"key": _b64(prefix), "range_end": _b64(_end(prefix))}
        request = {"create_request": span | {"start_revision": after + 1, "prev_kv": True}}
        try:
            wire.request("POST", "/v3/watch", body=json.dumps(request))
            return Watch(wire, wire.getresponse())
        except (OSError, http.client.HTTPException) as error:
            wire.close()
            raise StoreUnavailable(str(error)) from error

    def _write(
        self, conditions: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]]
    ) -> int:
        done = self._ask("kv/txn", {"compare": conditions, "success": changes})
        if not done.get("succeeded", False):
            raise Conflict
        return int(done["header"]["revision"])

    def _read(self, span: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        for _ in range(_READ_TRIES - 1):
            try:
                return self._ask("kv/range", span, timeout_s=timeout_s)
            except StoreUnavailable as error:
                if _LEADER_CHANGED not in str(error):
                    raise
        return self._ask("kv/range", span, timeout_s=timeout_s)

    def _ask(
        self, method: str, body: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S
    ) -> dict[str, Any]:
        with self._connection(timeout_s) as wire:
            wire.request("POST", f"/v3/{method}", body=json.dumps(body))
            answer = wire.getresponse()
            content = json.loads(answer.read())
        if answer.status != http.HTTPStatus.OK:
            raise StoreUnavailable(content.get("message") or content.get("error") or "")
        return dict(content)

    @contextmanager
    def _connection(self, timeout_s: float) -> Iterator[http.client.HTTPSConnection]:
        wire = self._take(timeout_s)
        try:
            yield wire
        except (OSError, http.client.HTTPException, ValueError) as error:
            wire.close()
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
        except BaseException:
            wire.close()
            raise
        with self._guard:
            self._idle.append(wire)

    def _take(self, timeout_s: float) -> http.client.HTTPSConnection:
        while True:
            with self._guard:
                if not self._idle:
                    break
                wire = self._idle.pop()
            # what can be read before anything was asked is the end: etcd restarted meanwhile
            if wire.sock is not None and not select.select([wire.sock], [], [], 0)[0]:
                wire.sock.settimeout(timeout_s)
                return wire
            wire.close()
        return self._connect(timeout_s)

    def _connect(self, timeout_s: float | None) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._host, timeout=timeout_s, context=self._context)


class Watch:
    """What happens below a prefix, as it happens."""

    def __init__(
        self, wire: http.client.HTTPSConnection, answer: http.client.HTTPResponse
    ) -> None:
        self._wire = wire
        self._answer = answer
        self._socket = wire.sock

    def __iter__(self) -> Iterator[Change]:
        """Wait for changes; ends when `stop` was called or etcd went away.

        Raises:
            Conflict: Changes after the revision asked for were compacted away.
        """
        try:
            while line := self._answer.readline():
                result = json.loads(line).get("result", {})
                if result.get("canceled"):
                    raise Conflict
                yield from map(_change, result.get("events", []))
        except (OSError, http.client.HTTPException, ValueError):
            return  # cut in the middle, by `stop` or by etcd's end: nothing more will come
        finally:
            self._answer.close()
            self._wire.close()

    def stop(self) -> None:
        """Wake whoever iterates, from another thread."""
        try:
            # below TLS: its own shutdown would pull the connection from under the reading thread
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # closed already


def _change(event: Mapping[str, Any]) -> Change:
    kv, before = event["kv"], event.get("prev_kv")
    return Change(
        revision=int(kv["mod_revision"]),
        before=_stored(before) if before else None,
        after=None if event.get("type") == "DELETE" else _stored(kv),
    )


def _stored(kv: Mapping[str, Any]) -> Stored:
    return Stored(
        key=base64.b64decode(kv["key"]).decode(),
        value=json.loads(base64.b64decode(kv["value"])),
        revision=int(kv["mod_revision"]),
    )


def _compare(key: str, target: str, result: str, value: int) -> dict[str, Any]:
    field = {"CREATE": "create_revision", "MOD": "mod_revision"}[target]
    return {"key": _b64(key), "target": target, "result": result, field: str(value)}


def _put(key: str, value: Mapping[str, Any]) -> dict[str, Any]:
    content = json.dumps(value, separators=(",", ":"))
    return {"request_put": {"key": _b64(key), "value": _b64(content)}}


def _end(prefix: str) -> str:
    """Return the first key after all that begin with a prefix.

    >>> _end("/registry/configmaps/")
    '/registry/configmaps0'
    """
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
