"""Every call with every trouble: the right exit status, no bug, mended by running again."""

import random

import pytest

from hakube_gce.emulator.faults import Fault
from tests.simulation.cloud import ZONES
from tests.simulation.crashes import undisturbed
from tests.simulation.faults import Pair, calls_of, pairs, trial
from tests.simulation.stories import SHAPED_STORIES, STORIES, Beginnings

SUFFERING = (
    "create",
    "replicate 1 to 2",
    "replicate 2 to 3",
    "remove 2 to 1",
    "remove the leader, 3 to 2",
    "tear down 2",
)
SUFFERING_TOO = (
    "always-lb: create",
    "always-lb: replicate 1 to 2",
    "always-lb: remove 2 to 1",
    "target-pool: replicate 1 to 2",
    "target-pool: remove 2 to 1",
)
"""In the long run alone."""
EVERY = {**STORIES, **SHAPED_STORIES}
_SHARE = 40
"""The short run tries one of so many; the long one all."""


def _all_pairs(name: str, beginnings: Beginnings) -> list[Pair]:
    rng = random.Random(name)
    found = list(pairs(calls_of(EVERY[name], beginnings), rng))
    assert len(found) > 250, "hardly any calls"
    return found


def _try(name: str, chosen: list[Pair], beginnings: Beginnings) -> None:
    course = undisturbed(EVERY[name], beginnings)
    trials = [trial(EVERY[name], pair, course, beginnings) for pair in chosen]
    failed = ["\n".join(problems) for problems in trials if problems]
    assert not failed, f"{len(failed)} of {len(trials)}\n" + "\n".join(failed)
    assert trials


@pytest.mark.parametrize("name", SUFFERING)
def test_a_call_in_trouble(name: str, beginnings: Beginnings) -> None:
    chosen = _all_pairs(name, beginnings)
    _try(name, chosen[::_SHARE], beginnings)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", [name for name in STORIES if name != "create"])
def test_nothing_is_decided_while_a_zone_is_out_of_reach(
    name: str, zone: str, beginnings: Beginnings
) -> None:
    """What cannot be seen is unknown: not gone, and not one master fewer."""
    scene = beginnings(EVERY[name].masters)
    scene.cloud.lab.faults.add(Fault(unreachable_zone=zone))
    before = scene.cloud.changes
    ended = scene.operator.alone(EVERY[name].argv)
    # the command's own zone cannot even be looked up; any other makes the picture incomplete
    assert ended.status == (9 if f"KUBE_GCE_ZONE={zone}" in ended.argv else 5), f"{ended}"
    assert scene.cloud.changes == before
    scene.cloud.lab.faults.clear()
    assert scene.operator.alone(EVERY[name].argv).status == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SUFFERING, *SUFFERING_TOO])
def test_every_call_in_every_trouble(name: str, beginnings: Beginnings) -> None:
    _try(name, _all_pairs(name, beginnings), beginnings)
