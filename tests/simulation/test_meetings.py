"""Two runs at once: whoever loses changes nothing; whoever overslept the lock does no harm."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.simulation.crashes import undisturbed
from tests.simulation.meetings import Met, all_meetings, judge, meet, oversleep
from tests.simulation.stage import Preempted
from tests.simulation.stories import (
    STORIES,
    B,
    Beginnings,
    C,
    D,
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
EARLY = 7
"""Points after which a run is stopped: those at which it looks, decides and takes the lock."""
NAPS = ("replicate 1 to 2", "remove 2 to 1")
"""Where somebody oversleeps in the short run; in all stories in the long one."""
_MOST = 5000


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


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if i % 2 else pytest.mark.slow) for i, n in enumerate(MEETINGS)],
)
def test_stopped_early_while_the_other_runs_the_loser_changes_nothing(
    name: str, beginnings: Beginnings
) -> None:
    """Each goes first, is stopped after one, two, … points, and goes on when the other is done."""
    masters, commands = MEETINGS[name]
    orders = [(first, after) for first in (0, 1) for after in range(1, EARLY + 1)]
    statuses = _judge_all(
        meet(beginnings(masters), commands, Preempted(first=first, after=after).choose)
        for first, after in orders
    )
    assert statuses.total() == 2 * EARLY
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


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in NAPS else pytest.mark.slow) for n in STORIES]
)
def test_who_overslept_the_lock_harms_nobody(name: str, beginnings: Beginnings) -> None:
    """From the second change on: the first takes the lock."""
    story = STORIES[name]
    course = undisturbed(story, beginnings)
    numbers = range(2, len(course.changes) + 1)
    trials = {number: oversleep(story, number, beginnings, course) for number in numbers}
    failed = ["\n".join([f"== asleep before change {n}", *p]) for n, p in trials.items() if p]
    assert not failed, f"{len(failed)} of {len(trials)}\n" + "\n".join(failed)
    assert len(trials) >= 5
