"""Plans of snapshot, restore and recover: values in, values out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hakube_gce import marks, snapshots
from hakube_gce.describe import describe
from hakube_gce.model import Intent, Mark, Observed, Operation, Role, Verb
from hakube_gce.plan import recover
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.planner import plan
from hakube_gce.plan.resolve import Resolved, resolve
from hakube_gce.resources import DiskSnapshot
from hakube_gce.snapshots import Facts
from hakube_gce.steps import CreateSnapshot, DeleteInstance, InstallReplica
from tests.fakes.clusters import NOW, REGION, UID, ZONES, cluster, name_of, nothing

BLUEPRINT = Blueprint(
    project="p",
    prefix="kubernetes",
    region=REGION,
    machine_type="e2-standard-2",
    image="projects/debian-cloud/global/images/family/debian-12",
    data_disk_gb=20,
    root_disk_gb=20,
    snapshots_kept=2,
)
B, C, D = ZONES
OP = "dddddddddddd"


def taken(number: int, *, uid: str = UID, status: str = "READY") -> DiskSnapshot:
    labels = marks.mark_labels(Mark(cluster="kubernetes", uid=uid, operation="e" * 12))
    return DiskSnapshot(
        name=f"kubernetes-snapshot-{number}",
        id=str(7000 + number),
        status=status,
        created=(NOW - timedelta(hours=100 - number)).isoformat(),
        disk="kubernetes-master-pd",
        zone=B,
        disk_size_gb=30,
        labels={**labels, **snapshots.labels(Facts(revision=10 * number, replica="m"))},
    )


def wish(verb: Verb, seen: Observed, **more: object) -> Resolved:
    intent = Intent(verb=verb, zone=B, **more)  # type: ignore[arg-type]  # fields by name
    return resolve(BLUEPRINT, intent, seen, operation_id=OP)


def operation(verb: Verb, target: str, target_id: str = "") -> Operation:
    return Operation(id=OP, verb=verb, zone=B, target=target, target_id=target_id)


def keys(planned: Plan) -> list[str]:
    return [p.key for p in planned.steps]


def reasons(found: Plan | Resolved) -> list[str]:
    return [b.reason for b in found.blockers]


# --------------------------------------------------------------------------------- snapshots


def test_a_snapshot_is_of_a_follower_and_the_oldest_go_afterwards() -> None:
    seen = replace(cluster("+++"), snapshots=(taken(3), taken(1), taken(2)))
    planned = plan(BLUEPRINT, operation(Verb.SNAPSHOT, "kubernetes-snapshot-4"), seen)
    step = planned.steps[0].step
    assert isinstance(step, CreateSnapshot)
    assert step.replica == name_of(1)
    assert keys(planned) == [
        "create-snapshot",
        "delete-snapshot/kubernetes-snapshot-2",
        "delete-snapshot/kubernetes-snapshot-1",
    ]
    assert {p.after for p in planned.steps[1:]} == {("create-snapshot",)}


def test_once_it_is_ready_nothing_is_left_to_do() -> None:
    seen = replace(cluster("+"), snapshots=(taken(4), taken(3)))
    planned = plan(BLUEPRINT, operation(Verb.SNAPSHOT, "kubernetes-snapshot-4"), seen)
    assert planned.is_empty
    uploading = replace(seen, snapshots=(taken(4, status="UPLOADING"),))
    planned = plan(BLUEPRINT, operation(Verb.SNAPSHOT, "kubernetes-snapshot-4"), uploading)
    assert keys(planned) == ["create-snapshot"]


def test_other_clusters_snapshots_are_neither_counted_nor_deleted() -> None:
    others = tuple(taken(n, uid="f" * 16) for n in range(9))
    planned = plan(
        BLUEPRINT, operation(Verb.SNAPSHOT, "new"), replace(cluster("+"), snapshots=others)
    )
    assert keys(planned) == ["create-snapshot"]


def test_a_snapshot_s_name_fits_whatever_the_prefix() -> None:
    name = snapshots.name("k" * 40, OP, NOW)
    assert len(name) == 63
    resolved = wish(Verb.SNAPSHOT, cluster("+"))
    assert resolved.operation is not None
    assert resolved.operation.target == snapshots.name("kubernetes", OP, NOW)
    assert reasons(wish(Verb.SNAPSHOT, nothing())) == ["NoMaster"]


def test_without_a_majority_there_is_none() -> None:
    planned = plan(BLUEPRINT, operation(Verb.SNAPSHOT, "new"), cluster("+-"))
    assert reasons(planned) == ["QuorumUnknown"]


def test_facts_survive_their_labels_and_nonsense_is_nothing() -> None:
    facts = Facts(revision=7, total_keys=2, size_bytes=9, hash="ab", replica="m")
    snapshot = replace(taken(1), labels=snapshots.labels(facts))
    assert snapshots.facts_of(snapshot) == facts
    spoilt = replace(snapshot, labels={"hakube-revision": "-7", "hakube-keys": "\u0663"})
    assert snapshots.facts_of(spoilt) == Facts()
    assert snapshots.inherited_of(replace(snapshot, description="[]")) == {}
    described = snapshots.description({"MASTER_SIZE": "n1-standard-1"})
    kept = snapshots.inherited_of(replace(snapshot, description=described))
    assert kept == {"MASTER_SIZE": "n1-standard-1"}


def test_an_unfinished_snapshot_stands_in_nobody_s_way() -> None:
    own = operation(Verb.SNAPSHOT, "kubernetes-snapshot-4")
    for verb in (Verb.CREATE, Verb.REPLICATE, Verb.REMOVE):
        found = wish(verb, replace(cluster("+++"), operation=own))
        assert found.operation is not None, (verb, found)
        assert found.operation.verb is (Verb.MEND if verb is Verb.CREATE else verb)
    assert wish(Verb.SNAPSHOT, replace(cluster("+++"), operation=own)).operation == own


def test_an_unfinished_recovery_gives_way_to_kube_up_once_its_survivor_has_no_vm() -> None:
    own = operation(Verb.RECOVER, name_of(0))
    there = replace(cluster("?--"), operation=own)
    assert wish(Verb.CREATE, there).operation is not None, "it has deleted nobody yet"
    begun = replace(there, replicas=there.replicas[:2])
    assert reasons(wish(Verb.CREATE, begun)) == ["OperationUnfinished"]
    gone = replace(there, replicas=there.replicas[1:])
    assert wish(Verb.CREATE, replace(gone, replicas=())).operation is not None
    assert reasons(wish(Verb.REPLICATE, gone)) == ["OperationUnfinished"]


def test_a_recovery_that_found_a_majority_gives_way_to_everything() -> None:
    own = operation(Verb.RECOVER, name_of(0))
    for verb in (Verb.CREATE, Verb.REPLICATE, Verb.REMOVE, Verb.SNAPSHOT):
        found = wish(verb, replace(cluster("+++"), operation=own))
        assert found.operation is not None, (verb, found)
        assert found.operation.verb is (Verb.MEND if verb is Verb.CREATE else verb)
    half = replace(cluster("+", balancer=True), operation=own)
    assert reasons(wish(Verb.REPLICATE, half)) == ["OperationUnfinished"]


# ----------------------------------------------------------------------------------- recover


def lost(sketch: str) -> Observed:
    """Draw a cluster whose majority is off: nobody's list is believed."""
    return cluster(sketch)


