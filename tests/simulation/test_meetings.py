"""Two runs at once: whoever loses changes nothing; whoever overslept the lock does no harm."""

import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from tests.simulation.crashes import undisturbed
from tests.simulation.meetings import Met, all_meetings, judge, meet, oversleep
from tests.simulation.stories import (
    STORIES,
    B,
    Beginnings,
    C,
    D,
    in_memory,
    remove,
    replicate,
    teardown,
    up,
)

Meeting = tuple[int, tuple[tuple[str, ...], ...]]
MEETINGS: dict[str, Meeting] = {
    "create and create": (0, (up(B), up(B))),
    "create here and there": (0, (up(B), up(C))),
    "replicate and replicate": (1, (replicate(C), replicate(D))),
    "remove and remove": (3, (remove(C), remove(D))),
    "remove the same": (3, (remove(C), remove(C))),
    "replicate and remove": (2, (replicate(D), remove(C))),
    "replicate and tear down": (1, (replicate(D), teardown(C))),
    "remove and tear down": (2, (remove(C), teardown(C))),
}
"""Masters before, and who meets."""
DRAWN = 10
_MOST = 5000


@pytest.fixture(scope="module")
def beginnings() -> Iterator[Beginnings]:
    root = in_memory()
    yield Beginnings(root)
    shutil.rmtree(root)


def _judge_all(meetings: Iterator[Met]) -> Counter[tuple[int, ...]]:
    statuses: Counter[tuple[int, ...]] = Counter()
    failed = []
    for met in meetings:
        statuses[tuple(ended.status for ended in met.ended)] += 1
        if problems := judge(met):
            failed.append("\n".join(problems))
    total = statuses.total()
    assert not failed, f"{len(failed)} of {total} orders\n" + "\n".join(failed[:5])
    return statuses


@pytest.mark.parametrize("name", MEETINGS)
def test_in_orders_drawn_by_chance_the_loser_changes_nothing(
    name: str, beginnings: Beginnings
) -> None:
    masters, commands = MEETINGS[name]
    rng = random.Random(name)

    def choose(names: Sequence[str]) -> int:
        return rng.randrange(len(names))

    statuses = _judge_all(meet(beginnings(masters), commands, choose) for _ in range(DRAWN))
    assert statuses.total() == DRAWN
    assert any(6 in ended for ended in statuses), "they never met"


@pytest.mark.slow
@pytest.mark.parametrize("name", MEETINGS)
def test_in_every_order_of_steps_the_loser_changes_nothing(
    name: str, beginnings: Beginnings
) -> None:
    masters, commands = MEETINGS[name]
    statuses = _judge_all(all_meetings(beginnings, masters, commands, _MOST))
    assert 100 < statuses.total() < _MOST, "not every order"
    assert any(6 in ended for ended in statuses), "they never met"


@pytest.mark.parametrize("name", STORIES)
def test_who_overslept_the_lock_harms_nobody(name: str, beginnings: Beginnings) -> None:
    """From the second change on: the first takes the lock."""
    story = STORIES[name]
    course = undisturbed(story, beginnings)
    numbers = range(2, len(course.changes) + 1)
    trials = {number: oversleep(story, number, beginnings, course) for number in numbers}
    failed = ["\n".join([f"== asleep before change {n}", *p]) for n, p in trials.items() if p]
    assert not failed, f"{len(failed)} of {len(trials)}\n" + "\n".join(failed)
    assert len(trials) >= 5
