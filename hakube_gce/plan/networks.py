"""The network a cluster stands in: chosen, made where it is not there, and deleted if ours. Pure.

A network that is there is used as it is, whoever made it. What kube-up makes bears the cluster's
mark, and only that is changed or deleted. Where a master's VM stands its network stands, too, so
nothing of it is planned or judged any more.
"""

from ipaddress import IPv4Network

from hakube_gce import marks, names
from hakube_gce.model import Mark, Networks, Observed
from hakube_gce.network_resources import NetworkSpec, SubnetworkSpec
from hakube_gce.network_steps import CreateNetwork, CreateSubnetwork, ExpandSubnetwork
from hakube_gce.plan import network_blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker, Draft
from hakube_gce.plan.network_blueprint import SERVICES
from hakube_gce.plan.node_blueprint import internal_firewalls
from hakube_gce.resources import FirewallSpec

BIG = 19
"""Prefix length of an automatic subnetwork of a big cluster: over 8000 machines."""

MADE = ("create-network", "create-subnetwork", "expand-subnetwork")
"""Keys of the steps that VMs wait for."""


def remembered(found: Networks) -> dict[str, str]:
    """Read from what we made which network is the cluster's, when no master is left to tell."""
    for subnet in found.subnetworks:
        if subnet.name in found.our_subnetworks:
            return {"KUBE_GCE_NETWORK": subnet.network, "SUBNETWORK": subnet.name}
    return {"KUBE_GCE_NETWORK": found.ours[0]} if found.ours else {}


def detected(found: Networks, network: str, *, shared: bool) -> str:
    """Choose the subnetwork of machines when nobody named one; empty: Compute Engine finds it.

    Args:
        found: The networks that are there.
        network: The cluster's.
        shared: It is another project's; there Compute Engine finds none by itself.
    """
    known = found.named(network)
    if known is None or known.automatic:
        return network if shared else ""
    return min((s.name for s in found.within(network)), default="")


def project_differs(blueprint: Blueprint) -> Blocker | None:
    """Find out whether this run looks for networks in another project than the cluster's."""
    asked = blueprint.networking.project or blueprint.project
    kept = blueprint.inherited.get("NETWORK_PROJECT", asked)
    if kept == asked:
        return None
    return network_blockers.network_project_differs(blueprint, kept)


# ------------------------------------------------------------------------------------- founding


def is_own(blueprint: Blueprint, seen: Observed) -> bool:
    """Tell whether the cluster's network is, or is to be, of its own making."""
    name = blueprint.network
    if name in seen.networks.ours:
        return True
    return not seen.replicas and seen.networks.named(name) is None


def conflicts(blueprint: Blueprint, seen: Observed) -> list[Blocker]:
    """Find why machines cannot stand in the network, before any is made there."""
    if seen.replicas:
        return []
    name, found = blueprint.subnetwork, seen.networks.subnetwork(blueprint.subnetwork)
    wanted = _subnetwork(blueprint, seen, description="")
    if found is not None:
        return network_blockers.of_existing(blueprint, found)
    if wanted is not None:
        return network_blockers.taken_ranges(blueprint, seen, wanted)
    network = seen.networks.named(blueprint.network)
    automatic = network.automatic if network else not blueprint.networking.custom
    if automatic and name in {"", blueprint.network}:
        return []
    return [network_blockers.no_subnetwork(blueprint, seen)]


def notes(blueprint: Blueprint, seen: Observed) -> tuple[str, ...]:
    """Say what is wished of a network and not done, because it is not ours."""
    if not blueprint.networking.big or _grows(blueprint, seen) or seen.replicas:
        return ()
    return (
        f"ENABLE_BIG_CLUSTER_SUBNETS has no effect: only a subnetwork that came with a network "
        f"of this cluster's making grows, and that of {blueprint.network} is not one",
    )


def make(draft: Draft, blueprint: Blueprint, seen: Observed, mark: Mark) -> None:
    """Plan what is missing of the network, before anything is put into it."""
    if seen.replicas:
        return
    description = marks.mark_description(mark)
    if seen.networks.named(blueprint.network) is None:
        spec = NetworkSpec(
            name=blueprint.network,
            automatic=not blueprint.networking.custom,
            description=description,
        )
        draft.add("create-network", CreateNetwork(spec=spec), after=("reserve-address",))
    after = ("reserve-address", "create-network")
    subnet = _subnetwork(blueprint, seen, description=description)
    if subnet is not None:
        draft.add("create-subnetwork", CreateSubnetwork(spec=subnet), after=after)
    if _grows(blueprint, seen):
        step = ExpandSubnetwork(name=blueprint.network, region=blueprint.region, prefix_length=BIG)
        current = seen.networks.subnetwork(blueprint.network)
        if current is None or IPv4Network(current.ip_range).prefixlen > BIG:
            draft.add("expand-subnetwork", step, after=after)


def firewalls(blueprint: Blueprint, seen: Observed, mark: Mark) -> tuple[FirewallSpec, ...]:
    """Describe the rules that a network of our making begins with: it has none of its own."""
    if not is_own(blueprint, seen):
        return ()
    ssh = FirewallSpec(
        name=names.firewall_ssh(blueprint.network),
        network=blueprint.network,
        allowed=(("tcp", ("22",)),),
        source_ranges=("0.0.0.0/0",),
        description=marks.mark_description(mark),
    )
    inside = internal_firewalls(blueprint.prefix, network=blueprint.network, mark=mark)
    return (*inside, ssh)


def _grows(blueprint: Blueprint, seen: Observed) -> bool:
    network = seen.networks.named(blueprint.network)
    automatic = network.automatic if network else not blueprint.networking.custom
    in_it = blueprint.subnetwork in {"", blueprint.network}
    return blueprint.networking.big and automatic and in_it and is_own(blueprint, seen)


def _subnetwork(
    blueprint: Blueprint, seen: Observed, *, description: str
) -> SubnetworkSpec | None:
    """Describe the subnetwork that is to be made; None when there is none to make."""
    wished, name = blueprint.networking, blueprint.subnetwork
    custom = wished.custom and is_own(blueprint, seen)
    for_aliases = wished.aliases and name == names.alias_subnetwork(blueprint.prefix)
    if not name or seen.networks.subnetwork(name) or not (custom or for_aliases):
        return None
    secondary = ((wished.pods, wished.pod_range), (SERVICES, wished.service_range))
    return SubnetworkSpec(
        name=name,
        region=blueprint.region,
        network=blueprint.network,
        ip_range=wished.node_range,
        secondary=secondary if wished.aliases else (),
        description=description,
    )
