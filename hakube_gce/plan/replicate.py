"""KUBE_REPLICATE_EXISTING_MASTER=true: one more master. Pure.

VM first, learner second, promotion third, load balancer last.
"""

from hakube_gce import conditions
from hakube_gce.model import Mark, Observed, Operation, Replica, Role
from hakube_gce.plan import (
    balancer,
    blockers,
    foundations,
    preconditions,
    superseding,
    unfinished_blockers,
)
from hakube_gce.plan.blueprint import Blueprint, instance_spec
from hakube_gce.plan.graph import Blocker, Draft, Plan, blocked
from hakube_gce.plan.mend import remember
from hakube_gce.plan.orphans import expel_orphans
from hakube_gce.steps import (
    AdmitReplica,
    AwaitReady,
    CreateInstance,
    InstallReplica,
    StartInstance,
    WriteKubeconfig,
)


def plan_replicate(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan that the operation's target is a serving master; what is so already is not planned."""
    found = _blockers(blueprint, operation, seen)
    notes = _notes(operation, seen)
    if found:
        return blocked(found, notes=notes)
    draft = Draft()
    _virtual_machine(draft, blueprint, operation, seen)
    ready = _membership(draft, operation, seen)
    places = [(r.zone, r.name) for r in seen.replicas if r.name != operation.target]
    balancer.widen(
        draft,
        blueprint,
        seen,
        places=sorted([*places, (operation.zone, operation.target)]),
        newcomer=operation.target,
        ready=ready,
    )
    if not seen.kubeconfig_current:
        step = WriteKubeconfig(
            context=blueprint.context,
            server=foundations.server(blueprint, seen),
        )
        draft.add("write-kubeconfig", step, after=(ready,))
    return Plan(operation=operation, steps=tuple(draft.steps), notes=notes)


def _blockers(blueprint: Blueprint, operation: Operation, seen: Observed) -> list[Blocker]:
    found = [blockers.conflict(c) for c in seen.conflicts]
    blind = preconditions.seen_whole(blueprint, seen)
    if blind:
        return [*found, *blind]
    target = conditions.replica_named(seen, operation.target)
    if target is not None and _has_failed(target) and not _votes(seen, operation.target):
        return [*found, unfinished_blockers.newcomer_failed(blueprint, target)]
    if not conditions.majority(seen, seen.members).holds:
        return [*found, blockers.quorum_lost(blueprint, seen)]
    dead = [m for m in conditions.voters(seen) if not conditions.is_healthy(seen, m)]
    others_dead = [m for m in dead if not _is_target(seen, m.id, operation.target)]
    if others_dead:
        found.append(blockers.dead_voter(blueprint, seen, give_up=_given_up(seen, operation)))
    if not _votes(seen, operation.target):
        found.extend(preconditions.membership(blueprint, seen, but=operation.target))
    if not others_dead:
        found.extend(
            blockers.not_serving(blueprint, seen, r)
            for r in seen.replicas
            if r.name != operation.target and not conditions.is_serving(seen, r)
        )
    return found


def _given_up(seen: Observed, operation: Operation) -> Operation | None:
    """Give this replication when it must be undone before a dead voter can be removed."""
    begun = operation == seen.operation and superseding.has_begun(seen, operation)
    dead = [m.name for m in conditions.voters(seen) if not conditions.is_healthy(seen, m)]
    waits = begun and not any(superseding.overtakes(seen, operation, name) for name in dead)
    return operation if waits else None


def _has_failed(newcomer: Replica) -> bool:
    """Tell whether a newcomer says itself that it is over; only a new VM helps then."""
    return newcomer.fresh and newcomer.report is not None and newcomer.report.phase == "failed"


def _votes(seen: Observed, target: str) -> bool:
    """Tell whether the newcomer is a voter: then nothing of the membership changes any more."""
    member = conditions.member_named(seen, target)
    return member is not None and member.role is Role.VOTER


def _is_target(seen: Observed, member_id: str, target: str) -> bool:
    replica = conditions.replica_named(seen, target)
    member = conditions.member_of(seen, replica) if replica else None
    return member is not None and member.id == member_id


def _virtual_machine(
    draft: Draft, blueprint: Blueprint, operation: Operation, seen: Observed
) -> None:
    target, zone = operation.target, operation.zone
    replica = conditions.replica_named(seen, target)
    if replica is not None:
        if replica.instance.status == "TERMINATED":
            draft.add("start-instance", StartInstance(name=target, zone=zone))
        return
    foundations.data_disk(draft, blueprint, seen, place=(zone, target))
    spec = instance_spec(
        blueprint,
        replica=target,
        zone=zone,
        mark=Mark(cluster=blueprint.prefix, uid=seen.uid, operation=operation.id),
        cluster_ip=seen.address.address if seen.address else "",
        founder=False,
    )
    draft.add("create-instance", CreateInstance(spec=spec), after=("create-disk",))


def _membership(draft: Draft, operation: Operation, seen: Observed) -> str:
    target, zone = operation.target, operation.zone
    replica = conditions.replica_named(seen, target)
    member = conditions.member_of(seen, replica) if replica else None
    after: tuple[str, ...] = ("create-instance", "start-instance")
    if replica is None or conditions.needs_install(replica):
        peers = tuple(m.peer_url for m in conditions.voters(seen))
        step = InstallReplica(replica=target, zone=zone, founder=False, peer_urls=peers)
        after = (draft.add("install", step, after=after),)
    remember(draft, seen, target, zone)
    if member is None or member.role is Role.LEARNER:
        through = _through(seen, target)
        expel_orphans(draft, seen, through=through)
        first = ("expel-orphan/", "remember-address/")
        after = (*after, *(k for k in draft.keys if k.startswith(first)))
        admit = AdmitReplica(
            replica=target, zone=zone, through=through.name, through_zone=through.zone
        )
        after = (draft.add("admit", admit, after=after),)
    if replica is None or not conditions.is_serving(seen, replica):
        return draft.add("await-ready", AwaitReady(replica=target, zone=zone), after=after)
    return "await-ready"


def _through(seen: Observed, target: str) -> Replica:
    """Choose the voter whose agent does the job: the leader where it is known."""
    leader = conditions.leader_id(seen)
    healthy = [
        (m.id != leader, r.name, r)
        for m in conditions.healthy_voters(seen)
        if (r := conditions.replica_of(seen, m)) is not None and r.name != target
    ]
    return min(healthy)[2]


def _notes(operation: Operation, seen: Observed) -> tuple[str, ...]:
    notes = []
    others = [r for r in seen.replicas if r.name != operation.target]
    free = [z for z in conditions.free_zones(seen) if z != operation.zone]
    if any(r.zone == operation.zone for r in others) and free:
        notes.append(
            f"zone {operation.zone} already holds a master; zones without one: {', '.join(free)}"
        )
    if len(others) == 1:
        notes.append(
            "two masters need both to write, which is weaker than one; add a third soon"
            + (f", e.g. in {free[0]}" if free else "")
        )
    return tuple(notes)
