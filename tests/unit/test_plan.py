"""The planner: what is there, what is missing, in which order. Values in, values out."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from graphlib import TopologicalSorter

import pytest

from hakube_gce import marks, render
from hakube_gce.describe import describe
from hakube_gce.model import Intent, Mark, Observed, Operation, Verb
from hakube_gce.plan import blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.planner import plan
from hakube_gce.plan.resolve import resolve
from hakube_gce.resources import InstanceGroup
from hakube_gce.steps import (
    CreateFirewall,
    CreateInstance,
    DeleteInstance,
    ExpelMember,
    InstallReplica,
    YieldLeadership,
)
from tests.fakes.clusters import (
    IP,
    NOW,
    REGION,
    UID,
    ZONES,
    cluster,
    name_of,
    nothing,
    with_balancer,
)

BLUEPRINT = Blueprint(
    project="p",
    prefix="kubernetes",
    region=REGION,
    machine_type="e2-standard-2",
    image="projects/debian-cloud/global/images/family/debian-12",
    data_disk_gb=20,
    root_disk_gb=20,
)
B, C, D = ZONES
LAST_TIMES_VM = "999"
CREATE = Operation(id="aaaaaaaaaaaa", verb=Verb.CREATE, zone=B)
MEND = Operation(id="eeeeeeeeeeee", verb=Verb.MEND, zone=B)
NEW = "kubernetes-master-0ff"


def replicate(zone: str, target: str = NEW) -> Operation:
    return Operation(id="bbbbbbbbbbbb", verb=Verb.REPLICATE, zone=zone, target=target)


def remove(index: int) -> Operation:
    return Operation(
        id="cccccccccccc",
        verb=Verb.REMOVE,
        zone=ZONES[index % 3],
        target=name_of(index),
        target_id=str(1000 + index),
    )


def keys(planned: Plan) -> list[str]:
    return [p.key for p in planned.steps]


def reasons(planned: Plan) -> list[str]:
    return [b.reason for b in planned.blockers]


def comes_before(planned: Plan, first: str, then: str) -> bool:
    """Tell whether the graph itself, not the order of listing, puts one step before another."""
    after = {p.key: p.after for p in planned.steps}
    todo, seen = [then], set()
    while todo:
        for key in after[todo.pop()]:
            if key == first:
                return True
            if key not in seen:
                seen.add(key)
                todo.append(key)
    return False


def assert_order(planned: Plan, *order: str) -> None:
    for first, then in itertools.pairwise(order):
        assert comes_before(planned, first, then), f"{first} must come before {then}"


# ----
# create


def test_the_first_master_is_made_from_nothing() -> None:
    planned = plan(BLUEPRINT, CREATE, nothing())
    assert keys(planned) == [
        "reserve-address",
        "create-firewall/https",
        "create-firewall/etcd",
        "create-disk",
        "create-instance",
        "install",
        "remember-address/kubernetes-master",
        "await-ready",
        "write-kubeconfig",
    ]
    assert_order(
        planned, "reserve-address", "create-disk", "create-instance", "install", "await-ready"
    )


def test_creating_what_exists_plans_nothing() -> None:
    assert plan(BLUEPRINT, MEND, cluster("+")).is_empty
    assert plan(BLUEPRINT, MEND, cluster("+++")).is_empty


def test_a_creation_cut_short_after_the_disk_goes_on_with_the_vm() -> None:
    seen = cluster("+")
    mine = Mark(cluster="kubernetes", uid=UID, operation=CREATE.id)
    disk = replace(seen.disks[0], labels=marks.mark_labels(mine))
    cut = replace(seen, replicas=(), members=(), members_known=False, disks=(disk,))
    assert keys(plan(BLUEPRINT, CREATE, cut)) == [
        "create-instance",
        "install",
        "remember-address/kubernetes-master",
        "await-ready",
        "write-kubeconfig",
    ]


def test_no_empty_cluster_is_founded_beside_the_data_of_an_old_one() -> None:
    gone = without_vms("+", forgetful=True)
    assert reasons(plan(BLUEPRINT, MEND, gone)) == ["DataDiskLeft"]


def test_a_master_that_cannot_be_heard_is_never_founded_again() -> None:
    """Its certificates are in its metadata: it has served, and has the cluster's keys."""
    silent = cluster("?")
    (only,) = silent.replicas
    unheard = replace(silent, replicas=(replace(only, report=None),))
    for seen in (silent, unheard):
        assert keys(plan(BLUEPRINT, MEND, seen)) == [
            "await-ready/kubernetes-master",
            "write-kubeconfig",
        ]


def test_a_cluster_whose_masters_all_run_and_are_silent_is_not_called_created() -> None:
    assert reasons(plan(BLUEPRINT, MEND, cluster("+??"))) == ["QuorumUnknown"]


# ---- kube-up on a cluster that is there: masters come back on their disks


def without_vms(sketch: str, *gone: int, forgetful: bool = False) -> Observed:
    """Draw a cluster some of whose VMs (all, when none is named) were deleted by hand."""
    seen = cluster(sketch)
    lost = {name_of(i) for i in gone or range(len(sketch))}
    known = bool(gone) and seen.members_known
    return replace(
        seen,
        replicas=tuple(r for r in seen.replicas if r.name not in lost),
        members=seen.members if known else (),
        members_known=known,
        cluster_id=seen.cluster_id if known else "",
        groups=tuple(
            replace(g, members=tuple(m for m in g.members if m not in lost)) for g in seen.groups
        ),
        disks=tuple(replace(d, labels={}) if forgetful else d for d in seen.disks),
    )


def made(planned: Plan) -> dict[str, tuple[str, str, str]]:
    """Give name → (zone, internal IP, static external address) of the VMs that are made."""
    specs = [p.step.spec for p in planned.steps if isinstance(p.step, CreateInstance)]
    return {s.name: (s.zone, s.internal_ip, s.address) for s in specs}


