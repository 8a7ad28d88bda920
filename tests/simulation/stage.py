"""Several processes in one world: one runs, the others wait for their turn.

Each has a thread, because the program's own calls lie on its stack; but only the one that holds
the baton moves, and it is handed over only where a process reaches the world. Who goes on is
somebody's choice: so an order can be drawn, or every order be tried.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.simulation.clock import VirtualClock

Chooser = Callable[[Sequence[str]], int]
"""Picks one of several processes, by place in the list."""


class Abandoned(BaseException):
    """The stage is being cleared: a thread that still waits must end."""


@dataclass(slots=True)
class Actor:
    """One process's turns."""

    stage: "Stage"
    name: str
    wakes_s: float = 0.0
    ended: bool = False
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def reach(self, what: str) -> None:
        """Let the stage decide who goes on, where it may."""
        if what in self.stage.points:
            self.stage.hand_over(self)

    def sleep(self, seconds: float) -> None:
        """Let time pass for everybody: who else could go on is slow, unless the stage asks."""
        if "sleep" in self.stage.points:
            self.nap(seconds)
        else:
            self.stage.clock.sleep(seconds)

    def nap(self, seconds: float) -> None:
        """Sleep, and let others go on meanwhile."""
        self.wakes_s = self.stage.clock.elapsed_s + seconds
        self.stage.hand_over(self)


@dataclass(slots=True, kw_only=True)
class Stage:
    """Whose turn it is."""

    clock: VirtualClock
    choose: Chooser
    points: frozenset[str]
    """What a process reaches when another may go on first: method ids, ``step``, ``sleep``."""
    actors: list[Actor] = field(default_factory=list)
    error: BaseException | None = None
    _threads: list[threading.Thread] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)
    _cleared: bool = False

    def actor(self, name: str) -> Actor:
        found = Actor(self, name)
        self.actors.append(found)
        return found

    def enter(self, actor: Actor, work: Callable[[], None]) -> None:
        """Give an actor something to do once it is its turn."""

        def live() -> None:
            actor.turn.acquire()
            try:
                if not self._cleared:
                    work()
            except Abandoned:
                pass
            except BaseException as error:  # noqa: BLE001 - told to whoever plays the stage
                self.error = error
            finally:
                actor.ended = True
                self._pass_on()

        thread = threading.Thread(target=live, name=actor.name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def play(self) -> None:
        """Let everybody come to an end."""
        self._pass_on()
        # a bound for a deadlock of ours, not a wait of theirs: time here is virtual
        finished = self._done.wait(120.0)
        if not finished:
            self._cleared = True
        for thread in self._threads:
            thread.join(10.0)
        if self.error is not None:
            raise self.error
        assert finished, "the stage stood still"

    def hand_over(self, actor: Actor) -> None:
        chosen = self._next()
        if chosen is actor:
            return
        chosen.turn.release()
        actor.turn.acquire()
        if self._cleared:
            raise Abandoned

    def _pass_on(self) -> None:
        if all(actor.ended for actor in self.actors):
            self._done.set()
            return
        self._next().turn.release()

    def _next(self) -> Actor:
        living = [actor for actor in self.actors if not actor.ended]
        awake = [a for a in living if a.wakes_s <= self.clock.elapsed_s]
        if not awake:
            self.clock.sleep(min(a.wakes_s for a in living) - self.clock.elapsed_s)
            awake = [a for a in living if a.wakes_s <= self.clock.elapsed_s + 1e-9]
        return awake[self.choose([a.name for a in awake]) if len(awake) > 1 else 0]


@dataclass(slots=True, kw_only=True)
class Preempted:
    """One goes first, is stopped after so many points, and goes on when the others have ended."""

    first: int
    after: int
    _points: int = 0
    _favourite: str = ""

    def choose(self, names: Sequence[str]) -> int:
        self._points += 1
        if self._points == 1:
            self._favourite = names[self.first]
        there = names.index(self._favourite)
        return there if self._points <= self.after else (there + 1) % len(names)


@dataclass(slots=True)
class Orders:
    """Every order there is, one after the other: each play follows a script, then the first."""

    script: list[int] = field(default_factory=list)
    _options: list[int] = field(default_factory=list)
    _taken: list[int] = field(default_factory=list)

    def choose(self, names: Sequence[str]) -> int:
        place = len(self._taken)
        chosen = self.script[place] if place < len(self.script) else 0
        self._options.append(len(names))
        self._taken.append(chosen)
        return chosen

    def next_order(self) -> bool:
        """Turn to the next order; False when there is none left."""
        taken, options = self._taken, self._options
        while taken and taken[-1] + 1 >= options[len(taken) - 1]:
            taken.pop()
        if not taken:
            return False
        self.script = [*taken[:-1], taken[-1] + 1]
        self._options, self._taken = [], []
        return True
