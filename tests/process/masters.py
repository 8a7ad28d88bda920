"""Real etcd members and hollow API servers for tests, started the way a master starts them."""

import http.client
import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hakube_gce.emulator.readiness import is_ready
from tests.process.authority import Authority, Pair
from tests.process.waiting import until

PORT = 6443
ROOT = Path(__file__).parents[2]


class Member:
    """One etcd member with mTLS, which can be killed and started again."""

    def __init__(self, etcd: Path, folder: Path, authority: Authority, address: str) -> None:
        self.address = address
        self.endpoint = f"https://{address}:2379"
        self.peer_url = f"https://{address}:2380"
        self.name = f"etcd-{address}"
        self.authority = authority
        self.leaf = authority.issue(self.name, ips=(address, "127.0.0.1"))
        self._etcd = etcd
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, members: "Sequence[Member]", *, joining: bool = False) -> None:
        """Start it among ``members``; one that joins finds a cluster that lists it already."""
        leaf = ("cert-file", str(self.leaf.certificate)), ("key-file", str(self.leaf.key))
        options = [
            ("name", self.name),
            ("data-dir", str(self._folder / self.name)),
            ("listen-client-urls", self.endpoint),
            ("advertise-client-urls", self.endpoint),
            ("listen-peer-urls", self.peer_url),
            ("initial-advertise-peer-urls", self.peer_url),
            ("initial-cluster", ",".join(f"{m.name}={m.peer_url}" for m in members)),
            ("initial-cluster-state", "existing" if joining else "new"),
            ("client-cert-auth", "true"),
            ("peer-client-cert-auth", "true"),
            *(
                (f"{side}trusted-ca-file", str(self.authority.certificate))
                for side in ("", "peer-")
            ),
            *((f"{side}{name}", value) for side in ("", "peer-") for name, value in leaf),
        ]
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._etcd, *(f"--{name}={value}" for name, value in options)],
                stdout=log,
                stderr=log,
                env={},
            )

    def ask(self, method: str, body: object) -> Any:
        """Ask the JSON gateway, past whatever is tested."""
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        context.load_cert_chain(self.leaf.certificate, self.leaf.key)
        wire = http.client.HTTPSConnection(self.address, 2379, timeout=10, context=context)
        with closing(wire):
            said = ask(wire, "POST", f"/v3/{method}", body)
        assert said.status == 200, said.body
        return said.json()

    def answers(self) -> bool:
        """Tell whether a linearizable read succeeds."""
        try:
            self.ask("kv/range", {"key": "AA=="})
        except (OSError, http.client.HTTPException, AssertionError):
            return False
        return True

    def pause(self) -> None:
        """Freeze it: its connections stay open and nothing answers on them."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Hollow:
    """A hollow API server in a process of its own, on a member."""

    def __init__(self, folder: Path, member: Member) -> None:
        self.member = member
        self.cluster = Authority(folder, f"cluster-ca-{member.address}")
        self.admin = self.cluster.issue("kubernetes-admin", organisation="system:masters")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://{self.member.address}:{PORT}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *more: str) -> None:
        address = self.member.address
        leaf = self.cluster.issue("kube-apiserver", ips=(address,))
        etcd_client = self.member.authority.issue("kube-apiserver-etcd-client")
        options = {
            "address": address,
            "port": PORT,
            "etcd": self.member.endpoint,
            "cert": leaf.certificate,
            "key": leaf.key,
            "client-ca": self.cluster.certificate,
            "etcd-ca": self.member.authority.certificate,
            "etcd-cert": etcd_client.certificate,
            "etcd-key": etcd_client.key,
        }
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hakube_gce.emulator.hollow", *words, *more], cwd=ROOT
        )

    def is_ready(self) -> bool:
        return is_ready(self.member.address, PORT, timeout_s=2)

    def await_ready(self) -> None:
        until(self.is_ready, "the hollow API server is ready")

    def begin_to_end(self) -> None:
        """Send SIGTERM and wait for nothing."""
        assert self._process is not None
        self._process.terminate()

    def terminate(self) -> int:
        """End it as the agent would; return its exit status."""
        if self._process is None:
            return 0
        self._process.terminate()
        status = self._process.wait(timeout=20)
        self._process = None
        return status

    def connect(self, caller: Pair | None = None) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.cluster.certificate))
        if caller is not None:
            context.load_cert_chain(caller.certificate, caller.key)
        return http.client.HTTPSConnection(self.member.address, PORT, timeout=20, context=context)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        caller: Pair | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        """Ask as the administrator, or as ``caller``."""
        with closing(self.connect(caller or self.admin)) as wire:
            return ask(wire, method, path, body, headers=headers)


def ask(
    wire: http.client.HTTPConnection,
    method: str,
    path: str,
    body: object = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> Said:
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} | dict(headers or {})
    wire.request(method, path, body=content, headers=sent)
    answer = wire.getresponse()
    return Said(status=answer.status, headers=dict(answer.headers), body=answer.read())
