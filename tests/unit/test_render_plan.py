"""What a plan says of itself: whether the API is away while it is carried out."""

import pytest

from hakube_gce.model import Observed, Operation
from hakube_gce.plan.planner import plan
from hakube_gce.render import plan_lines
from tests.fakes.clusters import cluster
from tests.unit.test_plan import BLUEPRINT, C, D, remove, replicate


@pytest.mark.parametrize(
    ("operation", "seen", "away"),
    [
        (replicate(C), cluster("+"), True),
        (replicate(D), cluster("++"), False),
        (remove(2), cluster("+++"), False),
        (remove(1), cluster("++"), True),
    ],
    ids=["1 to 2", "2 to 3", "3 to 2", "2 to 1"],
)
def test_a_plan_that_moves_the_cluster_ip_says_that_there_is_no_api_meanwhile(
    operation: Operation, seen: Observed, away: bool
) -> None:
    lines = plan_lines(plan(BLUEPRINT, operation, seen))
    assert any(line.startswith("Plan: ") for line in lines)
    assert any("no API: some seconds" in line for line in lines) is away
