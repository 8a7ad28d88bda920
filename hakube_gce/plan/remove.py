"""KUBE_DELETE_NODES=false kube-down: one master less. Pure.

Out of the balancer, leadership away, quorum once more, the member out by id and proven gone; only
then the VM and its disk.
"""

from hakube_gce import conditions, names
from hakube_gce.model import EndpointMode, Member, Observed, Operation, Replica, Role
from hakube_gce.plan import balancer, blockers, preconditions
from hakube_gce.plan.backends import Place
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker, Draft, Plan, blocked
from hakube_gce.plan.orphans import expel_orphans
from hakube_gce.steps import DeleteDisk, DeleteInstance, ExpelMember, YieldLeadership


def plan_remove(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan that nothing of the operation's target is left; what is gone already is not planned."""
    member = conditions.member_named(seen, operation.target)
    found = _blockers(blueprint, operation, seen, member)
    if found:
        return blocked(found)
    draft = Draft()
    target, zone = operation.target, operation.zone
    left = balancer.leave(draft, blueprint, seen, (zone, target))
    gone = _membership(draft, seen, target, member)
    survivors = [(r.zone, r.name) for r in seen.replicas if r.name != target]
    free = balancer.narrow(draft, blueprint, seen, survivors=survivors, after=gone or draft.keys)
    _virtual_machine(draft, operation, seen, after=(*gone, *free, *left))
    return Plan(operation=operation, steps=tuple(draft.steps), notes=_notes(survivors))


def _blockers(
    blueprint: Blueprint, operation: Operation, seen: Observed, member: Member | None
) -> list[Blocker]:
    blind = preconditions.seen_whole(blueprint, seen)
    if blind:
        return blind
    found = preconditions.membership(blueprint, seen, but=operation.target) if member else []
    is_voter = member is not None and member.role is Role.VOTER
    if member and is_voter and not conditions.removal_keeps_quorum(seen, member):
        found.append(blockers.quorum_at_risk(blueprint, seen, member))
    if not found:
        found.extend(_survivor_blockers(blueprint, operation, seen))
    return found


def _survivor_blockers(
    blueprint: Blueprint, operation: Operation, seen: Observed
) -> list[Blocker]:
    """The last master must be able to take the cluster IP before anything is taken away."""
    survivors = [r for r in seen.replicas if r.name != operation.target]
    if not survivors:
        return [blockers.last_master(blueprint, seen, r) for r in seen.replicas]
    if any(conditions.is_serving(seen, r) for r in survivors):
        return []
    return [blockers.not_serving(blueprint, seen, r) for r in survivors]


def _membership(
    draft: Draft, seen: Observed, target: str, member: Member | None
) -> tuple[str, ...]:
    through = _successor(seen, target)
    expel_orphans(draft, seen, through=through)
    if member is None:
        return _whoever_joined_meanwhile(draft, seen, target, through)
    if member in conditions.orphans(seen):
        return ()
    replica = conditions.replica_of(seen, member)
    after = draft.keys
    if replica is not None and conditions.leader_id(seen) == member.id:
        step = YieldLeadership(replica=target, zone=replica.zone, to=through.name)
        after = (draft.add("yield-leadership", step, after=after),)
    expel = ExpelMember(
        member_id=member.id, member_name=member.name or target, through=through.name
    )
    return (draft.add("expel", expel, after=after),)


def _whoever_joined_meanwhile(
    draft: Draft, seen: Observed, target: str, through: Replica
) -> tuple[str, ...]:
    """Plan that a voter be asked although no member of this name was heard of.

    Its agent may be admitting the newcomer at this moment, for a run that was killed; the question
    is answered after that. A voter whose VM is gone would be a vote lost for ever.
    """
    replica = conditions.replica_named(seen, target)
    if replica is None or seen.endpoint_mode is EndpointMode.NONE:
        return ()  # gone, or the cluster IP is down because it was expelled long ago: no delay
    step = ExpelMember(
        member_id="",
        member_name=target,
        through=through.name,
        peer_url=conditions.peer_url(replica),
    )
    return (draft.add("expel", step, after=draft.keys),)


def _successor(seen: Observed, leaving: str) -> Replica:
    """Choose who leads on and carries removals out: the leader, else the newest data."""
    leader = conditions.leader_id(seen)
    stay = [
        (m.id != leader, -r.report.applied_index, r.name, r)
        for m in conditions.healthy_voters(seen)
        if (r := conditions.replica_of(seen, m)) is not None
        and r.name != leaving
        and r.report is not None
    ]
    return min(stay)[3]


def _virtual_machine(
    draft: Draft, operation: Operation, seen: Observed, *, after: tuple[str, ...]
) -> None:
    replica = conditions.replica_named(seen, operation.target)
    if replica is not None:
        step = DeleteInstance(
            name=replica.name, zone=replica.zone, id=operation.target_id or replica.instance.id
        )
        after = (*after, draft.add("delete-instance", step, after=after))
    disk = names.data_disk(operation.target)
    for found in seen.disks:
        if found.name == disk:
            draft.add("delete-disk", DeleteDisk(name=disk, zone=found.zone), after=after)


def _notes(survivors: list[Place]) -> tuple[str, ...]:
    if len(survivors) == 2:
        return ("two masters remain: writing needs both, so this is weaker than one",)
    return ()
