"""What every cluster stands on, whether it is founded, mended or restored. Pure."""

from hakube_gce import names
from hakube_gce.model import Mark, Observed, Operation
from hakube_gce.plan import networks
from hakube_gce.plan.blueprint import (
    Blueprint,
    firewall_etcd,
    firewall_health,
    firewall_https,
)
from hakube_gce.plan.graph import Draft
from hakube_gce.steps import CreateDisk, CreateFirewall, ReserveAddress, WriteKubeconfig


def begin(draft: Draft, blueprint: Blueprint, operation: Operation, seen: Observed) -> Mark:
    """Plan the address, the cluster's identity, then its network and the firewall rules.

    Returns:
        What marks everything that the operation makes.
    """
    if seen.address is None:
        step = ReserveAddress(name=names.address(blueprint.prefix), region=blueprint.region)
        draft.add("reserve-address", step)
    mark = Mark(cluster=blueprint.prefix, uid=seen.uid, operation=operation.id)
    networks.make(draft, blueprint, seen, mark)
    firewalls(draft, blueprint, seen, mark)
    return mark


def data_disk(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    *,
    place: tuple[str, str],
    key: str = "create-disk",
    after: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Plan a new master's data disk, unless a run before this one made it.

    Args:
        draft: What the step is added to.
        blueprint: Size and type of the disk.
        seen: The disks that are there.
        place: The master's zone and name.
        key: The step's.
        after: What the disk comes after.

    Returns:
        What the VM comes after.
    """
    zone, replica = place
    name = names.data_disk(replica)
    if any(d.name == name and d.zone == zone for d in seen.disks):
        return after
    step = CreateDisk(
        name=name,
        zone=zone,
        size_gb=blueprint.data_disk_gb,
        disk_type=blueprint.data_disk_type,
    )
    return (*after, draft.add(key, step, after=after))


def firewalls(draft: Draft, blueprint: Blueprint, seen: Observed, mark: Mark) -> None:
    """Plan the firewall rules: for clients, for etcd, and for health probers where they ask.

    And those that a network of our own making begins with.
    """
    have = {f.name for f in seen.firewalls}
    wanted = {
        "create-firewall/https": firewall_https(blueprint, mark),
        "create-firewall/etcd": firewall_etcd(blueprint, mark),
    }
    if blueprint.readiness_port is not None:
        port = blueprint.readiness_port
        wanted["create-firewall/health"] = firewall_health(blueprint, mark, port=port)
    of_network = networks.firewalls(blueprint, seen, mark)
    wanted |= {f"create-firewall/{spec.name}": spec for spec in of_network}
    for key, spec in wanted.items():
        if spec.name not in have:
            step = CreateFirewall(spec=spec)
            draft.add(key, step, after=("reserve-address", "create-network"))


def kubeconfig(draft: Draft, blueprint: Blueprint, seen: Observed) -> None:
    """Plan the operator's kubeconfig, last of all: after other steps, or when it does not fit."""
    if not draft.steps and seen.kubeconfig_current:
        return
    step = WriteKubeconfig(context=blueprint.context, server=server(blueprint, seen))
    draft.add("write-kubeconfig", step, after=draft.keys)


def server(blueprint: Blueprint, seen: Observed) -> str:
    """Give the URL clients use, or what will stand there once the address is reserved."""
    if blueprint.server_override:
        return blueprint.server_override
    address = seen.address.address if seen.address else "(the reserved address)"
    return names.server_url(address, blueprint.api_port)
