"""What is seen, planned, refused and done, as text or JSON. Pure.

The first line says what was seen, the last whether anything changed. The JSON is
`docs/INTERFACE.md`'s, schema 1: fields are added, never changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hakube_gce import conditions, snapshots, verdicts
from hakube_gce.balancer_steps import DemoteEndpoint, PromoteEndpoint
from hakube_gce.describe import describe
from hakube_gce.model import EndpointMode, Observed, Operation, Replica, Verb
from hakube_gce.plan.graph import Blocker, Plan
from hakube_gce.render_nodes import node_lines, node_objects
from hakube_gce.steps import Sign

SCHEMA = 1


def headline(seen: Observed) -> str:
    """Say in one line what was seen."""
    where = f"cluster {seen.cluster} in project {seen.project}"
    unread = f"; could not read {', '.join(seen.unreadable)}" if seen.unreadable else ""
    if not seen.uid and not seen.original_scripts:
        return f"{where}: none in region {seen.region}{unread}"
    count = len(seen.replicas)
    masters = f"{count} master{'s' * (count != 1)}"
    now = conditions.majority(seen, seen.members)
    etcd = f"etcd {now.healthy} of {now.voters} healthy" if seen.members_known else "etcd unknown"
    stand_in = ", hollow API servers" if _kind(seen) == "hollow" else ""
    return f"{where}: {masters}, {etcd}, {_endpoint(seen)}{stand_in}{unread}"


def _endpoint(seen: Observed) -> str:
    address = seen.address.address if seen.address else "-"
    match seen.endpoint_mode:
        case EndpointMode.LOAD_BALANCER:
            return f"{address} on the load balancer"
        case EndpointMode.VM:
            return f"{address} on a VM"
        case EndpointMode.NONE:
            return f"{address} leads nowhere"


def plan_lines(plan: Plan) -> tuple[str, ...]:
    """Show a plan for a dry run."""
    if plan.is_empty:
        return ("Everything is as asked.",)
    lines = ["", *(f"  {describe(p.step)}" for p in plan.steps), ""]
    signs = [describe(p.step).sign for p in plan.steps]
    lines.append(
        f"Plan: {signs.count(Sign.CREATE)} to create, {signs.count(Sign.CHANGE)} to change, "
        f"{signs.count(Sign.DELETE)} to delete."
    )
    if any(isinstance(p.step, PromoteEndpoint | DemoteEndpoint) for p in plan.steps):
        lines.append("While the cluster IP moves, two calls long, there is no API: some seconds.")
    return tuple(lines)


def deletion_lines(plan: Plan) -> tuple[str, ...]:
    """Show what a teardown takes away, before it does; the address is the last."""
    if plan.operation is None or plan.operation.verb is not Verb.TEARDOWN:
        return ()
    gone = [line for p in plan.steps if (line := describe(p.step)).sign is Sign.DELETE]
    return ("This is deleted now:", *(f"  {line}" for line in gone), "")


def blocker_lines(blockers: Sequence[Blocker]) -> tuple[str, ...]:
    """Show every reason why nothing was done, with rule, arithmetic and the right command."""
    lines = []
    for blocker in blockers:
        lines.append(f"Refused: {blocker.message}.")
        if blocker.override:
            lines.append(f"  or: {blocker.override}")
        if blocker.next_command:
            lines.append(f"  next: {blocker.next_command}")
        lines.append(f"  see docs/OPERATIONS.md, {blocker.reason}")
    return tuple(lines)


# --------------------------------------------------------------------------------------------
# status


def status_lines(seen: Observed, *, go_on: tuple[str, str] = ("", "")) -> tuple[str, ...]:
    """Show a cluster to a person.

    Args:
        seen: The cluster.
        go_on: The command that goes on with what is unfinished, and how it is given up.
    """
    lines = [headline(seen), ""]
    lines += [f"  {_replica_line(seen, r)}" for r in seen.replicas]
    lines += [f"  {line}" for line in node_lines(seen.nodes)]
    if first := _earliest_expiry(seen):
        lines.append(f"  certificates: the first one expires on {first:%Y-%m-%d}")
    lines += _under_way(seen, go_on)
    lines += [
        f"kept disk: {d.name} in {d.zone}, without a VM; a teardown deletes it"
        for d in conditions.kept_disks(seen)
    ]
    if seen.snapshots:
        old = snapshots.age(seen.snapshots[0], seen.server_time)
        lines.append(f"newest snapshot: {seen.snapshots[0].name}, {old} old")
    lines += [f"warning: {w}" for w in verdicts.warnings(seen)]
    lines += ["", f"verdict: {verdicts.verdict(seen).value}"]
    return tuple(lines)


def _under_way(seen: Observed, go_on: tuple[str, str]) -> list[str]:
    """Say who is at work, and what is not finished: with a lock that is another's matter."""
    lines = []
    is_held = seen.lock is not None and seen.lock.free_at > seen.server_time
    if seen.lock is not None and is_held:
        lines += ["", f"locked by {seen.lock.holder} until {seen.lock.free_at:%H:%M:%S} UTC"]
    if seen.operation is not None:
        what = f"{seen.operation.verb.value} {seen.operation.target}".rstrip()
        lines += [f"under way: {what}"] if lines else ["", f"unfinished: {what}"]
        when = "should that run be dead" if is_held else "next"
        lines += [f"  {word}: {way}" for word, way in zip((when, "or"), go_on, strict=True) if way]
    return lines


