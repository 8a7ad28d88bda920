"""What a run that was cut short began may come true a moment later: it is waited for."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from hakube_gce import settling
from hakube_gce.model import Observed, Operation, Verb
from tests.fakes.clock import FakeClock
from tests.fakes.clusters import ZONES, cluster, name_of

ADDING = Operation(id="a" * 12, verb=Verb.REPLICATE, zone=ZONES[1], target=name_of(1))
REMOVING = replace(ADDING, verb=Verb.REMOVE)
SILENT = cluster("+?", operation=ADDING)
WELL = cluster("++", operation=ADDING)


def looks(*then: Observed) -> tuple[Callable[[], Observed], list[Observed]]:
    """Give a look for each that is left to be seen."""
    left = list(then)
    return lambda: left.pop(0), left


def is_waited_for(settle: Callable[..., Observed], bad: Observed, good: Observed) -> str:
    """Check that one more look is taken until all is good, and none after it; return the words."""
    said: list[str] = []
    look, left = looks(bad, good, bad)
    assert settle(bad, look, clock=FakeClock(), say=said.append) is good
    assert left == [bad]
    assert len(said) == 1
    return said[0]


def is_believed_after(settle: Callable[..., Observed], bad: Observed, times: int) -> None:
    """Check that what stays bad is taken as it is after so many more looks."""
    look, left = looks(*[bad] * 100)
    assert settle(bad, look, clock=FakeClock(), say=lambda _: None) is bad
    assert len(left) == 100 - times


def test_the_newcomer_of_an_unfinished_replication_is_waited_for() -> None:
    assert name_of(1) in is_waited_for(settling.settled, SILENT, WELL)


def test_one_that_never_speaks_is_not_waited_for_without_end() -> None:
    is_believed_after(settling.settled, SILENT, settling.LOOKS)


@pytest.mark.parametrize(
    "seen",
    [
        WELL,
        cluster("+?"),
        cluster("+?", operation=REMOVING),
        cluster("+-", operation=ADDING),
        cluster("++?", operation=replace(ADDING, target=name_of(2))),
        cluster("?+", operation=ADDING),
        cluster("+", operation=ADDING),
    ],
    ids=["well", "nothing unfinished", "a removal", "off", "majority", "others", "no VM yet"],
)
def test_nothing_else_is_waited_for(seen: Observed) -> None:
    look, _ = looks()
    said: list[str] = []
    assert settling.settled(seen, look, clock=FakeClock(), say=said.append) is seen
    assert not said


def saying(seen: Observed, index: int, **words: object) -> Observed:
    """Let a master say something else about itself."""
    there = list(seen.replicas)
    report = there[index].report
    assert report is not None
    there[index] = replace(there[index], report=replace(report, **words))  # type: ignore[arg-type]  # any field
    return replace(seen, replicas=tuple(there))


THREE = cluster("+++")
IN_AN_ELECTION = saying(THREE, 1, etcd_healthy=False)
SLOW = saying(THREE, 2, apiserver_ready=False)


@pytest.mark.parametrize("first", [IN_AN_ELECTION, SLOW], ids=["election", "slow"])
def test_one_word_that_a_master_is_not_well_is_not_believed(first: Observed) -> None:
    assert "looking again" in is_waited_for(settling.steadied, first, THREE)


def test_a_master_that_stays_unwell_is_believed_in_the_end() -> None:
    is_believed_after(settling.steadied, SLOW, settling.STEADY_LOOKS)


@pytest.mark.parametrize(
    "seen",
    [
        THREE,
        cluster("++-"),
        cluster("++?"),
        cluster("++l"),
        cluster("++v"),
        saying(IN_AN_ELECTION, 1, phase="failed"),
        replace(IN_AN_ELECTION, operation=ADDING),
    ],
    ids=["well", "off", "silent", "learner", "waiting", "failed", "being made"],
)
def test_what_no_second_look_changes_is_taken_as_it_is(seen: Observed) -> None:
    look, _ = looks()
    assert settling.steadied(seen, look, clock=FakeClock(), say=print) is seen


def test_the_silence_of_the_one_that_much_hangs_on_is_waited_out() -> None:
    silent = cluster("++?")
    look, left = looks(silent, THREE)
    found = settling.steadied(
        silent, look, clock=FakeClock(), say=lambda _: None, named=name_of(2)
    )
    assert (found, left) == (THREE, [])
    off = cluster("++-")
    look, _ = looks()
    assert settling.steadied(off, look, clock=FakeClock(), say=print, named=name_of(2)) is off
