"""kube-down: everything that carries this cluster's mark, and the address last. Pure."""

from hakube_gce import snapshots
from hakube_gce.balancer_steps import DeleteRule
from hakube_gce.model import Observed, Operation
from hakube_gce.plan import balancer, blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Draft, Plan, blocked
from hakube_gce.plan.network_teardown import delete_networks
from hakube_gce.plan.node_teardown import delete_all_nodes, nodes_that_go
from hakube_gce.steps import (
    DeleteDisk,
    DeleteFirewall,
    DeleteInstance,
    ReleaseAddress,
    RemoveKubeconfig,
)


def plan_teardown(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan that nothing of the cluster is left; what others own is not touched."""
    if seen.unreadable:
        return blocked([blockers.unreadable(seen)])
    draft = Draft()
    rules: tuple[str, ...] = ()
    if seen.rule is not None:
        rules = (draft.add("delete-rule", DeleteRule(name=seen.rule.name)),)
    balancer.delete_parts(draft, blueprint, seen, after=rules)
    delete_all_nodes(draft, seen)
    for replica in seen.replicas:
        step = DeleteInstance(name=replica.name, zone=replica.zone, id=replica.instance.id)
        draft.add(f"delete-instance/{replica.name}", step, after=rules)
    for disk in seen.disks:
        owner = f"delete-instance/{disk.name.removesuffix('-pd')}"
        step_disk = DeleteDisk(name=disk.name, zone=disk.zone)
        draft.add(f"delete-disk/{disk.name}", step_disk, after=(owner,))
    instances = tuple(k for k in draft.keys if k.startswith("delete-instance/"))
    for firewall in seen.firewalls:
        step_firewall = DeleteFirewall(name=firewall.name)
        draft.add(f"delete-firewall/{firewall.name}", step_firewall, after=instances)
    stay = delete_networks(draft, blueprint, seen)
    _last(draft, blueprint, seen)
    notes = stay + tuple(
        f"left alone: {c.resource} {c.why}" for c in (*seen.conflicts, *seen.nodes.conflicts)
    )
    notes = (*nodes_that_go(seen, seen.nodes.zones()), *notes)
    if seen.snapshots:
        names_kept = ", ".join(s.name for s in seen.snapshots)
        notes += (
            f"snapshots are kept: {names_kept}; `hakube restore` begins from one, "
            "`gcloud compute snapshots delete NAME` deletes it",
        )
    return Plan(operation=operation, steps=tuple(draft.steps), notes=notes)


def _last(draft: Draft, blueprint: Blueprint, seen: Observed) -> None:
    if seen.kubeconfig_present:
        draft.add(
            "remove-kubeconfig", RemoveKubeconfig(context=blueprint.context), after=draft.keys
        )
    if seen.address is not None:
        step = ReleaseAddress(
            name=seen.address.name,
            region=blueprint.region,
            keep_keys=bool(snapshots.of_this_cluster(seen)),
        )
        draft.add("release-address", step, after=draft.keys)
