"""What is ours, what is somebody else's, and whom to believe about etcd."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from hakube_gce import marks, verdicts
from hakube_gce.model import Mark, Observed, Report
from hakube_gce.resources import Address, Firewall, ForwardingRule, Instance, Inventory
from hakube_gce.understand import FRESH, understand
from tests.fakes.clusters import NOW, REGION, UID, cluster

OURS = Mark(cluster="kubernetes", uid=UID, operation="aaaaaaaaaaaa")
ADDRESS = Address(
    name="kubernetes-master-ip",
    address="203.0.113.5",
    status="IN_USE",
    description=marks.mark_description(OURS),
)


def vm(name: str, mark: Mark | None = OURS, **changes: object) -> Instance:
    plain = cluster("+").replicas[0].instance
    labels = marks.mark_labels(mark) if mark else {}
    return replace(plain, name=name, labels=labels, **changes)  # type: ignore[arg-type]


def look(inventory: Inventory, reports: Mapping[str, Report] | None = None) -> Observed:
    return understand(inventory, reports or {}, project="p", region=REGION, prefix="kubernetes")


def inventory(*instances: Instance, **parts: object) -> Inventory:
    plain = Inventory(server_time=NOW, zones=(), addresses=(ADDRESS,), instances=instances)
    return replace(plain, **parts)  # type: ignore[arg-type]


def report(**changes: object) -> Report:
    plain = cluster("+").replicas[0].report
    assert plain is not None
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_two_clusters_whose_names_contain_each_other_are_strangers() -> None:
    """Kubernetes and test-kubernetes in one project (kubernetes/kubernetes#58561)."""
    other = Mark(cluster="test-kubernetes", uid="f" * 16, operation="bbbbbbbbbbbb")
    seen = look(
        inventory(
            vm("kubernetes-master"),
            vm("test-kubernetes-master", other),
            vm("kubernetes-master-abc-old", other),
            vm("kubernetes-masters", other),
        )
    )
    assert [r.name for r in seen.replicas] == ["kubernetes-master"]
    assert seen.conflicts == ()


def test_a_name_like_ours_without_our_mark_is_a_conflict_and_no_replica() -> None:
    stranger = Mark(cluster="kubernetes", uid="f" * 16, operation="bbbbbbbbbbbb")
    seen = look(inventory(vm("kubernetes-master"), vm("kubernetes-master-abc", stranger)))
    assert [r.name for r in seen.replicas] == ["kubernetes-master"]
    assert [c.resource for c in seen.conflicts] == [
        "zones/europe-west1-b/instances/kubernetes-master-abc"
    ]


def test_parts_without_our_mark_are_conflicts_and_not_ours_to_delete() -> None:
    rule = ForwardingRule(name="kubernetes-master", address="198.51.100.1", target="t")
    wall = Firewall(name="kubernetes-master-https", description="mine")
    seen = look(inventory(vm("kubernetes-master"), forwarding_rules=(rule,), firewalls=(wall,)))
    assert seen.rule is None
    assert seen.firewalls == ()
    assert {c.resource for c in seen.conflicts} == {
        "forwardingRules/kubernetes-master",
        "firewalls/kubernetes-master-https",
    }


def test_a_foreign_address_of_our_name_is_a_conflict_and_no_cluster() -> None:
    seen = look(inventory(addresses=(replace(ADDRESS, description="reserved by hand"),)))
    assert seen.uid == ""
    assert seen.address is None
    assert [c.resource for c in seen.conflicts] == ["address/kubernetes-master-ip"]


def test_a_cluster_of_the_original_scripts_is_recognised() -> None:
    bare = replace(ADDRESS, description="")
    old = vm("kubernetes-master", None, metadata={"kube-env": "…"})
    seen = look(inventory(old, addresses=(bare,)))
    assert seen.original_scripts
    assert [r.name for r in seen.replicas] == ["kubernetes-master"]
    assert seen.conflicts == ()


def test_vms_whose_address_was_deleted_by_hand_are_still_ours() -> None:
    seen = look(inventory(vm("kubernetes-master"), addresses=()))
    assert seen.uid == UID
    assert [r.name for r in seen.replicas] == ["kubernetes-master"]


def test_an_old_heartbeat_is_history() -> None:
    for age, fresh in ((FRESH, True), (FRESH + timedelta(seconds=1), False)):
        seen = look(
            inventory(vm("kubernetes-master")), {"kubernetes-master": report(time=NOW - age)}
        )
        assert seen.replicas[0].fresh is fresh
        assert seen.members_known is fresh


def test_a_heartbeat_from_the_future_is_not_believed() -> None:
    ahead = report(time=NOW + timedelta(minutes=2))
    seen = look(inventory(vm("kubernetes-master")), {"kubernetes-master": ahead})
    assert not seen.replicas[0].fresh
    (said,) = verdicts.warnings(seen)
    assert "the clock of kubernetes-master is 120 s ahead" in said


def test_a_vm_that_is_off_is_not_alive_however_fresh_its_last_words() -> None:
    off = vm("kubernetes-master", status="TERMINATED")
    seen = look(inventory(off), {"kubernetes-master": report(time=NOW + timedelta(seconds=1))})
    assert not any("clock" in said for said in verdicts.warnings(seen)), "a Date has whole seconds"
    seen = look(inventory(off), {"kubernetes-master": report()})
    assert not seen.replicas[0].fresh
    assert not seen.members_known


def test_the_furthest_healthy_replica_is_believed_about_the_members() -> None:
    whole = cluster("++")
    behind = report(applied_index=5, members=whole.members[:1])
    ahead = report(applied_index=9, members=whole.members)
    seen = look(
        inventory(vm("kubernetes-master"), vm("kubernetes-master-001")),
        {"kubernetes-master": behind, "kubernetes-master-001": ahead},
    )
    assert seen.members == whole.members


def test_two_etcd_clusters_under_one_name_are_believed_by_nobody() -> None:
    seen = look(
        inventory(vm("kubernetes-master"), vm("kubernetes-master-001")),
        {
            "kubernetes-master": report(),
            "kubernetes-master-001": report(cluster_id="another"),
        },
    )
    assert not seen.members_known


def test_an_unhealthy_replica_is_not_believed_about_the_members() -> None:
    seen = look(
        inventory(vm("kubernetes-master")), {"kubernetes-master": report(etcd_healthy=False)}
    )
    assert not seen.members_known


def test_what_a_vm_said_before_it_was_switched_on_again_is_history() -> None:
    """Else a master would pass for ready before its etcd has even started."""
    young = {"kubernetes-master": report(time=NOW - timedelta(seconds=2))}
    before, after = NOW - timedelta(seconds=3), NOW - timedelta(seconds=1)
    for started, fresh in ((before, True), (after, False)):
        seen = look(inventory(vm("kubernetes-master", started=started.isoformat())), young)
        assert seen.replicas[0].fresh is fresh
        assert seen.members_known is fresh
