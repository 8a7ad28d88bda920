"""The cluster IP that nobody holds, in a cluster as usual: somebody took it away."""

from dataclasses import replace

import pytest

from hakube_gce.balancer_steps import CarryAddress, CreateRule, DemoteEndpoint, PromoteEndpoint
from hakube_gce.model import Observed, Operation
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.planner import plan
from hakube_gce.resources import AccessConfig, Instance
from tests.fakes.clusters import IP, ZONES, cluster, name_of
from tests.unit.test_plan import BLUEPRINT, MEND, assert_order, keys, remove, replicate

MOVES = (PromoteEndpoint, DemoteEndpoint, CreateRule, CarryAddress)


def without_rule(sketch: str, operation: Operation | None = None) -> Observed:
    """Draw a cluster whose masters have ephemeral addresses of their own, and no rule."""
    seen = replace(cluster(sketch, operation=operation, balancer=True), rule=None)
    owning = tuple(replace(r, instance=_own(r.instance)) for r in seen.replicas)
    return replace(seen, replicas=owning)


def _own(instance: Instance) -> Instance:
    return replace(
        instance, access_config=AccessConfig(name="external-nat", nat_ip="198.51.100.7")
    )


def moves(planned: Plan) -> list[object]:
    return [p.step for p in planned.steps if isinstance(p.step, MOVES)]


@pytest.mark.parametrize("operation", [None, MEND])
def test_a_lost_rule_is_made_again_where_the_balancer_is(operation: Operation | None) -> None:
    planned = plan(BLUEPRINT, MEND, without_rule("+++", operation))
    (move,) = moves(planned)
    assert isinstance(move, CreateRule)
    assert_order(planned, "create-rule", "await-backends")


def test_a_lost_balancer_is_made_again_with_its_rule() -> None:
    lost = replace(without_rule("++"), backend_service=None, health_check=None, groups=())
    planned = plan(BLUEPRINT, MEND, lost)
    joins = [f"join-group/{name_of(n)}" for n in (0, 1)]
    assert {"create-backend-service", *joins} <= set(keys(planned))
    assert [type(m) for m in moves(planned)] == [CreateRule]


def test_a_lone_master_gets_the_address_back() -> None:
    planned = plan(BLUEPRINT, MEND, without_rule("+"))
    assert moves(planned) == [CarryAddress(replica=name_of(0), zone=ZONES[0], address=IP)]


def test_a_removal_that_leaves_several_puts_the_rule_back() -> None:
    planned = plan(BLUEPRINT, remove(2), without_rule("+++"))
    assert [type(m) for m in moves(planned)] == [CreateRule]


@pytest.mark.parametrize("sketch", ["+", "++"])
def test_a_window_that_was_cut_short_is_left_to_its_own_operation(sketch: str) -> None:
    seen = without_rule(sketch, replicate(ZONES[1]) if sketch == "+" else remove(1))
    assert moves(plan(BLUEPRINT, MEND, seen)) == []
