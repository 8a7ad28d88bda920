"""A machine whose clock is wrong: what it may not sign, and what it may do all the same."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.e2e.end_states import differences, end_state
from tests.simulation.stories import Beginnings, C, remove, replicate

FAR_OFF = (timedelta(minutes=6), timedelta(days=-2))


@pytest.mark.parametrize("off", FAR_OFF, ids=str)
def test_nothing_is_signed_by_a_clock_that_is_far_off(
    off: timedelta, beginnings: Beginnings
) -> None:
    scene = beginnings(2)
    before = end_state(scene.cloud, scene.cloud.dump())
    wrong = replace(scene.operator, clock_off=off)
    ended = wrong.alone(replicate(C))
    assert ended.status == 5, f"{ended}"
    assert any("ClockOff" in line for line in ended.output), f"{ended}"
    assert not differences(before, end_state(scene.cloud, scene.cloud.dump()))
    removed = wrong.alone(remove(C))
    assert removed.status == 0, f"{removed}"
    assert not scene.cloud.laws.broken


def test_a_clock_that_is_a_little_off_is_named(beginnings: Beginnings) -> None:
    scene = beginnings(1)
    ended = replace(scene.operator, clock_off=timedelta(minutes=2)).alone(replicate(C))
    assert ended.status == 0, f"{ended}"
    assert any("120 s ahead of Compute Engine's; set it right" in line for line in ended.output)
    assert not scene.cloud.laws.broken
