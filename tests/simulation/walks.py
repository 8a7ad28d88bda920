"""Random walks: commands, deaths and troubles in an order drawn from one seed.

After each walk the power is back, the API is well, and a teardown must leave an empty project and
everybody else's resources as they were. The same seed gives the same walk, in any process.
"""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hakube_gce.emulator.faults import Fault
from tests.e2e.end_states import lock_and_operation
from tests.simulation.cloud import ZONES, Cloud, drawn_latency
from tests.simulation.foreign import settle_neighbours
from tests.simulation.operator import KILLED, Ended, Operator
from tests.simulation.process import Fate, Untroubled
from tests.simulation.stories import (
    REMOVE,
    REPLICATE,
    SHAPES,
    founded,
    masters_in,
    remove,
    replacement,
    replicate,
    scale,
    teardown,
    up,
)
from tests.simulation.troubles import Weather

EXPIRY_S = 13 * 60.0
LONGEST = 6
"""Events of a walk, at most, unless the caller wants them shorter."""
_EXPECTED = frozenset({0, 3, 5, 6, 7, 8, 9, KILLED})
"""1 is a bug, 2 a misunderstanding; 4 a conflict, with nobody there to conflict with."""
_SHAPES = ("", "", *SHAPES)
"""Half of the walks with a cluster as usual."""
_WIDE = 0.2
"""Share of the walks with commands of several operations."""
_PATIENCE = 5
"""How often the last teardown may have to be repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a walk came to."""

    seed: int
    problems: tuple[str, ...]
    story: tuple[str, ...]
    commands: int
    requests: int
    changes: int
    checks: int
    statuses: Counter[int]
    trace: tuple[str, ...]
    shape: str


