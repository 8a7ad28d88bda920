"""A client that never rests: connects to the cluster IP twenty times a second and keeps the score.

Each probe is a new TLS connection, verified by the cluster's CA for the cluster IP, and a request
for ``/readyz``. One that hangs has failed, and keeps no other from looking. It imports nothing of
the program it checks.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from checker import Access

PROBES_PER_SECOND = 20
TIMEOUT_S = 1.0
AT_ONCE = 8
"""Probes under way at the same time; with more of them hanging, the next ones wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch without an answer, by the monotonic clock."""

    began: float
    """The last good answer before."""
    ended: float
    """The first good answer after; the end of the span when there was none yet."""
    failed: tuple[float, ...]
    """When each of the probes without an answer began, in order."""

    @property
    def seconds(self) -> float:
        """How long it was at most: on a busy machine good answers come late, too."""
        return self.ended - self.began

    @property
    def surely_s(self) -> float:
        """How long it was at least."""
        return self.failed[-1] - self.failed[0]


@dataclass(slots=True)
class Prober:
    """Looks from `start` to `stop`."""

    access: Access
    answers: list[tuple[float, bool]] = field(default_factory=list)
    """Good probes by when they were answered, bad ones by when they began; in no order."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why probes failed."""
    _under_way: set[float] = field(default_factory=set)
    """When the probes began that have not ended."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in the background."""
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; the score stands."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=TIMEOUT_S * 5)

    def await_ended(self, until: float) -> None:
        """Wait until every probe that began before a moment has ended."""
        while any(began <= until for began in tuple(self._under_way)):
            time.sleep(0.02)  # noqa: TID251 - each ends by itself within its time-out

    def count(self, since: float, until: float) -> tuple[int, int]:
        """Count good and failed probes in a span."""
        ended = [good for moment, good in list(self.answers) if since <= moment <= until]
        return sum(ended), len(ended) - sum(ended)

    def gaps(self, since: float, until: float) -> list[Gap]:
        """Find every stretch between two good answers with failed ones in between."""
        found: list[Gap] = []
        last_good, failed = since, list[float]()
        for moment, good in sorted(self.answers):
            if not since <= moment <= until:
                continue
            if not good:
                failed.append(moment)
                continue
            if failed:
                found.append(Gap(began=last_good, ended=moment, failed=tuple(failed)))
            last_good, failed = moment, []
        if failed:
            found.append(Gap(began=last_good, ended=until, failed=tuple(failed)))
        return found

    def _run(self) -> None:
        context = ssl.create_default_context(cadata=self.access.authority)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="probe") as pool:
            while not self._stop.wait(1 / PROBES_PER_SECOND):
                if len(self._under_way) < AT_ONCE:
                    began = time.monotonic()
                    self._under_way.add(began)
                    pool.submit(self._look, context, began)

    def _look(self, context: ssl.SSLContext, began: float) -> None:
        problem = _probe(self.access, context)
        self.answers.append((began if problem else time.monotonic(), not problem))
        if problem:
            self.reasons[problem] += 1
        self._under_way.discard(began)


def _probe(access: Access, context: ssl.SSLContext) -> str:
    """Connect once; return why it was not good, or nothing when it was."""
    try:
        with (
            socket.create_connection((access.host, access.port), timeout=TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=access.host) as tls,
        ):
            tls.sendall(b"GET /readyz HTTP/1.1\r\nHost: kubernetes\r\nConnection: close\r\n\r\n")
            first = tls.recv(64)
    except OSError as error:
        return type(error).__name__
    return "" if first.split(b" ")[1:2] == [b"200"] else f"answered {first[:12]!r}"