def test_masters_that_are_off_are_started_and_nothing_else() -> None:
    """Also without a majority: their etcd goes on as the members they are."""
    for sketch in ("+--", "---", "-"):
        planned = plan(BLUEPRINT, MEND, cluster(sketch))
        kinds = {k.partition("/")[0] for k in keys(planned)}
        assert kinds == {"start-instance", "await-ready", "write-kubeconfig"}
        assert sum(k.startswith("start-instance/") for k in keys(planned)) == sketch.count("-")


def test_the_only_masters_deleted_vm_is_made_again_on_its_disk_with_the_cluster_ip() -> None:
    planned = plan(BLUEPRINT, MEND, without_vms("+"))
    assert made(planned) == {name_of(0): (B, "10.0.0.2", IP)}
    assert "create-disk" not in keys(planned)
    (install,) = [p.step for p in planned.steps if isinstance(p.step, InstallReplica)]
    assert (install.founder, install.returning, install.peer_urls) == (True, True, ())


def test_a_deleted_vm_of_three_is_made_again_without_a_change_of_membership() -> None:
    planned = plan(BLUEPRINT, MEND, without_vms("+++", 1))
    assert made(planned) == {name_of(1): (C, "10.0.0.3", "")}
    assert not {"admit", "expel"} & set(keys(planned))
    (install,) = [p.step for p in planned.steps if isinstance(p.step, InstallReplica)]
    assert not install.founder
    assert install.peer_urls == ("https://10.0.0.2:2380", "https://10.0.0.4:2380")
    assert_order(planned, f"await-ready/{name_of(1)}", f"join-group/{name_of(1)}")


def test_all_vms_deleted_come_back_on_their_disks() -> None:
    planned = plan(BLUEPRINT, MEND, without_vms("+++"))
    assert set(made(planned)) == {name_of(i) for i in range(3)}
    assert all(address == "" for _, _, address in made(planned).values())
    founders = [p.step.founder for p in planned.steps if isinstance(p.step, InstallReplica)]
    assert founders == [False] * 3


def test_a_removed_members_disk_is_never_brought_to_life() -> None:
    """While a majority answers, only those come back that it still lists."""
    seen = without_vms("+++v", 3)
    assert plan(BLUEPRINT, MEND, seen).is_empty


def test_a_disk_that_another_vm_uses_is_left_alone() -> None:
    seen = without_vms("+")
    used = replace(seen, disks=(replace(seen.disks[0], users=("zones/z/instances/rescue",)),))
    assert reasons(plan(BLUEPRINT, MEND, used)) == ["DataDiskLeft"]


def test_a_disk_without_its_address_gets_it() -> None:
    seen = replace(cluster("+"), disks=(replace(cluster("+").disks[0], labels={}),))
    assert keys(plan(BLUEPRINT, MEND, seen))[0] == "remember-address/kubernetes-master"


def test_a_dead_voter_may_go_or_come_back() -> None:
    (blocker,) = plan(BLUEPRINT, replicate(B), cluster("++-")).blockers
    assert "KUBE_DELETE_NODES=false" in blocker.next_command
    assert "KUBE_GCE_ZONE=europe-west1-d bin/kube-up.sh" in blocker.override


def test_the_founder_is_the_only_replica_that_starts_a_new_etcd() -> None:
    first = plan(BLUEPRINT, CREATE, nothing())
    more = plan(BLUEPRINT, replicate(C), cluster("+"))
    installs = [p.step for q in (first, more) for p in q.steps if p.key == "install"]
    assert [s.founder for s in installs if isinstance(s, InstallReplica)] == [True, False]


# ----
# replicate


def test_the_second_master_is_a_voter_before_anything_moves() -> None:
    planned = plan(BLUEPRINT, replicate(C), cluster("+"))
    assert planned.blockers == ()
    assert_order(
        planned,
        "create-disk",
        "create-instance",
        "install",
        "admit",
        "await-ready",
        f"join-group/{NEW}",
        "create-temporary-rule",
        "await-backends",
        "promote-endpoint",
        "attach-ephemeral/kubernetes-master",
    )
    assert_order(planned, "promote-endpoint", "delete-temporary-rule")
    assert_order(planned, "join-group/kubernetes-master", "promote-endpoint")


def test_the_balancer_is_built_beside_the_vm() -> None:
    """D14: what does not depend on the newcomer need not wait for it."""
    planned = plan(BLUEPRINT, replicate(C), cluster("+"))
    assert not comes_before(planned, "create-instance", "create-backend-service")


def test_the_third_master_moves_no_address() -> None:
    planned = plan(BLUEPRINT, replicate(D), cluster("++"))
    assert "promote-endpoint" not in keys(planned)
    assert_order(planned, "create-group/europe-west1-d", "set-backends", f"join-group/{NEW}")
    assert_order(planned, "admit", f"join-group/{NEW}", "await-backends")


def test_a_finished_replication_plans_nothing() -> None:
    assert plan(BLUEPRINT, replicate(C, name_of(1)), cluster("++")).is_empty


def test_a_promotion_cut_short_in_its_window_is_completed() -> None:
    """The address is off the VM and on no rule: what is left is the rule and the tidying."""
    seen = with_balancer(cluster("++", balancer=False))
    first = seen.replicas[0]
    bare = replace(first, instance=replace(first.instance, access_config=None))
    cut = replace(seen, rule=None, replicas=(bare, *seen.replicas[1:]))
    planned = plan(BLUEPRINT, replicate(C, name_of(1)), cut)
    assert keys(planned) == [
        "create-temporary-rule",
        "await-backends",
        "promote-endpoint",
        "attach-ephemeral/kubernetes-master",
        "delete-temporary-rule",
    ]


