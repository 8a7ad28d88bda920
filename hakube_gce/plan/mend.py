"""kube-up on a cluster that is there: masters that are off run again, on the disks they had. Pure.

No membership changes: a VM that is off is started; one that somebody deleted is made again under
its name, at its internal IP, on its data disk, and its etcd goes on as the member it always was.
That helps one master, two, or all of them at once, when no majority is left to ask. A disk without
its remembered address, or whose member was removed, is not brought to life. Certificates that end
soon are renewed by the way.
"""

from dataclasses import replace
from datetime import timedelta

from hakube_gce import conditions, marks, names, verdicts
from hakube_gce.conditions import Absent
from hakube_gce.model import Mark, Observed, Operation, Replica, Verb
from hakube_gce.plan import balancer, blockers, foundations, networks
from hakube_gce.plan.blueprint import Blueprint, instance_spec
from hakube_gce.plan.graph import Blocker, Draft, Plan, blocked
from hakube_gce.steps import (
    AwaitReady,
    CreateInstance,
    InstallReplica,
    RememberAddress,
    RenewCertificates,
    StartInstance,
)
from hakube_gce.timestamps import parse_rfc3339

RENEW_BELOW = timedelta(days=90)
"""As the admin certificate of a kubeconfig: a quarter of a leaf's life."""

BOOT_TIME = timedelta(minutes=10)