def test_every_other_vm_goes_before_the_survivor_forgets_its_member() -> None:
    planned = plan(BLUEPRINT, operation(Verb.RECOVER, name_of(0)), lost("?--"))
    order = keys(planned)
    deletions = [k for k in order if k.startswith("delete-instance/")]
    assert deletions == [f"delete-instance/{name_of(i)}" for i in (1, 2)]
    by_key = {p.key: p for p in planned.steps}
    assert set(deletions) <= set(by_key["recover"].after)
    for deletion in deletions:
        assert "prove-quorum-lost" in by_key[deletion].after
        step = by_key[deletion].step
        assert isinstance(step, DeleteInstance)
        assert step.id in ("1001", "1002")
    assert by_key["await-ready"].after == ("recover",)
    assert "demote-endpoint" in order
    assert not [k for k in order if k.startswith("delete-disk")]
    assert all(str(describe(p.step)) for p in planned.steps)


def test_kept_disks_forget_whose_they_were_before_the_vm_goes() -> None:
    seen = lost("?-")
    disks = tuple(
        replace(d, labels=marks.home_labels({"a": "b"}, f"10.0.0.{i + 2}"))
        for i, d in enumerate(seen.disks)
    )
    planned = plan(BLUEPRINT, operation(Verb.RECOVER, name_of(0)), replace(seen, disks=disks))
    forget = f"forget-address/{name_of(1)}-pd"
    by_key = {p.key: p for p in planned.steps}
    assert forget in by_key[f"delete-instance/{name_of(1)}"].after
    assert f"forget-address/{name_of(0)}-pd" not in by_key
    assert any("are kept until a teardown" in note for note in planned.notes)


