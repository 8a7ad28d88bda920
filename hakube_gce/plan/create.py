"""kube-up without a mode switch: the cluster's first master. Pure."""

from hakube_gce import conditions, marks, names
from hakube_gce.model import Mark, Observed, Operation
from hakube_gce.plan import blockers
from hakube_gce.plan.blueprint import Blueprint, firewall_etcd, firewall_https, instance_spec
from hakube_gce.plan.graph import Blocker, Draft, Plan, blocked
from hakube_gce.plan.mend import mend, remember
from hakube_gce.steps import (
    AwaitReady,
    CreateDisk,
    CreateFirewall,
    CreateInstance,
    InstallReplica,
    ReserveAddress,
    StartInstance,
    WriteKubeconfig,
)


def plan_create(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan the first master, or what is missing of it; a whole cluster needs nothing."""
    found = [blockers.conflict(c) for c in seen.conflicts]
    if seen.unreadable:
        found.append(blockers.unreadable(seen))
    found += _endangered(blueprint, operation, seen)
    if found:
        return blocked(found)
    draft = Draft()
    if seen.address is None:
        step = ReserveAddress(name=names.address(blueprint.prefix), region=blueprint.region)
        draft.add("reserve-address", step)
    mark = Mark(cluster=blueprint.prefix, uid=seen.uid, operation=operation.id)
    _firewalls(draft, blueprint, seen, mark)
    if _is_there(seen):
        mend(draft, blueprint, operation, seen)
    else:
        _first_master(draft, blueprint, operation, seen, mark)
    if draft.steps or not seen.kubeconfig_current:
        draft.add(
            "write-kubeconfig",
            WriteKubeconfig(
                context=names.context(blueprint.project, blueprint.prefix),
                server=server(blueprint, seen),
            ),
            after=draft.keys,
        )
    return Plan(operation=operation, steps=tuple(draft.steps), notes=_notes(seen))


def _is_there(seen: Observed) -> bool:
    """Tell whether there is a cluster to go on with, not one to be founded or half founded."""
    installed = any(not conditions.needs_install(r) for r in seen.replicas)
    return bool(seen.members or conditions.absent_masters(seen) or installed)


def _endangered(blueprint: Blueprint, operation: Operation, seen: Observed) -> list[Blocker]:
    """A cluster that was there is not founded anew: its data may still be on a disk."""
    can_be_mended = conditions.absent_masters(seen) or conditions.masters_that_are_off(seen)
    if can_be_mended or operation == seen.operation:
        return []
    if len(seen.replicas) > 1 and not seen.members_known:
        return [blockers.members_unknown(blueprint, seen)]
    if seen.replicas:
        return []
    return [
        blockers.data_disk_left(blueprint, d)
        for d in seen.disks
        if (mark := marks.mark_from_labels(d.labels)) is None or mark.operation != operation.id
    ]


def _notes(seen: Observed) -> tuple[str, ...]:
    """Creating what exists changes nothing; that must not sound as if all were well."""
    verdict = conditions.verdict(seen)
    if not seen.replicas or seen.operation or verdict is conditions.Verdict.HEALTHY:
        return ()  # what is only half made is not ill
    return (f"the cluster exists and is {verdict.value}; `hakube status` shows what is wrong",)


def server(blueprint: Blueprint, seen: Observed) -> str:
    """Give the URL clients use, or what will stand there once the address is reserved."""
    address = seen.address.address if seen.address else "(the reserved address)"
    return names.server_url(address, blueprint.api_port)


def _firewalls(draft: Draft, blueprint: Blueprint, seen: Observed, mark: Mark) -> None:
    have = {f.name for f in seen.firewalls}
    for key, spec in (
        ("create-firewall/https", firewall_https(blueprint, mark)),
        ("create-firewall/etcd", firewall_etcd(blueprint, mark)),
    ):
        if spec.name not in have:
            draft.add(key, CreateFirewall(spec=spec), after=("reserve-address",))


def _first_master(
    draft: Draft, blueprint: Blueprint, operation: Operation, seen: Observed, mark: Mark
) -> None:
    existing = seen.replicas[0] if seen.replicas else None
    name = existing.name if existing else names.master(blueprint.prefix)
    zone = existing.zone if existing else operation.zone
    disk = names.data_disk(name)
    if existing is None and not any(d.name == disk and d.zone == zone for d in seen.disks):
        step = CreateDisk(
            name=disk,
            zone=zone,
            size_gb=blueprint.data_disk_gb,
            disk_type=blueprint.data_disk_type,
        )
        draft.add("create-disk", step, after=("reserve-address",))
    if existing is None:
        spec = instance_spec(
            blueprint,
            replica=name,
            zone=zone,
            mark=mark,
            cluster_ip=seen.address.address if seen.address else "",
            founder=True,
        )
        draft.add("create-instance", CreateInstance(spec=spec), after=draft.keys)
    elif existing.instance.status == "TERMINATED":
        draft.add("start-instance", StartInstance(name=name, zone=zone))
    if existing is None or conditions.needs_install(existing):
        install = InstallReplica(replica=name, zone=zone, founder=True, peer_urls=())
        draft.add("install", install, after=draft.keys)
    remember(draft, seen, name, zone)
    if existing is None or not conditions.is_ready(existing):
        draft.add("await-ready", AwaitReady(replica=name, zone=zone), after=draft.keys)
