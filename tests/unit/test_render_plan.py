"""What screens say beyond their steps: whether the API is away meanwhile, what expires when."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hakube_gce.model import Observed, Operation
from hakube_gce.plan.planner import plan
from hakube_gce.render import plan_lines, status_lines
from tests.fakes.clusters import NOW, cluster
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


def test_status_shows_the_earliest_expiry_of_a_certificate() -> None:
    seen = cluster("+++")
    days = iter((300, 20, 398))
    replicas = tuple(
        replace(
            r,
            report=replace(r.report, certificates_expire=NOW + timedelta(days=next(days)))
            if r.report is not None
            else None,
        )
        for r in seen.replicas
    )
    lines = status_lines(replace(seen, replicas=replicas))
    assert "  certificates: the first one expires on 2026-12-11" in lines
    assert not any("expires" in line for line in status_lines(replace(seen, replicas=())))
