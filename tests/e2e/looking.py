"""A client of the cluster IP that looks twenty times a second, on time, and forgets nothing.

It knows a kubeconfig and nothing else: each look is a new TLS connection, verified by the
cluster's CA for the cluster IP, and one request. It imports nothing of the program it looks at.
"""

import base64
import socket
import ssl
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import yaml

LOOKS_PER_SECOND = 20
TIMEOUT_S = 3.0
AT_ONCE = 64
"""More than can begin within one time-out."""


@dataclass(slots=True)
class Looking:
    """Looks while the context lasts."""

    kubeconfig: Path
    good: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    """Why looks failed."""
    late: int = 0
    """Looks that could not begin on time, because too many others hung."""
    _ends: threading.Event = field(default_factory=threading.Event)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    @property
    def looks(self) -> int:
        return self.good + sum(self.failures.values()) + self.late

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.set()
        if self._thread is not None:
            self._thread.join()

    def __str__(self) -> str:
        return f"{self.looks} looks, {dict(self.failures)} failed, {self.late} late"

    def _run(self) -> None:
        host, port, authority = _access(self.kubeconfig)
        context = ssl.create_default_context(cadata=authority)
        free = threading.Semaphore(AT_ONCE)
        due_s = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while not self._ends.wait(max(0.0, due_s - time.monotonic())):
                due_s += 1 / LOOKS_PER_SECOND
                if free.acquire(blocking=False):
                    pool.submit(self._look, context, host, port, free)
                else:
                    self.late += 1

    def _look(
        self, context: ssl.SSLContext, host: str, port: int, free: threading.Semaphore
    ) -> None:
        problem = _ask(context, host, port)
        with self._guard:
            if problem:
                self.failures[problem] += 1
            else:
                self.good += 1
        free.release()


def _ask(context: ssl.SSLContext, host: str, port: int) -> str:
    """Ask once; return why the answer was not good, or nothing."""
    try:
        with (
            socket.create_connection((host, port), timeout=TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as wire,
        ):
            wire.sendall(b"GET /readyz HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: wire.recv(4096), b""))
    except OSError as error:
        return type(error).__name__
    return "" if answer.startswith(b"HTTP/1.1 200") else f"answered {answer.decode()}"


def _access(kubeconfig: Path) -> tuple[str, int, str]:
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    (cluster,) = [entry["cluster"] for entry in config["clusters"]]
    server = urlsplit(cluster["server"])
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode("ascii")
    return server.hostname or "", server.port or 443, authority
