"""Agents as real processes over a real etcd on loopback, and an operator who talks to them."""

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

from hakube_gce.clock import SystemClock
from tests.fakes.agent_operator import Line, Operator, answer_to, last, lines

T = TypeVar("T")
CHECKOUT = Path(__file__).resolve().parents[2]
API_PORT = 6443
APISERVER = [
    sys.executable,
    str(Path(__file__).with_name("stand_in_apiserver.py")),
    "{address}",
    "{port}",
    "{cert}",
    "{key}",
]


class Metadata:
    """One VM's metadata server, as far as the agent asks it."""

    def __init__(self, host: str, instance_id: str, attributes: dict[str, str]) -> None:
        self._changed = threading.Condition()
        self._attributes = attributes
        self._version = 1
        self._instance_id = instance_id
        self._server = ThreadingHTTPServer((host, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}
        )
        self._thread.start()
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def write(self, **attributes: str) -> None:
        with self._changed:
            self._attributes |= attributes
            self._version += 1
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._version += 1
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str) -> tuple[str, str]:
        """Return body and tag, after a change if the query waits for one."""
        query = parse_qs(urlsplit(path).query)
        with self._changed:
            if "wait_for_change" in query:
                known = query["last_etag"][0]
                limit_s = float(query["timeout_sec"][0])
                self._changed.wait_for(lambda: str(self._version) != known, limit_s)
            if urlsplit(path).path.endswith("/id"):
                return self._instance_id, str(self._version)
            return json.dumps(self._attributes), str(self._version)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.headers["Metadata-Flavor"] != "Google":
                    self.send_error(403)
                    return
                text, etag = answer(self.path)
                body = text.encode()
                self.send_response(200)
                self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    return  # the agent that waited was killed

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited name
                pass

        return Handler


CLOUD_CONFIG = "[global]\nproject-id = hakube-lab\n"
"""What a master's agent puts where the cloud provider will look for it."""


@dataclass(slots=True, kw_only=True)
class Master:
    """One VM of the lab."""

    name: str
    address: str
    folder: Path
    instance_id: str
    metadata: Metadata
    etcd: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def peer_url(self) -> str:
        return f"https://{self.address}:2380"

    def output(self) -> bytes:
        serial = self.folder / "serial"
        return serial.read_bytes() if serial.exists() else b""


