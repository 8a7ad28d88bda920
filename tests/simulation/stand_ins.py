"""What stands in for a run's threads, screen, probe and slow keys in the simulation.

Each does what the production part does, in the one thread there is and on virtual time.
"""

import functools
import random
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from hakube_gce import sealing
from hakube_gce.errors import HakubeError, Locked
from hakube_gce.execute import Crew
from hakube_gce.lock import HeldLock
from hakube_gce.plan.graph import Planned
from hakube_gce.ports import Clock, Probe
from hakube_gce.watch import Score
from tests.simulation.process import Process


@dataclass(slots=True)
class Screen:
    """Remembers what was printed."""

    lines: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.lines.append(text)

    def started(self, planned: Planned) -> None:
        self.lines.append(f"  {planned.key} …")

    def finished(self, planned: Planned, seconds: float) -> None:
        self.steps.append(planned.key)
        self.lines.append(f"  {planned.key}: {seconds:.1f} s")

    def failed(self, planned: Planned, error: HakubeError) -> None:
        self.lines.append(f"  {planned.key}: {error.message}")


@dataclass(frozen=True, slots=True)
class Drawn:
    """Carries out one step at a time, each drawn from those that are ready."""

    rng: random.Random
    process: Process
    waiting: list[tuple[Future[Planned], Callable[[], Planned]]] = field(default_factory=list)

    def begin(self, work: Callable[[], Planned]) -> Future[Planned]:
        future: Future[Planned] = Future()
        self.waiting.append((future, work))
        return future

    def some_done(self, running: Collection[Future[Planned]]) -> Collection[Future[Planned]]:
        future, work = self.waiting.pop(self.rng.randrange(len(self.waiting)))
        self.process.turns.reach("step")
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - as a pool does: the executor asks for it
            future.set_exception(error)
        return [future]


@dataclass(frozen=True, slots=True)
class CloudProbe:
    """Asks the world itself; it is asked nothing that a killed process could still hear."""

    process: Process
    reaches: bool

    def ready(self, address: str, *, server_name: str, timeout_s: float) -> bool:
        self.process.monotonic()
        return self.reaches and self.process.cloud.serves(address)


@dataclass(slots=True, kw_only=True)
class Watch:
    """Watches an address whenever time has passed: nothing changes in between."""

    probe: Probe
    clock: Clock
    process: Process
    address: str
    score: Score = field(default_factory=Score)
    last_good_s: float = -1.0

    def start(self) -> "Watch":
        self.process.cloud.clock.moved.append(self._glance)
        return self

    def _glance(self) -> None:
        if not self.process.dead:
            self.look()

    def look(self) -> bool:
        good = self.probe.ready(self.address, server_name=self.address, timeout_s=1.0)
        self.score.count(self.clock.monotonic(), good=good)
        if good:
            self.last_good_s = self.clock.monotonic()
        return good

    def await_good(self, *, since_s: float, timeout_s: float) -> bool:
        deadline = self.clock.monotonic() + timeout_s
        while not self.look() or self.last_good_s < since_s:
            if self.clock.monotonic() >= deadline:
                return False
            self.clock.sleep(1.0)
        return True

    def stop(self) -> None:
        moved = self.process.cloud.clock.moved
        moved[:] = [tell for tell in moved if tell != self._glance]


def drawn_crew(rng: random.Random, process: Process) -> AbstractContextManager[Crew]:
    @contextmanager
    def drawn() -> Iterator[Crew]:
        yield Drawn(rng, process)

    return drawn()


@contextmanager
def renewed(process: Process, held: HeldLock) -> Iterator[None]:
    """As `renewal.renewed`, but the process's waits are when its other thread has time."""

    def keep() -> None:
        if held._guard.locked():  # noqa: SLF001 - the other thread would wait; here there is one
            return
        try:
            held.keep()
        except Locked:
            process.background.clear()
        except HakubeError:
            return  # the API has trouble

    process.background.append(keep)
    try:
        yield
    finally:
        process.background.clear()


@functools.cache
def _drawn_once(now: datetime) -> sealing.Recipient:
    # RSA-3072 takes a third of a second to draw; nobody here can do anything with a known one
    return sealing.new_recipient("hakube", now=now, randomness=random.Random(1).randbytes)


def known_recipient(
    name: str, *, now: datetime, randomness: Callable[[int], bytes]
) -> sealing.Recipient:
    return _drawn_once(now.replace(hour=0, minute=0, second=0, microsecond=0))
