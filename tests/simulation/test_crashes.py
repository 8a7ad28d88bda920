"""Killed at every boundary of every verb; killed twice; the same command finishes."""

import random

import pytest

from tests.simulation.crashes import (
    Case,
    Course,
    Kill,
    boundaries,
    drawn_pair,
    one_of,
    trial,
    undisturbed,
)
from tests.simulation.operator import KILLED
from tests.simulation.stories import (
    MENDING,
    SEVERAL,
    SHAPED_STORIES,
    STORIES,
    B,
    Beginnings,
    C,
    remove,
    up,
)

EVERY = {**STORIES, **SHAPED_STORIES, **SEVERAL, **MENDING}
TELLING = (
    "always-lb: create",
    "target-pool: replicate 1 to 2",
    "target-pool: remove 2 to 1",
    "always-lb on a pool: create",
    "own network: create",
    "own network: tear down 1",
)
"""Of clusters of the other kinds, the verbs that differ most; the long tier kills all."""
_LONG = {*SHAPED_STORIES} - {*TELLING} | {
    "scale 3 to 1",
    "scale 1 to 3",
    "replace a sound one of 3",
}
IN_SHORT = [
    pytest.param(name, marks=[pytest.mark.slow] if name in _LONG else []) for name in EVERY
]
PAIRS = 40
"""Double deaths of each story; 13 stories make 520."""
_IN_SHORT = 2
_SHARE = 6
"""The short run kills at one of so many boundaries; the long one at all."""
_FEW = 18
"""Of so few, all."""


def _failures(cases: list[Case], course: Course, beginnings: Beginnings) -> tuple[int, list[str]]:
    deaths, failed = 0, []
    for case in cases:
        died, problems = trial(case, course, beginnings)
        deaths += died
        if problems:
            failed.append("\n".join([f"== {case.kills} {case.story.argv}", *problems]))
    return deaths, failed


def _boundaries(name: str, beginnings: Beginnings, *, share: int) -> None:
    course = undisturbed(EVERY[name], beginnings)
    cases = list(boundaries(EVERY[name], course))
    assert len(cases) == 3 * len(course.changes) >= 9
    chosen = cases if share == 1 or len(cases) <= _FEW else one_of(share, cases)
    deaths, failed = _failures(chosen, course, beginnings)
    assert not failed, f"{len(failed)} of {len(chosen)}\n" + "\n".join(failed)
    assert deaths == len(chosen) >= max(1, len(cases) // share - 1)


@pytest.mark.parametrize("name", IN_SHORT)
def test_killed_around_any_change_the_same_command_finishes(
    name: str, beginnings: Beginnings
) -> None:
    _boundaries(name, beginnings, share=_SHARE)


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_killed_at_any_boundary_the_same_command_finishes(
    name: str, beginnings: Beginnings
) -> None:
    _boundaries(name, beginnings, share=1)


def _pairs(name: str, count: int, beginnings: Beginnings) -> None:
    course = undisturbed(EVERY[name], beginnings)
    rng = random.Random(f"{name} dies twice")
    cases = [drawn_pair(EVERY[name], course, rng) for _ in range(count)]
    deaths, failed = _failures(cases, course, beginnings)
    assert not failed, f"{len(failed)} of {len(cases)}\n" + "\n".join(failed)
    assert deaths >= count, "hardly anybody died"


@pytest.mark.parametrize("name", STORIES)
def test_killed_twice_the_same_command_finishes(name: str, beginnings: Beginnings) -> None:
    _pairs(name, _IN_SHORT, beginnings)


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
def test_killed_twice_at_many_pairs_of_moments(name: str, beginnings: Beginnings) -> None:
    _pairs(name, PAIRS, beginnings)


def test_who_gives_a_promotion_up_keeps_its_outage_noted(beginnings: Beginnings) -> None:
    """The law that is looked at after every change: no cluster IP is gone without a note."""
    story = STORIES["replicate 1 to 2"]
    course = undisturbed(story, beginnings)
    leaves = course.changes.index("instances.deleteAccessConfig") + 1
    scene = beginnings(story.masters)
    killed = scene.operator.alone(story.argv, Kill(leaves, "after send"))
    assert killed.status == KILLED
    given_up = scene.operator.alone(remove(C))
    assert given_up.status == 0, f"{given_up}"
    assert not scene.cloud.laws.broken


@pytest.mark.parametrize(
    ("name", "last_change"),
    [
        ("replicate 1 to 2", "forwardingRules.insert"),
        ("always-lb: create", "instanceGroups.addInstances"),
        ("always-lb on a pool: create", "forwardingRules.insert"),
    ],
)
def test_who_goes_on_says_done_only_when_the_cluster_ip_answers(
    name: str, last_change: str, beginnings: Beginnings
) -> None:
    """All stands as it should, and Compute Engine takes its time to lead anybody there."""
    story = EVERY[name]
    changes = undisturbed(story, beginnings).changes
    number = len(changes) - changes[::-1].index(last_change)
    scene = beginnings.of(story)
    scene.cloud.lab.world.propagation_s = 60.0
    killed = scene.operator.alone(story.argv, Kill(number, "after answer"))
    assert killed.status == KILLED
    gone_on = scene.operator.alone(story.argv)
    assert gone_on.status == 0, f"{gone_on}"
    assert scene.cloud.cluster_ip_serves()
    assert not scene.cloud.laws.broken


def test_kube_up_does_not_end_well_while_a_killed_run_has_the_cluster_ip_away(
    beginnings: Beginnings,
) -> None:
    story = STORIES["replicate 1 to 2"]
    course = undisturbed(story, beginnings)
    leaves = course.changes.index("instances.deleteAccessConfig") + 1
    scene = beginnings(story.masters)
    assert scene.operator.alone(story.argv, Kill(leaves, "after send")).status == KILLED
    told = scene.operator.alone(up(B))
    assert told.status == 5, f"{told}"
    assert told.result is not None
    assert "KUBE_REPLICATE_EXISTING_MASTER=true" in told.result.next_command
    assert scene.operator.alone(story.argv).status == 0
    assert scene.cloud.cluster_ip_serves()
