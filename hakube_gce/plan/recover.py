"""`hakube recover`: one master goes on alone when the majority is gone for good. Pure.

Every other master's VM is deleted first, so that none ever returns with its old vote; their data
disks are kept, and forget whose they were. Then the survivor's etcd forgets the others, and the
cluster IP comes to it.
"""

from dataclasses import replace

from hakube_gce import conditions, marks, names
from hakube_gce.model import Intent, Observed, Operation, Replica, Role, Verb
from hakube_gce.plan import balancer, blockers, rescue_blockers, superseding, unfinished_blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.foundations import server
from hakube_gce.plan.graph import Blocker, Draft, Plan, blocked
from hakube_gce.plan.mend import remember
from hakube_gce.steps import (
    AwaitReady,
    DeleteInstance,
    ForgetAddress,
    ProveQuorumLost,
    RecoverMember,
    StartInstance,
    WriteKubeconfig,
)

_WITHOUT_DATA = frozenset({"booting", "waiting-for-certificates", "installed"})
_NOT_OVERTAKEN = frozenset({Verb.TEARDOWN, Verb.RESTORE, Verb.RECOVER})


def wish(
    blueprint: Blueprint, intent: Intent, seen: Observed, *, operation_id: str
) -> Operation | Blocker | str:
    """Make the wish absolute, refuse it, or say why there is nothing to do.

    A majority may be lost in the midst of another operation: what that wanted of etcd cannot be
    done any more, so it is given up.
    """
    unfinished = seen.operation
    if unfinished is not None and unfinished.verb in _NOT_OVERTAKEN:
        if (unfinished.verb, unfinished.target) == (Verb.RECOVER, intent.replica_name):
            return unfinished
        # a survivor that is never heard must not keep another one from being chosen
        if unfinished.verb is not Verb.RECOVER or not superseding.nobody_was_deleted(seen):
            return unfinished_blockers.operation_unfinished(blueprint, seen, unfinished)
        unfinished = None
    if not seen.uid:
        return blockers.no_cluster(blueprint)
    survivor = conditions.replica_named(seen, intent.replica_name)
    if survivor is None:
        return rescue_blockers.no_such_survivor(blueprint, seen, intent.replica_name)
    if unfinished is None and _is_alone(seen, survivor) and len(seen.replicas) == 1:
        return f"{survivor.name} is the only master and healthy"
    refusal = _refusal(blueprint, seen, survivor)
    if refusal is None and not intent.confirmed:
        refusal = rescue_blockers.recover_unconfirmed(
            blueprint, seen, survivor, statement(seen, survivor)
        )
    return refusal or Operation(
        id=operation_id,
        verb=Verb.RECOVER,
        zone=survivor.zone,
        target=survivor.name,
        target_id=survivor.instance.id,
    )


def _refusal(blueprint: Blueprint, seen: Observed, survivor: Replica) -> Blocker | None:
    # A list alone proves nothing: for some seconds the last heartbeat tells of a majority that
    # has just been lost.
    holds = seen.members_known and conditions.majority(seen, seen.members).holds
    if holds and not _is_alone(seen, survivor):
        dead = [m for m in conditions.voters(seen) if not conditions.is_healthy(seen, m)]
        return rescue_blockers.quorum_is_there(blueprint, seen, survivor, dead)
    report = survivor.report
    if report is None:
        return None
    empty = not report.member_id and report.phase in _WITHOUT_DATA
    # failed: expelled, or its disk is not its own; a learner may never have got all the data
    if empty or report.phase == "failed" or report.role is Role.LEARNER:
        return rescue_blockers.no_data(blueprint, seen, survivor)
    return None


def statement(seen: Observed, survivor: Replica) -> tuple[str, ...]:
    """Say who is there, who is not, how far each had come, and what will be gone."""
    lines = [_line(r) for r in seen.replicas]
    known = conditions.last_known_voters(seen)
    gone = [m for m in known if conditions.replica_of(seen, m) is None]
    lines += [f"{m.name or m.id}: no VM any more, how far it had come is not known" for m in gone]
    own = _applied(survivor)
    ahead = [r for r in seen.replicas if _applied(r) > own]
    lines += [
        f"{r.name} had applied {_applied(r)}, {_applied(r) - own} more than {survivor.name}: "
        "rather recover from that one"
        for r in ahead
    ]
    lines.append(
        f"whatever the lost masters had acknowledged and {survivor.name} has not applied is gone"
    )
    return tuple(lines)


