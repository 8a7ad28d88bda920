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


def test_the_newcomer_of_an_unfinished_replication_is_waited_for() -> None:
    clock, said = FakeClock(), list[str]()
    look, left = looks(SILENT, WELL, SILENT)
    assert settling.settled(SILENT, look, clock=clock, say=said.append) is WELL
    assert left == [SILENT]
    assert len(said) == 1
    assert name_of(1) in said[0]


def test_one_that_never_speaks_is_not_waited_for_without_end() -> None:
    look, left = looks(*[SILENT] * 100)
    found = settling.settled(SILENT, look, clock=FakeClock(), say=lambda _: None)
    assert found is SILENT
    assert len(left) == 100 - settling.LOOKS


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
    clock, said = FakeClock(), list[str]()
    look, left = looks(first, THREE, first)
    assert settling.steadied(first, look, clock=clock, say=said.append) is THREE
    assert left == [first]
    assert len(said) == 1
    assert "looking again" in said[0]


def test_a_master_that_stays_unwell_is_believed_in_the_end() -> None:
    look, left = looks(*[SLOW] * 100)
    found = settling.steadied(SLOW, look, clock=FakeClock(), say=lambda _: None)
    assert found is SLOW
    assert len(left) == 100 - settling.STEADY_LOOKS


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
