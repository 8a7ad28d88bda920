"""Quorum and verdicts, against arithmetic written down anew."""

import itertools

import pytest

from hakube_gce import conditions, verdicts
from hakube_gce.verdicts import Verdict
from tests.fakes.clusters import ZONES, cluster, nothing
from tests.unit.test_plan_nodes import with_nodes


def oracle(states: str, leaving: int) -> bool:
    """May this voter go? Written without the code under test: count, halve, compare."""
    alive = [c == "+" for c in states]
    stay = alive[:leaving] + alive[leaving + 1 :]
    commits_now = 2 * sum(alive) > len(alive)
    commits_then = bool(stay) and 2 * sum(stay) > len(stay)
    return commits_now and commits_then


@pytest.mark.parametrize("voters", range(1, 8))
def test_a_removal_is_judged_as_the_oracle_does_for_every_health_pattern(voters: int) -> None:
    checked = 0
    for pattern in itertools.product("+-", repeat=voters):
        seen = cluster("".join(pattern))
        for index, member in enumerate(seen.members):
            assert conditions.removal_keeps_quorum(seen, member) is oracle("".join(pattern), index)
            checked += 1
    assert checked > 0


def test_the_sums_of_a_removal_hold_today_and_afterwards() -> None:
    """Either may be the majority that is missing."""
    seen = cluster("++-")
    assert conditions.removal_sums(seen, seen.members[0]) == (
        "now 2 healthy of 3 voters, 2 needed; afterwards 1 healthy of 2 voters, 2 needed"
    )


@pytest.mark.parametrize(
    ("sketch", "verdict"),
    [
        ("+", Verdict.HEALTHY),
        ("+++", Verdict.HEALTHY),
        ("++-", Verdict.AT_RISK),
        ("++?", Verdict.AT_RISK),
        ("++++-", Verdict.DEGRADED),
        ("+++--", Verdict.AT_RISK),
        ("+v", Verdict.DEGRADED),
        ("+-", Verdict.LOST),
        ("-", Verdict.LOST),
        ("?", Verdict.UNKNOWN),
        ("+??", Verdict.UNKNOWN),
    ],
)
def test_the_verdict_in_one_word(sketch: str, verdict: Verdict) -> None:
    assert verdicts.verdict(cluster(sketch)) is verdict


def test_no_cluster_is_absent() -> None:
    assert verdicts.verdict(nothing()) is Verdict.ABSENT


def test_two_masters_stay_a_warning() -> None:
    assert any("two masters" in w for w in verdicts.warnings(cluster("++")))
    assert verdicts.warnings(cluster("+++")) == ()


def test_an_even_number_of_masters_stays_a_warning() -> None:
    (said,) = verdicts.warnings(cluster("++++"))
    assert said == "4 masters tolerate no more failures than 3"


@pytest.mark.parametrize(
    ("voters", "needed", "tolerated"),
    [
        *((1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2)),
        *((6, 4, 2), (7, 4, 3), (8, 5, 3), (9, 5, 4)),
    ],
)
def test_a_majority_is_more_than_half_and_no_percentage(
    voters: int, needed: int, tolerated: int
) -> None:
    assert (conditions.quorum(voters), conditions.tolerates(voters)) == (needed, tolerated)


def test_nodes_that_one_zone_would_take_along_are_a_warning_where_masters_would_not() -> None:
    b, c, _ = ZONES
    (said,) = verdicts.warnings(with_nodes(b, sketch="+++"))
    assert said.startswith(f"masters are in 3 zones, and all nodes (3) in {b}: ")
    assert "KUBE_USE_EXISTING_MASTER=true" in said
    assert verdicts.warnings(with_nodes(b, c, sketch="+++")) == ()
    assert verdicts.warnings(with_nodes(sketch="+++")) == ()
    assert verdicts.warnings(with_nodes(b)) == (), "nothing is promised of one zone"