def test_a_learner_left_behind_is_admitted_and_not_installed_again() -> None:
    seen = cluster("+l")
    planned = plan(BLUEPRINT, replicate(C, name_of(1)), seen)
    assert "admit" in keys(planned)
    assert "create-instance" not in keys(planned)


@pytest.mark.parametrize(
    ("sketch", "reason"),
    [
        ("++-", "DeadVoter"),
        ("++?", "DeadVoter"),
        ("+-", "QuorumUnknown"),
        ("-", "QuorumUnknown"),
        ("+l", "LearnerPending"),
    ],
)
def test_no_master_is_added_to_a_cluster_that_is_not_whole(sketch: str, reason: str) -> None:
    planned = plan(BLUEPRINT, replicate(C), cluster(sketch))
    assert reason in reasons(planned)
    assert planned.steps == ()


def test_an_alarm_stops_membership_changes() -> None:
    seen = cluster("+")
    (only,) = seen.replicas
    assert only.report is not None
    alarmed = replace(only, report=replace(only.report, alarms=("NOSPACE",)))
    planned = plan(BLUEPRINT, replicate(C), replace(seen, replicas=(alarmed,)))
    assert reasons(planned) == ["EtcdAlarm"]


# ----
# remove


def test_removal_takes_the_member_out_before_the_vm() -> None:
    planned = plan(BLUEPRINT, remove(1), cluster("+++"))
    assert_order(planned, f"leave-group/{name_of(1)}", "expel", "delete-instance", "delete-disk")
    assert "demote-endpoint" not in keys(planned)


def test_a_leaving_leader_hands_over_first() -> None:
    planned = plan(BLUEPRINT, remove(0), cluster("+++"))
    assert_order(planned, "yield-leadership", "expel")
    (heir,) = [p.step.to for p in planned.steps if isinstance(p.step, YieldLeadership)]
    (through,) = [p.step.through for p in planned.steps if isinstance(p.step, ExpelMember)]
    assert heir == through == name_of(1)


def test_a_follower_leaves_without_touching_the_leader() -> None:
    assert "yield-leadership" not in keys(plan(BLUEPRINT, remove(1), cluster("+++")))


def test_the_leaving_replica_never_carries_out_its_own_removal() -> None:
    for index in range(3):
        planned = plan(BLUEPRINT, remove(index), cluster("+++", leader=index))
        (step,) = [p.step for p in planned.steps if isinstance(p.step, ExpelMember)]
        assert step.through != name_of(index)


def test_the_penultimate_removal_brings_the_address_back() -> None:
    planned = plan(BLUEPRINT, remove(1), cluster("++"))
    assert_order(
        planned,
        "expel",
        "detach-ephemeral/kubernetes-master",
        "demote-endpoint",
        "delete-backend-service",
        "delete-health-check",
    )
    assert_order(planned, "demote-endpoint", "delete-instance")
    assert_order(planned, "delete-backend-service", "delete-group/europe-west1-b")


def test_a_demotion_cut_short_in_its_window_is_completed() -> None:
    seen = cluster("++")
    first = seen.replicas[0]
    bare = replace(first, instance=replace(first.instance, access_config=None))
    cut = replace(
        seen,
        rule=None,
        replicas=(bare, seen.replicas[1]),
        members=seen.members[:1],
    )
    planned = plan(BLUEPRINT, remove(1), cut)
    assert keys(planned)[:2] == [f"leave-group/{name_of(1)}", "demote-endpoint"]
    assert "expel" not in keys(planned)


def test_a_finished_removal_plans_nothing() -> None:
    seen = cluster("++")
    assert plan(BLUEPRINT, remove(2), seen).is_empty


@pytest.mark.parametrize(
    ("sketch", "index", "allowed"),
    [
        ("++", 1, True),
        ("+++", 0, True),
        ("++-", 2, True),  # the broken one may go
        ("++-", 0, False),  # a healthy one may not: 1 healthy of 2
        ("++?", 1, False),  # silent counts as not healthy
        ("++++-", 0, True),
        ("+++--", 0, False),
        ("+++--", 4, True),
        ("+-", 1, False),  # today's majority is gone: this is recovery
        ("+-", 0, False),
        ("-", 0, False),
    ],
)
def test_a_removal_needs_two_majorities(sketch: str, index: int, *, allowed: bool) -> None:
    planned = plan(BLUEPRINT, remove(index), cluster(sketch))
    assert (not planned.blockers) is allowed
    assert bool(planned.steps) is allowed


def test_the_refusal_names_the_dead_one_and_the_right_command() -> None:
    (blocker,) = plan(BLUEPRINT, remove(0), cluster("++-")).blockers
    assert blocker.exit_status == 5
    assert "1 healthy of 2 voters, 2 needed" in blocker.message
    assert f"KUBE_REPLICA_NAME={name_of(2)}" in blocker.next_command


def test_a_replica_that_is_no_member_goes_once_a_voter_was_asked_about_it() -> None:
    """An agent may be admitting it at this moment, for a run that was killed."""
    planned = plan(BLUEPRINT, remove(1), cluster("+v"))
    assert_order(planned, "expel", "delete-instance")
    (step,) = [p.step for p in planned.steps if isinstance(p.step, ExpelMember)]
    assert (step.member_id, step.peer_url) == ("", "https://10.0.0.3:2380")
    assert "demote-endpoint" not in keys(planned)


def test_unknown_is_not_absent() -> None:
    seen = replace(cluster("+++"), unreadable=("zones/europe-west1-c: UNREACHABLE",))
    for operation in (MEND, replicate(C), remove(1), TEARDOWN):
        assert reasons(plan(BLUEPRINT, operation, seen)) == ["UnknownState"]


# ----
# teardown

