"""The tour's eyes: looks at a cluster from outside, and imports nothing of the program it checks.

It knows three things that anybody would have: a kubeconfig, what `hakube emulator env` prints, and
process ids. It dials the cluster IP as kubectl would, asks etcd on etcd's own port, and looks into /proc.
What the program says of itself is compared with this, never believed.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import ssl
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

PROBES_PER_SECOND = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A kubeconfig entry, taken apart."""

    host: str
    port: int
    authority: str
    """PEM."""
    certificate: str
    key: str = field(repr=False)


def read_kubeconfig(path: Path, context: str) -> Access:
    """Read one context of a kubeconfig; fails loudly when anything of it is missing."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    entry = _named(config, "contexts", "context", context)
    cluster = _named(config, "clusters", "cluster", entry["cluster"])
    user = _named(config, "users", "user", entry["user"])
    server = urlsplit(cluster["server"])
    return Access(
        host=server.hostname or "",
        port=server.port or 443,
        authority=_decoded(cluster["certificate-authority-data"]),
        certificate=_decoded(user["client-certificate-data"]),
        key=_decoded(user["client-key-data"]),
    )


def has_context(path: Path, context: str) -> bool:
    """Tell whether a kubeconfig names a context anywhere."""
    return path.exists() and context in path.read_text(encoding="utf-8")


def _named(config: dict[str, Any], kind: str, inner: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(e[inner] for e in config[kind] if e["name"] == name)
    return found


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode("ascii")


# -------------------------------------------------------------------------------------------- the API


def _client_context(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=access.authority)
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder, "pair.pem")
        descriptor = os.open(pair, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(access.certificate + access.key)
        context.load_cert_chain(pair)
    return context


def call_api(access: Access, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Send one request to the cluster IP with the kubeconfig's own credentials."""
    connection = http.client.HTTPSConnection(
        access.host, access.port, context=_client_context(access), timeout=5
    )
    try:
        payload = None if body is None else json.dumps(body)
        connection.request(method, path, payload, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


@dataclass(slots=True)
class Prober:
    """Opens a verified TLS connection to the cluster IP twenty times a second, and keeps the score."""

    access: Access
    good: list[float] = field(default_factory=list)
    bad: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in the background."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; the score stands."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def gap_s(self, since: float, until: float) -> float:
        """Give the longest time between two good answers with a bad one in between."""
        events = sorted(
            [(t, True) for t in self.good if since <= t <= until]
            + [(t, False) for t in self.bad if since <= t <= until]
        )
        longest, last_good, failed = 0.0, None, False
        for moment, good in events:
            if not good:
                failed = last_good is not None
                continue
            if failed and last_good is not None:
                longest = max(longest, moment - last_good)
            last_good, failed = moment, False
        return longest

    def failed(self, since: float, until: float) -> int:
        """Count the probes that failed in a span."""
        return sum(since <= t <= until for t in self.bad)

    def _run(self) -> None:
        context = ssl.create_default_context(cadata=self.access.authority)
        while not self._stop.is_set():
            began = time.monotonic()
            good = _answers(self.access, context)
            (self.good if good else self.bad).append(time.monotonic())
            self._stop.wait(max(0.0, 1 / PROBES_PER_SECOND - (time.monotonic() - began)))


def _answers(access: Access, context: ssl.SSLContext) -> bool:
    try:
        with (
            socket.create_connection((access.host, access.port), timeout=1) as plain,
            context.wrap_socket(plain, server_hostname=access.host) as tls,
        ):
            tls.sendall(b"GET /readyz HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
            return b" 200 " in tls.recv(64)
    except OSError:
        return False


# ----------------------------------------------------------------------------------------------- etcd


def ask_etcd(environment: dict[str, str], path: str, body: object) -> Any:
    """Ask one member on its own client port, with the files `hakube emulator env` names."""
    context = ssl.create_default_context(cafile=environment["ETCDCTL_CACERT"])
    context.load_cert_chain(environment["ETCDCTL_CERT"], environment["ETCDCTL_KEY"])
    where = urlsplit(environment["ETCDCTL_ENDPOINTS"].split(",")[0])
    connection = http.client.HTTPSConnection(
        where.hostname or "", where.port, context=context, timeout=5
    )
    try:
        connection.request("POST", path, json.dumps(body))
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise OSError(f"etcd answered {answer.status}: {content[:200]!r}")
        return json.loads(content)
    finally:
        connection.close()


def members(environment: dict[str, str]) -> dict[str, str]:
    """List etcd's members: name → voter or learner."""
    listed = ask_etcd(environment, "/v3/cluster/member/list", {"linearizable": True})
    return {
        m.get("name", m["ID"]): "learner" if m.get("isLearner") else "voter"
        for m in listed["members"]
    }


def read_key(environment: dict[str, str], key: str) -> bytes | None:
    """Read one key from etcd, linearizably."""
    found = ask_etcd(
        environment, "/v3/kv/range", {"key": base64.b64encode(key.encode()).decode("ascii")}
    )
    values = found.get("kvs", [])
    return base64.b64decode(values[0]["value"]) if values else None


# ------------------------------------------------------------------------------------------ processes


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
