"""Snapshots, and what is done when a majority, or everything, is lost."""

from collections.abc import Mapping

from hakube_gce import conditions, marks, snapshots, user_labels
from hakube_gce.errors import AgentSilent, Refused, StepFailed
from hakube_gce.model import Observed, Replica
from hakube_gce.perform.context import Context
from hakube_gce.resources import DiskSnapshot
from hakube_gce.snapshots import Facts
from hakube_gce.steps import CreateSnapshot, DeleteSnapshot, ProveQuorumLost, RecoverMember

_STILL_HEALTHY_S = 20.0
"""For how long a survivor's last words may tell of a quorum that is gone: its heartbeats count as
fresh for fifteen seconds."""


def create_snapshot(context: Context, key: str, step: CreateSnapshot) -> None:
    """Have a master save its database, then take a snapshot of its data disk.

    Raises:
        StepFailed: Compute Engine did not finish it.
    """
    found = context.gateway.find_snapshot(step.name)
    if found is None:
        facts = _save(context, step)
        ours = {**marks.mark_labels(context.mark), **snapshots.labels(facts)}
        context.gateway.create_snapshot(
            step.zone,
            step.disk,
            step.name,
            labels=user_labels.beside(context.blueprint.labels, ours),
            description=snapshots.description(context.blueprint.inherited),
            request_id=context.request_id(key, "create"),
        )
    _await_ready(context, step.name)


def _save(context: Context, step: CreateSnapshot) -> Facts:
    answer = context.channel.ask(
        context.instance(step.zone, step.replica),
        "snapshot",
        {},
        epoch=context.lock.epoch,
        timeout_s=context.limits.snapshot_s,
    )
    return Facts(
        revision=_number(answer, "revision"),
        total_keys=_number(answer, "total_keys"),
        size_bytes=_number(answer, "size_bytes"),
        hash=marks.label_value(str(answer.get("hash", ""))),
        replica=step.replica,
    )


def _number(answer: Mapping[str, object], field: str) -> int:
    value = answer.get(field)
    return value if isinstance(value, int) else 0


def _await_ready(context: Context, name: str) -> DiskSnapshot:
    deadline = context.clock.monotonic() + context.limits.snapshot_s
    while True:
        found = context.gateway.find_snapshot(name)
        if found is not None and snapshots.is_ready(found):
            return found
        status = found.status if found is not None else "gone"
        if status in {"FAILED", "DELETING", "gone"}:
            raise StepFailed(
                f"snapshot {name} is {status}",
                hint="delete it by hand if it is still there, then run the same command again",
            )
        if context.clock.monotonic() >= deadline:
            raise StepFailed(
                f"snapshot {name} is still {status} after {context.limits.snapshot_s:.0f} s",
                hint="large disks take long: the same command waits on",
            )
        context.clock.sleep(context.limits.poll_s)


def delete_snapshot(context: Context, key: str, step: DeleteSnapshot) -> None:
    context.gateway.delete_snapshot(step.name, request_id=context.request_id(key, "delete"))


def prove_quorum_lost(context: Context, _key: str, step: ProveQuorumLost) -> None:
    """Hear the survivor once more, before anything is deleted.

    When all others are off by Compute Engine's word, they make no majority. While one of them
    runs, the survivor itself has to say that it has no quorum, for longer than an election takes,
    and the load balancer must find none of theirs ready: a survivor that is cut off from a
    majority says the same as one that has lost it.

    Raises:
        Refused: There is a quorum.
        AgentSilent: The survivor was not heard.
    """
    clock = context.clock
    deadline = clock.monotonic() + context.limits.boot_s
    since: dict[bool, float] = {}
    while clock.monotonic() < deadline:
        seen = context.observe()
        _refuse_a_majority(seen)
        if seen.unreadable:  # who stands there is unknown, and unknown is never absent
            since = {}
            clock.sleep(context.limits.poll_s)
            continue
        survivor = conditions.replica_named(seen, step.replica)
        if survivor is not None and survivor.fresh and survivor.report is not None:
            if not _others_run(seen, step.replica):
                return
            witness = _reads_through_a_quorum(seen, survivor)
            since = {bool(witness): since.get(bool(witness), clock.monotonic())}
            lasted_s = clock.monotonic() - since[bool(witness)]
            if witness and lasted_s >= _STILL_HEALTHY_S:
                raise _majority(witness)
            if not witness and lasted_s >= context.limits.election_s:
                return
        clock.sleep(context.limits.poll_s)
    raise AgentSilent(
        f"{step.replica} was not heard within {context.limits.boot_s:.0f} s: nothing was deleted",
        replica=step.replica,
        hint="is its VM up? `hakube status` shows what it last said",
    )