TEARDOWN = Operation(id="dddddddddddd", verb=Verb.TEARDOWN, zone=B)


@pytest.mark.parametrize("sketch", ["+", "+++", "++-", "-"])
def test_the_address_is_released_last(sketch: str) -> None:
    planned = plan(BLUEPRINT, TEARDOWN, cluster(sketch))
    assert keys(planned)[-1] == "release-address"
    last = planned.steps[-1]
    assert set(last.after) == set(keys(planned)[:-1])


def test_the_teardown_of_nothing_plans_nothing() -> None:
    assert plan(BLUEPRINT, TEARDOWN, nothing()).is_empty


# ----
# resolve


def wish(verb: Verb, zone: str = B, name: str = "", *, confirmed: bool = False) -> Intent:
    return Intent(verb=verb, zone=zone, replica_name=name, confirmed_teardown=confirmed)


def refusals(intent: Intent, seen: Observed, regions: Iterable[str] = ()) -> list[tuple[str, int]]:
    resolved = resolve(
        BLUEPRINT, intent, seen, operation_id="0" * 12, other_regions=tuple(regions)
    )
    return [(b.reason, b.exit_status) for b in resolved.blockers]


def target(intent: Intent, seen: Observed) -> str:
    resolved = resolve(BLUEPRINT, intent, seen, operation_id="0" * 12)
    assert resolved.operation is not None
    return resolved.operation.target


@pytest.mark.parametrize(
    ("intent", "sketch", "refused"),
    [
        (wish(Verb.REPLICATE, C), "", ("NoMaster", 3)),
        (wish(Verb.REMOVE, C), "+", ("NoReplicaInZone", 3)),
        (wish(Verb.REMOVE, B, "kubernetes-master-fff"), "+++", ("NoSuchReplica", 3)),
        (wish(Verb.REMOVE, B, name_of(1)), "+++", ("NoSuchReplica", 3)),
        (wish(Verb.REMOVE, B), "+", ("LastMaster", 5)),
        (wish(Verb.TEARDOWN, B), "++", ("TeardownUnconfirmed", 5)),
        (wish(Verb.TEARDOWN, C), "+", ("NothingInZone", 3)),
        (wish(Verb.CREATE, D), "++", ("ClusterExists", 4)),
    ],
)
def test_wishes_that_cannot_be(intent: Intent, sketch: str, refused: tuple[str, int]) -> None:
    seen = cluster(sketch) if sketch else nothing()
    assert refusals(intent, seen) == [refused]


@pytest.mark.parametrize("verb", list(Verb))
def test_a_cluster_in_another_region_is_never_mistaken_for_none(verb: Verb) -> None:
    assert refusals(wish(verb), nothing(), ["us-central1"]) == [("OtherRegion", 5)]


def test_the_name_in_another_zone_comes_with_the_right_command() -> None:
    resolved = resolve(
        BLUEPRINT, wish(Verb.REMOVE, B, name_of(1)), cluster("+++"), operation_id="0" * 12
    )
    assert f"KUBE_GCE_ZONE={C}" in resolved.blockers[0].next_command


def test_teardown_of_several_masters_needs_the_word() -> None:
    resolved = resolve(
        BLUEPRINT, wish(Verb.TEARDOWN, confirmed=True), cluster("+++"), operation_id="0" * 12
    )
    assert resolved.operation is not None


def test_the_last_master_goes_from_its_own_zone_without_the_word() -> None:
    assert refusals(wish(Verb.TEARDOWN, B), cluster("+")) == []
    assert refusals(wish(Verb.TEARDOWN, C, confirmed=True), cluster("+")) == []


def test_disks_that_a_recovery_kept_want_the_word_too() -> None:
    """They may hold what the survivor never had."""
    alone, three = cluster("+"), cluster("+++")
    seen = replace(alone, disks=tuple(replace(d, labels={}, users=()) for d in three.disks))
    (found,) = resolve(BLUEPRINT, wish(Verb.TEARDOWN, B), seen, operation_id="0" * 12).blockers
    assert found.reason == "TeardownUnconfirmed"
    assert f"a recovery kept {name_of(1)}-pd, {name_of(2)}-pd" in found.message
    assert found.next_command == "", "removing the last master is no way"
    sure = replace(wish(Verb.TEARDOWN, B), confirmed_teardown=True)
    assert resolved_verb(sure, seen) is Verb.TEARDOWN


def test_a_disk_that_an_unfinished_replication_left_is_nobodys_data() -> None:
    disks = tuple(replace(d, labels={}, users=()) for d in cluster("++").disks)
    disks = (disks[0], replace(disks[1], name=f"{NEW}-pd"))
    seen = replace(cluster("+", operation=replicate(C)), disks=disks)
    assert resolved_verb(wish(Verb.TEARDOWN, B), seen) is Verb.TEARDOWN


def test_a_repeated_teardown_has_nothing_to_do() -> None:
    resolved = resolve(BLUEPRINT, wish(Verb.TEARDOWN), nothing(), operation_id="0" * 12)
    assert resolved.nothing_to_do


def test_the_victim_is_the_unhealthy_one_then_no_leader_then_the_newest() -> None:
    crowded = (B, B, B, B, B)
    assert target(wish(Verb.REMOVE, B), cluster("+++-+", zones=crowded)) == name_of(3)
    assert target(wish(Verb.REMOVE, B), cluster("+++++", zones=crowded)) == name_of(4)
    last_leads = cluster("+++++", zones=crowded, leader=4)
    assert target(wish(Verb.REMOVE, B), last_leads) == name_of(3)


def test_a_removal_cut_short_keeps_its_victim() -> None:
    seen = cluster("+++", zones=(B, B, B), operation=replace(remove(1), zone=B))
    assert target(wish(Verb.REMOVE, B), seen) == name_of(1)


