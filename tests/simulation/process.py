"""One process of the program on its machine, as the world meets it: requests, time, and death.

Everything the program does to the world goes through here, so here it can be killed at an exact
moment, struck by a fault, or made to wait for another process's turn. A killed process is dead for
good: whatever of its code still runs (``finally``) reaches nothing and nobody.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from hakube_gce.emulator.refusals import Refusal
from hakube_gce.ports import Clock
from tests.simulation.cloud import Cloud
from tests.simulation.messages import Json
from tests.simulation.wire import Request

_OTHERS_TURN_S = 15.0


class Killed(BaseException):
    """SIGKILL: not an `Exception`, so that nothing of the program can hold it up."""


class Fate(Protocol):
    """What happens to a process besides what it does."""

    def before(self, request: Request) -> None:
        """Raise, or let the request be sent."""
        ...

    def after(self, request: Request) -> None:
        """Raise once it has been carried out and the answer is on its way, or let it arrive."""
        ...

    def over(self) -> bool:
        """Tell whether the process is dead by now, after whatever it last reached."""
        ...


class Turns(Protocol):
    """Whose turn it is, when several processes run."""

    def reach(self, what: str) -> None:
        """Come to a point at which another process may go on first."""
        ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Alone:
    """The only process: its sleep is everybody's time."""

    clock: Clock

    def reach(self, what: str) -> None:
        return

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Untroubled:
    """Nothing happens."""

    def before(self, request: Request) -> None:
        return

    def after(self, request: Request) -> None:
        return

    def over(self) -> bool:
        return False


@dataclass(slots=True, kw_only=True)
class Process:
    """One process; also the clock that its program has."""

    cloud: Cloud
    name: str
    number: int
    """Its process id."""
    host: str
    turns: Turns
    fate: Fate = field(default_factory=Untroubled)
    dead: bool = False
    clock_off: timedelta = timedelta()
    """How far its machine's clock is ahead of Compute Engine's."""
    background: list[Callable[[], None]] = field(default_factory=list)
    """What its other threads do while it waits: each is called when some time has passed."""
    _in_background: bool = False

    def send(self, request: Request) -> Json:
        """Send one request, unless dead."""
        self._live()
        if request.waits:
            self.sleep(min(self.cloud.remaining_s(request), 120.0))
        self.turns.reach(request.method)
        self._live()
        self._or_die(self.fate.before, request)
        try:
            answer = self.cloud.answer(request, self.name)
        except Refusal:
            self._or_die(self.fate.after, request)  # a refusal is an answer, and may be lost too
            raise
        self._or_die(self.fate.after, request)
        return answer

    def now(self) -> datetime:
        self._live()
        return self.cloud.clock.now() + self.clock_off

    def monotonic(self) -> float:
        self._live()
        return self.cloud.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._live()
        while seconds > 0:
            nap_s = min(seconds, _OTHERS_TURN_S)
            self.turns.sleep(nap_s)
            seconds -= nap_s
            self._live()
            self._do_the_rest()

    def _do_the_rest(self) -> None:
        if self._in_background:
            return
        self._in_background = True
        try:
            for work in tuple(self.background):
                work()
        finally:
            self._in_background = False

    def _or_die(self, step: Callable[[Request], None], request: Request) -> None:
        try:
            step(request)
        except Killed:
            self.dead = True
            raise

    def _live(self) -> None:
        self.dead = self.dead or self.fate.over()
        if self.dead:
            raise Killed


class Inline(Executor):
    """Does at once what it is given, in the caller's thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asks for the result
            future.set_exception(error)
        return future


def inline(_hands: int) -> Executor:
    return Inline()
