"""The arithmetic before a voter leaves."""

import pytest

from hakube_gce.agent.quorum import majority, removal_blocker


@pytest.mark.parametrize(
    ("sketch", "leaving", "safe"),
    [
        ("+", 0, False),  # the last voter
        ("++", 0, True),
        ("+-", 1, False),  # today's majority is gone: this is recovery, not removal
        ("+-", 0, False),
        ("+++", 1, True),
        ("++-", 2, True),  # the broken one may go
        ("++-", 0, False),  # a healthy one may not
        ("+--", 2, False),
        ("++++", 0, True),
        ("+++-", 3, True),
        ("+++-", 0, True),
        ("++--", 3, False),
        ("++++-", 0, True),
        ("+++--", 0, False),
        ("+++--", 4, True),
        ("++---", 4, False),
    ],
)
def test_a_voter_leaves_only_with_both_majorities(sketch: str, leaving: int, safe: bool) -> None:
    blocker = removal_blocker(
        len(sketch), sketch.count("+"), leaving_is_healthy=sketch[leaving] == "+"
    )
    assert (blocker == "") is safe, blocker


@pytest.mark.parametrize("voters", range(1, 10))
def test_two_majorities_always_share_a_voter(voters: int) -> None:
    assert 2 * majority(voters) > voters
    assert 2 * (majority(voters) - 1) <= voters
