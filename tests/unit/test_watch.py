"""How long was it gone? From the last good answer to the first one after a bad one."""

import pytest

from hakube_gce.watch import Score


@pytest.mark.parametrize(
    ("answers", "gap_s", "failed"),
    [
        ("+++", 0.0, 0),
        ("+-+", 2.0, 1),
        ("+--+", 3.0, 2),
        ("+-+--+", 3.0, 3),
        ("+--++-+", 3.0, 3),
        ("--+", 0.0, 2),  # it never answered before: nothing was lost that was there
        ("+--", 0.0, 2),  # and it has not come back: the window is not closed
    ],
)
def test_the_gap_is_counted_between_good_answers(answers: str, gap_s: float, failed: int) -> None:
    score = Score()
    for second, answer in enumerate(answers):
        score.count(float(second), good=answer == "+")
    assert (score.gap_s, score.failed_probes, score.probes) == (gap_s, failed, len(answers))
