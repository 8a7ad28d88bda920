"""Preemptible masters: every master of the cluster, said what it means, refused by the strict."""

from dataclasses import replace

import pytest

from hakube_gce.gce import scheduling
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.planner import plan
from hakube_gce.steps import CreateInstance
from tests.fakes.clusters import ZONES, cluster, nothing
from tests.unit.test_plan import BLUEPRINT, CREATE, replicate

PREEMPTIBLE = replace(BLUEPRINT, inherited={"PREEMPTIBLE_MASTER": "true"})
SPOT = replace(BLUEPRINT, inherited={"PREEMPTIBLE_MASTER": "spot"})


def provisioning(planned: Plan) -> list[str]:
    return [p.step.spec.provisioning for p in planned.steps if isinstance(p.step, CreateInstance)]


def test_masters_are_born_as_the_cluster_has_them() -> None:
    for blueprint, wanted in (
        (BLUEPRINT, "standard"),
        (PREEMPTIBLE, "preemptible"),
        (SPOT, "spot"),
    ):
        assert provisioning(plan(blueprint, CREATE, nothing())) == [wanted]
        assert provisioning(plan(blueprint, replicate(ZONES[2]), cluster("++"))) == [wanted]


def test_what_it_means_for_the_quorum_is_said_with_the_sums() -> None:
    (one,) = [n for n in plan(PREEMPTIBLE, CREATE, nothing()).notes if "preemptible" in n]
    assert "within 24 hours" in one
    assert "1 of them write while 1 run, so with more than 0 stopped there is no API" in one
    notes = plan(SPOT, replicate(ZONES[2]), cluster("++")).notes
    assert any("3 of them write while 2 run, so with more than 1 stopped" in n for n in notes)
    three = replace(SPOT, prepare=ZONES[1:])
    (all_to_come,) = [n for n in plan(three, CREATE, nothing()).notes if "stops each" in n]
    assert "3 of them write while 2 run" in all_to_come
    assert not any("stops each" in n for n in plan(BLUEPRINT, CREATE, nothing()).notes)


def test_the_strict_found_no_such_cluster_and_do_not_hinder_one_that_is_there() -> None:
    strict = replace(PREEMPTIBLE, strict=True)
    assert [b.reason for b in plan(strict, CREATE, nothing()).blockers] == ["PreemptibleMasters"]
    assert plan(strict, replicate(ZONES[2]), cluster("++")).steps


@pytest.mark.parametrize("kind", ["preemptible", "spot"])
def test_neither_restarts_by_itself_nor_migrates(kind: str) -> None:
    for asked in (scheduling.of_master(kind), scheduling.of_node(kind)):
        assert asked.automatic_restart is False
        assert asked.on_host_maintenance == "TERMINATE"
    assert scheduling.of_master("preemptible").preemptible


def test_a_master_that_is_taken_is_stopped_and_a_node_is_deleted() -> None:
    assert scheduling.of_master("spot").instance_termination_action == "STOP"
    assert scheduling.of_node("spot").instance_termination_action == "DELETE"