def _replica_line(seen: Observed, replica: Replica) -> str:
    member = conditions.member_of(seen, replica)
    if member is None:
        role = "no member" if seen.members_known else "member unknown"
    else:
        leads = conditions.leader_id(seen) == member.id
        role = "leader" if leads else member.role.value
        role += "" if conditions.is_healthy(seen, member) else ", not healthy"
    ready = "API ready" if conditions.is_ready(replica) else "API not ready"
    if not replica.fresh:
        ready = "not heard" if replica.report is None else "not heard lately"
    instance = replica.instance
    return (
        f"{replica.name:<24} {replica.zone:<16} {instance.status:<11} {instance.internal_ip:<14} "
        f"{role:<20} {ready}"
    )


def status_object(seen: Observed, *, port: int) -> dict[str, object]:
    """Give a cluster's state as the stable JSON object."""
    now = conditions.majority(seen, seen.members)
    first = _earliest_expiry(seen)
    return {
        "schema_version": SCHEMA,
        "cluster": seen.cluster,
        "project": seen.project,
        "region": seen.region,
        "endpoint": _endpoint_object(seen, port),
        "replicas": [_replica_object(seen, r) for r in seen.replicas],
        "etcd": {
            "voters": now.voters,
            "healthy_voters": now.healthy,
            "quorum": now.needed if now.voters else 0,
            "tolerates": max(0, now.healthy - now.needed) if now.voters else 0,
        },
        "apiserver": _kind(seen),
        "operation": operation_object(seen.operation),
        "verdict": verdicts.verdict(seen).value,
        "warnings": list(verdicts.warnings(seen)),
        "certificates_expire": first.isoformat() if first else None,
        "snapshots": {
            "count": len(seen.snapshots),
            "newest": snapshots.as_object(seen.snapshots[0]) if seen.snapshots else None,
        },
        "nodes": node_objects(seen.nodes),
        "kept_disks": [{"name": d.name, "zone": d.zone} for d in conditions.kept_disks(seen)],
    }


def snapshots_object(seen: Observed) -> dict[str, object]:
    """Give the list of snapshots as JSON."""
    found = [snapshots.as_object(s) for s in seen.snapshots]
    return {"schema_version": SCHEMA, "cluster": seen.cluster, "snapshots": found}


