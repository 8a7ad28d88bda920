"""How a run ends, in words and as a result: refused, or done. Decides and changes nothing."""

from collections.abc import Sequence
from dataclasses import replace

from hakube_gce import render, snapshots
from hakube_gce.job import Job
from hakube_gce.model import Observed, Operation, Verb
from hakube_gce.perform.context import Window
from hakube_gce.plan.graph import Blocker, Plan
from hakube_gce.render import Result
from hakube_gce.render_left import left_behind


def refuse(job: Job, blockers: Sequence[Blocker]) -> Result:
    """Show why nothing is done."""
    job.say(render.blocker_lines(blockers))
    job.screen.say("Nothing was changed.")
    status = min((b.exit_status for b in blockers), default=5)
    return replace(
        result(job, changed=False),
        exit_status=status,
        error="; ".join(b.message for b in blockers),
        reasons=tuple(b.reason for b in blockers),
        next_command=next((b.next_command for b in blockers if b.next_command), ""),
    )


def last_line(operation: Operation, planned: Plan, after: Observed) -> str:  # noqa: C901, PLR0911 - a table, one row a verb
    """Say on the screen's last line what was reached."""
    match operation.verb:
        case Verb.MEND if any(p.key.startswith(("start-", "await-ready/")) for p in planned.steps):
            return "Done: the cluster's masters are back."
        case Verb.MEND:
            return "Done: the cluster is as it should be."
        case Verb.CREATE:
            return "Kubernetes cluster created."
        case Verb.REPLICATE:
            return f"Done: {operation.target} serves."
        case Verb.REMOVE:
            return f"Done: {operation.target} is gone."
        case Verb.TEARDOWN:
            return f"Done: nothing of the cluster is left{left_behind(after)}."
        case Verb.SNAPSHOT:
            taken = snapshots.named(after, operation.target)
            return f"Done: {snapshots.summary(taken) if taken else operation.target}."
        case Verb.RESTORE:
            return f"Done: the cluster is back as {operation.target} held it."
        case Verb.RECOVER:
            return f"Done: {operation.target} is the only master; add others with kube-up."
        case Verb.ADD_NODES:
            return f"Done: zone {operation.zone} has nodes."
        case Verb.DELETE_NODES:
            return f"Done: no nodes are left in zone {operation.zone}; the masters stay."


def window_of(windows: Sequence[Window]) -> dict[str, object] | None:
    """Give the last outage of the cluster IP, as the interface has it; None if it never moved."""
    if not windows:
        return None
    window = windows[-1]
    return {
        "kind": window.kind,
        "seconds": round(window.seconds, 3),
        "probes": window.probes,
        "failed_probes": window.failed_probes,
    }


def result(job: Job, *, changed: bool) -> Result:
    """Give a good end without particulars."""
    verb = job.intent.verb
    return Result(
        verb=verb.value, changed=changed, exit_status=0, cluster_left=verb is not Verb.TEARDOWN
    )


def replica_of(operation: Operation, planned: Plan, after: Observed) -> str:
    """Give the master that came, went or was rescued."""
    match operation.verb:
        case Verb.SNAPSHOT:
            return ""
        case Verb.RESTORE:
            return next((r.name for r in after.replicas), "")
        case _:
            return operation.target or _only_replica(planned)


def snapshot_of(operation: Operation, after: Observed) -> dict[str, object] | None:
    """Give the snapshot that was taken or restored, as the interface has it."""
    found = snapshots.named(after, operation.target) if operation.target else None
    return snapshots.as_object(found) if found is not None else None


def _only_replica(planned: Plan) -> str:
    created = [p.step for p in planned.steps if p.key == "install"]
    return getattr(created[0], "replica", "") if created else ""
