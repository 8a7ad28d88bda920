"""A clock that tests own: it moves only when somebody sleeps or the test says so.

It refuses what a real clock would never do: go backwards, or sleep a negative time. Safe to share
between threads; a sleeper never really waits.
"""

import threading
from datetime import UTC, datetime, timedelta

DAWN = datetime(2026, 11, 21, 6, 0, 0, tzinfo=UTC)


class FakeClock:
    """Time as a value."""

    def __init__(self, start: datetime = DAWN, *, monotonic: float = 1000.0) -> None:
        if start.tzinfo is None:
            msg = "a clock without a time zone is a bug waiting for summer"
            raise ValueError(msg)
        self._guard = threading.Lock()
        self._now = start
        self._monotonic = monotonic
        self._naps: list[float] = []

    def now(self) -> datetime:
        with self._guard:
            return self._now

    def monotonic(self) -> float:
        with self._guard:
            return self._monotonic

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        with self._guard:
            self._naps.append(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody having slept."""
        if seconds < 0:
            msg = f"time does not go back ({seconds} s)"
            raise ValueError(msg)
        with self._guard:
            self._now += timedelta(seconds=seconds)
            self._monotonic += seconds

    @property
    def naps(self) -> tuple[float, ...]:
        """Every sleep that was asked for, in seconds, in order."""
        with self._guard:
            return tuple(self._naps)
