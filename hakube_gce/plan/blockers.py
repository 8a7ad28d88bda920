"""The refusals, each with its rule, its arithmetic and the command that is right. Pure.

One function per reason; each reason is a heading of docs/OPERATIONS.md.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from hakube_gce import conditions, names
from hakube_gce.model import Conflict, Member, Observed, Operation, Replica
from hakube_gce.plan import commands
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker
from hakube_gce.resources import Disk

USAGE, MISSING, CONFLICT, UNSAFE = 2, 3, 4, 5


def no_master(blueprint: Blueprint, zone: str) -> Blocker:
    return Blocker(
        reason="NoMaster",
        message=f"there is no master of cluster {blueprint.prefix} in region {blueprint.region} "
        "to replicate",
        exit_status=MISSING,
        next_command=commands.create(blueprint, zone),
    )


def no_cluster(blueprint: Blueprint) -> Blocker:
    return Blocker(
        reason="NoMaster",
        message=f"there is no cluster {blueprint.prefix} in region {blueprint.region}",
        exit_status=MISSING,
    )


def zone_without_replica(seen: Observed, zone: str) -> Blocker:
    return Blocker(
        reason="NoReplicaInZone",
        message=f"zone {zone} holds no master of cluster {seen.cluster}; {_where(seen)}",
        exit_status=MISSING,
    )


def name_not_in_zone(
    blueprint: Blueprint, seen: Observed, name: str, zone: str, elsewhere: Replica | None
) -> Blocker:
    right = commands.remove(blueprint, elsewhere.zone, name) if elsewhere else ""
    return Blocker(
        reason="NoSuchReplica",
        message=f"{name} is not a master in zone {zone}; {_where(seen)}",
        exit_status=MISSING,
        next_command=right,
    )


def other_region(blueprint: Blueprint, zone: str, regions: Sequence[str]) -> Blocker:
    return Blocker(
        reason="OtherRegion",
        message=f"cluster {blueprint.prefix} is in region {', '.join(regions)}; zone {zone} lies "
        f"in {blueprint.region}. The cluster IP is regional, so all masters are in its region: "
        "set KUBE_GCE_ZONE to a zone of that one",
        exit_status=UNSAFE,
    )


def last_master(blueprint: Blueprint, seen: Observed, replica: Replica) -> Blocker:
    return Blocker(
        reason="LastMaster",
        message=f"{replica.name} is the last master of cluster {seen.cluster}: 1 master - 1 = 0, "
        "and the data would be gone with it. Removing it means tearing the cluster down",
        exit_status=UNSAFE,
        # Not the next command: that one is pasted at night, and this one asks nobody any more.
        override="to delete the whole cluster, and its data: "
        + commands.teardown(blueprint, replica.zone, confirmed=False),
    )


def masters_that_go(seen: Observed) -> tuple[str, ...]:
    """Name all whose data a teardown deletes: a master without its VM comes back on its disk."""
    absent = (m.name for m in conditions.absent_masters(seen))
    return tuple(sorted({*(r.name for r in seen.replicas), *absent}))


def kept_for_later(seen: Observed) -> tuple[str, ...]:
    """Name the disks that a recovery kept: they may hold what the survivor never had."""
    half_done = names.data_disk(seen.operation.target) if seen.operation else ""
    return tuple(d.name for d in conditions.kept_disks(seen) if d.name != half_done)


def teardown_unconfirmed(blueprint: Blueprint, seen: Observed, zone: str) -> Blocker:
    in_zone = [r for r in seen.replicas if r.zone == zone]
    one = commands.remove(blueprint, zone, in_zone[0].name if in_zone else "")
    masters, kept = masters_that_go(seen), kept_for_later(seen)
    count = len(masters)
    nobody_here = "" if in_zone or not count else f"; zone {zone} holds none of them"
    named = f" ({', '.join(masters)})" if masters else ""
    named += f", a recovery kept {', '.join(kept)}" if kept and masters else ""
    return Blocker(
        reason="TeardownUnconfirmed",
        message=f"cluster {seen.cluster} has {count} master{'s' * (count != 1)}{named} and "
        f"KUBE_DELETE_NODES=false is not set: this would delete {'all of them' if count else 'it'}"
        f" and {'their' if count else 'its'} data{nobody_here}",
        exit_status=UNSAFE,
        next_command=one if in_zone and count > 1 else "",
        override=f"to delete the whole cluster: HAKUBE_CONFIRM_TEARDOWN={seen.cluster}",
    )


def quorum_at_risk(blueprint: Blueprint, seen: Observed, leaving: Member) -> Blocker:
    name = leaving.name or leaving.id
    why = (
        f"removing {name} would leave etcd without a majority"
        if conditions.majority(seen, seen.members).holds
        else f"removing {name} needs a majority of etcd's voters, and there is none now"
    )
    return Blocker(
        reason="QuorumAtRisk",
        message=f"{why}: {conditions.removal_sums(seen, leaving)}{_not_healthy(seen)}",
        exit_status=UNSAFE,
        next_command=_remove_the_dead(blueprint, seen, but=leaving),
    )


def kubeconfig_unusable(seen: Observed) -> Blocker:
    return Blocker(
        reason="KubeconfigUnusable",
        message=f"the new cluster's entry could not be written: {seen.kubeconfig_problem}. Point "
        "KUBECONFIG at a file, there or to be made; for example KUBECONFIG=~/.kube/config",
        exit_status=USAGE,
    )


def dead_voter(blueprint: Blueprint, seen: Observed, *, give_up: Operation | None) -> Blocker:
    """Refuse to add while a voter is down.

    Args:
        blueprint: The cluster.
        seen: What is there.
        give_up: The unfinished replication that must be undone before the dead voter can go.
    """
    right = _remove_the_dead(blueprint, seen, but=None)
    order = "Remove the dead one first, then add"
    if give_up is not None:
        right = commands.remove(blueprint, give_up.zone, give_up.target)
        order = f"Give {give_up.target} up, remove the dead one, then add"
    return Blocker(
        reason="DeadVoter",
        message="adding a master while a voter is down would raise the quorum when a vote is "
        f"already missing: {conditions.majority(seen, seen.members)}{_not_healthy(seen)}. {order}",
        exit_status=UNSAFE,
        next_command=right,
        override=_bring_back(blueprint, seen),
    )


def quorum_lost(blueprint: Blueprint, seen: Observed) -> Blocker:
    """Refuse any change of a membership that cannot commit one."""
    return Blocker(
        reason="QuorumUnknown",
        message=f"etcd has no majority: {conditions.majority(seen, seen.members)}"
        f"{_not_healthy(seen)}. Nothing can be added or removed: bring back the masters that are "
        "off",
        exit_status=UNSAFE,
        next_command=way_back(blueprint, seen),
        override=_from_a_survivor(blueprint, seen),
    )


def members_unknown(blueprint: Blueprint, seen: Observed) -> Blocker:
    heard = [
        f"{r.name}: VM {r.instance.status}, {'heard' if r.fresh else 'not heard'}"
        + (", etcd not healthy" if r.fresh and r.report and not r.report.etcd_healthy else "")
        for r in seen.replicas
    ]
    return Blocker(
        reason="QuorumUnknown",
        message="no master gave a trustworthy list of etcd's members, so quorum is lost or cannot "
        "be "
        f"seen ({'; '.join(heard) or 'no masters'}). Nothing is changed in the dark: start the "
        "VMs "
        "that are off, or wait for those that are booting",
        exit_status=UNSAFE,
        next_command=way_back(blueprint, seen),
        override=_from_a_survivor(blueprint, seen),
    )


def learner_pending(blueprint: Blueprint, seen: Observed, learner: Member) -> Blocker:
    replica = conditions.replica_of(seen, learner)
    return Blocker(
        reason="LearnerPending",
        message=f"learner {learner.name or learner.id} at {learner.peer_url} is pending"
        + (f" (master {replica.name})" if replica else "")
        + "; membership changes one at a time. To give that one up, remove it",
        exit_status=UNSAFE,
        next_command=commands.remove(blueprint, replica.zone, replica.name) if replica else "",
    )


def alarm(replica: Replica, alarms: Sequence[str]) -> Blocker:
    return Blocker(
        reason="EtcdAlarm",
        message=f"etcd on {replica.name} has raised {', '.join(alarms)}; membership must not "
        "change "
        "under an alarm",
        exit_status=UNSAFE,
    )


def split(blueprint: Blueprint, seen: Observed, ids: Sequence[str]) -> Blocker:
    who = [f"{r.name}: {r.report.cluster_id}" for r in seen.replicas if r.fresh and r.report]
    return Blocker(
        reason="ClusterIdMismatch",
        message=f"the masters are parts of {len(ids)} different etcd clusters "
        f"({', '.join(who)}); which one holds the data cannot be told from here",
        exit_status=UNSAFE,
        next_command=commands.status(blueprint, seen),
    )


def version_mismatch(versions: Mapping[str, str]) -> Blocker:
    said = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return Blocker(
        reason="VersionMismatch",
        message=f"the masters run different minor versions of etcd ({said}); an upgrade is "
        "finished before the membership changes",
        exit_status=UNSAFE,
    )


def certificate_expiring(
    blueprint: Blueprint, replica: Replica, expires: datetime, now: datetime
) -> Blocker:
    days = (expires - now).total_seconds() / 86400
    when = f"in {days:.1f} days" if days > 0 else f"{-days:.1f} days ago"
    return Blocker(
        reason="CertificateExpiring",
        message=f"a certificate of {replica.name} ends {when} ({expires:%Y-%m-%d}), and an etcd "
        "with an expired one does not start again; 7 days are needed for a change of membership. "
        "kube-up renews it",
        exit_status=UNSAFE,
        next_command=commands.create(blueprint, replica.zone),
    )


def not_serving(blueprint: Blueprint, seen: Observed, replica: Replica) -> Blocker:
    return Blocker(
        reason="MasterNotReady",
        message=f"{replica.name} must serve for this and does not: VM {replica.instance.status}, "
        "agent "
        f"{'heard' if replica.fresh else 'not heard'}, API server "
        f"{'ready' if conditions.is_ready(replica) else 'not ready'}",
        exit_status=UNSAFE,
        next_command=way_back(blueprint, seen),
    )


def unreadable(seen: Observed) -> Blocker:
    return Blocker(
        reason="UnknownState",
        message="Compute Engine could not list everything, and unknown is not absent: "
        + "; ".join(seen.unreadable),
        exit_status=UNSAFE,
    )


def conflict(found: Conflict) -> Blocker:
    return Blocker(
        reason="ForeignResource",
        message=f"{found.resource} {found.why}",
        exit_status=CONFLICT,
        override="use another KUBE_GCE_INSTANCE_PREFIX, or remove the resource by hand",
    )


def data_disk_left(disk: Disk) -> Blocker:
    return Blocker(
        reason="DataDiskLeft",
        message=f"the data disk {disk.name} of this cluster is still in {disk.zone}"
        + (f", used by {', '.join(disk.users)}" if disk.users else "")
        + ", and no master can be made again on it: it does not remember its master's address, or "
        "somebody else uses it. A new, empty cluster is not founded beside it",
        exit_status=UNSAFE,
        override="when the data may go, and only then: delete the disk, or tear the cluster down",
    )


def original_scripts(seen: Observed) -> Blocker:
    return Blocker(
        reason="MadeByKubeUp",
        message=f"cluster {seen.cluster} was made by the original kube-up scripts: its masters "
        f"({', '.join(r.name for r in seen.replicas)}) carry no agent and no marks. It is shown "
        "by "
        "`hakube status` and never changed",
        exit_status=CONFLICT,
        override="to migrate, create a new cluster under another KUBE_GCE_INSTANCE_PREFIX and "
        "move "
        "the workloads",
    )


def cluster_elsewhere(blueprint: Blueprint, seen: Observed, zone: str) -> Blocker:
    return Blocker(
        reason="ClusterExists",
        message=f"cluster {seen.cluster} exists already, and not in zone {zone}; {_where(seen)}",
        exit_status=CONFLICT,
        next_command=commands.replicate(blueprint, zone),
    )


def crowded_zone(zone: str, free: Sequence[str]) -> Blocker:
    return Blocker(
        reason="CrowdedZone",
        message=f"zone {zone} already holds a master while {', '.join(free)} hold none, and "
        "HAKUBE_STRICT=true",
        exit_status=UNSAFE,
        override="HAKUBE_STRICT=false",
    )


def inherited_differs(name: str, cluster: str, asked: str) -> Blocker:
    return Blocker(
        reason="InheritedDiffers",
        message=f"{name}={asked} contradicts the cluster's {name}={cluster}; masters of one "
        "cluster do "
        "not differ. Leave it unset to inherit",
        exit_status=2,
    )


def _where(seen: Observed) -> str:
    if not seen.replicas:
        return "the cluster has no masters"
    return "the masters are " + ", ".join(f"{r.name} in {r.zone}" for r in seen.replicas)


def _not_healthy(seen: Observed) -> str:
    sick = [m.name or m.id for m in conditions.voters(seen) if not conditions.is_healthy(seen, m)]
    return f"; not healthy: {', '.join(sick)}" if sick else ""


def _remove_the_dead(blueprint: Blueprint, seen: Observed, *, but: Member | None) -> str:
    """Give the command that removes a dead voter; where none can go, the one that shows more."""
    for member in conditions.voters(seen):
        dead = not conditions.is_healthy(seen, member)
        removable = dead and conditions.removal_keeps_quorum(seen, member)
        if removable and (but is None or member.id != but.id):
            replica = conditions.replica_of(seen, member)
            name = replica.name if replica else member.name
            return commands.remove(
                blueprint, replica.zone if replica else _last_zone(seen, name), name
            )
    return way_back(blueprint, seen)


def _from_a_survivor(blueprint: Blueprint, seen: Observed) -> str:
    """Say how to go on when no majority ever comes back: from whoever has applied most."""
    found = [
        (r.report.term, r.report.applied_index, r.name, r.zone)
        for r in seen.replicas
        if r.report is not None and r.report.member_id and r.report.applied_index
    ]
    if not found or conditions.may_come_back(seen):
        return ""
    _, applied, name, zone = max(found)
    command = commands.recover(blueprint, zone, name, confirmed=False)
    return (
        f"only where the others never come back: {command} (it has applied most as far as is "
        f"known: index {applied})"
    )


def _bring_back(blueprint: Blueprint, seen: Observed) -> str:
    """Say how a dead master with its data comes back without any change of membership."""
    if conditions.may_come_back(seen):
        return f"or bring it back as it was, on its own disk: {way_back(blueprint, seen)}"
    return ""


def way_back(blueprint: Blueprint, seen: Observed) -> str:
    """Give the command that brings masters back which are off or lost their VM; else status."""
    zones = [r.zone for r in conditions.masters_that_are_off(seen)]
    zones += [m.zone for m in conditions.absent_masters(seen)]
    if zones:
        return commands.create(blueprint, zones[0])
    return commands.status(blueprint, seen)


def _last_zone(seen: Observed, name: str) -> str:
    """Give the zone of a master whose VM is gone, by the disk it left; else any that we are in."""
    left = [d.zone for d in seen.disks if d.name == names.data_disk(name)]
    return (left or [r.zone for r in seen.replicas])[0]
