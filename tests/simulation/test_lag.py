"""Lists that show what was, not what is: the run says so or gets over it, and never does harm."""

import pytest

from tests.e2e.end_states import differences, end_state
from tests.simulation.crashes import undisturbed
from tests.simulation.stories import STORIES, Beginnings

SECONDS = (10.0, 30.0)


@pytest.mark.parametrize("lag_s", [pytest.param(SECONDS[0], marks=pytest.mark.slow), SECONDS[1]])
@pytest.mark.parametrize("name", STORIES)
def test_one_more_run_is_enough_when_lists_are_old(
    name: str, lag_s: float, beginnings: Beginnings
) -> None:
    story = STORIES[name]
    course = undisturbed(story, beginnings)
    scene = beginnings(story.masters)
    known = scene.cloud.dump()
    scene.cloud.lists_lag(lag_s)
    first = scene.operator.alone(story.argv)
    scene.cloud.settle()
    if differences(course.end, end_state(scene.cloud, known)):
        assert first.status == 7, f"{first}"
        scene.cloud.clock.sleep(lag_s)
        second = scene.operator.alone(story.argv)
        assert second.status == 0, f"{second}"
    scene.cloud.settle()
    assert not differences(course.end, end_state(scene.cloud, known))
    assert not scene.cloud.laws.broken
    assert scene.cloud.old_lists > 10, "no list was old"