class ProcessLab:
    """Masters by name. Ends every process it started."""

    def __init__(self, *, etcd: Path, folder: Path, prefix: str) -> None:
        """Put masters on ``prefix``.1, .2, …, e.g. ``127.77.3``."""
        self._etcd = etcd
        self._folder = folder
        self._prefix = prefix
        self._pause = threading.Event()
        self.operator = Operator(now=SystemClock().now())
        self.masters: dict[str, Master] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for master in self.masters.values():
            self.kill(master.name)
            master.metadata.close()

    # ------------------------------------------------------------------------------ power

    def insert(self, name: str, *, etcd: Path | None = None) -> Master:
        """Make a VM and boot it; return once it said hello."""
        number = len(self.masters) + 1
        folder = self._folder / name
        folder.mkdir(mode=0o700)
        address = f"{self._prefix}.{number}"
        attributes = {
            "hakube-config": self.operator.config(name),
            "hakube-cloud-config": CLOUD_CONFIG,
        }
        instance_id = str(4710 + number)
        self.masters[name] = Master(
            name=name,
            address=address,
            folder=folder,
            instance_id=instance_id,
            metadata=Metadata(address, instance_id, attributes),
            etcd=etcd or self._etcd,
        )
        self.start(name)
        self.until(lambda: b'"hello"' in self.masters[name].output(), f"{name} says hello")
        return self.masters[name]

    def start(self, name: str) -> None:
        master = self.masters[name]
        command = [
            *(sys.executable, "-m", "hakube_gce.agent"),
            *("--root", str(master.folder / "root"), "--data", str(master.folder / "data")),
            *("--serial", str(master.folder / "serial"), "--metadata", master.metadata.url),
            *("--address", master.address, "--api-port", str(API_PORT)),
            *("--etcd", str(master.etcd), "--apiserver-command", json.dumps(APISERVER)),
            *("--heartbeat-s", "0.5"),
        ]
        environment = {"PATH": os.defpath, "PYTHONPATH": str(CHECKOUT), "LANG": "C.UTF-8"}
        with (master.folder / "agent.log").open("ab") as log:
            master.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )

    def kill(self, name: str) -> None:
        """Cut the power: SIGKILL to the agent; the kernel ends what it started."""
        process = self.masters[name].process
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.masters[name].process = None
            self.until(lambda: not self.etcd_answers(name), f"the etcd of {name} is gone")

    # ---------------------------------------------------------------------------- talking

    def send(self, name: str, request: Mapping[str, Any], **attributes: str) -> Line:
        """Write a request and wait for its answer."""
        master = self.masters[name]
        before = len(lines(master.output()))
        master.metadata.write(**{"hakube-request": json.dumps(request)}, **attributes)

        def fresh() -> Line | None:
            newer = lines(master.output())[before:]
            return next(
                (x for x in newer if x["type"] == "answer" and x["id"] == request["id"]), None
            )

        self.until(fresh, f"{name} answers {request['verb']}", timeout_s=60)
        answer = answer_to(master.output(), request)
        assert answer is not None
        return answer

    def ask(self, master: str, verb: str, **args: object) -> Line:
        request = self.operator.request(verb, self.masters[master].instance_id, args)
        return self.send(master, request)

    def install(self, name: str, *, role: str, **args: object) -> Line:
        master = self.masters[name]
        hello = last(master.output(), "hello")
        certificates = self.operator.certificates(hello, name=name, address=master.address)
        others = [m.peer_url for m in self.masters.values() if m is not master]
        peers = others if role == "joiner" else []
        request = self.operator.install_request(hello, role=role, peers=peers)
        request["args"] |= args
        return self.send(name, request, **{"hakube-certificates": json.dumps(certificates)})

    def admit(self, name: str, *, via: str, timeout_s: float = 60) -> Line:
        url = self.masters[name].peer_url
        return self.ask(via, "admit", name=name, peer_url=url, timeout_s=timeout_s)

    def join(self, name: str, *, via: str) -> None:
        self.insert(name)
        installed = self.install(name, role="joiner")
        assert installed["ok"], installed
        admitted = self.admit(name, via=via)
        assert admitted["ok"], admitted

    def heartbeat(self, name: str) -> Line:
        return last(self.masters[name].output(), "heartbeat")

    def member_id(self, name: str) -> str:
        return str(self.heartbeat(name)["member_id"])

    # --------------------------------------------------------------------- etcd, by itself

    def etcd(self, name: str, path: str, question: Mapping[str, object]) -> dict[str, Any]:
        """Ask a master's etcd directly, with the API server's client certificate."""
        master = self.masters[name]
        pki = master.folder / "root" / "pki"
        context = ssl.create_default_context(cafile=pki / "etcd-ca.crt")
        context.load_cert_chain(pki / "etcd-client.crt", pki / "etcd-client.key")
        request = urllib.request.Request(
            f"https://{master.address}:2379/v3/{path}", json.dumps(question).encode()
        )
        with urllib.request.urlopen(request, timeout=8, context=context) as reply:  # noqa: S310 - as above
            found: dict[str, Any] = json.load(reply)
        return found

    def etcd_answers(self, name: str) -> bool:
        try:
            self.etcd(name, "maintenance/status", {})
        except OSError:
            return False
        return True

    def until(self, holds: Callable[[], T], what: str, *, timeout_s: float = 30.0) -> T:
        """Return what ``holds`` returns once it is true; fail with ``what`` when it never was."""
        for _ in range(int(timeout_s / 0.02)):
            found = holds()
            if found:
                return found
            self._pause.wait(0.02)
        logs = {n: (m.folder / "agent.log").read_text()[-2000:] for n, m in self.masters.items()}
        msg = f"{timeout_s} s went by and still not: {what}; the agents said {logs}"
        raise AssertionError(msg)