def test_who_is_alone_already_has_only_the_rest_to_do() -> None:
    planned = plan(BLUEPRINT, operation(Verb.RECOVER, name_of(0)), cluster("+", balancer=False))
    assert [k for k in keys(planned) if not k.startswith("remember")] == []


@pytest.mark.parametrize(
    ("sketch", "confirmed", "reason"),
    [
        ("+++", True, "QuorumNotLost"),
        ("++-", True, "QuorumNotLost"),
        ("?--", False, "RecoverUnconfirmed"),
        ("v--", True, "SurvivorWithoutData"),
    ],
)
def test_a_recovery_is_refused(sketch: str, confirmed: bool, reason: str) -> None:
    seen = cluster(sketch)
    found = wish(Verb.RECOVER, seen, replica_name=name_of(0), confirmed=confirmed)
    assert reasons(found) == [reason]


def test_a_list_told_just_before_the_majority_went_is_no_majority() -> None:
    told = cluster("+++")
    off = tuple(
        replace(r, instance=replace(r.instance, status="TERMINATED"), fresh=False)
        for r in told.replicas[1:]
    )
    seen = replace(told, replicas=(told.replicas[0], *off))
    assert seen.members_known
    found = wish(Verb.RECOVER, seen, replica_name=name_of(0), confirmed=True)
    assert found.operation is not None
    planned = plan(BLUEPRINT, found.operation, seen)
    assert {"prove-quorum-lost", "recover"} <= set(keys(planned))


def test_a_quorum_that_came_back_under_the_lock_stops_everything() -> None:
    planned = plan(BLUEPRINT, operation(Verb.RECOVER, name_of(0)), cluster("++-"))
    assert (reasons(planned), planned.steps) == (["QuorumNotLost"], ())


def test_the_statement_names_who_had_more() -> None:
    seen = lost("-?-")
    survivor = seen.replicas[1]
    said = "\n".join(recover.statement(seen, survivor))
    assert f"{name_of(0)} had applied 100, 1 more than {name_of(1)}" in said
    assert f"{name_of(1)} has not applied is gone" in said
    assert f"{name_of(2)} in {D}: VM TERMINATED, applied index 98" in said


def test_a_recovery_gives_other_operations_up_but_not_a_teardown() -> None:
    confirmed = {"replica_name": name_of(0), "confirmed": True}
    for verb in (Verb.CREATE, Verb.REPLICATE, Verb.REMOVE, Verb.SNAPSHOT):
        seen = replace(lost("?--"), operation=Operation(id="a" * 12, verb=verb, zone=B))
        found = wish(Verb.RECOVER, seen, **confirmed)
        assert found.operation is not None
        assert found.operation.id == OP, verb
    for verb in (Verb.TEARDOWN, Verb.RESTORE):
        seen = replace(lost("?--"), operation=Operation(id="a" * 12, verb=verb, zone=B))
        assert reasons(wish(Verb.RECOVER, seen, **confirmed)) == ["OperationUnfinished"]
    own = operation(Verb.RECOVER, name_of(0))
    found = wish(Verb.RECOVER, replace(lost("?--"), operation=own), replica_name=name_of(0))
    assert found.operation == own, "the word was given when it was begun"


def test_another_survivor_may_be_chosen_until_somebody_was_deleted() -> None:
    """The first one may never be heard; it must not keep a better one from being chosen."""
    own = operation(Verb.RECOVER, name_of(0))
    begun = replace(lost("??-"), operation=own)
    found = wish(Verb.RECOVER, begun, replica_name=name_of(1), confirmed=True)
    assert found.operation is not None
    assert found.operation.target == name_of(1)
    deleted = replace(begun, replicas=begun.replicas[:2])
    other = wish(Verb.RECOVER, deleted, replica_name=name_of(1), confirmed=True)
    assert reasons(other) == ["OperationUnfinished"]


@pytest.mark.parametrize("words", [{"phase": "failed"}, {"role": Role.LEARNER}])
def test_whoever_was_expelled_or_never_voted_is_no_survivor(words: dict[str, Any]) -> None:
    """It would be known only after everybody else was deleted."""
    seen = lost("?-")
    first = seen.replicas[0]
    assert first.report is not None
    odd = replace(first, report=replace(first.report, **words))
    seen = replace(seen, replicas=(odd, *seen.replicas[1:]))
    found = wish(Verb.RECOVER, seen, replica_name=name_of(0), confirmed=True)
    assert reasons(found) == ["SurvivorWithoutData"]


