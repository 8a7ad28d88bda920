"""Refusals about networks. Pure; each reason is a heading of docs/OPERATIONS.md."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from hakube_gce.model import Observed
from hakube_gce.network_resources import Subnetwork, SubnetworkSpec
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker

_USAGE, _MISSING, _CONFLICT = 2, 3, 4
_AUTOMATIC = "10.128.0.0/9"
"""What a network of automatic mode keeps for subnetworks of its own."""


def network_project_differs(blueprint: Blueprint, kept: str) -> Blocker:
    """The cluster's network was not looked at: it is in another project."""
    asked = blueprint.networking.project or blueprint.project
    return Blocker(
        reason="NetworkProjectDiffers",
        message=f"the network of cluster {blueprint.prefix} is in project {kept}, and this run "
        f"looks into {asked}: it would miss the cluster's firewall rules. Repeat the command "
        f"with NETWORK_PROJECT={kept}",
        exit_status=_USAGE,
    )


def no_subnetwork(blueprint: Blueprint, seen: Observed) -> Blocker:
    """Machines have nowhere to stand, and nothing may be made for them."""
    network, name = blueprint.network, blueprint.subnetwork
    here = [s.name for s in seen.networks.within(network)]
    others = f"it has {', '.join(sorted(here))}" if here else "it has none there"
    wanted = f"no subnetwork {name}" if name else "no subnetwork"
    if seen.networks.named(network) is None:
        others = "it would be made with one of its own name in every region"
    return Blocker(
        reason="NoSubnetwork",
        message=f"network {network} has {wanted} in {blueprint.region}; {others}. kube-up makes "
        "one only in a network that it made itself with CREATE_CUSTOM_NETWORK=true, or for "
        "alias ranges under its default name",
        exit_status=_MISSING,
        override="name one with SUBNETWORK, or make it: `gcloud compute networks subnets create "
        f"{name or 'NAME'} --network {network} --region {blueprint.region} --range "
        f"{blueprint.networking.node_range}`",
    )


def of_existing(blueprint: Blueprint, found: Subnetwork) -> list[Blocker]:
    """Find why machines cannot stand in a subnetwork that is there."""
    if found.network != blueprint.network:
        return [
            Blocker(
                reason="SubnetworkOfAnother",
                message=f"subnetwork {found.name} is of network {found.network}, not of "
                f"{blueprint.network}: KUBE_GCE_NETWORK and SUBNETWORK contradict each other",
                exit_status=_CONFLICT,
            )
        ]
    return [*_secondary_range_missing(blueprint, found)]


def _secondary_range_missing(blueprint: Blueprint, found: Subnetwork) -> Iterator[Blocker]:
    wished, have = blueprint.networking, [name for name, _ in found.secondary]
    if not wished.aliases or wished.pods in have:
        return
    yield Blocker(
        reason="NoSecondaryRange",
        message=f"subnetwork {found.name} has no secondary range {wished.pods} that pods' "
        f"addresses could be taken from; it has {', '.join(have) or 'none'}. A subnetwork that "
        "is there is never changed",
        exit_status=_CONFLICT,
        override="name one with SECONDARY_RANGE_NAME, or add it: `gcloud compute networks subnets "
        f"update {found.name} --region {blueprint.region} --add-secondary-ranges "
        f"{wished.pods}={wished.pod_range}`",
    )


def taken_ranges(blueprint: Blueprint, seen: Observed, wanted: SubnetworkSpec) -> list[Blocker]:
    """Find which ranges of a subnetwork to be made the network has given away already."""
    asked = {"NODE_IP_RANGE": wanted.ip_range}
    if wanted.secondary:
        wished = blueprint.networking
        asked |= {
            "CLUSTER_IP_RANGE": wished.pod_range,
            "SERVICE_CLUSTER_IP_RANGE": wished.service_range,
        }
    return [
        Blocker(
            reason="RangeTaken",
            message=f"{variable}={text} overlaps {other}, {whose}: no two ranges of network "
            f"{wanted.network} may meet, and subnetwork {wanted.name} needs it. Set {variable} to "
            "a range that is free",
            exit_status=_CONFLICT,
        )
        for variable, text in asked.items()
        for other, whose in _given_away(blueprint, seen)
        if IPv4Network(text).overlaps(IPv4Network(other))
    ]


def _given_away(blueprint: Blueprint, seen: Observed) -> Iterator[tuple[str, str]]:
    network = seen.networks.named(blueprint.network)
    automatic = network.automatic if network else not blueprint.networking.custom
    if automatic:
        yield _AUTOMATIC, "which its automatic mode keeps for itself"
    for subnet in seen.networks.within(blueprint.network):
        # an IPv6-only subnetwork has no range here
        if subnet.ip_range and not (automatic and subnet.name == blueprint.network):
            yield subnet.ip_range, f"the range of subnetwork {subnet.name}"
        for name, ip_range in subnet.secondary:
            yield ip_range, f"the range {name} of subnetwork {subnet.name}"