def snapshot_lines(seen: Observed) -> tuple[str, ...]:
    """Show the snapshots to a person, the newest first."""
    if not seen.snapshots:
        return (f"there are no snapshots of cluster {seen.cluster}",)
    return tuple(
        f"{snapshots.summary(s)}, {snapshots.age(s, seen.server_time)} old"
        + ("" if snapshots.is_ready(s) else f", {s.status}")
        + ("" if snapshots.uid_of(s) == seen.uid else ", of an earlier cluster of this name")
        for s in seen.snapshots
    )


def _endpoint_object(seen: Observed, port: int) -> dict[str, object]:
    mode = seen.endpoint_mode
    return {
        "mode": None if mode is EndpointMode.NONE else mode.value,
        "address": seen.address.address if seen.address else None,
        "port": port,
    }


def _replica_object(seen: Observed, replica: Replica) -> dict[str, object]:
    instance, member = replica.instance, conditions.member_of(seen, replica)
    config = instance.access_config
    return {
        "name": replica.name,
        "zone": replica.zone,
        "instance_id": instance.id,
        "instance_status": instance.status,
        "internal_ip": instance.internal_ip,
        "external_ip": config.nat_ip if config else None,
        "member": None
        if member is None
        else {
            "id": member.id,
            "role": member.role.value,
            "healthy": conditions.is_healthy(seen, member),
            "leader": conditions.leader_id(seen) == member.id,
        },
        "apiserver_ready": conditions.is_ready(replica),
    }


def operation_object(operation: Operation | None) -> dict[str, object] | None:
    """Give an unfinished operation as JSON."""
    if operation is None:
        return None
    since = operation.outage_since
    return {
        "id": operation.id,
        "verb": operation.verb.value,
        "zone": operation.zone,
        "target": operation.target or None,
        "target_id": operation.target_id or None,
        "outage_since": since.isoformat() if since else None,
    }


def _kind(seen: Observed) -> str | None:
    kinds = {
        r.report.apiserver_kind for r in seen.replicas if r.report and r.report.apiserver_kind
    }
    return "hollow" if "hollow" in kinds else next(iter(sorted(kinds)), None)


def _earliest_expiry(seen: Observed) -> datetime | None:
    dates = [
        r.report.certificates_expire
        for r in seen.replicas
        if r.report is not None and r.report.certificates_expire is not None
    ]
    return min(dates, default=None)


# --------------------------------------------------------------------------------------------
# results


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended, for both kinds of output."""

    verb: str
    changed: bool
    exit_status: int
    replica: str = ""
    window: Mapping[str, object] | None = None
    next_command: str = ""
    error: str = ""
    hint: str = ""
    reasons: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    snapshot: Mapping[str, object] | None = None
    validation: Mapping[str, object] | None = None
    cluster_left: bool = True
    """Whether a cluster is there afterwards: a teardown may be of a zone's nodes alone."""


def result_object(result: Result) -> dict[str, object]:
    """Give a run's end as the stable JSON object."""
    return {
        "schema_version": SCHEMA,
        "verb": result.verb,
        "changed": result.changed,
        "exit_status": result.exit_status,
        "replica": result.replica or None,
        "window": dict(result.window) if result.window is not None else None,
        "next_command": result.next_command or None,
        "error": result.error or None,
        "hint": result.hint or None,
        "reasons": list(result.reasons),
        "steps": list(result.steps),
        "notes": list(result.notes),
        "snapshot": dict(result.snapshot) if result.snapshot is not None else None,
        "validation": dict(result.validation) if result.validation is not None else None,
    }


def runbook_lines(steps: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Show (why, command) pairs so that they can be pasted whole."""
    return tuple(line for why, command in steps for line in (f"# {why}", command))


def runbook_object(steps: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Give a runbook as JSON."""
    return {
        "schema_version": SCHEMA,
        "steps": [{"why": why, "command": command} for why, command in steps],
    }
