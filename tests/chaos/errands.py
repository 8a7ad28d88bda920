"""Our own commands, going on while things go wrong.

Every command is given as documented, again and again until it is done, as an operator would who
gets the same line back at the end of a run that failed. How each attempt ended is noted.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from tests.chaos.events import Errand
from tests.chaos.lab import Ran

PAUSE_S = 1.0
MOST_ATTEMPTS = 60
NO_SUCH_REPLICA = 3


class GaveUp(Exception):
    """A command was not done after many attempts."""


class Commands(Protocol):
    """Runs our commands; see `lab.Operator`."""

    def replicate(self, zone: str) -> Ran: ...

    def remove(self, zone: str, name: str) -> Ran: ...


class Masters(Protocol):
    """Knows the masters; see `roster.Roster`."""

    def refresh(self) -> None: ...

    def within(self, zone: str) -> list[str]: ...


@dataclass(slots=True, kw_only=True)
class Errands:
    """Runs errands one after the other until told to stop; the one under way is finished."""

    operator: Commands
    roster: Masters
    chosen: Iterator[Errand]
    pause_s: float = PAUSE_S
    """Between two attempts at one command."""
    runs: list[Ran] = field(default_factory=list)
    """Every attempt."""
    done: list[str] = field(default_factory=list)
    """Errands that were finished."""
    problem: str = ""
    """Why it could not go on, if so."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="errands", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin no other errand."""
        self._stop.set()

    def await_end(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            for errand in self.chosen:
                if self._stop.is_set():
                    return
                self._carry_out(errand)
                self.done.append(f"{errand.kind} in {errand.zone}")
        except Exception as error:  # noqa: BLE001 - it ends this thread, and the verdict says so
            self.problem = f"{type(error).__name__}: {error}"

    def _carry_out(self, errand: Errand) -> None:
        operator, zone = self.operator, errand.zone
        if errand.kind == "add, then remove":
            self._insist(lambda: operator.replicate(zone))
        masters = self.roster.within(zone)
        leaving = masters[-1 if errand.newest else 0]
        self._insist(lambda: operator.remove(zone, leaving))
        if errand.kind == "replace":
            self._insist(lambda: operator.replicate(zone))

    def _insist(self, command: Callable[[], Ran]) -> None:
        """Repeat a command until it is done."""
        for attempt in range(MOST_ATTEMPTS):
            ran = command()
            self.runs.append(ran)
            self.roster.refresh()
            # An attempt that got as far as the last step may have been the one that removed it.
            if ran.status == 0 or (attempt and ran.status == NO_SUCH_REPLICA):
                return
            threading.Event().wait(self.pause_s)
        raise GaveUp(f"not done after {MOST_ATTEMPTS} attempts: {self.runs[-1].shown}")
