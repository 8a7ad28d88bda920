"""An operator's machine in the simulation, and a command run on it: the product's whole course.

From variables over `Settings`, `assemble.put_together` and `run.run` to the exit status, with the
edges of `process` instead of HTTP, threads and the machine's clock. What a machine keeps are real
files in a folder, which may be forgotten at any time.
"""

import functools
import random
import shutil
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from hakube_gce import courses
from hakube_gce.assemble import Edges, Means, put_together
from hakube_gce.cli import status_of
from hakube_gce.errors import HakubeError, Locked, TargetNotFound
from hakube_gce.gce.calls import Persistence
from hakube_gce.gce.gateway import GoogleCompute
from hakube_gce.intents import Command
from hakube_gce.job import Job
from hakube_gce.lab import Place
from hakube_gce.lock import HeldLock, Holder
from hakube_gce.model import Intent, Lock, Observed, Operation, Verb
from hakube_gce.perform.context import Context, Limits
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.render import Result
from hakube_gce.run import resume_command, run, same_again
from hakube_gce.same_command import NOTHING_SEEN
from hakube_gce.settings import Settings
from hakube_gce.stopping import Stopping
from tests.simulation.cloud import PROJECT, Cloud
from tests.simulation.process import Alone, Fate, Killed, Process, Turns, Untroubled, inline
from tests.simulation.stand_ins import (
    CloudProbe,
    Screen,
    Watch,
    drawn_crew,
    known_recipient,
    renewed,
)
from tests.simulation.wire import clients

LIMITS = Limits(poll_s=5.0, drain_s=5.0, boot_s=300, install_s=200, ready_s=300, backends_s=600)
"""The product's, but polled seldom and given up sooner: waiting costs the test, not the world."""
KILLED = -9


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    argv: tuple[str, ...]
    status: int
    output: tuple[str, ...]
    steps: tuple[str, ...] = ()
    """Keys of the steps that were finished."""
    result: Result | None = None
    error: HakubeError | None = None
    bug: str = ""

    def __str__(self) -> str:
        return "\n  ".join([f"{' '.join(self.argv)} -> {self.status}", *self.output, self.bug])