def test_another_verb_waits_for_the_unfinished_one() -> None:
    seen = cluster("+++", operation=remove(1))
    assert refusals(wish(Verb.REPLICATE, C), seen) == [("OperationUnfinished", 5)]
    assert refusals(wish(Verb.REMOVE, B), seen) == [("OperationUnfinished", 5)]


def test_masters_are_not_mended_in_the_midst_of_a_restore() -> None:
    seen = cluster("+-", operation=Operation(id="e" * 12, verb=Verb.RESTORE, zone=B))
    assert refusals(wish(Verb.CREATE, B), seen) == [("OperationUnfinished", 5)]


def half_torn(sketch: str, *, gone: int = 0) -> Observed:
    """Draw a cluster in whose teardown so many VMs have been deleted."""
    seen = cluster(sketch, operation=TEARDOWN)
    return replace(seen, replicas=seen.replicas[gone:])


@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.SNAPSHOT])
def test_a_teardown_that_deleted_no_master_gives_way_to_what_keeps_the_cluster(verb: Verb) -> None:
    """It was stopped, or never allowed: another teardown must not be the only way on."""
    assert resolved_verb(wish(verb, B), half_torn("+++")) in {Verb.MEND, Verb.SNAPSHOT}


@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.SNAPSHOT])
def test_a_teardown_that_deleted_a_master_is_only_gone_on_with(verb: Verb) -> None:
    assert refusals(wish(verb, C), half_torn("+++", gone=1)) == [("OperationUnfinished", 5)]


@pytest.mark.parametrize("gone", [0, 1])
@pytest.mark.parametrize("verb", [Verb.REPLICATE, Verb.REMOVE, Verb.ADD_NODES])
def test_nobody_who_did_not_ask_for_a_teardown_is_told_to_run_one(verb: Verb, gone: int) -> None:
    seen = half_torn("+++", gone=gone)
    resolved = resolve(BLUEPRINT, wish(verb, C), seen, operation_id="0" * 12)
    (found,) = resolved.blockers
    assert found.reason == "OperationUnfinished"
    assert "kube-down" not in found.next_command
    assert ("kube-up" in found.next_command) == (not gone)
    assert "to delete the cluster, and its data: " in found.override
    assert "HAKUBE_CONFIRM_TEARDOWN" not in found.override


ID = "0" * 12


def test_a_zone_without_machines_holds_nobody_up_for_ever() -> None:
    replicating = cluster("+", operation=replicate(C))
    founding = replace(nothing(), operation=CREATE)
    (found,) = resolve(BLUEPRINT, wish(Verb.REPLICATE, D), replicating, operation_id=ID).blockers
    assert f"KUBE_REPLICA_NAME={NEW}" in found.override
    assert "KUBE_DELETE_NODES=false" in found.override
    (found,) = resolve(BLUEPRINT, wish(Verb.CREATE, C), founding, operation_id=ID).blockers
    assert "to give it up, which keeps all snapshots: " in found.override
    assert found.override.endswith("kube-down.sh")


def resolved_verb(intent: Intent, seen: Observed) -> Verb:
    resolved = resolve(BLUEPRINT, intent, seen, operation_id="0" * 12)
    assert resolved.operation is not None, resolved
    return resolved.operation.verb


@pytest.mark.parametrize("unfinished", [replicate(C), remove(1), MEND])
def test_masters_that_are_off_come_back_whatever_is_not_finished(unfinished: Operation) -> None:
    """Else kube-up and the unfinished command would print each other, and only loss would help."""
    for sketch in ("-", "+-", "---", "+--"):
        seen = cluster(sketch, operation=unfinished)
        assert resolved_verb(wish(Verb.CREATE, B), seen) is Verb.MEND
        planned = plan(BLUEPRINT, MEND, seen)
        assert sum(k.startswith("start-instance/") for k in keys(planned)) == sketch.count("-")


def test_a_mend_that_cannot_be_finished_keeps_nobody_from_removing_and_adding() -> None:
    """The dead master's zone may have no machines for days."""
    seen = cluster("++-", operation=MEND)
    assert target(wish(Verb.REMOVE, D, name_of(2)), seen) == name_of(2)
    assert resolved_verb(wish(Verb.REPLICATE, B), cluster("++", operation=MEND)) is Verb.REPLICATE


def test_nothing_is_founded_where_anything_of_a_cluster_is_left() -> None:
    """Not even by a creation that was not finished, when the disk is not its own."""
    for seen in (cluster("+"), cluster("-"), without_vms("+++"), without_vms("+", forgetful=True)):
        for unfinished in (None, replace(CREATE, id="f" * 12)):
            there = replace(seen, operation=unfinished)
            assert resolved_verb(wish(Verb.CREATE, B), there) is Verb.MEND
            installs = [
                p.step
                for p in plan(BLUEPRINT, MEND, there).steps
                if isinstance(p.step, InstallReplica)
            ]
            assert all(step.returning for step in installs)


def test_a_disk_of_another_operation_stops_an_unfinished_creation() -> None:
    seen = replace(without_vms("+", forgetful=True), operation=CREATE)
    assert reasons(plan(BLUEPRINT, CREATE, seen)) == ["DataDiskLeft"]


def test_vms_made_again_and_never_installed_are_installed_by_the_next_run() -> None:
    """The run before was killed in between, or had no keys."""
    whole = cluster("+++")
    bare = [
        replace(r, instance=replace(r.instance, metadata={}), report=None, fresh=False)
        for r in whole.replicas
    ]
    one = replace(whole, replicas=(bare[0], *whole.replicas[1:]))
    everybody = replace(
        whole, replicas=tuple(bare), members=(), members_known=False, cluster_id=""
    )
    for seen, count in ((one, 1), (everybody, 3)):
        planned = plan(BLUEPRINT, MEND, seen)
        installs = [p.step for p in planned.steps if isinstance(p.step, InstallReplica)]
        assert [s.founder for s in installs] == [False] * count
        assert all(s.returning for s in installs)
        assert f"await-ready/{name_of(0)}" in keys(planned)


