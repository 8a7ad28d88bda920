"""The refusals of snapshot, restore and recover, each with the command that is right. Pure.

One function per reason; each reason is a heading of docs/OPERATIONS.md.
"""

from collections.abc import Sequence

from hakube_gce import conditions, names, snapshots, verdicts
from hakube_gce.model import Member, Observed, Replica, Role
from hakube_gce.plan import commands
from hakube_gce.plan.blockers import CONFLICT, MISSING, UNSAFE
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.choices import any_zone
from hakube_gce.plan.graph import Blocker
from hakube_gce.resources import Disk, DiskSnapshot


def no_such_survivor(blueprint: Blueprint, seen: Observed, name: str) -> Blocker:
    left = [d for d in seen.disks if d.name == names.data_disk(name)]
    masters = ", ".join(f"{r.name} in {r.zone}" for r in seen.replicas) or "none"
    has_disk = f"; its data disk is in {left[0].zone}, kube-up makes its VM again" if left else ""
    return Blocker(
        reason="NoSuchReplica",
        message=f"{name} is not a master with a VM{has_disk}. The masters are: {masters}",
        exit_status=MISSING,
        next_command=commands.create(blueprint, left[0].zone) if left else "",
    )


def quorum_is_there(
    blueprint: Blueprint, seen: Observed, survivor: Replica, dead: Sequence[Member]
) -> Blocker:
    """Refuse to throw a majority away."""
    voters = conditions.voters(seen)
    first = next(iter(dead), None)
    replica = conditions.replica_of(seen, first) if first else None
    right = commands.status(blueprint, seen)
    if first is not None:
        zone = replica.zone if replica else survivor.zone
        right = commands.remove(blueprint, zone, replica.name if replica else first.name)
    return Blocker(
        reason="QuorumNotLost",
        message=f"etcd has a majority: {conditions.majority(seen, voters)}. Recovering from "
        f"{survivor.name} alone would throw it away; a dead master is removed instead",
        exit_status=UNSAFE,
        next_command=right,
    )


def no_data(blueprint: Blueprint, seen: Observed, survivor: Replica) -> Blocker:
    report = survivor.report
    phase = report.phase if report else "unknown"
    what = f"{phase}: {report.detail}" if report and report.detail else phase
    role = ", a learner" if report and report.role is Role.LEARNER else ""
    return Blocker(
        reason="SurvivorWithoutData",
        message=f"{survivor.name} says that it is {what}{role}: it cannot go on as the cluster. "
        "Choose another survivor",
        exit_status=UNSAFE,
        next_command=commands.status(blueprint, seen),
    )


def recover_unconfirmed(
    blueprint: Blueprint, seen: Observed, survivor: Replica, statement: Sequence[str]
) -> Blocker:
    return Blocker(
        reason="RecoverUnconfirmed",
        message="this deletes every other master's VM and cannot be undone. "
        + ". ".join(statement),
        exit_status=UNSAFE,
        next_command=commands.recover(blueprint, survivor.zone, survivor.name, confirmed=True),
        override=_nothing_need_be_lost(blueprint, seen),
    )


def _nothing_need_be_lost(blueprint: Blueprint, seen: Observed) -> str:
    zones = [r.zone for r in conditions.masters_that_are_off(seen)]
    zones += [m.zone for m in conditions.absent_masters(seen)]
    if not zones:
        return ""
    return (
        "first try what loses nothing, the masters that are off or lost their VM, on their own "
        f"disks: {commands.create(blueprint, zones[0])}"
    )


def restore_not_needed(blueprint: Blueprint, seen: Observed, used: Sequence[Disk]) -> Blocker:
    disks = ", ".join(f"{d.name} in {d.zone}" for d in used)
    masters = ", ".join(f"{r.name} ({r.instance.status})" for r in seen.replicas)
    what = f"masters {masters}" if masters else f"data disks in use: {disks}"
    survivor = best_survivor(seen)
    lost = verdicts.verdict(seen) is verdicts.Verdict.LOST
    right = commands.status(blueprint, seen)
    if conditions.masters_that_are_off(seen):
        right = commands.create(blueprint, conditions.masters_that_are_off(seen)[0].zone)
    elif lost and survivor is not None:
        right = commands.recover(blueprint, survivor.zone, survivor.name, confirmed=False)
    return Blocker(
        reason="RestoreNotNeeded",
        message=f"cluster {blueprint.prefix} still has {what}. A snapshot is restored only when "
        "nothing is left: masters that are off are started by kube-up, and a lost majority is "
        "recovered from a survivor, which loses less",
        exit_status=UNSAFE,
        next_command=right,
        override="if what is there is of no use, tear it down first, the snapshots are kept: "
        + commands.teardown(blueprint, any_zone(seen), confirmed=False),
    )


def disk_in_the_way(blueprint: Blueprint, disk: Disk) -> Blocker:
    return Blocker(
        reason="RestoreOverDisk",
        message=f"data disk {disk.name} is still in {disk.zone} and is never overwritten: it may "
        "hold newer data than any snapshot. If it remembers its master's address, kube-up makes "
        "that master again",
        exit_status=UNSAFE,
        next_command=commands.create(blueprint, disk.zone),
        override="if that data is of no use, delete the disk by hand, then restore",
    )


def no_snapshot(blueprint: Blueprint, seen: Observed, wanted: str) -> Blocker:
    known = ", ".join(s.name for s in snapshots.newest_first(seen.snapshots)) or "none"
    what = f"snapshot {wanted}" if wanted else "snapshot that is ready"
    return Blocker(
        reason="NoSnapshot",
        message=f"there is no {what} of cluster {blueprint.prefix}; there are: {known}",
        exit_status=MISSING,
        next_command=commands.list_snapshots(blueprint, seen),
    )


def not_ready(blueprint: Blueprint, seen: Observed, found: DiskSnapshot) -> Blocker:
    return Blocker(
        reason="NoSnapshot",
        message=f"snapshot {found.name} is {found.status}, not READY",
        exit_status=MISSING,
        next_command=commands.list_snapshots(blueprint, seen),
    )


def snapshot_of_another(blueprint: Blueprint, seen: Observed, found: DiskSnapshot) -> Blocker:
    return Blocker(
        reason="SnapshotOfAnother",
        message=f"snapshot {found.name} is of an earlier cluster {blueprint.prefix} (uid "
        f"{snapshots.uid_of(found)}); what is left here belongs to uid {seen.uid}. Tear that down "
        "first",
        exit_status=CONFLICT,
        next_command=commands.teardown(blueprint, any_zone(seen), confirmed=False),
    )


def restore_unconfirmed(
    blueprint: Blueprint, zone: str, found: DiskSnapshot, statement: Sequence[str]
) -> Blocker:
    return Blocker(
        reason="RestoreUnconfirmed",
        message="this cannot be undone. " + ". ".join(statement),
        exit_status=UNSAFE,
        next_command=commands.restore(blueprint, zone, found.name, confirmed=True),
    )


def best_survivor(seen: Observed) -> Replica | None:
    """Choose the master that is known to have applied most; None when none is known."""
    found = [
        (r.report.term, r.report.applied_index, r.name, r)
        for r in seen.replicas
        if r.report is not None and r.report.member_id and r.report.applied_index
    ]
    return max(found)[3] if found else None
