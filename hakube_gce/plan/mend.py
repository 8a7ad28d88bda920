"""kube-up on a cluster that is there: masters that are off run again, on the disks they had. Pure.

No membership changes: a VM that is off is started; one that somebody deleted is made again under
its name, at its internal IP, on its data disk, and its etcd goes on as the member it always was.
That helps one master, two, or all of them at once, when no majority is left to ask. A disk without
its remembered address, or whose member was removed, is not brought to life. Certificates that end
soon are renewed by the way.
"""

from dataclasses import replace
from datetime import timedelta

from hakube_gce import conditions, marks, names
from hakube_gce.conditions import Absent
from hakube_gce.model import Mark, Observed, Operation
from hakube_gce.plan import balancer
from hakube_gce.plan.blueprint import Blueprint, instance_spec
from hakube_gce.plan.graph import Draft
from hakube_gce.steps import (
    AwaitReady,
    CreateInstance,
    InstallReplica,
    RememberAddress,
    RenewCertificates,
    StartInstance,
)

RENEW_BELOW = timedelta(days=90)
"""As the admin certificate of a kubeconfig: a quarter of a leaf's life."""


def mend(draft: Draft, blueprint: Blueprint, operation: Operation, seen: Observed) -> None:
    """Plan that every master of the cluster runs and serves."""
    absent = conditions.absent_masters(seen)
    for replica in conditions.masters_that_are_off(seen):
        key = f"start-instance/{replica.name}"
        draft.add(key, StartInstance(name=replica.name, zone=replica.zone), after=draft.keys)
    for master in absent:
        _make_again(draft, blueprint, operation, seen, master)
    for replica in seen.replicas:
        remember(draft, seen, replica.name, replica.zone)
    places = sorted([(r.zone, r.name) for r in seen.replicas] + [(m.zone, m.name) for m in absent])
    made = draft.keys
    for zone, name in places:
        if _is_awaited(seen, name, alone=len(places) == 1):
            step = AwaitReady(replica=name, zone=zone)
            draft.add(f"await-ready/{name}", step, after=made)
    balancer.rejoin(draft, blueprint, seen, places)
    _renew(draft, seen)


def _renew(draft: Draft, seen: Observed) -> None:
    """Plan new certificates, one master at a time: should they be bad, only one has them."""
    latest = seen.server_time + RENEW_BELOW
    for replica in seen.replicas:
        expires = replica.report.certificates_expire if replica.report else None
        if replica.fresh and expires is not None and expires < latest:
            step = RenewCertificates(replica=replica.name, zone=replica.zone)
            draft.add(f"renew/{replica.name}", step, after=draft.keys)


def _is_awaited(seen: Observed, name: str, *, alone: bool) -> bool:
    """Tell whether a master is waited for: one that runs and is silent may stay so for ever.

    So it is waited for only when there is no other, or when a run before this one may have just
    started it.
    """
    replica = conditions.replica_named(seen, name)
    if replica is not None and conditions.is_serving(seen, replica):
        return False
    is_off = replica is None or replica in conditions.masters_that_are_off(seen)
    return is_off or alone or seen.operation is not None


def remember(draft: Draft, seen: Observed, name: str, zone: str) -> None:
    """Plan that a master's data disk knows the internal IP its member is known at."""
    disk = next((d for d in seen.disks if d.name == names.data_disk(name)), None)
    replica = conditions.replica_named(seen, name)
    ip = replica.instance.internal_ip if replica is not None else ""
    if disk is not None and ip and marks.home_of(disk.labels) == ip:
        return
    step = RememberAddress(disk=names.data_disk(name), zone=zone, replica=name)
    key = f"remember-address/{name}"
    draft.add(key, step, after=("create-disk", "create-instance", f"create-instance/{name}"))


def _make_again(
    draft: Draft, blueprint: Blueprint, operation: Operation, seen: Observed, master: Absent
) -> None:
    everybody = {r.name for r in seen.replicas} | {m.name for m in conditions.absent_masters(seen)}
    alone = everybody == {master.name}
    spec = instance_spec(
        blueprint,
        replica=master.name,
        zone=master.zone,
        mark=Mark(cluster=blueprint.prefix, uid=seen.uid, operation=operation.id),
        cluster_ip=seen.address.address if seen.address else "",
        founder=alone and seen.rule is None,
    )
    spec = replace(spec, internal_ip=master.internal_ip)
    before = tuple(k for k in draft.keys if k.startswith("create-firewall/"))
    made = draft.add(f"create-instance/{master.name}", CreateInstance(spec=spec), after=before)
    install = InstallReplica(
        replica=master.name,
        zone=master.zone,
        founder=alone,
        peer_urls=() if alone else conditions.peer_urls_but(seen, master.internal_ip),
        returning=True,
    )
    draft.add(f"install/{master.name}", install, after=(made,))