def test_the_newcomer_of_an_unfinished_replication_is_not_mended() -> None:
    seen = cluster("+v", operation=replicate(C, name_of(1)))
    assert plan(BLUEPRINT, MEND, seen).is_empty
    gone = replace(
        without_vms("++"), operation=replicate(C, name_of(1)), members=(), members_known=False
    )
    assert set(made(plan(BLUEPRINT, MEND, gone))) == {name_of(0)}


def test_a_data_disk_alone_is_not_torn_down_without_the_word() -> None:
    seen = without_vms("+")
    assert refusals(wish(Verb.TEARDOWN, B), seen) == [("TeardownUnconfirmed", 5)]
    nobody = blockers.teardown_unconfirmed(BLUEPRINT, nothing(), B)
    assert "has 0 masters and KUBE_DELETE_NODES" in nobody.message
    assert refusals(wish(Verb.TEARDOWN, B, confirmed=True), seen) == []


def test_a_master_that_lost_its_vm_counts_in_a_teardown() -> None:
    """One VM is left of three, and three disks of data: that is no cluster of one."""
    three = cluster("+++")
    seen = replace(three, replicas=three.replicas[:1], members=(), members_known=False)
    assert refusals(wish(Verb.TEARDOWN, B), seen) == [("TeardownUnconfirmed", 5)]
    assert refusals(wish(Verb.TEARDOWN, B, confirmed=True), seen) == []
    alone = replace(seen, disks=three.disks[:1])
    assert refusals(wish(Verb.TEARDOWN, B), alone) == []


def test_a_half_made_replica_may_be_given_up() -> None:
    half = cluster("+v", operation=replicate(C, name_of(1)))
    assert target(wish(Verb.REMOVE, C, name_of(1)), half) == name_of(1)
    assert refusals(wish(Verb.REMOVE, B, name_of(0)), half) == [("OperationUnfinished", 5)]


# ---- an unfinished operation and a dead master: no refusal may print what another refuses


def follow(intent: Intent, seen: Observed) -> str:
    """Give the command that a wish is answered with; empty when it may go on."""
    resolved = resolve(BLUEPRINT, intent, seen, operation_id="0" * 12)
    if resolved.blockers:
        return resolved.blockers[0].next_command
    assert resolved.operation is not None
    planned = plan(BLUEPRINT, resolved.operation, seen)
    return planned.blockers[0].next_command if planned.blockers else ""


def test_an_unfinished_removal_is_overtaken_by_that_of_a_dead_voter() -> None:
    seen = cluster("++-", operation=remove(1))
    right = follow(wish(Verb.REMOVE, C, name_of(1)), seen)
    assert f"KUBE_REPLICA_NAME={name_of(2)}" in right
    assert follow(wish(Verb.REMOVE, D, name_of(2)), seen) == ""


def test_a_removal_whose_member_has_left_is_finished_first() -> None:
    seen = cluster("++v-+", operation=remove(2))
    assert refusals(wish(Verb.REMOVE, B, name_of(3)), seen) == [("OperationUnfinished", 5)]
    assert follow(wish(Verb.REMOVE, D, name_of(2)), seen) == ""


def test_a_half_made_replica_is_given_up_before_a_dead_voter_goes() -> None:
    seen = cluster("++-v", operation=replicate(B, name_of(3)))
    assert f"KUBE_REPLICA_NAME={name_of(3)}" in follow(wish(Verb.REPLICATE, B), seen)
    assert follow(wish(Verb.REMOVE, B, name_of(3)), seen) == ""
    without = cluster("++-")
    assert f"KUBE_REPLICA_NAME={name_of(2)}" in follow(wish(Verb.REPLICATE, B), without)
    assert follow(wish(Verb.REMOVE, D, name_of(2)), without) == ""


def test_a_replication_that_made_nothing_yet_gives_way_to_the_removal_of_a_dead_voter() -> None:
    seen = cluster("++-", operation=replicate(B))
    assert f"KUBE_REPLICA_NAME={name_of(2)}" in follow(wish(Verb.REPLICATE, B), seen)
    assert follow(wish(Verb.REMOVE, D, name_of(2)), seen) == ""


def test_a_newcomer_that_votes_already_stays_while_a_dead_voter_goes_and_then_serves() -> None:
    seen = cluster("++-+", operation=replicate(B, name_of(3)))
    outside = replace(
        seen,
        groups=tuple(
            replace(g, members=tuple(m for m in g.members if m != name_of(3))) for g in seen.groups
        ),
    )
    assert f"KUBE_REPLICA_NAME={name_of(2)}" in follow(wish(Verb.REPLICATE, B), outside)
    planned = plan(BLUEPRINT, remove(2), outside)
    assert comes_before(planned, "expel", f"join-group/{name_of(3)}")


def test_a_healthy_master_overtakes_nothing() -> None:
    seen = cluster("+++", operation=remove(1))
    assert refusals(wish(Verb.REMOVE, D, name_of(2)), seen) == [("OperationUnfinished", 5)]


def test_nothing_is_added_to_a_cluster_without_majority() -> None:
    seen = replace(cluster("++"), replicas=cluster("+-").replicas)
    (blocker,) = plan(BLUEPRINT, replicate(D), seen).blockers
    assert (blocker.reason, blocker.exit_status) == ("QuorumUnknown", 5)
    assert "1 healthy of 2 voters, 2 needed" in blocker.message
    assert blocker.next_command == "KUBE_GCE_ZONE=europe-west1-c bin/kube-up.sh"


