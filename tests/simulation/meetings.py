"""Two commands in one world at once: in every order of steps, or with one of them asleep."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.e2e.end_states import differences, end_state, lock_and_operation
from tests.simulation.crashes import Course
from tests.simulation.operator import Ended, Operator
from tests.simulation.process import Fate, Turns, Untroubled
from tests.simulation.stage import Actor, Chooser, Orders, Stage
from tests.simulation.stories import B, Beginnings, Scene, Story, teardown, up
from tests.simulation.wire import Request

STEPS = frozenset({"step", "zones.get", "addresses.insert", "addresses.setLabels"})
"""Step granularity: before a run looks, writes to lock or operation, or begins a step."""
NAP_S = 20 * 60.0
EXPIRY_S = 13 * 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """How a meeting ended."""

    scene: Scene
    ended: tuple[Ended, ...]
    changes: tuple[int, ...]
    """Of each run, those that were carried out."""


def meet(scene: Scene, commands: tuple[tuple[str, ...], ...], choose: Chooser) -> Met:
    """Run commands at once, each on a machine of its own."""
    stage = Stage(clock=scene.cloud.clock, choose=choose, points=STEPS)
    ended: dict[int, Ended] = {}
    for number, argv in enumerate(commands):
        host = f"desk-{number}"
        operator = scene.operator.elsewhere(host, scene.operator.folder / host)
        actor = stage.actor(host)
        stage.enter(actor, _work(operator, actor, Untroubled(), argv, ended, number))
    stage.play()
    return _met(scene, ended, len(commands))


def _work(
    operator: Operator,
    turns: Turns,
    fate: Fate,
    argv: tuple[str, ...],
    ended: dict[int, Ended],
    number: int,
) -> Callable[[], None]:
    def work() -> None:
        process = operator.process(f"guest-{number}", turns, fate)
        ended[number] = operator.run(process, argv)

    return work


def _met(scene: Scene, ended: dict[int, Ended], runs: int) -> Met:
    return Met(
        scene=scene,
        ended=tuple(ended[n] for n in range(runs)),
        changes=tuple(scene.cloud.changed_by[f"guest-{n}"] for n in range(runs)),
    )


def all_meetings(
    beginnings: Beginnings, masters: int, commands: tuple[tuple[str, ...], ...], most: int
) -> Iterator[Met]:
    """Let commands meet in every order of their steps, up to so many."""
    orders = Orders()
    for _ in range(most):
        yield meet(beginnings(masters), commands, orders.choose)
        if not orders.next_order():
            return


def judge(met: Met) -> list[str]:
    """Say what two runs at once may not come to."""
    problems = list(met.scene.cloud.laws.broken)
    for ended, changes in zip(met.ended, met.changes, strict=True):
        exists = ended.result is not None and ended.result.reasons == ("ClusterExists",)
        if ended.status not in {0, 3, 5, 6} and not exists:
            problems.append(f"exit status {ended.status}")
        # whoever loses at a birth may have made the address that the winner then took
        born = len(ended.argv) == len(("up", "KUBE_GCE_ZONE=…"))
        if ended.status != 0 and changes > (1 if born else 0):
            problems.append(f"refused with {ended.status} after {changes} changes")
    problems += _founded_twice(met)
    if not any(ended.status == 0 for ended in met.ended):
        problems.append("nobody won")
    met.scene.cloud.settle()
    if left := lock_and_operation(met.scene.cloud):
        problems.append(f"the address still says {left}")
    met.scene.cloud.laws.check_foreign(met.scene.cloud.dump())
    problems += met.scene.cloud.laws.broken
    return [*problems, *map(str, met.ended)] if problems else []


def _founded_twice(met: Met) -> list[str]:
    """Two may not both say that they created the cluster, each in a zone of its own."""
    zones = {
        ended.argv for ended in met.ended if ended.status == 0 and ended.argv == up(_zone(ended))
    }
    return ["it was created in two zones"] if len(zones) > 1 else []


def _zone(ended: Ended) -> str:
    return ended.argv[1].partition("=")[2]


# ------------------------------------------------------------------------------ overslept


@dataclass(slots=True)
class Nap:
    """A machine that sleeps, lid closed, for longer than its lock holds; at its nth change."""

    number: int
    stage: Stage
    actor: Actor
    seen: int = 0
    wake_other: list[Actor] = field(default_factory=list)

    def before(self, request: Request) -> None:
        self.seen += request.changes
        if request.changes and self.seen == self.number:
            for other in self.wake_other:
                other.wakes_s = self.stage.clock.elapsed_s + EXPIRY_S
            self.actor.nap(NAP_S)

    def after(self, request: Request) -> None:
        return

    def over(self) -> bool:
        return False


def oversleep(story: Story, number: int, beginnings: Beginnings, course: Course) -> list[str]:
    """Let a run sleep before its nth change while another machine does the same command."""
    scene = beginnings.of(story)
    known = scene.cloud.dump()
    stage = Stage(clock=scene.cloud.clock, choose=lambda _: 0, points=frozenset())
    sleeper, other = stage.actor("sleeper"), stage.actor("other")
    other.wakes_s = scene.cloud.clock.elapsed_s + 10 * 24 * 3600.0
    nap = Nap(number, stage, sleeper, wake_other=[other])
    ended: dict[int, Ended] = {}
    desks = [scene.operator.elsewhere(n, scene.operator.folder / n) for n in ("asleep", "awake")]
    stage.enter(sleeper, _work(desks[0], sleeper, nap, story.argv, ended, 0))
    stage.enter(other, _work(desks[1], other, Untroubled(), story.argv, ended, 1))
    stage.play()
    problems = [*scene.cloud.laws.broken]
    if nap.seen < number:
        problems.append("it did not sleep")
    if ended[1].status != 0 or ended[0].status not in {0, 3, 5, 6, 7}:
        problems.append(f"exit statuses {ended[0].status} and {ended[1].status}")
    scene.cloud.settle()
    now = end_state(scene.cloud, known)
    # What the sleeper had sent off cannot be recalled: it may leave a resource, but never touch
    # etcd or the cluster IP; and a teardown finds it.
    for part in ("etcd", "served"):
        problems += differences(course.end[part], now[part], part)
    torn_down = scene.operator.alone(teardown(B))
    scene.cloud.settle()
    scene.cloud.laws.check_empty(scene.cloud.dump())
    problems += scene.cloud.laws.broken
    return [*problems, *map(str, (ended[0], ended[1], torn_down))] if problems else []