def _reads_through_a_quorum(seen: Observed, survivor: Replica) -> str:
    """Name what speaks for a quorum; an API server is ready only while its etcd has one."""
    if survivor.report is not None and survivor.report.etcd_healthy:
        return f"{survivor.name} goes on reading through one"
    balancers = [b.health for b in (seen.backend_service, seen.pool) if b is not None]
    healthy = {name for health in balancers for name, is_ in health.items() if is_ == "HEALTHY"}
    ready = [r.name for r in seen.replicas if r.name in healthy and r != survivor]
    if ready:
        return f"the load balancer goes on finding the API of {' and '.join(ready)} ready"
    return ""


def ask_survivor(context: Context, step: ProveQuorumLost) -> None:
    """Have the survivor say that it can go on alone, while the others are still there."""
    context.channel.ask(
        context.instance(step.zone, step.replica),
        "recover",
        {"check": True},
        epoch=context.lock.epoch,
        timeout_s=context.limits.verb_s,
    )


def _refuse_a_majority(seen: Observed) -> None:
    now = conditions.majority(seen, seen.members)
    if seen.members_known and now.voters > 1 and now.holds:
        raise _majority(str(now))


def _majority(seen_as: str) -> Refused:
    return Refused(
        f"etcd has a majority after all: {seen_as}. Nothing was deleted",
        hint="`hakube status` shows who is dead; remove that one instead",
    )


def _others_run(seen: Observed, survivor: str) -> bool:
    return any(r.instance.status != "TERMINATED" for r in seen.replicas if r.name != survivor)


def recover(context: Context, _key: str, step: RecoverMember) -> None:
    """Have the survivor's etcd forget all others."""
    answer = context.channel.ask(
        context.instance(step.zone, step.replica),
        "recover",
        {},
        epoch=context.lock.epoch,
        timeout_s=context.limits.rescue_s,
    )
    kept = answer.get("kept")
    if isinstance(kept, str) and kept:
        context.tell(f"{step.replica} keeps its data as it was in the folder {kept} of its disk")


def tell_restored(context: Context, answer: Mapping[str, object]) -> None:
    """Say what an ``install`` restored, and what has to be done about it."""
    restored = answer.get("restored")
    if not isinstance(restored, dict):
        return
    context.tell(
        f"restored {restored.get('name')}: revision {restored.get('revision')}, "
        f"{restored.get('total_keys')} keys"
    )
    if restored.get("bumped") is True:
        context.tell("revisions were bumped by a thousand million: watchers notice and list anew")
        return
    context.tell(
        "this etcd's tools cannot bump revisions, so they have gone back: whoever watches "
        "(controllers, kubelets, operators) may wait for revisions that will not come and must be "
        "restarted"
    )


def tell_new_keys(context: Context) -> None:
    """Say so when a restored cluster cannot have its old keys again."""
    if context.keys.load(context.mark.uid) is None:
        context.tell(
            "this machine has no keys of the cluster, and no master is left to ask: new ones are "
            "drawn. Old kubeconfigs and service account tokens no longer work"
        )