def plan_mend(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan that every master of the cluster runs and serves."""
    found = _blockers(blueprint, seen)
    if found:
        return blocked(found)
    draft = Draft()
    mark = foundations.begin(draft, blueprint, operation, seen)
    _masters(draft, blueprint, seen, mark)
    foundations.kubeconfig(draft, blueprint, seen)
    return Plan(operation=operation, steps=tuple(draft.steps), notes=_notes(seen))


def _blockers(blueprint: Blueprint, seen: Observed) -> list[Blocker]:
    found = [blockers.conflict(c) for c in seen.conflicts]
    if seen.unreadable:
        return [*found, blockers.unreadable(seen)]
    absent, off = conditions.absent_masters(seen), conditions.masters_that_are_off(seen)
    if not seen.replicas and not absent:
        return [*found, *(blockers.data_disk_left(d) for d in seen.disks)]
    waiting = [r for r in seen.replicas if _waits(seen, r)]
    mendable = absent or off or waiting or len(seen.replicas) == 1
    found += networks.conflicts(blueprint, seen)
    if not mendable and not seen.members_known and seen.operation is None:
        found.append(blockers.members_unknown(blueprint, seen))
    return found


def _notes(seen: Observed) -> tuple[str, ...]:
    """Mending what cannot be mended changes nothing; that must not sound as if all were well."""
    verdict = verdicts.verdict(seen)
    if seen.operation or verdict is verdicts.Verdict.HEALTHY:
        return ()
    return (f"the cluster exists and is {verdict.value}; `hakube status` shows what is wrong",)


def _masters(draft: Draft, blueprint: Blueprint, seen: Observed, mark: Mark) -> None:
    absent = conditions.absent_masters(seen)
    alone = len(seen.replicas) + len(absent) == 1
    for replica in conditions.masters_that_are_off(seen):
        key = f"start-instance/{replica.name}"
        draft.add(key, StartInstance(name=replica.name, zone=replica.zone))
    for master in absent:
        _make_again(draft, blueprint, seen, master, mark, alone=alone)
        _install(draft, seen, master.name, master.zone, master.internal_ip, alone=alone)
    for replica in seen.replicas:
        if _waits(seen, replica):
            ip = replica.instance.internal_ip
            _install(draft, seen, replica.name, replica.zone, ip, alone=alone)
        if replica.name != conditions.half_made(seen):
            remember(draft, seen, replica.name, replica.zone)
    places = sorted([(r.zone, r.name) for r in seen.replicas] + [(m.zone, m.name) for m in absent])
    made = draft.keys
    for zone, name in places:
        if _is_awaited(seen, name, made, alone=alone):
            step = AwaitReady(replica=name, zone=zone)
            draft.add(f"await-ready/{name}", step, after=made)
    balancer.rejoin(draft, blueprint, seen, [p for p in places if p[1] != _leaving(seen)])
    _renew(draft, seen)


def _waits(seen: Observed, replica: Replica) -> bool:
    """Tell whether a master's VM was made and its certificates never came.

    Not the newcomer of an unfinished replication: that one is no member yet.
    """
    return replica.name != conditions.half_made(seen) and conditions.needs_install(replica)


def _leaving(seen: Observed) -> str:
    """Name the target of an unfinished removal: it may be needed for a majority, not to serve."""
    unfinished = seen.operation
    return unfinished.target if unfinished and unfinished.verb is Verb.REMOVE else ""


def _is_awaited(seen: Observed, name: str, made: tuple[str, ...], *, alone: bool) -> bool:
    """Tell whether a master is waited for: one that runs and is silent may stay so for ever."""
    replica = conditions.replica_named(seen, name)
    if name in {_leaving(seen), conditions.half_made(seen)}:
        return False
    if replica is not None and conditions.is_serving(seen, replica):
        return False
    mended = {f"start-instance/{name}", f"install/{name}"} & set(made)
    return alone or bool(mended) or was_just_started(seen, replica)


def was_just_started(seen: Observed, replica: Replica | None) -> bool:
    """Tell whether a master's VM is so young that its silence means nothing yet.

    A run that was killed may have started it.
    """
    started = parse_rfc3339(replica.instance.started) if replica is not None else None
    return started is not None and seen.server_time - started < BOOT_TIME


def _renew(draft: Draft, seen: Observed) -> None:
    """Plan new certificates, one master at a time: should they be bad, only one has them."""
    latest = seen.server_time + RENEW_BELOW
    for replica in seen.replicas:
        expires = replica.report.certificates_expire if replica.report else None
        if replica.fresh and expires is not None and expires < latest:
            step = RenewCertificates(replica=replica.name, zone=replica.zone)
            draft.add(f"renew/{replica.name}", step, after=draft.keys)


def remember(draft: Draft, seen: Observed, name: str, zone: str) -> None:
    """Plan that a master's data disk knows the internal IP its member is known at.

    What the disk remembers already is changed only when etcd knows the master elsewhere: a VM that
    somebody made by hand, at another address, is not where the data belongs.
    """
    home = home_of_disk(seen, names.data_disk(name))
    replica = conditions.replica_named(seen, name)
    is_member = replica is not None and conditions.member_of(seen, replica) is not None
    if home and (replica is None or replica.instance.internal_ip == home or not is_member):
        return
    step = RememberAddress(disk=names.data_disk(name), zone=zone, replica=name)
    key = f"remember-address/{name}"
    draft.add(key, step, after=("create-disk", "create-instance", f"create-instance/{name}"))


def home_of_disk(seen: Observed, disk: str) -> str:
    """Give the internal IP that a data disk remembers; empty without one."""
    return next((marks.home_of(d.labels) for d in seen.disks if d.name == disk), "")


def _make_again(
    draft: Draft, blueprint: Blueprint, seen: Observed, master: Absent, mark: Mark, *, alone: bool
) -> None:
    spec = instance_spec(
        replace(blueprint, in_place_of=""),  # it comes back, whoever else is being replaced
        replica=master.name,
        zone=master.zone,
        mark=mark,
        cluster_ip=seen.address.address if seen.address else "",
        founder=alone and seen.rule is None,
    )
    spec = replace(spec, internal_ip=master.internal_ip)
    made_first = ("create-firewall/", *networks.MADE)
    before = tuple(k for k in draft.keys if k.startswith(made_first))
    draft.add(f"create-instance/{master.name}", CreateInstance(spec=spec), after=before)


def _install(
    draft: Draft, seen: Observed, name: str, zone: str, internal_ip: str, *, alone: bool
) -> None:
    step = InstallReplica(
        replica=name,
        zone=zone,
        founder=alone,
        peer_urls=() if alone else conditions.peer_urls_but(seen, internal_ip),
        returning=True,
    )
    after = (f"create-instance/{name}", f"start-instance/{name}")
    draft.add(f"install/{name}", step, after=after)