@dataclass(slots=True, kw_only=True)
class Operator:
    """A machine with our program on it."""

    cloud: Cloud
    folder: Path
    rng: random.Random
    host: str = "desk"
    clock_off: timedelta = timedelta()
    """How far its clock is ahead of Compute Engine's."""
    reaches: bool = True
    """Whether a packet of its own finds a way to the cluster IP."""
    crowd: list[Process] = field(default_factory=list)
    """Every process there was, on whichever machine: who is gone is known on its own host."""

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def copy(self, cloud: Cloud, folder: Path) -> "Operator":
        """Return the same machine in another world."""
        if self.folder.exists():
            shutil.copytree(self.folder, folder)
        rng = random.Random(0)
        rng.setstate(self.rng.getstate())
        return replace(self, cloud=cloud, folder=folder, rng=rng, crowd=list(self.crowd))

    def elsewhere(self, host: str, folder: Path) -> "Operator":
        """Return another machine in the same world."""
        return replace(self, folder=folder, host=host)

    def forget(self) -> None:
        """Become a fresh machine: keys, journal and kubeconfig are gone."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def alone(self, argv: tuple[str, ...], fate: Fate | None = None) -> Ended:
        """Run a command while nobody else does anything."""
        process = self.process(
            f"run-{len(self.crowd)}", Alone(self.cloud.clock), fate or Untroubled()
        )
        return self.run(process, argv)

    def process(self, name: str, turns: Turns, fate: Fate) -> Process:
        """Start a process; it does nothing yet."""
        found = Process(
            cloud=self.cloud,
            name=name,
            number=len(self.crowd) + 100,
            host=self.host,
            turns=turns,
            fate=fate,
            clock_off=self.clock_off,
        )
        self.crowd.append(found)
        return found

    def run(self, process: Process, argv: tuple[str, ...]) -> Ended:
        """Run a command and its variables, e.g. ``KUBE_GCE_ZONE=…``.

        ``up``, ``down``, ``scale --to=N`` or ``replace NAME``.
        """
        screen = Screen()
        try:
            return self._run(process, argv, screen)
        except Killed:
            return _ended(argv, screen, KILLED)
        except HakubeError as error:
            screen.say(f"error: {error.message}")
            return replace(_ended(argv, screen, status_of(error)), error=error)
        except Exception:  # noqa: BLE001 - a bug of the product is what is looked for
            return replace(_ended(argv, screen, 1), bug=traceback.format_exc())
        finally:
            process.dead = True

    def _run(self, process: Process, argv: tuple[str, ...], screen: Screen) -> Ended:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        means = self._means(process, argv, screen)
        zone = means.settings.zone
        job = self._job(means, process, screen)
        try:  # as `commands.change` does
            if means.gateway.find_zone(zone) is None:
                raise TargetNotFound(f"KUBE_GCE_ZONE={zone}: there is no such zone")
            result = _carry_out(job, means.settings, argv)
        except HakubeError as error:
            _add_next_command(job, error)
            raise
        found = _ended(argv, screen, result.exit_status)
        return replace(found, result=result)

    def _means(self, process: Process, argv: tuple[str, ...], screen: Screen) -> Means:
        settings = replace(
            _settings(argv),
            home=str(self.folder / "home"),
            kubeconfig_files=(str(self.folder / "kubeconfig"),),
        )
        persistence = Persistence(
            project=PROJECT, clock=process, rng=random.Random(self.rng.random()), budget_s=300.0
        )
        edges = Edges(
            gateway=GoogleCompute(
                clients(process.send, self.cloud.clock.now),
                persistence,
                network_project=settings.networking.project,
                pools=inline,
            ),
            clock=process,
            waits=process,
            limits=LIMITS,
            randomness=self.rng.randbytes,
            pools=inline,
        )
        place = Place(endpoint="http://simulation", runtime="records")
        stopping = Stopping(on_first=lambda: None, on_second=lambda _: None)
        return put_together(settings, place, {}, edges, stopping=stopping, warn=screen.say)

    def _job(self, means: Means, process: Process, screen: Screen) -> Job:
        place = replace(
            means.lock_place(),
            holder=Holder(name=process.name, host=process.host, pid=process.number),
            is_gone=self._is_gone,
            new_hex=self._new_hex,
        )

        def context(
            blueprint: Blueprint, operation: Operation, seen: Observed, lock: HeldLock
        ) -> Context:
            made = means.context(blueprint, operation, seen, lock, say=screen.say)
            return replace(
                made,
                probe=CloudProbe(process, self.reaches),
                randomness=self.rng.randbytes,
                new_recipient=known_recipient,
                watch=lambda probe, clock, address: Watch(
                    probe=probe, clock=clock, address=address, process=process
                ).start(),
            )

        return Job(
            intent=means.settings.intent or Intent(verb=Verb.REPLICATE, zone=means.settings.zone),
            gateway=means.gateway,
            observe=means.observer.observe,
            inherit=means.inherit,
            lock_place=place,
            context=context,
            screen=screen,
            note=means.journal.write,
            clock=process,
            stopping=means.stopping,
            operation_id=self._new_hex(12),
            new_id=functools.partial(self._new_hex, 12),
            renewed=functools.partial(renewed, process),
            crew=functools.partial(drawn_crew, self.rng, process),
        )

    def _is_gone(self, lock: Lock) -> bool:
        return lock.host == self.host and any(
            p.number == lock.pid and p.dead and p.host == self.host for p in self.crowd
        )

    def _new_hex(self, digits: int) -> str:
        return self.rng.randbytes((digits + 1) // 2).hex()[:digits]


def _carry_out(job: Job, settings: Settings, argv: tuple[str, ...]) -> Result:
    """Run one operation or several, as the command's own module does."""
    match argv:
        case ("scale", number, *_):
            masters = int(number.removeprefix("--to="))
            return courses.towards(job, courses.goal_of(settings, masters), "scale")
        case ("replace", name, *_):
            return courses.put_another_in_place(job, name, anew="--new" in argv)
        case _ if settings.master_zones:
            goal = courses.goal_of(settings, len(settings.master_zones))
            return courses.towards(job, replace(goal, founding=True), "create")
        case _:
            return run(job)


def _add_next_command(job: Job, error: HakubeError) -> None:
    if isinstance(error, Locked):  # as `commands` does: what is noted there is another run's
        error.next_command = same_again(job, job.inherit(NOTHING_SEEN).blueprint)
        return
    try:
        error.next_command = resume_command(job, job.inherit(NOTHING_SEEN).blueprint)
    except HakubeError:
        return


def _ended(argv: tuple[str, ...], screen: Screen, status: int) -> Ended:
    return Ended(argv=argv, status=status, output=tuple(screen.lines), steps=tuple(screen.steps))


@functools.cache
def _settings(argv: tuple[str, ...]) -> Settings:
    command, *words = argv
    variables = [word for word in words if "=" in word and word[0].isupper()]
    environment: Mapping[str, str] = {
        "HOME": "/nonexistent",
        "PROJECT": PROJECT,
        "HAKUBE_COMPUTE_ENDPOINT": "http://127.0.0.1:9",
        "KUBE_CREATE_NODES": "false",
        **dict(v.split("=", 1) for v in variables),
    }
    known = Command(command) if command in {"up", "down"} else Command.OTHER
    return Settings.parse(environment, command=known)
