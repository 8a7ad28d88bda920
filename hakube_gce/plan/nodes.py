"""Worker nodes come: rules, one template, and a zone's managed groups. Pure.

Compute Engine's managed groups make the VMs and keep making them; so what is planned is groups,
never a VM, and however many nodes there are, the steps are as many as there are groups. A group
that is there is left as it is: an autoscaler or somebody else may have sized it since.
"""

from collections.abc import Iterable
from dataclasses import replace

from hakube_gce.model import Mark, Observed, Operation
from hakube_gce.node_resources import ManagedGroup
from hakube_gce.node_steps import AwaitNodeGroup, CreateNodeGroup, CreateNodeTemplate
from hakube_gce.plan import blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker, Draft, Plan, blocked
from hakube_gce.plan.node_blueprint import HOW_MANY, firewalls, template_spec
from hakube_gce.resources import FirewallSpec
from hakube_gce.steps import CreateFirewall


def plan_add_nodes(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan that a zone has nodes of the cluster that is there."""
    if seen.unreadable:
        return blocked([blockers.unreadable(seen)])
    if found := node_conflicts(blueprint, seen):
        return blocked(found)
    draft = Draft()
    add_nodes(draft, blueprint, operation, seen)
    return Plan(
        operation=operation,
        steps=tuple(draft.steps),
        notes=(*_template_stays(blueprint, seen), *_other_sizes(blueprint, seen, operation.zone)),
    )


def node_conflicts(blueprint: Blueprint, seen: Observed) -> list[Blocker]:
    """Find what stands where nodes are to be; nothing where none are to be."""
    if not blueprint.nodes.count:
        return []
    return [blockers.conflict(c) for c in seen.nodes.conflicts]


def add_nodes(draft: Draft, blueprint: Blueprint, operation: Operation, seen: Observed) -> None:
    """Plan the nodes of an operation's zone, after a master serves."""
    wanted = blueprint.nodes.groups(blueprint.prefix)
    if not wanted:
        return
    mark = Mark(cluster=blueprint.prefix, uid=seen.uid, operation=operation.id)
    rules = _firewalls(draft, blueprint, seen, mark)
    template = _template(draft, blueprint, seen, mark)
    for name, size in wanted:
        _group(draft, seen, operation.zone, name, size, after=(*rules, *template))


def _firewalls(draft: Draft, blueprint: Blueprint, seen: Observed, mark: Mark) -> tuple[str, ...]:
    have = {f.name for f in seen.firewalls}
    prefix, network = blueprint.prefix, blueprint.network
    return tuple(
        _firewall(draft, spec)
        for spec in firewalls(blueprint.nodes, prefix=prefix, network=network, mark=mark)
        if spec.name not in have
    )


def _firewall(draft: Draft, spec: FirewallSpec) -> str:
    key = f"create-firewall/{spec.name}"
    if key in draft.keys:
        return key  # a network of our own making has it without nodes, too
    step = CreateFirewall(spec=spec)
    return draft.add(key, step, after=("reserve-address", "create-network"))


def _template(draft: Draft, blueprint: Blueprint, seen: Observed, mark: Mark) -> tuple[str, ...]:
    if seen.nodes.template is not None:
        return ()
    spec = template_spec(
        blueprint.nodes,
        prefix=blueprint.prefix,
        network=blueprint.network,
        subnetwork=blueprint.subnetwork,
        region=blueprint.region,
        mark=mark,
    )
    spec = replace(spec, alias_ranges=blueprint.networking.of_node)
    # the nodes' first words go to the API server, and the template says where that is
    step = CreateNodeTemplate(spec=spec)
    return (draft.add("create-node-template", step, after=("await-ready",)),)


def _group(
    draft: Draft, seen: Observed, zone: str, name: str, size: int, *, after: Iterable[str]
) -> None:
    found = group_in(seen, zone, name)
    if found is not None and is_settled(found):
        return
    key = f"{zone}/{name}"
    if found is None:
        step = CreateNodeGroup(name=name, zone=zone, size=size)
        draft.add(f"create-node-group/{key}", step, after=("await-ready", *after))
    awaited = AwaitNodeGroup(name=name, zone=zone)
    draft.add(f"await-node-group/{key}", awaited, after=(f"create-node-group/{key}",))


def group_in(seen: Observed, zone: str, name: str) -> ManagedGroup | None:
    """Find a group of nodes."""
    return next((g for g in seen.nodes.groups if (g.zone, g.name) == (zone, name)), None)


def is_settled(group: ManagedGroup) -> bool:
    """Tell whether a group has the VMs it wants; one that is remade later changes nothing."""
    return group.stable or group.running >= group.target_size


def _template_stays(blueprint: Blueprint, seen: Observed) -> tuple[str, ...]:
    said = ", ".join(name for name, _ in blueprint.nodes.said if name not in HOW_MANY)
    if seen.nodes.template is None or not said:
        return ()
    return (
        f"nodes are made from {seen.nodes.template.name}, which is there and stays as it is; what "
        f"is said otherwise is not looked at: {said}",
    )


def _other_sizes(blueprint: Blueprint, seen: Observed, zone: str) -> tuple[str, ...]:
    return tuple(
        f"{name} in {zone} has {found.target_size} nodes and keeps them, {size} were asked for: "
        f"`gcloud compute instance-groups managed resize {name} --zone {zone} --size {size}`"
        for name, size in blueprint.nodes.groups(blueprint.prefix)
        if (found := group_in(seen, zone, name)) is not None and found.target_size != size
    )
