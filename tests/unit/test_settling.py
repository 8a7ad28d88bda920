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
