"""How worker nodes read in status: a line and an object for each managed group. Pure."""

from hakube_gce.model import Nodes


def node_lines(nodes: Nodes) -> tuple[str, ...]:
    """Show a cluster's groups of nodes to a person; nothing when it has none."""
    groups = tuple(
        f"nodes: {g.running} of {g.target_size} run in {g.zone} ({g.name})" for g in nodes.groups
    )
    strays = tuple(
        f"node without a group: {i.name} in {i.zone}; kube-down deletes it" for i in nodes.strays
    )
    return groups + strays


def node_objects(nodes: Nodes) -> list[dict[str, object]]:
    """Give a cluster's groups of nodes for the stable JSON object."""
    return [
        {"group": g.name, "zone": g.zone, "wanted": g.target_size, "running": g.running}
        for g in nodes.groups
    ]