def test_the_word_for_a_recovery_is_asked_for_with_what_would_lose_nothing() -> None:
    found = wish(Verb.RECOVER, lost("?-"), replica_name=name_of(0))
    assert "KUBE_GCE_ZONE=europe-west1-c bin/kube-up.sh" in found.blockers[0].override


def test_what_is_recovered_already_is_nothing_to_do() -> None:
    found = wish(Verb.RECOVER, cluster("+"), replica_name=name_of(0))
    assert found.nothing_to_do


# ----------------------------------------------------------------------------------- restore


def gone(*left: DiskSnapshot) -> Observed:
    return replace(nothing(), snapshots=left)


def test_a_restore_makes_disk_vm_and_founder_in_this_order() -> None:
    seen = replace(gone(taken(2), taken(1)), uid=UID)
    planned = plan(BLUEPRINT, operation(Verb.RESTORE, "kubernetes-snapshot-2", "7002"), seen)
    order = keys(planned)
    wanted = ["create-disk", "create-instance", "install", "await-ready", "write-kubeconfig"]
    assert [k for k in order if k in wanted] == wanted
    by_key = {p.key: p.step for p in planned.steps}
    disk, install = by_key["create-disk"], by_key["install"]
    assert getattr(disk, "snapshot", "") == "kubernetes-snapshot-2"
    assert getattr(disk, "size_gb", 0) == 30, "no smaller than the snapshot's"
    assert isinstance(install, InstallReplica)
    assert (install.founder, install.restore) == (True, True)


def test_the_newest_that_is_ready_is_chosen_and_only_of_this_very_cluster() -> None:
    seen = gone(taken(3, status="UPLOADING"), taken(2), taken(1))
    found = wish(Verb.RESTORE, seen, confirmed=True)
    assert found.operation is not None
    assert (found.operation.target, found.operation.target_id) == ("kubernetes-snapshot-2", "7002")
    another = replace(seen, uid="f" * 16)
    assert reasons(wish(Verb.RESTORE, another, confirmed=True)) == ["NoSnapshot"]
    named = wish(Verb.RESTORE, another, confirmed=True, snapshot="kubernetes-snapshot-2")
    assert reasons(named) == ["SnapshotOfAnother"]


def test_without_the_word_it_says_what_will_be_gone() -> None:
    (blocker,) = wish(Verb.RESTORE, gone(taken(2))).blockers
    assert blocker.reason == "RestoreUnconfirmed"
    assert "revision 20" in blocker.message
    assert "HAKUBE_CONFIRM_RESTORE=kubernetes" in blocker.next_command
    assert "--snapshot kubernetes-snapshot-2" in blocker.next_command


@pytest.mark.parametrize("sketch", ["+", "-", "?--"])
def test_while_a_master_has_a_vm_nothing_is_restored(sketch: str) -> None:
    seen = replace(cluster(sketch), snapshots=(taken(1),))
    assert reasons(wish(Verb.RESTORE, seen, confirmed=True)) == ["RestoreNotNeeded"]


def test_a_disk_is_never_overwritten_and_one_in_use_stops_it() -> None:
    whole = replace(cluster("-"), snapshots=(taken(1),))
    unused = replace(whole, replicas=(), members=())
    assert reasons(wish(Verb.RESTORE, unused, confirmed=True)) == ["RestoreOverDisk"]
    planned = plan(BLUEPRINT, operation(Verb.RESTORE, "kubernetes-snapshot-1"), unused)
    assert reasons(planned) == ["RestoreOverDisk"]
    used = replace(unused, disks=(replace(whole.disks[0], users=("zones/z/instances/rescue",)),))
    assert reasons(wish(Verb.RESTORE, used, confirmed=True)) == ["RestoreNotNeeded"]


def test_a_teardown_leaves_snapshots_and_their_keys() -> None:
    seen = replace(cluster("+"), snapshots=(taken(1),))
    planned = plan(BLUEPRINT, Operation(id=OP, verb=Verb.TEARDOWN, zone=B), seen)
    assert not [k for k in keys(planned) if "snapshot" in k]
    assert any("kubernetes-snapshot-1" in note for note in planned.notes)
    release = planned.steps[-1].step
    assert getattr(release, "keep_keys", None) is True
    planned = plan(BLUEPRINT, Operation(id=OP, verb=Verb.TEARDOWN, zone=B), cluster("+"))
    assert getattr(planned.steps[-1].step, "keep_keys", None) is False
    assert not planned.notes
