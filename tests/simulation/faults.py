"""One trouble with one call: the right exit status, no bug, and the same command mends it."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hakube_gce.emulator import faults
from tests.e2e.end_states import differences, end_state
from tests.simulation.crashes import EXPIRY_S, Course
from tests.simulation.operator import Ended
from tests.simulation.stories import Beginnings, Scene, Story
from tests.simulation.troubles import LOST, PASSING, REFUSALS, strike
from tests.simulation.wire import Request

OPERATION_ERRORS: Mapping[str, int] = {
    "QUOTA_EXCEEDED": 403,
    "ZONE_RESOURCE_POOL_EXHAUSTED": 503,
    "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS": 503,
    "RESOURCE_NOT_READY": 400,
    "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE": 400,
    "PERMISSIONS_ERROR": 403,
    "INTERNAL_ERROR": 500,
    "CONDITION_NOT_MET": 412,
}
"""Codes an accepted operation may end with, and the status beside each."""
STATUSES: Mapping[str, frozenset[int]] = {
    **{name: frozenset({0}) for name in (*PASSING, "timeout after")},
    **{name: frozenset({0, 8}) for name in ("401", "403 forbidden", "403 API disabled")},
    **{name: frozenset({0, 7}) for name in ("400 invalid", "403 quota")},
    "404": frozenset({0, 3, 7, 9}),
    "409": frozenset({0, 4, 7}),
    "412": frozenset({0, 4, 7}),
    "PERMISSIONS_ERROR": frozenset({0, 8}),
    "INTERNAL_ERROR": frozenset({0, 7, 9}),
    "RESOURCE_NOT_READY": frozenset({0, 7, 9}),
    **{
        name: frozenset({0, 4, 7})
        for name in OPERATION_ERRORS
        if name not in {"PERMISSIONS_ERROR", "INTERNAL_ERROR", "RESOURCE_NOT_READY"}
    },
}
"""What a run may end with. 0 is right wherever the program can do without the answer."""


@dataclass(slots=True)
class Once:
    """A trouble with the nth call of one method; an empty one only counts."""

    method: str = ""
    number: int = 0
    trouble: str = ""
    seen: Counter[str] = field(default_factory=Counter)
    struck: bool = False

    def before(self, request: Request) -> None:
        self.seen[request.method] += 1
        self._strike(request, before=True)

    def after(self, request: Request) -> None:
        self._strike(request, before=False)

    def over(self) -> bool:
        return False

    def _strike(self, request: Request, *, before: bool) -> None:
        if request.method != self.method or self.seen[request.method] != self.number:
            return
        if self.trouble in (REFUSALS if before else LOST):
            self.struck = True
            strike(self.trouble, before=before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A call and what is wrong with it."""

    method: str
    number: int
    trouble: str

    def __str__(self) -> str:
        return f"{self.trouble} for {self.method}, no. {self.number}"


def calls_of(story: Story, beginnings: Beginnings) -> Mapping[str, int]:
    """Count the calls of an undisturbed run by method."""
    scene, count = beginnings.of(story), Once()
    ended = scene.operator.alone(story.argv, count)
    assert ended.status == 0, ended
    return count.seen


def pairs(calls: Mapping[str, int], rng: random.Random) -> Iterator[Pair]:
    """Pair every call with every trouble it can have, each at some drawn occurrence."""
    for method, count in sorted(calls.items()):
        changes = not method.endswith((".get", ".list", ".wait", "List", "Health", "Output"))
        troubles: Sequence[str] = [*REFUSALS, *LOST]
        if changes and method != "instanceGroups.listInstances":
            troubles = [*troubles, *OPERATION_ERRORS]
        for trouble in troubles:
            yield Pair(method=method, number=rng.randint(1, count), trouble=trouble)


def trial(story: Story, pair: Pair, course: Course, beginnings: Beginnings) -> list[str]:
    """Run a story with one trouble in it, mend, run it again."""
    scene = beginnings.of(story)
    known = scene.cloud.dump()
    fate = Once(pair.method, pair.number, pair.trouble)
    if pair.trouble in OPERATION_ERRORS:
        _script(scene, pair)
    ended = scene.operator.alone(story.argv, fate)
    problems = _judge(pair, ended)
    if pair.trouble not in OPERATION_ERRORS and not fate.struck:
        problems.append("the trouble did not happen")
    scene.cloud.lab.faults.clear()
    scene.cloud.settle()
    runs = [ended]
    if differences(course.end, end_state(scene.cloud, known)):
        scene.cloud.clock.sleep(EXPIRY_S)
        runs.append(scene.operator.alone(story.argv))
        scene.cloud.settle()
        if runs[-1].status != 0:
            problems.append(f"run again, it ended with {runs[-1].status}")
        problems += differences(course.end, end_state(scene.cloud, known))
    problems += scene.cloud.laws.broken
    return [f"== {pair}", *problems, *map(str, runs)] if problems else []


def _script(scene: Scene, pair: Pair) -> None:
    status = OPERATION_ERRORS[pair.trouble]
    script = {
        "method": pair.method,
        "nth": pair.number,
        "operation_error": {"code": pair.trouble, "http": status, "message": "simulated"},
    }
    scene.cloud.lab.faults.add(faults.parse(script))


def _judge(pair: Pair, ended: Ended) -> list[str]:
    problems = []
    allowed = set(STATUSES[pair.trouble])
    if pair.method == "instances.getSerialPortOutput" and pair.trouble not in PASSING:
        allowed.add(5)  # a master that cannot be heard is unknown, and that is refused
    if any("goes back" in line for line in ended.output):
        allowed.add(7)  # a window that was rolled back is a failed step, whatever the cause
    if ended.bug:
        problems.append("a bug")
    if ended.status not in allowed:
        problems.append(f"exit status {ended.status}")
    resumable = ended.error is not None and ended.status in {7, 9}
    if resumable and ended.error and not ended.error.next_command:
        problems.append("does not say how to go on")
    return problems
