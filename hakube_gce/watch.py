"""A client's eye on the cluster IP while it moves: how long was it really gone?

Begins a probe about twenty times a second: a new TLS connection, verified against the cluster's
CA. A probe that hangs (it was connected to what has just gone) is one that failed; it does not
keep the next ones from looking. It only looks; moving the address is somebody else's job.
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from hakube_gce.errors import HakubeError
from hakube_gce.ports import Clock, Probe

_LOGGER = logging.getLogger(__name__)

INTERVAL_S = 0.05
TIMEOUT_S = 1.0
_AT_ONCE = 8
"""Probes under way at the same time; with more of them hanging, the next ones wait."""


@dataclass(slots=True)
class Score:
    """Answers, and the longest gap between two good ones."""

    _answers: list[tuple[float, bool]] = field(default_factory=list)

    def count(self, moment_s: float, *, good: bool) -> None:
        """Count one probe: a good one by when it was answered, a bad one by when it began."""
        self._answers.append((moment_s, good))

    @property
    def probes(self) -> int:
        return len(self._answers)

    @property
    def failed_probes(self) -> int:
        return sum(not good for _, good in self._answers)

    @property
    def gap_s(self) -> float:
        """The longest time between two good answers with a bad one in between; 0 without one."""
        longest, last_good_s, failing = 0.0, None, False
        for moment_s, good in sorted(self._answers):
            if not good:
                failing = last_good_s is not None
                continue
            if failing and last_good_s is not None:
                longest = max(longest, moment_s - last_good_s)
            last_good_s, failing = moment_s, False
        return longest


class Watching(Protocol):
    """An address being watched."""

    @property
    def score(self) -> Score: ...
    def stop(self) -> None: ...
    def await_good(self, *, since_s: float, timeout_s: float) -> bool: ...


@dataclass(slots=True, kw_only=True)
class Watch:
    """Watches one address from `start` to `stop`."""

    probe: Probe
    clock: Clock
    address: str
    score: Score = field(default_factory=Score)
    _last_good_began_s: float | None = None
    _under_way: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, in the background."""
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; the score stands."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=TIMEOUT_S * 3)

    def await_good(self, *, since_s: float, timeout_s: float) -> bool:
        """Wait for a good answer to a probe that began after a moment of the clock.

        Returns:
            False when none came in time.
        """
        deadline = self.clock.monotonic() + timeout_s
        with self._changed:
            while not self._good_since(since_s):
                left = deadline - self.clock.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.2))
            return True

    def _good_since(self, since_s: float) -> bool:
        return self._last_good_began_s is not None and self._last_good_began_s > since_s

    def _run(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="watch") as pool:
            while True:
                with self._changed:
                    busy = self._under_way >= _AT_ONCE
                    self._under_way += not busy
                if not busy:
                    pool.submit(self._look)
                if self._stopping.wait(INTERVAL_S):
                    return

    def _look(self) -> None:
        began_s = self.clock.monotonic()
        good = False
        try:
            good = self.probe.ready(self.address, server_name=self.address, timeout_s=TIMEOUT_S)
        except HakubeError:
            _LOGGER.debug("the cluster's CA is not to be had yet", exc_info=True)
        with self._changed:
            self._under_way -= 1
            self.score.count(self.clock.monotonic() if good else began_s, good=good)
            if good:
                self._last_good_began_s = max(began_s, self._last_good_began_s or began_s)
            self._changed.notify_all()


def watch_in_background(probe: Probe, clock: Clock, address: str) -> Watching:
    """Begin to watch an address in threads of its own."""
    watch = Watch(probe=probe, clock=clock, address=address)
    watch.start()
    return watch
