"""`hakube snapshot`: the database as of now, where it outlives every master's disk. Pure.

The best voter saves and verifies it on its data disk, then Compute Engine takes a snapshot of that
disk. Of this cluster's own the newest few are kept; others are not touched.
"""

from hakube_gce import conditions, names, snapshots
from hakube_gce.model import Observed, Operation, Replica, Verb
from hakube_gce.plan import blockers, preconditions, unfinished_blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker, Draft, Plan, blocked
from hakube_gce.resources import DiskSnapshot
from hakube_gce.steps import CreateSnapshot, DeleteSnapshot


def wish(
    blueprint: Blueprint, seen: Observed, *, zone: str, operation_id: str
) -> Operation | Blocker:
    """Make the wish for a snapshot absolute: under which name it will be found again."""
    if seen.operation is not None:
        if seen.operation.verb is Verb.SNAPSHOT:
            return seen.operation
        return unfinished_blockers.operation_unfinished(blueprint, seen, seen.operation)
    if not seen.uid or not seen.replicas:
        return blockers.no_cluster(blueprint)
    target = snapshots.name(blueprint.prefix, operation_id, seen.server_time)
    return Operation(id=operation_id, verb=Verb.SNAPSHOT, zone=zone, target=target)


def plan_snapshot(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan that the snapshot is ready and the surplus is gone."""
    draft = Draft()
    taken = snapshots.named(seen, operation.target)
    if taken is None or not snapshots.is_ready(taken):
        found = preconditions.seen_whole(blueprint, seen)
        if found:
            return blocked(found)
        source = _source(seen)
        if source is None:
            return blocked([blockers.members_unknown(blueprint, seen)])
        step = CreateSnapshot(
            name=operation.target,
            replica=source.name,
            zone=source.zone,
            disk=names.data_disk(source.name),
        )
        draft.add("create-snapshot", step)
    for old in _surplus(blueprint, operation, seen):
        key = f"delete-snapshot/{old.name}"
        draft.add(key, DeleteSnapshot(name=old.name), after=("create-snapshot",))
    return Plan(operation=operation, steps=tuple(draft.steps))


def _source(seen: Observed) -> Replica | None:
    """Choose the master: a follower, because the leader has more to do; then the newest data."""
    leader = conditions.leader_id(seen)
    found = [
        (m.id == leader, -r.report.applied_index, r.name, r)
        for m in conditions.healthy_voters(seen)
        if (r := conditions.replica_of(seen, m)) is not None and r.report is not None
    ]
    return min(found)[3] if found else None


def _surplus(blueprint: Blueprint, operation: Operation, seen: Observed) -> list[DiskSnapshot]:
    others = [s for s in snapshots.of_this_cluster(seen) if s.name != operation.target]
    ready = [s for s in others if snapshots.is_ready(s)]
    failed = [s for s in others if s.status == "FAILED"]  # worth nothing, and counted as nothing
    return ready[blueprint.snapshots_kept - 1 :] + failed
