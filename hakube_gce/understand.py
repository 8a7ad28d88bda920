"""From what Compute Engine listed and the agents said to one `Observed`. Pure.

A resource is the cluster's when its whole name fits *and* it carries the cluster's mark. A fitting
name without the mark is a conflict; a mark of another cluster is another cluster. Members come
only from a fresh linearizable read; everything else that agents say is history, shown but not
decided upon.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from hakube_gce import marks, names, snapshots
from hakube_gce.marks import CERTIFICATES_KEY, PREPARED_KEY
from hakube_gce.model import Conflict, Mark, Observed, Replica, Report
from hakube_gce.resources import Address, DiskSnapshot, Instance, Inventory
from hakube_gce.timestamps import parse_rfc3339
from hakube_gce.understand_networks import understand_networks
from hakube_gce.understand_nodes import uid_of_nodes, understand_nodes

FRESH = timedelta(seconds=15)
"""A running agent speaks every few seconds; older than this is not now any more."""
CLOCK_SKEW = timedelta(seconds=60)
"""How far a VM's clock may run ahead of the API's before its heartbeats are not believed."""


def understand(
    inventory: Inventory,
    reports: Mapping[str, Report],
    *,
    project: str,
    region: str,
    prefix: str,
) -> Observed:
    """Read a project's inventory as one cluster.

    Args:
        inventory: Everything in the region, ours or not.
        reports: Instance name → what its agent last said, signatures checked.
        project: The project.
        region: The region the inventory is of.
        prefix: The cluster's instance prefix.
    """
    address = next((a for a in inventory.addresses if a.name == names.address(prefix)), None)
    uid = _uid(inventory, prefix, address)
    ours = _Ours(prefix=prefix, uid=uid)
    masters = _replicas(inventory, reports, ours)
    prepared = tuple(r for r in masters if _is_prepared(r.instance))
    replicas = tuple(r for r in masters if r not in prepared)
    authority = _authority(replicas)
    original = _made_by_original_scripts(inventory, prefix, uid)
    return Observed(
        project=project,
        region=region,
        cluster=prefix,
        server_time=inventory.server_time,
        zones=inventory.zones,
        uid=uid,
        address=address if address and (uid or original) else None,
        lock=marks.lock_from_labels(address.labels) if address else None,
        operation=marks.operation_from_labels(address.labels) if address else None,
        replicas=replicas or (_bare_replicas(inventory, prefix) if original else ()),
        prepared=prepared,
        members=authority.members if authority else (),
        members_known=authority is not None,
        cluster_id=authority.cluster_id if authority else "",
        disks=tuple(
            d for d in inventory.disks if _is_data_disk(d.name, prefix) and ours.labels(d.labels)
        ),
        firewalls=tuple(f for f in inventory.firewalls if ours.described(f.description)),
        groups=tuple(
            g
            for g in inventory.groups
            if g.name == names.group(prefix, g.zone) and ours.described(g.description)
        ),
        health_check=_ours_named(inventory.health_checks, names.master(prefix), ours),
        backend_service=_ours_named(inventory.backend_services, names.master(prefix), ours),
        pool=_ours_named(inventory.target_pools, names.master(prefix), ours),
        http_check=_ours_named(inventory.http_health_checks, names.master(prefix), ours),
        rule=_ours_named(inventory.forwarding_rules, names.master(prefix), ours),
        temporary_rule=_ours_named(inventory.forwarding_rules, names.temporary_rule(prefix), ours),
        conflicts=() if original else tuple(_conflicts(inventory, ours, address)),
        nodes=understand_nodes(inventory, prefix=prefix, uid=uid),
        networks=understand_networks(inventory, prefix=prefix, uid=uid),
        snapshots=_snapshots(inventory, prefix),
        unreadable=inventory.unreadable,
        original_scripts=original,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ours:
    prefix: str
    uid: str

    def mark(self, mark: Mark | None) -> bool:
        return marks.is_of_cluster(mark, self.prefix, self.uid)

    def labels(self, labels: Mapping[str, str]) -> bool:
        return self.mark(marks.mark_from_labels(labels))

    def described(self, description: str) -> bool:
        return self.mark(marks.mark_from_description(description))


def _uid(inventory: Inventory, prefix: str, address: Address | None) -> str:
    """Find the cluster's uid: its address's, or that of VMs whose address was deleted by hand."""
    if address is not None:
        mark = marks.mark_from_description(address.description)
        return mark.uid if mark and mark.cluster == prefix else ""
    for instance in inventory.instances:
        mark = marks.mark_from_labels(instance.labels)
        if mark and mark.cluster == prefix and names.is_master(prefix, instance.name):
            return mark.uid
    return _uid_of_parts(inventory, prefix)


def _uid_of_parts(inventory: Inventory, prefix: str) -> str:
    """Find the uid on regional leftovers.

    Firewalls are global and may belong to another region's cluster.
    """
    for disk in inventory.disks:
        mark = marks.mark_from_labels(disk.labels)
        if mark and mark.cluster == prefix:
            return mark.uid
    described = [p.description for p in inventory.groups]
    described += [p.description for p in inventory.health_checks]
    described += [p.description for p in inventory.backend_services]
    described += [p.description for p in inventory.target_pools]
    described += [p.description for p in inventory.forwarding_rules]
    for description in described:
        mark = marks.mark_from_description(description)
        if mark and mark.cluster == prefix:
            return mark.uid
    return uid_of_nodes(inventory, prefix)


def _replicas(
    inventory: Inventory, reports: Mapping[str, Report], ours: _Ours
) -> tuple[Replica, ...]:
    found = [
        _replica(i, reports.get(i.name), inventory.server_time)
        for i in inventory.instances
        if names.is_master(ours.prefix, i.name) and ours.labels(i.labels)
    ]
    return tuple(sorted(found, key=lambda r: r.name))


def _is_prepared(instance: Instance) -> bool:
    """Tell whether a VM still waits to be wanted: with its certificates it becomes a master."""
    return PREPARED_KEY in instance.metadata and CERTIFICATES_KEY not in instance.metadata


def _snapshots(inventory: Inventory, prefix: str) -> tuple[DiskSnapshot, ...]:
    """List what clusters of this name left, of whatever uid: they may be all that is left."""
    found = [
        s
        for s in inventory.snapshots
        if (mark := marks.mark_from_labels(s.labels)) is not None and mark.cluster == prefix
    ]
    return snapshots.newest_first(found)


def _replica(instance: Instance, report: Report | None, now: datetime) -> Replica:
    # what it said before it was switched off and on again is history, however young
    started = parse_rfc3339(instance.started)
    fresh = (
        report is not None
        and instance.status == "RUNNING"
        and now - FRESH <= report.time <= now + CLOCK_SKEW
        and (started is None or report.time >= started)
    )
    return Replica(instance=instance, report=report, fresh=fresh)


def _bare_replicas(inventory: Inventory, prefix: str) -> tuple[Replica, ...]:
    bare = [i for i in inventory.instances if names.is_master(prefix, i.name)]
    return tuple(Replica(instance=i, report=None, fresh=False) for i in bare)


def _authority(replicas: Sequence[Replica]) -> Report | None:
    """Choose whose member list to believe: the furthest of those that just read it linearizably.

    Two healthy replicas that name different etcd clusters are a split; then nobody is believed.
    """
    healthy = [
        r.report
        for r in replicas
        if r.fresh and r.report is not None and r.report.etcd_healthy and r.report.members
    ]
    if len({report.cluster_id for report in healthy}) != 1:
        return None
    return max(healthy, key=lambda report: (report.term, report.applied_index, report.time))


def _made_by_original_scripts(inventory: Inventory, prefix: str, uid: str) -> bool:
    """Recognise a cluster of kube-up: masters that carry its kube-env and nobody's mark."""
    return not uid and any(
        names.is_master(prefix, i.name)
        and marks.mark_from_labels(i.labels) is None
        and "kube-env" in i.metadata
        for i in inventory.instances
    )


