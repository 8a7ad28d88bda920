"""Killed at a boundary, run again: the same end as if nothing had happened.

The boundaries are counted from an undisturbed run of the code as it is: each mutation it sends is
three of them. Between two mutations the world does not change, so there are no others.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.end_states import contexts, differences, end_state
from tests.simulation.operator import KILLED, Ended
from tests.simulation.process import Killed
from tests.simulation.stories import Beginnings, Scene, Story
from tests.simulation.wire import Request

MOMENTS = ("before send", "after send", "after answer")
EXPIRY_S = 13 * 60.0
"""Longer than a lock and its grace."""


@dataclass(slots=True)
class Kill:
    """A process's end, at one moment of its nth mutation."""

    number: int
    moment: str
    seen: int = 0
    doomed: bool = False

    def before(self, request: Request) -> None:
        self.seen += request.changes
        if request.changes and self.seen == self.number and self.moment == "before send":
            raise Killed

    def after(self, request: Request) -> None:
        if not request.changes or self.seen != self.number:
            return
        if self.moment == "after send":
            raise Killed
        self.doomed = self.moment == "after answer"

    def over(self) -> bool:
        return self.doomed

    def __str__(self) -> str:
        return f"{self.moment} of change {self.number}"


@dataclass(slots=True)
class Count:
    """Nothing happens, but changes are counted."""

    changes: list[str] = field(default_factory=list)

    def before(self, request: Request) -> None:
        if request.changes:
            self.changes.append(request.method)

    def after(self, request: Request) -> None:
        return

    def over(self) -> bool:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A verb's course when nobody disturbs it."""

    changes: tuple[str, ...]
    steps: tuple[str, ...]
    end: Mapping[str, Any]
    contexts: Mapping[str, str]


def undisturbed(story: Story, beginnings: Beginnings) -> Course:
    """Run a story to its end, and count."""
    scene, count = beginnings.of(story), Count()
    known = scene.cloud.dump()
    ended = scene.operator.alone(story.argv, count)
    assert ended.status == 0, ended
    assert story.essential in ended.steps, (story.essential, ended.steps)
    assert not scene.cloud.laws.broken, scene.cloud.laws.broken
    return Course(
        changes=tuple(count.changes),
        steps=ended.steps,
        end=end_state(scene.cloud, known),
        contexts=contexts(scene.operator),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One or two deaths, and where the command is run again."""

    story: Story
    kills: tuple[tuple[int, str], ...]
    forgetful: bool = False
    """Whether the machine forgets everything in between."""
    elsewhere: bool = False
    """Whether it is run again on another machine, which has to wait for the lock."""


def boundaries(story: Story, course: Course) -> Iterator[Case]:
    """List every boundary once, in turns on a machine that remembers, forgets, or is another."""
    for number in range(1, len(course.changes) + 1):
        for place, moment in enumerate(MOMENTS):
            yield Case(
                story=story,
                kills=((number, moment),),
                forgetful=(number // 3 + place) % 3 == 1,
                elsewhere=(number // 3 + place) % 3 == 2,
            )


def one_of(share: int, cases: list[Case]) -> list[Case]:
    """Take so small a share of the cases, one change after the other at another moment."""
    return [case for n, case in enumerate(cases) if n % share == (n // share) % share]


def drawn_pair(story: Story, course: Course, rng: random.Random) -> Case:
    """Draw two deaths, the second in the run that was to mend the first."""
    last = len(course.changes)
    kills = tuple((rng.randint(1, last), rng.choice(MOMENTS)) for _ in range(2))
    return Case(
        story=story,
        kills=kills,
        forgetful=rng.random() < 0.5,
        elsewhere=rng.random() < 0.3,
    )


def trial(case: Case, course: Course, beginnings: Beginnings) -> tuple[int, list[str]]:
    """Kill the command, run it again; return how often it died and what is not as it must be."""
    scene = beginnings.of(case.story)
    known = scene.cloud.dump()
    deaths, runs = 0, []
    for number, moment in case.kills:
        ended = _go_on(scene, case, deaths, Kill(number, moment))
        runs.append(ended)
        deaths += ended.status == KILLED
        scene.cloud.settle()
        if not differences(course.end, end_state(scene.cloud, known)):
            return deaths, scene.cloud.laws.broken  # done: to ask again would be a new wish
        if ended.status != KILLED:
            break
    runs.append(_go_on(scene, case, deaths, Count()))
    problems = [] if scene.cloud.cluster_ip_serves() else ["done, and nobody is served"]
    problems += [*scene.cloud.laws.broken, *_unlike(course, scene, known, runs[-1])]
    return deaths, [*problems, *map(str, runs)] if problems else []


def _go_on(scene: Scene, case: Case, deaths: int, fate: Kill | Count) -> Ended:
    operator = scene.operator
    if deaths and case.forgetful:
        operator.forget()
    if deaths and case.elsewhere:
        operator = operator.elsewhere(f"desk-{deaths}", operator.folder / f"desk-{deaths}")
        scene.cloud.clock.sleep(EXPIRY_S)
    return operator.alone(case.story.argv, fate)


def _unlike(course: Course, scene: Scene, known: Mapping[str, Any], last: Ended) -> list[str]:
    scene.cloud.settle()
    problems = differences(course.end, end_state(scene.cloud, known))
    if last.status != 0:
        problems.append(f"the last run ended with {last.status}")
    scene.cloud.laws.check_foreign(scene.cloud.dump())
    return [*problems, *scene.cloud.laws.broken]
