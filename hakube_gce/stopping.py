"""Signals, made gentle: the first one lets the current step end, the second one ends the program.

No work is done in a handler: it sets a flag. Waiting (for a VM, an agent, a balancer) ends early
through the clock that waits. An open outage window puts that off: it is closed or rolled back
first.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import FrameType

from hakube_gce.errors import Interrupted
from hakube_gce.ports import Clock

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ONE_STOP_S = 0.05
"""The same signal again so soon is the first one still: `timeout` sends it to the program and then
to its whole group, and no hand is as quick."""


@dataclass(slots=True, kw_only=True)
class Stopping:
    """Whether somebody wants the run to end, and by which signal."""

    on_first: Callable[[], None]
    on_second: Callable[[int], None]
    event: threading.Event = field(default_factory=threading.Event)
    signal_number: int = 0
    time_s: Callable[[], float] = time.monotonic
    _first_at_s: float = 0.0
    _put_off: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """Let no wait end early while this block runs: what it does must come to its end."""
        with self._guard:
            self._put_off += 1
        try:
            yield
        finally:
            with self._guard:
                self._put_off -= 1

    @property
    def is_due(self) -> bool:
        """A stop is wanted, and nothing puts it off."""
        return self.event.is_set() and not self._put_off

    def install(self) -> None:
        """Take over the signals of this process."""
        for number in SIGNALS:
            signal.signal(number, self.handle)

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Note a signal: the first is a wish, a second one an order."""
        if self.event.is_set():
            again = number != self.signal_number or self.time_s() > self._first_at_s + _ONE_STOP_S
            if again:
                self.on_second(number)
            return
        self.signal_number, self._first_at_s = number, self.time_s()
        self.event.set()
        self.on_first()

    def interrupted(self) -> Interrupted:
        """Make the error that a stopped run ends in."""
        name = signal.Signals(self.signal_number).name if self.signal_number else "a signal"
        return Interrupted(f"stopped by {name}", signal_number=self.signal_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppableClock:
    """A clock whose sleep ends when a stop is wanted."""

    clock: Clock
    stopping: Stopping

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or raise when a stop is wanted.

        Raises:
            Interrupted: A signal came.
        """
        if not self.stopping.event.is_set():
            self.stopping.event.wait(max(0.0, seconds))
        elif not self.stopping.is_due:
            self.clock.sleep(seconds)
        if self.stopping.is_due:
            raise self.stopping.interrupted()