def _conflicts(inventory: Inventory, ours: _Ours, address: Address | None) -> Iterable[Conflict]:
    master = names.master(ours.prefix)
    if address is not None and not ours.described(address.description):
        yield _conflict("address", address.name, marks.mark_from_description(address.description))
    for instance in inventory.instances:
        if names.is_master(ours.prefix, instance.name) and not ours.labels(instance.labels):
            yield _conflict(
                f"zones/{instance.zone}/instances",
                instance.name,
                marks.mark_from_labels(instance.labels),
            )
    for disk in inventory.disks:
        if _is_data_disk(disk.name, ours.prefix) and not ours.labels(disk.labels):
            yield _conflict(
                f"zones/{disk.zone}/disks", disk.name, marks.mark_from_labels(disk.labels)
            )
    ours_to_name = {
        names.firewall_https(ours.prefix),
        names.firewall_etcd(ours.prefix),
        names.firewall_health(ours.prefix),
    }
    described = [
        *(
            ("firewalls", f.name, f.description)
            for f in inventory.firewalls
            if f.name in ours_to_name
        ),
        *(
            (f"zones/{g.zone}/instanceGroups", g.name, g.description)
            for g in inventory.groups
            if g.name == names.group(ours.prefix, g.zone)
        ),
        *(
            ("healthChecks", h.name, h.description)
            for h in inventory.health_checks
            if h.name == master
        ),
        *(
            ("backendServices", b.name, b.description)
            for b in inventory.backend_services
            if b.name == master
        ),
        *(
            ("targetPools", p.name, p.description)
            for p in inventory.target_pools
            if p.name == master
        ),
        *(
            ("httpHealthChecks", h.name, h.description)
            for h in inventory.http_health_checks
            if h.name == master
        ),
        *(
            ("forwardingRules", r.name, r.description)
            for r in inventory.forwarding_rules
            if r.name in {master, names.temporary_rule(ours.prefix)}
        ),
    ]
    for kind, name, description in described:
        if not ours.described(description):
            yield _conflict(kind, name, marks.mark_from_description(description))


def _conflict(kind: str, name: str, mark: Mark | None) -> Conflict:
    whose = (
        f"belongs to another cluster named {mark.cluster} (uid {mark.uid})"
        if mark is not None
        else "exists and does not carry this cluster's mark"
    )
    return Conflict(resource=f"{kind}/{name}", why=whose)


def _is_data_disk(name: str, prefix: str) -> bool:
    return name.endswith("-pd") and names.is_master(prefix, name.removesuffix("-pd"))


class _Described(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...


_Kind = TypeVar("_Kind", bound=_Described)


def _ours_named(items: Iterable[_Kind], name: str, ours: _Ours) -> _Kind | None:
    return next((i for i in items if i.name == name and ours.described(i.description)), None)
