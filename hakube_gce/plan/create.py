"""kube-up without a mode switch where no cluster is: its first master. Pure.

Founding is the one thing that makes an empty etcd, so it happens only where nothing of a cluster
is there, or nothing but what this very founding has made before it was cut short.
"""

from dataclasses import replace

from hakube_gce import conditions, marks, names
from hakube_gce.model import Mark, Observed, Operation, Verb
from hakube_gce.plan import balancer, blockers, foundations, networks, nodes
from hakube_gce.plan.blueprint import Blueprint, instance_spec
from hakube_gce.plan.graph import Draft, Plan, blocked
from hakube_gce.plan.mend import home_of_disk, remember
from hakube_gce.steps import AwaitReady, CreateInstance, InstallReplica, StartInstance


def plan_create(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan the first master, or what is missing of it."""
    found = [blockers.conflict(c) for c in seen.conflicts]
    if seen.unreadable:
        found.append(blockers.unreadable(seen))
    found += [
        blockers.data_disk_left(d)
        for d in seen.disks
        if not marks.is_of_operation(d.labels, operation.id)
    ]
    if seen.kubeconfig_problem:
        found.append(blockers.kubeconfig_unusable(seen))
    found += nodes.node_conflicts(blueprint, seen)
    found += networks.conflicts(blueprint, seen)
    if found:
        return blocked(found)
    draft = Draft()
    mark = foundations.begin(draft, blueprint, operation, seen)
    _first_master(draft, blueprint, operation, seen, mark)
    foundations.kubeconfig(draft, blueprint, seen)
    nodes.add_nodes(draft, blueprint, operation, seen)
    notes = networks.notes(blueprint, seen)
    return Plan(operation=operation, steps=tuple(draft.steps), notes=notes)


def is_founding(seen: Observed) -> bool:
    """Tell whether there is no cluster yet, or only what an unfinished creation has made of it.

    Whatever else is there may hold data: it is mended, and nothing is founded beside it.
    """
    labels = [r.instance.labels for r in seen.replicas] + [d.labels for d in seen.disks]
    if not labels:
        return True
    creation = seen.operation
    if creation is None or creation.verb is not Verb.CREATE:
        return False
    return all(marks.is_of_operation(each, creation.id) for each in labels)


def _first_master(
    draft: Draft, blueprint: Blueprint, operation: Operation, seen: Observed, mark: Mark
) -> None:
    existing = seen.replicas[0] if seen.replicas else None
    name = existing.name if existing else names.master(blueprint.prefix)
    zone = existing.zone if existing else operation.zone
    disk = names.data_disk(name)
    if existing is None:
        founded = ("reserve-address",)
        foundations.data_disk(draft, blueprint, seen, place=(zone, name), after=founded)
    home = home_of_disk(seen, disk)
    if existing is None:
        spec = instance_spec(
            blueprint,
            replica=name,
            zone=zone,
            mark=mark,
            cluster_ip=seen.address.address if seen.address else "",
            founder=True,
        )
        spec = replace(spec, internal_ip=home)
        draft.add("create-instance", CreateInstance(spec=spec), after=draft.keys)
    elif existing.instance.status == "TERMINATED":
        draft.add("start-instance", StartInstance(name=name, zone=zone))
    if existing is None or conditions.needs_install(existing):
        install = InstallReplica(
            replica=name, zone=zone, founder=True, peer_urls=(), returning=bool(home)
        )
        draft.add("install", install, after=draft.keys)
    remember(draft, seen, name, zone)
    if existing is None or not conditions.is_ready(existing):
        draft.add("await-ready", AwaitReady(replica=name, zone=zone), after=draft.keys)
    # not before the disk, which alone remembers the kind of a cluster whose VM is not there yet
    first = ("create-disk",)
    place = (zone, name)
    balancer.hold(draft, blueprint, seen, place=place, ready="await-ready", first=first)
