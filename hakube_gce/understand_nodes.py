"""From what Compute Engine listed to a cluster's worker nodes. Pure.

By the rule of `understand`: ours is what bears a whole name of ours *and* the cluster's mark. A
node's VM has the mark from its template's labels; a route is made by Kubernetes, which knows no
marks, and is ours by its name and by the node it leads to.
"""

import re
from collections.abc import Collection, Iterable

from hakube_gce import marks, names
from hakube_gce.model import Conflict, Nodes
from hakube_gce.node_resources import Route
from hakube_gce.resources import Inventory


def understand_nodes(inventory: Inventory, *, prefix: str, uid: str) -> Nodes:
    """Read a region's inventory as the nodes of one cluster.

    Args:
        inventory: Everything in the region, ours or not.
        prefix: The cluster's instance prefix.
        uid: The cluster's uid; empty when there is no cluster.
    """
    groups = [g for g in inventory.managed_groups if names.is_node_group(prefix, g.name)]
    ours = tuple(g for g in groups if _is_ours(g.description, prefix, uid))
    templates = [t for t in inventory.templates if t.name == names.node_template(prefix)]
    template = next((t for t in templates if _is_ours(t.description, prefix, uid)), None)
    managed = {(g.zone, g.name) for g in inventory.managed_groups}
    here = {z.name for z in inventory.zones}
    return Nodes(
        template=template,
        groups=tuple(sorted(ours, key=lambda g: (g.zone, g.name))),
        strays=tuple(
            i
            for i in inventory.instances
            if names.is_node(prefix, i.name)
            and marks.is_of_cluster(marks.mark_from_labels(i.labels), prefix, uid)
            and (i.zone, i.name.rpartition("-")[0]) not in managed
        ),
        routes=tuple(
            r
            for r in inventory.routes
            if uid and names.is_node_route(prefix, r.name) and _leads_to_node(prefix, here, r)
        ),
        conflicts=tuple(_conflicts(inventory, prefix, uid)),
    )


def uid_of_nodes(inventory: Inventory, prefix: str) -> str:
    """Find a cluster's uid on its nodes, when nothing else of it is left; empty without any."""
    described = [marks.mark_from_description(g.description) for g in inventory.managed_groups]
    labelled = [marks.mark_from_labels(i.labels) for i in inventory.instances]
    found = (mark for mark in [*described, *labelled] if mark and mark.cluster == prefix)
    return next((mark.uid for mark in found), "")


def _is_ours(description: str, prefix: str, uid: str) -> bool:
    return marks.is_of_cluster(marks.mark_from_description(description), prefix, uid)


def _leads_to_node(prefix: str, zones: Collection[str], route: Route) -> bool:
    """Tell whether a route leads to a node here: in other regions nodes may be called the same."""
    found = re.fullmatch(r"zones/([^/]+)/instances/([^/]+)", route.next_hop)
    return found is not None and found[1] in zones and names.is_node(prefix, found[2])


def _conflicts(inventory: Inventory, prefix: str, uid: str) -> Iterable[Conflict]:
    rules = {
        names.firewall_nodes(prefix),
        names.firewall_internal(prefix, "master"),
        names.firewall_internal(prefix, "node"),
    }
    found = [
        *(
            (f"zones/{g.zone}/instanceGroupManagers/{g.name}", g.description)
            for g in inventory.managed_groups
            if names.is_node_group(prefix, g.name)
        ),
        *(
            (f"instanceTemplates/{t.name}", t.description)
            for t in inventory.templates
            if t.name == names.node_template(prefix)
        ),
        *((f"firewalls/{f.name}", f.description) for f in inventory.firewalls if f.name in rules),
    ]
    for resource, description in found:
        if not _is_ours(description, prefix, uid):
            yield Conflict(resource=resource, why=_whose(description))


def _whose(description: str) -> str:
    mark = marks.mark_from_description(description)
    if mark is None:
        return "exists and does not carry this cluster's mark"
    return f"belongs to another cluster named {mark.cluster} (uid {mark.uid})"