# ---- what must be so before any membership change


def saying(seen: Observed, index: int, **words: object) -> Observed:
    """Let one master's agent say something else."""
    replicas = list(seen.replicas)
    report = replicas[index].report
    assert report is not None
    replicas[index] = replace(replicas[index], report=replace(report, **words))  # type: ignore[arg-type]
    return replace(seen, replicas=tuple(replicas))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"alarms": ("NOSPACE",)}, "EtcdAlarm"),
        ({"etcd_version": "3.6.1"}, "VersionMismatch"),
        ({"certificates_expire": NOW + timedelta(days=6.9)}, "CertificateExpiring"),
        ({"cluster_id": "bad"}, "ClusterIdMismatch"),
    ],
)
def test_no_membership_changes_while_something_is_wrong_with_who_stays(
    words: dict[str, object], reason: str
) -> None:
    ill = saying(saying(cluster("+++"), 1, etcd_version="3.5.9"), 0, etcd_version="3.5.1")
    ill = saying(ill, 1, **words)
    for operation in (replicate(D), remove(2)):
        assert reasons(plan(BLUEPRINT, operation, ill)) == [reason]


def test_what_is_wrong_with_the_leaving_master_alone_does_not_keep_it() -> None:
    old = saying(cluster("+++"), 1, certificates_expire=NOW + timedelta(days=1))
    assert reasons(plan(BLUEPRINT, remove(1), old)) == []
    assert reasons(plan(BLUEPRINT, remove(2), old)) == ["CertificateExpiring"]


def test_a_certificate_with_a_week_left_is_good_enough() -> None:
    young = saying(cluster("+++"), 1, certificates_expire=NOW + timedelta(days=7))
    assert reasons(plan(BLUEPRINT, remove(2), young)) == []


def test_kube_up_renews_certificates_that_end_soon_one_master_after_the_other() -> None:
    old = cluster("+++")
    for index in range(3):
        old = saying(old, index, certificates_expire=NOW + timedelta(days=3))
    planned = plan(BLUEPRINT, MEND, old)
    renewals = [f"renew/{name_of(i)}" for i in range(3)]
    assert keys(planned) == [*renewals, "write-kubeconfig"]
    assert_order(planned, *renewals)
    (blocker, *_) = plan(BLUEPRINT, remove(2), old).blockers
    assert blocker.next_command == "KUBE_GCE_ZONE=europe-west1-b bin/kube-up.sh"


# ---- learners whose VM is gone


def orphaned(sketch: str) -> Observed:
    """Draw a cluster whose last master's VM and disk were deleted by hand."""
    seen = cluster(sketch)
    return replace(seen, replicas=seen.replicas[:-1], disks=seen.disks[:-1])


def test_a_newcomer_that_says_that_it_is_over_is_given_up() -> None:
    """Its member was taken out again: etcd takes none back under the same data."""
    seen = cluster("++v", operation=replicate(D, name_of(2)))
    report = seen.replicas[2].report
    assert report is not None
    over = replace(seen.replicas[2], report=replace(report, phase="failed", detail="was removed"))
    planned = plan(
        BLUEPRINT,
        replicate(D, name_of(2)),
        replace(seen, replicas=(*seen.replicas[:2], over)),
    )
    assert reasons(planned) == ["NewcomerFailed"]
    assert "was removed" in planned.blockers[0].message
    assert f"KUBE_REPLICA_NAME={name_of(2)}" in planned.blockers[0].next_command
    unheard = replace(over, fresh=False)
    again = replace(seen, replicas=(*seen.replicas[:2], unheard))
    assert reasons(plan(BLUEPRINT, replicate(D, name_of(2)), again)) == []


def test_a_learner_without_a_vm_goes_before_the_next_newcomer() -> None:
    planned = plan(BLUEPRINT, replicate(B), orphaned("+++l"))
    assert_order(planned, "expel-orphan/a3", "admit")


def test_a_learner_without_a_vm_goes_before_a_removal() -> None:
    planned = plan(BLUEPRINT, remove(1), orphaned("+++l"))
    assert_order(planned, "expel-orphan/a3", "expel")


def test_a_learner_with_a_vm_is_named_with_the_command_that_gives_it_up() -> None:
    planned = plan(BLUEPRINT, remove(1), cluster("+++l"))
    assert reasons(planned) == ["LearnerPending"]
    assert f"KUBE_REPLICA_NAME={name_of(3)}" in planned.blockers[0].next_command


def test_a_voter_without_a_vm_is_never_expelled_by_the_way() -> None:
    planned = plan(BLUEPRINT, remove(1), orphaned("++++-"))
    assert [k for k in keys(planned) if "orphan" in k] == []


@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.TEARDOWN])
def test_a_removal_never_takes_over_an_unfinished_creation_or_teardown(verb: Verb) -> None:
    seen = cluster("+++", operation=Operation(id="e" * 12, verb=verb, zone=B))
    assert refusals(wish(Verb.REMOVE, B), seen) == [("OperationUnfinished", 5)]


def test_a_replication_cut_short_keeps_its_name() -> None:
    seen = cluster("+", operation=replicate(C))
    assert target(wish(Verb.REPLICATE, C), seen) == NEW


def test_a_finished_replication_repeated_adds_one_more() -> None:
    assert target(wish(Verb.REPLICATE, C), cluster("++")) not in {name_of(0), name_of(1)}


# ---- whole
# plans


