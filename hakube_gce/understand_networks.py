"""From what Compute Engine listed to the networks a cluster may use, and those it made. Pure.

A network has no name of ours: any may be used, and the cluster made the one that bears its mark.
A network that an earlier cluster of the same name made is somebody else's.
"""

from collections.abc import Iterable

from hakube_gce import marks
from hakube_gce.model import Networks
from hakube_gce.network_resources import Network
from hakube_gce.resources import Inventory


def understand_networks(inventory: Inventory, *, prefix: str, uid: str) -> Networks:
    """Read an inventory as the networks of one cluster.

    Args:
        inventory: Everything in the region and the network project, ours or not.
        prefix: The cluster's instance prefix.
        uid: The cluster's uid; empty when there is no cluster.
    """

    def described(text: str) -> bool:
        return marks.is_of_cluster(marks.mark_from_description(text), prefix, uid)

    ours = [n for n in inventory.networks if described(n.description)]
    own_vms = {
        (i.zone, i.name)
        for i in inventory.instances
        if marks.is_of_cluster(marks.mark_from_labels(i.labels), prefix, uid)
    }
    own_rules = {f.name for f in inventory.firewalls if described(f.description)}
    own_subnets = tuple(s.name for s in inventory.subnetworks if described(s.description))
    return Networks(
        found=inventory.networks,
        subnetworks=inventory.subnetworks,
        ours=tuple(n.name for n in ours),
        left=tuple(n.name for n in inventory.networks if _is_left(n, prefix) and n not in ours),
        our_subnetworks=own_subnets,
        guests={
            n.name: tuple(_guests(inventory, n, own_vms, own_rules, own_subnets)) for n in ours
        },
    )


def _is_left(network: Network, prefix: str) -> bool:
    mark = marks.mark_from_description(network.description)
    return mark is not None and mark.cluster == prefix


def _guests(
    inventory: Inventory,
    network: Network,
    own_vms: set[tuple[str, str]],
    own_rules: set[str],
    own_subnets: tuple[str, ...],
) -> Iterable[str]:
    for vm in inventory.instances:
        if vm.network == network.name and (vm.zone, vm.name) not in own_vms:
            yield f"zones/{vm.zone}/instances/{vm.name}"
    for rule in inventory.firewalls:
        if rule.network == network.name and rule.name not in own_rules:
            yield f"firewalls/{rule.name}"
    for subnet in inventory.subnetworks:
        came_along = network.automatic and subnet.name == network.name
        if subnet.network == network.name and subnet.name not in own_subnets and not came_along:
            yield f"subnetworks/{subnet.name}"
