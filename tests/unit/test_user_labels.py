"""The user's labels in plans: on what is born with them, and a step for what is not."""

from dataclasses import replace

from hakube_gce import marks, remembered
from hakube_gce.label_steps import LabelRule
from hakube_gce.model import Mark, Observed, Operation, Verb
from hakube_gce.plan.blueprint import instance_spec
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.node_blueprint import NodeBlueprint, template_spec
from hakube_gce.plan.planner import plan
from hakube_gce.user_labels import beside
from tests.fakes.clusters import UID, ZONES, cluster, nothing, remembering
from tests.unit.test_plan import BLUEPRINT, CREATE, MEND, keys, remove, replicate

LABELLED = replace(BLUEPRINT, inherited={"HAKUBE_LABELS": "owner=john_doe,team=dev"})
ALWAYS = replace(LABELLED, inherited={**LABELLED.inherited, "HAKUBE_ENDPOINT_MODE": "always-lb"})
MARK = Mark(cluster="kubernetes", uid=UID, operation="aaaaaaaaaaaa")
TEARDOWN = Operation(id="dddddddddddd", verb=Verb.TEARDOWN, zone=ZONES[0])


def labels_rule(planned: Plan) -> bool:
    return any(isinstance(p.step, LabelRule) for p in planned.steps)


def with_marked_rule(seen: Observed) -> Observed:
    assert seen.rule is not None
    return replace(seen, rule=replace(seen.rule, labels=marks.mark_labels(MARK)))


def test_ours_win_over_the_users() -> None:
    assert beside({"hakube-uid": "theirs", "team": "dev"}, {"hakube-uid": "ours"}) == {
        "hakube-uid": "ours",
        "team": "dev",
    }


def test_a_master_and_a_nodes_template_are_born_with_them() -> None:
    spec = instance_spec(
        LABELLED, replica="m", zone=ZONES[0], mark=MARK, cluster_ip="", founder=True
    )
    nodes = NodeBlueprint(cloud_labels=(("team", "dev"),))
    template = template_spec(
        nodes, prefix="kubernetes", network="n", subnetwork="", region="r", mark=MARK
    )
    assert spec.labels == {"owner": "john_doe", "team": "dev", **marks.mark_labels(MARK)}
    assert template.labels == {"team": "dev", **marks.mark_labels(MARK)}


def test_a_damaged_memory_of_labels_labels_nothing() -> None:
    damaged = replace(BLUEPRINT, inherited={"HAKUBE_LABELS": "Team=Dev,hakube-uid=0"})
    assert damaged.labels == {}


def test_the_rule_is_labelled_after_it_was_made_and_only_when_there_are_labels() -> None:
    promoted = plan(LABELLED, replicate(ZONES[1]), cluster("+"))
    step = next(p for p in promoted.steps if p.key == "label-rule")
    assert step.after == ("promote-endpoint",)
    founding = plan(ALWAYS, CREATE, nothing())
    assert next(p for p in founding.steps if p.key == "label-rule").after == ("create-rule",)
    assert not labels_rule(plan(BLUEPRINT, replicate(ZONES[1]), cluster("+")))
    assert not labels_rule(plan(LABELLED, CREATE, nothing()))


def test_a_rule_that_was_left_without_labels_gets_them_and_one_that_has_ours_is_left() -> None:
    seen = remembering(cluster("+++"), LABELLED.inherited)
    assert keys(plan(LABELLED, MEND, seen)) == ["label-rule"]
    assert plan(LABELLED, MEND, with_marked_rule(seen)).is_empty


def test_a_rule_that_goes_is_not_labelled() -> None:
    assert "demote-endpoint" in keys(plan(LABELLED, remove(1), cluster("++")))
    assert not labels_rule(plan(LABELLED, remove(1), cluster("++")))
    assert not labels_rule(plan(LABELLED, TEARDOWN, cluster("+++")))


def test_disks_remember_the_labels_when_no_vm_is_left() -> None:
    seen = cluster("+")
    (disk,) = seen.disks
    labels = {**disk.labels, "team": "dev", "goog-something": "google's"}
    bare = replace(seen, replicas=(), disks=(replace(disk, labels=labels),))
    assert remembered.on_disks(bare)["HAKUBE_LABELS"] == "team=dev"