@pytest.mark.parametrize(
    ("operation", "sketch"),
    [
        (CREATE, ""),
        (replicate(C), "+"),
        (replicate(D), "++"),
        (remove(0), "+++"),
        (remove(1), "++"),
        (TEARDOWN, "+++"),
    ],
)
def test_every_plan_is_a_graph_that_can_run_in_the_order_it_is_listed(
    operation: Operation, sketch: str
) -> None:
    planned = plan(BLUEPRINT, operation, cluster(sketch) if sketch else nothing())
    done: set[str] = set()
    assert len(set(keys(planned))) == len(planned.steps) > 0
    for step in planned.steps:
        assert set(step.after) <= done
        done.add(step.key)
    assert len(list(TopologicalSorter({p.key: p.after for p in planned.steps}).static_order())) > 0
    assert all(str(describe(p.step)).strip() for p in planned.steps)


def test_the_same_look_gives_the_same_plan() -> None:
    assert plan(BLUEPRINT, replicate(C), cluster("+")) == plan(
        BLUEPRINT, replicate(C), cluster("+")
    )


def test_the_first_master_carries_the_cluster_ip_and_a_replica_does_not() -> None:
    reserved = replace(nothing(), uid="0" * 16, address=cluster("+").address)
    first = [p.step for p in plan(BLUEPRINT, CREATE, reserved).steps if p.key == "create-instance"]
    more = [
        p.step
        for p in plan(BLUEPRINT, replicate(C), cluster("+")).steps
        if p.key == "create-instance"
    ]
    addresses = [getattr(s, "spec").address for s in (*first, *more)]  # noqa: B009 - one of a union
    assert addresses == [IP, ""]


def test_an_empty_group_of_a_zone_without_masters_goes() -> None:
    seen = cluster("+++")
    planned = plan(BLUEPRINT, remove(2), seen)
    assert_order(
        planned, f"leave-group/{name_of(2)}", "set-backends", "delete-group/europe-west1-d"
    )
    shared = cluster("+++", zones=(B, C, C))
    assert isinstance(shared.groups[1], InstanceGroup)
    assert "set-backends" not in keys(plan(BLUEPRINT, replace(remove(2), zone=C), shared))


def test_a_joiner_is_told_etcds_members_and_not_the_vms() -> None:
    """A VM that is no member, or is one no more, would keep the newcomer's etcd from starting."""
    seen = cluster("++v")
    bare = replace(seen.replicas[2].instance, metadata={})
    seen = replace(seen, replicas=(*seen.replicas[:2], replace(seen.replicas[2], instance=bare)))
    planned = plan(BLUEPRINT, replicate(D, target=name_of(2)), seen)
    (install,) = [p.step for p in planned.steps if isinstance(p.step, InstallReplica)]
    assert install.peer_urls == tuple(m.peer_url for m in seen.members)


@pytest.mark.parametrize("named", ["", name_of(1)])
def test_a_removal_goes_on_with_the_vm_in_which_its_target_came_back(named: str) -> None:
    """kube-up makes a lost VM again on its disk, whatever is unfinished: same name, another id."""
    noted = replace(remove(1), target_id=LAST_TIMES_VM)
    seen = cluster("+++", operation=noted)
    intent = Intent(verb=Verb.REMOVE, zone=C, replica_name=named)
    found = resolve(BLUEPRINT, intent, seen, operation_id="ffffffffffff")
    assert found.operation is not None
    assert found.operation == replace(noted, target_id=seen.replicas[1].instance.id)
    planned = plan(BLUEPRINT, found.operation, seen)
    assert [p.step.id for p in planned.steps if isinstance(p.step, DeleteInstance)] == [
        seen.replicas[1].instance.id
    ]


def test_a_zone_that_holds_a_master_is_noted_with_the_free_ones() -> None:
    (crowded,) = (n for n in plan(BLUEPRINT, replicate(B), cluster("+")).notes if "holds" in n)
    assert crowded == f"zone {B} already holds a master; zones without one: {C}, {D}"
    assert not [n for n in plan(BLUEPRINT, replicate(C), cluster("+")).notes if "holds" in n]


def test_masters_alone_reach_etcds_peer_port() -> None:
    rules = [
        p.step.spec
        for p in plan(BLUEPRINT, CREATE, nothing()).steps
        if isinstance(p.step, CreateFirewall)
    ]
    opened = {port: rule for rule in rules for _, ports in rule.allowed for port in ports}
    assert sorted(opened) == ["2380", "443"]
    assert opened["2380"].source_ranges == ()
    assert opened["2380"].source_tags == opened["2380"].target_tags == ("kubernetes-master",)


def test_a_teardown_shows_first_what_it_deletes_the_address_last() -> None:
    torn = Operation(id="dddddddddddd", verb=Verb.TEARDOWN, zone=B)
    lines = render.deletion_lines(plan(BLUEPRINT, torn, cluster("+++")))
    assert lines[0] == "This is deleted now:"
    assert sum("instance " in line for line in lines) == 3
    assert "kubernetes-master-ip" in lines[-2]
    assert not render.deletion_lines(plan(BLUEPRINT, remove(1), cluster("+++")))


def test_no_cluster_is_founded_that_nobody_could_speak_to() -> None:
    unusable = replace(nothing(), kubeconfig_problem="/dev/null is not a plain file")
    (found,) = plan(BLUEPRINT, CREATE, unusable).blockers
    assert (found.reason, found.exit_status) == ("KubeconfigUnusable", 2)
    assert "/dev/null is not a plain file" in found.message
    there = replace(cluster("+"), kubeconfig_problem="/dev/null is not a plain file")
    assert plan(BLUEPRINT, replicate(C), there).steps, "what is there is changed all the same"


def test_a_removal_that_nobody_can_commit_says_that_the_majority_is_missing_now() -> None:
    two = cluster("+-")
    lost = blockers.quorum_at_risk(BLUEPRINT, two, cluster("++").members[1])
    assert "there is none now" in lost.message
    (next_one,) = plan(BLUEPRINT, remove(0), cluster("++-")).blockers
    assert "would leave etcd without a majority" in next_one.message
