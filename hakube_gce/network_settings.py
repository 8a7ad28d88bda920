"""What the variables say about networks and ranges: one frozen value. Pure.

Which ranges must not meet is decided here; whether a network exists is Compute Engine's to say.
"""

import itertools
from dataclasses import dataclass
from ipaddress import IPv4Network

from hakube_gce import names, sizes
from hakube_gce.setting_sources import Reader
from hakube_gce.variables import network
from hakube_gce.variables.row import Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """The network, as the environment wishes it."""

    project: str
    """Holds network, subnetworks, firewall rules and routes."""
    name: str
    subnetwork: str
    """Where machines stand: the one that was named, or one to be made; empty: not said."""
    create_custom: bool
    big_subnets: bool
    delete: bool | None
    """With the last master, delete the network if the cluster made it; None: nobody said."""
    pod_range: str
    node_range: str
    master_range: str
    service_range: str
    ip_aliases: bool
    ipam_mode: str
    """RangeAllocator or CloudAllocator."""
    alias_size: int
    """Prefix length of a machine's alias range."""
    alias_subnetwork: str
    """Where machines stand that have alias ranges, unless somebody named another one."""
    secondary_range: str
    """Empty: the one this program makes."""


def read_network(reader: Reader, *, project: str, prefix: str, nodes: int) -> NetworkSettings:
    """Read the variables about networks.

    Args:
        reader: Whence.
        project: The project of the machines.
        prefix: The cluster's name.
        nodes: How many nodes ranges must hold.
    """
    name = reader.read(network.NETWORK)
    custom = reader.read(network.CREATE_CUSTOM_NETWORK)
    aliases = reader.read(network.IP_ALIASES)
    subnetwork, for_aliases = _subnetworks(reader, name, prefix, custom=custom, aliases=aliases)
    found = NetworkSettings(
        project=reader.read_if_set(network.NETWORK_PROJECT)
        or reader.came_to(network.NETWORK_PROJECT, project),
        name=name,
        subnetwork=subnetwork,
        create_custom=custom,
        big_subnets=reader.read(network.BIG_SUBNETS),
        delete=_delete(reader, name),
        pod_range=reader.read(network.POD_RANGE, sizes.pod_range(nodes)),
        node_range=reader.read(network.NODE_RANGE, sizes.node_range(nodes)),
        master_range=reader.read(network.MASTER_RANGE),
        service_range=reader.read(network.SERVICE_RANGE),
        ip_aliases=aliases,
        ipam_mode=reader.read(
            network.IPAM_MODE, "CloudAllocator" if aliases else "RangeAllocator"
        ),
        alias_size=reader.read(network.ALIAS_SIZE),
        alias_subnetwork=for_aliases,
        secondary_range=reader.text_of(network.SECONDARY_RANGE),
    )
    if len(found.subnetwork) > 63:
        reader.wrong(
            network.NETWORK, f"is too long: {found.subnetwork} would have over 63 letters"
        )
    _check_aliases(reader, found)
    _check_ranges(reader, found)
    return found


def _subnetworks(
    reader: Reader, name: str, prefix: str, *, custom: bool, aliases: bool
) -> tuple[str, str]:
    """Read where machines stand, and where they would if they had alias ranges.

    They are the same: an alias range is taken from the subnetwork that its machine stands in.
    """
    named = reader.text_of(network.SUBNETWORK)
    of_aliases = reader.text_of(network.ALIAS_SUBNETWORK)
    of_custom = f"{name}-custom-subnet" if custom else ""
    for_aliases = of_aliases or of_custom or names.alias_subnetwork(prefix)
    reader.came_to(network.ALIAS_SUBNETWORK, for_aliases)
    if aliases and named and of_aliases and named != of_aliases:
        reader.wrong(network.ALIAS_SUBNETWORK, f"machines are to stand in SUBNETWORK={named}")
    subnetwork = named or (for_aliases if aliases else of_custom)
    reader.came_to(network.SUBNETWORK, subnetwork)
    return subnetwork, for_aliases


def _delete(reader: Reader, name: str) -> bool | None:
    """Read whether the network goes; by default its name says, which later runs need not know."""
    said = reader.read_if_set(network.DELETE_NETWORK)
    reader.came_to(network.DELETE_NETWORK, "false" if name == "default" else "true")
    return said


def _check_aliases(reader: Reader, found: NetworkSettings) -> None:
    if found.ipam_mode == "CloudAllocator" and not found.ip_aliases:
        reader.wrong(network.IPAM_MODE, "needs KUBE_GCE_ENABLE_IP_ALIASES=true")
    pods = IPv4Network(found.pod_range).prefixlen
    if found.ip_aliases and found.alias_size <= pods:
        blamed = network.ALIAS_SIZE if reader.is_set(network.ALIAS_SIZE) else network.POD_RANGE
        reader.wrong(blamed, f"a machine's /{found.alias_size} does not fit into pods' /{pods}")


def _check_ranges(reader: Reader, found: NetworkSettings) -> None:
    """Refuse ranges that meet; defaults never do, so somebody has set one of any two."""
    ranges: dict[Variable[str], str] = {
        network.SERVICE_RANGE: found.service_range,
        network.POD_RANGE: found.pod_range,
        network.NODE_RANGE: found.node_range,
        network.MASTER_RANGE: found.master_range,
    }
    for (one, its), (other, others) in itertools.combinations(ranges.items(), 2):
        if IPv4Network(its).overlaps(IPv4Network(others)):
            blamed, rest = (one, other) if reader.is_set(one) else (other, one)
            reader.wrong(blamed, f"overlaps {rest.name}={ranges[rest]}")