@dataclass(slots=True, kw_only=True)
class Walk:
    """One walk under way."""

    seed: int
    folder: Path
    longest: int = LONGEST
    rng: random.Random = field(init=False)
    cloud: Cloud = field(init=False)
    operator: Operator = field(init=False)
    shape: str = field(init=False)
    """The kind of cluster that is founded first; a later one is as usual."""
    wide: bool = field(init=False)
    """Commands of several operations, too."""
    story: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    disturbed: bool = False
    """Whether any VM may be off."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        # of its own, so that the walks of usual clusters stay the ones they were
        self.shape = random.Random(f"shape {self.seed}").choice(_SHAPES)
        self.wide = random.Random(f"wide {self.seed}").random() < _WIDE
        self.cloud = Cloud(drawn_latency(self.rng))
        settle_neighbours(self.cloud)
        self.operator = Operator(
            cloud=self.cloud, folder=self.folder / "desk", rng=random.Random(self.rng.random())
        )

    def go(self) -> Outcome:
        """Walk to the end."""
        self._say(f"a cluster with {self.shape or 'nothing unusual'}")
        first = founded(self._zone(), self.shape)
        if self.wide and self.rng.random() < 0.5:
            first = (*masters_in(*ZONES), *SHAPES[self.shape])
        self._command(first, self._fate())
        for _ in range(self.rng.randint(1, self.longest)):
            self._event()
        self._end()
        self.problems += self.cloud.laws.broken
        return Outcome(
            seed=self.seed,
            problems=tuple(self.problems),
            story=tuple(self.story),
            commands=sum(self.statuses.values()),
            requests=self.cloud.calls,
            changes=self.cloud.changes,
            checks=self.cloud.laws.checks,
            statuses=self.statuses,
            trace=tuple(self.cloud.trace),
            shape=self.shape,
        )

    # ------------------------------------------------------------------------------- events

    def _event(self) -> None:
        kinds: list[tuple[int, Callable[[], object]]] = [
            (6, lambda: self._command(replicate(self._zone()), self._fate())),
            (5, lambda: self._command(self._removal(), self._fate())),
            (1, lambda: self._command(up(self._zone()), self._fate())),
            (1, lambda: self._command(teardown(self._zone()), self._fate())),
            (2, self._power),
            (1, self._cut_off),
            (1, self._forget),
            (1, self._move),
            (2, self._wait),
        ]
        if self.wide:
            kinds += [
                (4, lambda: self._command(scale(self.rng.choice((1, 3))), self._fate())),
                (4, lambda: self._command(self._replacement(), self._fate())),
                (1, lambda: self._command(masters_in(*ZONES), self._fate())),
            ]
        weights = [weight for weight, _ in kinds]
        self.rng.choices([event for _, event in kinds], weights)[0]()

    def _removal(self) -> tuple[str, ...]:
        masters = self.cloud.masters()
        if not masters or self.rng.random() < 0.3:
            return remove(self._zone())
        path, record = self.rng.choice(masters)
        return remove(path.split("/")[3], record["name"])

    def _replacement(self) -> tuple[str, ...]:
        names = [record["name"] for _, record in self.cloud.masters()]
        found = replacement(self.rng.choice(names or ["kubernetes-master"]))
        return found if self.rng.random() < 0.7 else tuple(w for w in found if w != "--new")

    def _zone(self) -> str:
        return self.rng.choice(ZONES)

    def _fate(self) -> Fate:
        rng = random.Random(self.rng.random())
        drawn = self.rng.random()
        if drawn < 0.5:
            return Untroubled()
        if drawn < 0.75:
            return Weather(rng, death_at=rng.randint(1, 14))
        return Weather(rng, rate=rng.choice((0.02, 0.1, 0.2)), death_at=rng.choice((0, 0, 5)))

    def _power(self) -> None:
        masters = self.cloud.masters()
        if not masters:
            return
        path, _ = self.rng.choice(masters)
        what = self.rng.choice(("kill", "stop", "start", "reset", "start"))
        self._say(f"{what} {path.rsplit('/', 1)[1]}")
        self.disturbed = True
        self.cloud.power(what, path)

    def _cut_off(self) -> None:
        """Let a zone be unreachable while a command runs: what lies there is not gone."""
        zone = self._zone()
        self._say(f"zone {zone} cannot be reached")
        self.cloud.lab.faults.add(Fault(unreachable_zone=zone))
        changes = self.cloud.changes
        argv = self.rng.choice((replicate(self._zone()), self._removal(), teardown(self._zone())))
        ended = self._command(argv, Untroubled())
        if self.cloud.changes > changes:
            self.problems.append(f"decided without knowing what lies in {zone}: {ended}")
        self.cloud.lab.faults.clear()

    def _forget(self) -> None:
        self._say("the machine forgets everything")
        self.operator.forget()

    def _move(self) -> None:
        host = self.rng.choice(("desk", "laptop"))
        self._say(f"from now on at the {host}")
        self.operator = self.operator.elsewhere(host, self.folder / host)

    def _wait(self) -> None:
        seconds = self.rng.choice((1.0, 30.0, 300.0, EXPIRY_S, 3600.0))
        self._say(f"{seconds:.0f} s pass")
        self.cloud.clock.sleep(seconds)

    # ------------------------------------------------------------------------------ commands

    def _command(self, argv: tuple[str, ...], fate: Fate) -> Ended:
        changes = self.cloud.changes
        ended = self.operator.alone(argv, fate)
        self.statuses[ended.status] += 1
        self._say(str(ended))
        if isinstance(fate, Weather) and fate.struck:
            self._say(f"    trouble: {'; '.join(fate.struck)}")
        self._judge(ended, self.cloud.changes - changes)
        if self._is_unfinished(ended) and self.rng.random() < 0.6:
            self._again(argv)
        return ended

    def _again(self, argv: tuple[str, ...]) -> None:
        """Run a command again that was cut off: whatever it had begun it must finish."""
        self.cloud.clock.sleep(EXPIRY_S)
        again = self._command(argv, Untroubled())
        zone_is_out_of_reach = again.status == 9 and "is unreachable" in str(again)
        if again.status != 0 and not self.disturbed and not zone_is_out_of_reach:
            self.problems.append(f"was not finished by the same command: {again}")

    def _is_unfinished(self, ended: Ended) -> bool:
        """Tell whether the address remembers the very operation that this command was."""
        left = lock_and_operation(self.cloud)
        if is_course(ended.argv):
            resumed = left.get("hakube-op") in {"create", "replicate", "remove"}
            return ended.status == KILLED and resumed
        zone = next(v for v in ended.argv if v.startswith("KUBE_GCE_ZONE=")).partition("=")[2]
        return (
            ended.status in {KILLED, 7, 9}
            and left.get("hakube-op") == _verb(ended.argv)
            and left.get("hakube-op-zone") == zone
        )

    def _judge(self, ended: Ended, changes: int) -> None:
        exists = ended.result is not None and ended.result.reasons == ("ClusterExists",)
        if ended.status not in _EXPECTED and not exists:
            self.problems.append(f"exit status {ended.status}: {ended}")
        if ended.status in {3, 6} and changes and not is_course(ended.argv):
            self.problems.append(f"refused, but sent {changes} changes: {ended}")
        if ended.status in {7, 9} and ended.error and not ended.error.next_command:
            self.problems.append(f"does not say how to go on: {ended}")
        if ended.status == 0:
            self._judge_success(ended)

    def _judge_success(self, ended: Ended) -> None:
        left = lock_and_operation(self.cloud)
        # kube-up on a cluster that is there leaves what somebody else did not finish as it is
        others = any("stays noted" in line for line in ended.output)
        if left and not others and not any("could not be released" in x for x in ended.output):
            self.problems.append(f"done, but the address still says {left}: {ended}")
        addresses = [r["address"] for p, r in self._addresses()]
        if not self.disturbed and not all(map(self.cloud.serves, addresses)):
            self.problems.append(f"done, but the cluster IP does not answer: {ended}")

    def _addresses(self) -> list[tuple[str, dict[str, str]]]:
        records = self.cloud.dump().items()
        return [(p, r) for p, r in records if p.endswith("/addresses/kubernetes-master-ip")]

    # -------------------------------------------------------------------------------- the end

    def _end(self) -> None:
        self.cloud.laws.check_words(self.cloud.said())
        for path, record in self.cloud.masters():
            if record["status"] != "RUNNING":
                self._say(f"start {record['name']}")
                self.cloud.power("start", path)
        for _ in range(_PATIENCE):
            if self._command(teardown(ZONES[0]), Untroubled()).status == 0:
                break
            self._say("some time passes")
            self.cloud.clock.sleep(EXPIRY_S)
        else:
            self.problems.append("nothing tears it down")
        self.cloud.settle()
        self.cloud.laws.check_empty(self.cloud.dump())
        self.cloud.laws.check_foreign(self.cloud.dump())

    def _say(self, text: str) -> None:
        self.story.append(f"[{self.cloud.clock.elapsed_s:8.1f} s] {text}")


def is_course(argv: tuple[str, ...]) -> bool:
    """Tell whether a command is several operations."""
    return argv[0] in {"scale", "replace"} or any("KUBE_MASTER_ZONES" in word for word in argv)


def _verb(argv: tuple[str, ...]) -> str:
    if argv[0] == "up":
        return "replicate" if REPLICATE in argv else "create"
    return "remove" if REMOVE in argv else "teardown"


def walk(seed: int, root: Path, longest: int = LONGEST) -> Outcome:
    """Walk once, by so many events at most."""
    folder = root / f"walk-{seed}"
    try:
        return Walk(seed=seed, folder=folder, longest=longest).go()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