def _line(replica: Replica) -> str:
    report = replica.report
    heard = "never heard" if report is None else f"last heard {report.time:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"{replica.name} in {replica.zone}: VM {replica.instance.status}, applied index "
        f"{_applied(replica) or 'not known'}, {'heard now' if replica.fresh else heard}"
    )


def _applied(replica: Replica) -> int:
    return replica.report.applied_index if replica.report is not None else 0


def plan_recover(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan that the operation's target is the only master, healthy, with the cluster IP."""
    survivor = conditions.replica_named(seen, operation.target)
    found = _blockers(blueprint, operation, seen, survivor)
    if found or survivor is None:
        return blocked(found)
    draft = Draft()
    others = [r for r in seen.replicas if r.name != survivor.name]
    proven = _prove(draft, seen, survivor)
    gone = _delete_others(draft, blueprint, seen, survivor, others, proven)
    ready = _recover(draft, seen, survivor, gone)
    alone = replace(seen, replicas=(survivor,))
    place = (survivor.zone, survivor.name)
    balancer.narrow(draft, blueprint, alone, survivors=[place], after=ready, awaited=survivor.name)
    remember(draft, seen, survivor.name, survivor.zone)
    if not seen.kubeconfig_current:
        step = WriteKubeconfig(
            context=blueprint.context,
            server=server(blueprint, seen),
        )
        draft.add("write-kubeconfig", step, after=draft.keys)
    return Plan(
        operation=operation, steps=tuple(draft.steps), notes=_notes(seen, survivor, others)
    )


def _blockers(
    blueprint: Blueprint, operation: Operation, seen: Observed, survivor: Replica | None
) -> list[Blocker]:
    if seen.unreadable:
        return [blockers.unreadable(seen)]
    if survivor is None:
        return [rescue_blockers.no_such_survivor(blueprint, seen, operation.target)]
    refusal = _refusal(blueprint, seen, survivor)
    return [refusal] if refusal else []


def _is_alone(seen: Observed, survivor: Replica) -> bool:
    """Tell whether etcd is a healthy cluster of the survivor and nobody else."""
    own = conditions.member_of(seen, survivor)
    alone = own is not None and own.role is Role.VOTER and len(seen.members) == 1
    return alone and own is not None and conditions.is_healthy(seen, own)


def _prove(draft: Draft, seen: Observed, survivor: Replica) -> tuple[str, ...]:
    if _is_alone(seen, survivor):
        return ()
    after: tuple[str, ...] = ()
    if survivor.instance.status == "TERMINATED":
        start = StartInstance(name=survivor.name, zone=survivor.zone)
        after = (draft.add("start-instance", start),)
    step = ProveQuorumLost(replica=survivor.name, zone=survivor.zone)
    return (draft.add("prove-quorum-lost", step, after=after),)


def _delete_others(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    survivor: Replica,
    others: list[Replica],
    proven: tuple[str, ...],
) -> tuple[str, ...]:
    keys = list(proven)
    for disk in seen.disks:
        if disk.name != names.data_disk(survivor.name) and marks.home_of(disk.labels):
            step = ForgetAddress(disk=disk.name, zone=disk.zone)
            keys.append(draft.add(f"forget-address/{disk.name}", step, after=proven))
    for replica in others:
        place = (replica.zone, replica.name)
        left = balancer.leave(draft, blueprint, seen, place, after=proven, drain=False)
        delete = DeleteInstance(name=replica.name, zone=replica.zone, id=replica.instance.id)
        after = (*keys, *left)
        keys.append(draft.add(f"delete-instance/{replica.name}", delete, after=after))
    return tuple(keys)


def _recover(
    draft: Draft, seen: Observed, survivor: Replica, after: tuple[str, ...]
) -> tuple[str, ...]:
    if not _is_alone(seen, survivor):
        step = RecoverMember(replica=survivor.name, zone=survivor.zone)
        after = (draft.add("recover", step, after=after),)
    if not conditions.is_serving(seen, survivor):
        ready = AwaitReady(replica=survivor.name, zone=survivor.zone)
        after = (draft.add("await-ready", ready, after=after),)
    return after


def _notes(seen: Observed, survivor: Replica, others: list[Replica]) -> tuple[str, ...]:
    if _is_alone(seen, survivor) and not others:
        return ()
    kept = [d for d in seen.disks if d.name != names.data_disk(survivor.name)]
    notes = list(statement(seen, survivor))
    if kept:
        disks = ", ".join(f"{d.name} in {d.zone}" for d in kept)
        notes.append(f"the lost masters' data disks are kept until a teardown: {disks}")
    return tuple(notes)
