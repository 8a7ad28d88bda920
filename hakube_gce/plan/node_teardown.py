"""Worker nodes go: a zone's, or all of a cluster's. Pure.

A managed group goes with all of its VMs, in one step however many they are. The template is
shared by all zones and goes with the last group; routes of pods are deleted only with the
cluster, because as long as a master runs its controllers do that.
"""

from collections.abc import Collection

from hakube_gce.model import Observed, Operation
from hakube_gce.node_steps import DeleteNodeGroup, DeleteNodeTemplate, DeleteRoute
from hakube_gce.plan import blockers
from hakube_gce.plan.graph import Draft, Plan, blocked
from hakube_gce.steps import DeleteInstance


def plan_delete_nodes(operation: Operation, seen: Observed) -> Plan:
    """Plan that a zone holds no nodes; masters, and nodes elsewhere, stay."""
    if seen.unreadable:
        return blocked([blockers.unreadable(seen)])
    draft = Draft()
    deleted = _of_zones(draft, seen, {operation.zone})
    elsewhere = seen.nodes.zones() - {operation.zone}
    if not elsewhere:
        _template(draft, seen, after=deleted)
    notes = nodes_that_go(seen, {operation.zone})
    if elsewhere:
        notes += (f"nodes in {', '.join(sorted(elsewhere))} stay",)
    return Plan(operation=operation, steps=tuple(draft.steps), notes=notes)


def nodes_that_go(seen: Observed, zones: Collection[str]) -> tuple[str, ...]:
    """Say which nodes go, for people to read before they do."""
    return tuple(
        f"{_how_many(seen, zone)} in {zone} and their disks are deleted, with what pods keep there"
        for zone in sorted(seen.nodes.zones())
        if zone in zones
    )


def _how_many(seen: Observed, zone: str) -> str:
    managed = sum(g.target_size for g in seen.nodes.groups if g.zone == zone)
    count = managed + sum(i.zone == zone for i in seen.nodes.strays)
    return "1 node" if count == 1 else f"{count} nodes"


def delete_all_nodes(draft: Draft, seen: Observed) -> None:
    """Plan that no node of the cluster is left, nor what they were made of."""
    deleted = _of_zones(draft, seen, seen.nodes.zones())
    _template(draft, seen, after=deleted)
    for route in seen.nodes.routes:
        draft.add(f"delete-route/{route.name}", DeleteRoute(name=route.name), after=deleted)


def _of_zones(draft: Draft, seen: Observed, zones: Collection[str]) -> tuple[str, ...]:
    groups = tuple(
        draft.add(
            f"delete-node-group/{group.zone}/{group.name}",
            DeleteNodeGroup(name=group.name, zone=group.zone, nodes=group.target_size),
        )
        for group in seen.nodes.groups
        if group.zone in zones
    )
    strays = tuple(
        draft.add(
            f"delete-instance/{vm.name}", DeleteInstance(name=vm.name, zone=vm.zone, id=vm.id)
        )
        for vm in seen.nodes.strays
        if vm.zone in zones
    )
    return groups + strays


def _template(draft: Draft, seen: Observed, *, after: tuple[str, ...]) -> None:
    if seen.nodes.template is not None:
        step = DeleteNodeTemplate(name=seen.nodes.template.name)
        draft.add("delete-node-template", step, after=after)
