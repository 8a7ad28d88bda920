"""A client's eye on the cluster IP while it moves: how long was it really gone?

Probes about twenty times a second with a new TLS connection each time, verified against the
cluster's CA, and remembers when answers stopped and came back. It only looks; moving the address
is somebody else's job.
"""

import threading
from dataclasses import dataclass, field

from hakube_gce.ports import Clock, Probe

INTERVAL_S = 0.05
TIMEOUT_S = 1.0


@dataclass(slots=True)
class Score:
    """Answers in the order they came, and the longest gap between two good ones."""

    probes: int = 0
    failed_probes: int = 0
    gap_s: float = 0.0
    """The longest time between two good answers with a bad one in between; 0 when none failed."""
    last_good_s: float | None = None
    _failing: bool = False

    def count(self, moment_s: float, *, good: bool) -> None:
        """Count one answer."""
        self.probes += 1
        if not good:
            self.failed_probes += 1
            self._failing = self.last_good_s is not None
            return
        if self._failing and self.last_good_s is not None:
            self.gap_s = max(self.gap_s, moment_s - self.last_good_s)
        self._failing = False
        self.last_good_s = moment_s


@dataclass(slots=True, kw_only=True)
class Watch:
    """Watches one address from `start` to `stop`."""

    probe: Probe
    clock: Clock
    address: str
    score: Score = field(default_factory=Score)
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
        """Wait for a good answer after a moment of the clock.

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
        return self.score.last_good_s is not None and self.score.last_good_s > since_s

    def _run(self) -> None:
        while not self._stopping.is_set():
            began_s = self.clock.monotonic()
            good = self.probe.ready(self.address, server_name=self.address, timeout_s=TIMEOUT_S)
            with self._changed:
                self.score.count(self.clock.monotonic(), good=good)
                self._changed.notify_all()
            self._stopping.wait(max(0.0, INTERVAL_S - (self.clock.monotonic() - began_s)))
