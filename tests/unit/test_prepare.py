"""VMs of masters to come: made beside an operation, waited for before a removal. Values only."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hakube_gce import marks, verdicts
from hakube_gce.model import Intent, Observed, Operation, Verb
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.network_blueprint import NetworkBlueprint
from hakube_gce.plan.planner import plan
from hakube_gce.plan.resolve import resolve
from hakube_gce.steps import CreateInstance
from tests.fakes.clusters import UID, ZONES, cluster, name_of, nothing, with_prepared
from tests.unit.test_plan import BLUEPRINT, NEW, keys, reasons, replicate

B, C, D = ZONES
PREPARED = "kubernetes-master-9ab"
REMOVAL = Operation(
    id="dddddddddddd", verb=Verb.REMOVE, zone=C, target=name_of(1), target_id="1001"
)


def planned(operation: Operation, seen: Observed, *zones: str) -> Plan:
    return plan(replace(BLUEPRINT, prepare=zones), operation, seen)


def made(found: Plan) -> list[CreateInstance]:
    return [p.step for p in found.steps if isinstance(p.step, CreateInstance)]


def before(found: Plan, key: str) -> set[str]:
    """Give all steps that a step waits for, at any remove."""
    after = {p.key: p.after for p in found.steps}
    seen: set[str] = set()
    todo: Sequence[str] = after[key]
    while todo:
        seen |= {*todo}
        todo = [k for t in todo for k in after[t] if k not in seen]
    return seen


def test_beside_the_first_master_the_others_vms_are_made_and_wait_for_nobody() -> None:
    founding = Operation(id="aaaaaaaaaaaa", verb=Verb.CREATE, zone=B)
    found = planned(founding, replace(nothing(), uid=UID), C, D)
    first, *others = sorted(made(found), key=lambda s: s.spec.zone)
    assert (first.spec.zone, first.spec.address) == (B, "")
    assert [s.spec.zone for s in others] == [C, D]
    for step in others:
        assert step.spec.metadata[marks.PREPARED_KEY] == founding.id
        needed = before(found, f"create-instance/{step.spec.name}")
        assert needed == {"reserve-address", f"create-disk/{step.spec.name}"}
    assert marks.PREPARED_KEY not in first.spec.metadata
    assert not any(p.key.startswith("await-boot/") for p in found.steps)


def test_in_a_network_to_be_made_no_vm_is_made_before_it() -> None:
    founding = Operation(id="aaaaaaaaaaaa", verb=Verb.CREATE, zone=B)
    custom = replace(
        BLUEPRINT,
        network="mine",
        subnetwork="mine-custom-subnet",
        networking=NetworkBlueprint(custom=True),
        prepare=(C, D),
    )
    found = plan(custom, founding, replace(nothing(), uid=UID))
    steps = made(found)
    assert len(steps) == 3
    for step in steps:
        key = "" if step.spec.zone == B else f"/{step.spec.name}"
        waits = before(found, f"create-instance{key}")
        assert waits >= {"create-network", "create-subnetwork"}, step.spec.name


def test_a_removal_takes_nothing_away_before_the_newcomers_vm_has_booted() -> None:
    found = planned(REMOVAL, cluster("+-+"), C)
    (step,) = made(found)
    boot = f"await-boot/{step.spec.name}"
    for key in keys(found):
        if key.startswith(("set-backends", "leave", "expel", "delete")):
            assert boot in before(found, key), key
    assert boot not in keys(plan(BLUEPRINT, REMOVAL, cluster("+-+")))


def test_a_vm_that_a_killed_run_prepared_is_waited_for_until_nothing_is_left_to_take() -> None:
    seen = with_prepared(cluster("+-+"), PREPARED, C)
    assert f"await-boot/{PREPARED}" in keys(planned(REMOVAL, seen, C))
    gone = with_prepared(cluster("++", zones=(B, D)), PREPARED, C)
    assert planned(replace(REMOVAL, target="kubernetes-master-fff"), gone, C).is_empty


def test_a_prepared_vm_that_is_off_is_started_before_it_is_waited_for() -> None:
    seen = with_prepared(cluster("+-+"), PREPARED, C)
    (vm,) = seen.prepared
    off = replace(vm, instance=replace(vm.instance, status="TERMINATED"))
    found = planned(REMOVAL, replace(seen, prepared=(off,)), C)
    assert f"start-instance/{PREPARED}" in before(found, f"await-boot/{PREPARED}")
    assert f"await-boot/{PREPARED}" in before(found, "expel")
    assert f"start-instance/{PREPARED}" not in keys(planned(REMOVAL, seen, C))


def test_while_the_cluster_ip_is_down_nothing_waits_for_a_boot() -> None:
    found = planned(REMOVAL, replace(cluster("++"), rule=None), C)
    boots = [k for k in keys(found) if k.startswith("await-boot/")]
    assert len(boots) == 1, reasons(found)
    assert not any(boots[0] in p.after for p in found.steps)


def names_in(zone: str, found: Plan) -> list[str]:
    return [s.spec.name for s in made(found) if s.spec.zone == zone]


def test_what_is_there_is_not_made_again_and_names_stay_when_a_run_goes_on() -> None:
    own = replicate(C)
    names = names_in(D, planned(own, cluster("+"), D, D))
    assert len({*names, NEW}) == 3
    for there, missing in (names, names[::-1]):
        half = with_prepared(cluster("+"), there, D, operation=own.id)
        assert names_in(D, planned(own, half, D, D)) == [missing]
        whole = with_prepared(half, missing, D, operation=own.id)
        assert keys(planned(own, whole, D, D)) == keys(plan(BLUEPRINT, own, whole))


def test_whoever_was_prepared_by_another_operation_will_do() -> None:
    seen = with_prepared(cluster("+"), PREPARED, D)
    assert len(names_in(D, planned(replicate(C), seen, D, D))) == 1
    assert not names_in(D, planned(replicate(C), seen, D))


def test_who_takes_a_masters_place_remembers_it_and_nobody_else_will_do() -> None:
    replacing = replace(BLUEPRINT, prepare=(C,), in_place_of=name_of(1))
    seen = with_prepared(cluster("+?+"), PREPARED, C)
    (step,) = made(plan(replacing, REMOVAL, seen))
    assert step.spec.metadata[marks.IN_PLACE_OF_KEY] == name_of(1)
    (vm,) = seen.prepared
    told = {**vm.instance.metadata, marks.IN_PLACE_OF_KEY: name_of(1)}
    meant = replace(vm, instance=replace(vm.instance, metadata=told))
    assert not made(plan(replacing, REMOVAL, replace(seen, prepared=(meant,))))


def test_a_disk_that_a_killed_run_made_is_used() -> None:
    own = replicate(C)
    (name,) = names_in(D, planned(own, cluster("+"), D))
    seen = replace(with_prepared(cluster("+"), name, D, operation=own.id), prepared=())
    found = planned(own, seen, D)
    assert f"create-instance/{name}" in keys(found)
    assert f"create-disk/{name}" not in keys(found)


def test_the_replication_in_its_zone_takes_it_and_makes_no_vm() -> None:
    seen = with_prepared(cluster("+"), PREPARED, C)
    wish = Intent(verb=Verb.REPLICATE, zone=C)
    found = resolve(BLUEPRINT, wish, seen, operation_id="bbbbbbbbbbbb").operation
    assert found is not None
    assert found.target == PREPARED
    steps = keys(plan(BLUEPRINT, found, seen))
    assert "install" in steps
    assert "admit" in steps
    assert not any(k.startswith(("create-instance", "create-disk")) for k in steps)
    elsewhere = resolve(BLUEPRINT, replace(wish, zone=D), seen, operation_id="bbbbbbbbbbbb")
    assert elsewhere.operation is not None
    assert elsewhere.operation.target != PREPARED


def test_it_counts_nowhere_and_hinders_nothing() -> None:
    seen = with_prepared(cluster("+++"), PREPARED, C)
    assert keys(plan(BLUEPRINT, REMOVAL, seen)) == keys(plan(BLUEPRINT, REMOVAL, cluster("+++")))
    mending = Operation(id="eeeeeeeeeeee", verb=Verb.MEND, zone=B)
    assert plan(BLUEPRINT, mending, seen).is_empty
    (said,) = verdicts.warnings(seen)
    assert said.startswith(f"{PREPARED} in {C} is a prepared VM and no master yet")


@pytest.mark.parametrize("sketch", ["+", "+++"])
def test_it_can_be_deleted_by_name_and_no_master_is_touched(sketch: str) -> None:
    seen = with_prepared(cluster(sketch), PREPARED, C)
    wish = Intent(verb=Verb.REMOVE, zone=C, replica_name=PREPARED)
    found = resolve(BLUEPRINT, wish, seen, operation_id="bbbbbbbbbbbb").operation
    assert found is not None
    steps = plan(BLUEPRINT, found, seen).steps
    assert [p.key for p in steps if p.key.startswith("delete-")] == [
        "delete-instance",
        "delete-disk",
    ]
    assert not any(p.key.startswith(("set-backends", "demote", "leave")) for p in steps)


def test_a_teardown_takes_it_along() -> None:
    seen = with_prepared(cluster("+"), PREPARED, C)
    wish = Intent(verb=Verb.TEARDOWN, zone=B)
    found = resolve(BLUEPRINT, wish, seen, operation_id="bbbbbbbbbbbb").operation
    assert found is not None, "one master and a prepared VM are no cluster of two"
    steps = keys(plan(BLUEPRINT, found, seen))
    assert {f"delete-instance/{PREPARED}", f"delete-disk/{PREPARED}-pd"} <= {*steps}
