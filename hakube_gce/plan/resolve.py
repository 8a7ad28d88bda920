"""From a wish to something absolute: which replica, which zone, which operation. Pure.

A relative wish ("any replica in this zone") repeated after a crash would pick another victim. So
it is resolved once; the result stands in the address's labels until it is done, and the same wish
finds it there again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hakube_gce import conditions, names
from hakube_gce.model import Intent, Observed, Operation, Verb
from hakube_gce.plan import (
    blockers,
    choices,
    networks,
    node_wishes,
    prepare,
    recover,
    restore,
    snapshot,
    superseding,
    unfinished_blockers,
)
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.create import is_founding
from hakube_gce.plan.graph import Blocker

_NOT_TO_BE_MENDED = frozenset({Verb.TEARDOWN, Verb.RESTORE, Verb.RECOVER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a wish comes to; exactly one of the three is there."""

    operation: Operation | None = None
    blockers: tuple[Blocker, ...] = ()
    nothing_to_do: str = ""
    """Why there is nothing to do: the wish is fulfilled."""


def resolve(  # noqa: C901, PLR0911 - one row a verb
    blueprint: Blueprint,
    intent: Intent,
    seen: Observed,
    *,
    operation_id: str,
    other_regions: Sequence[str] = (),
) -> Resolved:
    """Make a wish absolute.

    Args:
        blueprint: The cluster.
        intent: The wish.
        seen: What is there.
        operation_id: Id for a new operation; an unfinished one keeps its own.
        other_regions: Regions, other than this, that hold an address of this cluster's name.
    """
    if superseding.gives_way(seen, intent.verb):
        seen = replace(seen, operation=None)
    found = _whatever_is_wished(blueprint, intent, seen, other_regions)
    if found is not None:
        return _refuse(found)
    match intent.verb:
        case Verb.CREATE | Verb.MEND:
            return _create(blueprint, intent, seen, operation_id)
        case Verb.REPLICATE:
            return _replicate(blueprint, intent, seen, operation_id)
        case Verb.REMOVE:
            return _remove(blueprint, intent, seen, operation_id)
        case Verb.TEARDOWN:
            return _teardown(blueprint, intent, seen, operation_id)
        case Verb.SNAPSHOT:
            return _as_resolved(
                snapshot.wish(blueprint, seen, zone=intent.zone, operation_id=operation_id)
            )
        case Verb.RESTORE:
            return _as_resolved(restore.wish(blueprint, intent, seen, operation_id=operation_id))
        case Verb.RECOVER:
            return _as_resolved(recover.wish(blueprint, intent, seen, operation_id=operation_id))
        case Verb.ADD_NODES:
            return _as_resolved(
                node_wishes.adding(blueprint, intent, seen, operation_id=operation_id)
            )
        case Verb.DELETE_NODES:
            raise AssertionError("nobody wishes for it by name: kube-down's zone decides")


def _as_resolved(found: Operation | Blocker | str) -> Resolved:
    if isinstance(found, str):
        return Resolved(nothing_to_do=found)
    return _refuse(found) if isinstance(found, Blocker) else Resolved(operation=found)


def _whatever_is_wished(
    blueprint: Blueprint, intent: Intent, seen: Observed, other_regions: Sequence[str]
) -> Blocker | None:
    """Find what forbids every change."""
    if seen.unreadable:
        # who cannot be seen would not be counted: one master of three would pass for the last
        return blockers.unreadable(seen)
    if seen.original_scripts:
        return blockers.original_scripts(seen)
    if seen.address is None and not seen.uid and other_regions:
        return blockers.other_region(blueprint, intent.zone, other_regions)
    return networks.project_differs(blueprint)


def _create(blueprint: Blueprint, intent: Intent, seen: Observed, operation_id: str) -> Resolved:
    """Found a cluster where there is none, else bring its masters back.

    Mending changes no membership, so it may come in the midst of whatever is not finished; that
    stays noted. Not in the midst of what deletes or remakes everything.
    """
    unfinished = seen.operation
    if is_founding(seen):
        other_wish = unfinished is not None and (
            unfinished.verb is not Verb.CREATE or unfinished.zone != intent.zone
        )
        if unfinished is not None and other_wish:
            return _refuse(unfinished_blockers.operation_unfinished(blueprint, seen, unfinished))
        founding = Operation(id=operation_id, verb=Verb.CREATE, zone=intent.zone)
        return Resolved(operation=unfinished or founding)
    if unfinished is not None and unfinished.verb in _NOT_TO_BE_MENDED:
        return _refuse(unfinished_blockers.operation_unfinished(blueprint, seen, unfinished))
    zones = {r.zone for r in seen.replicas} | {m.zone for m in conditions.absent_masters(seen)}
    if zones and intent.zone not in zones:
        return _refuse(blockers.cluster_elsewhere(blueprint, seen, intent.zone))
    mending = Operation(
        id=operation_id, verb=Verb.MEND, zone=intent.zone, target=intent.replica_name
    )
    return Resolved(operation=mending)


def _replicate(
    blueprint: Blueprint, intent: Intent, seen: Observed, operation_id: str
) -> Resolved:
    unfinished = seen.operation
    if unfinished is not None:
        same = unfinished.verb is Verb.REPLICATE and unfinished.zone == intent.zone
        if not same:
            return _refuse(unfinished_blockers.operation_unfinished(blueprint, seen, unfinished))
        return Resolved(operation=unfinished)
    if not seen.replicas:
        return _refuse(blockers.no_master(blueprint, intent.zone))
    free = conditions.free_zones(seen)
    if blueprint.strict and free and intent.zone in conditions.occupied_zones(seen):
        return _refuse(blockers.crowded_zone(intent.zone, free))
    prepared = prepare.in_zone(blueprint, seen, intent.zone)
    taken = {r.name for r in seen.replicas} | {d.name.removesuffix("-pd") for d in seen.disks}
    target = (
        prepared.name
        if prepared is not None
        else names.new_replica(blueprint.prefix, operation_id, frozenset(taken))
    )
    return Resolved(
        operation=Operation(id=operation_id, verb=Verb.REPLICATE, zone=intent.zone, target=target)
    )


def _remove(blueprint: Blueprint, intent: Intent, seen: Observed, operation_id: str) -> Resolved:
    unfinished = seen.operation
    if unfinished is not None and _is_resumed(intent, unfinished):
        return Resolved(operation=_of_todays_vm(seen, unfinished))
    if not seen.uid:
        return _refuse(blockers.no_cluster(blueprint))
    target, found = _victim(blueprint, intent, seen, unfinished)
    if unfinished is not None and (found is not None or not _may_go(seen, unfinished, target)):
        found = unfinished_blockers.operation_unfinished(blueprint, seen, unfinished)
    replica = conditions.replica_named(seen, target)
    if found is None and replica is not None and len(seen.replicas) == 1:
        found = blockers.last_master(blueprint, seen, replica)
    if found is not None:
        return _refuse(found)
    return Resolved(
        operation=Operation(
            id=operation_id,
            verb=Verb.REMOVE,
            zone=intent.zone,
            target=target,
            target_id=replica.instance.id if replica else "",
        )
    )


def _is_resumed(intent: Intent, unfinished: Operation) -> bool:
    """Tell whether a wish for a removal is the one that was not finished."""
    return (
        unfinished.verb is Verb.REMOVE
        and intent.zone == unfinished.zone
        and intent.replica_name in {"", unfinished.target}
    )


def _of_todays_vm(seen: Observed, unfinished: Operation) -> Operation:
    """Aim an unfinished removal at the VM of its target that is there now.

    A master that was to go may have come back meanwhile, in a new VM on its own disk.
    """
    replica = conditions.replica_named(seen, unfinished.target)
    if replica is None:
        return unfinished
    return replace(unfinished, target_id=replica.instance.id)


def _may_go(seen: Observed, unfinished: Operation, target: str) -> bool:
    """Tell whether a replica may be removed although another operation is not finished."""
    return superseding.gives_up(unfinished, target) or superseding.overtakes(
        seen, unfinished, target
    )


def _victim(
    blueprint: Blueprint, intent: Intent, seen: Observed, unfinished: Operation | None
) -> tuple[str, Blocker | None]:
    in_zone = [r for r in seen.replicas if r.zone == intent.zone]
    if intent.replica_name:
        elsewhere = conditions.replica_named(seen, intent.replica_name)
        half_made = (
            unfinished is not None
            and unfinished.target == intent.replica_name
            and unfinished.zone == intent.zone
        )
        there = [*in_zone, *(r for r in seen.prepared if r.zone == intent.zone)]
        if half_made or any(r.name == intent.replica_name for r in there):
            return intent.replica_name, None
        if _is_left_over(seen, intent.replica_name):
            return intent.replica_name, None
        return "", blockers.name_not_in_zone(
            blueprint, seen, intent.replica_name, intent.zone, elsewhere
        )
    if unfinished is not None and unfinished.zone == intent.zone:
        return unfinished.target, None
    if not in_zone:
        return "", blockers.zone_without_replica(seen, intent.zone)
    return min(in_zone, key=lambda r: choices.worth_keeping(seen, r)).name, None


def _is_left_over(seen: Observed, name: str) -> bool:
    """Tell whether etcd still lists a member whose VM somebody else has deleted.

    It counts in every quorum and lies in no zone any more; whichever zone is named, it may go.
    """
    member = conditions.member_named(seen, name)
    return member is not None and conditions.replica_of(seen, member) is None


def _teardown(blueprint: Blueprint, intent: Intent, seen: Observed, operation_id: str) -> Resolved:
    if not seen.uid and not seen.replicas and seen.address is None and not _leftovers(seen):
        return Resolved(
            nothing_to_do=f"there is no cluster {blueprint.prefix} in region {blueprint.region}"
        )
    nodes_alone = node_wishes.deleting(blueprint, intent, seen, operation_id=operation_id)
    if nodes_alone is not None:
        return _as_resolved(nodes_alone)
    unfinished = seen.operation
    if unfinished is not None and unfinished.verb is Verb.TEARDOWN:
        return Resolved(operation=unfinished)
    only_data = not seen.replicas and bool(seen.disks)
    several = len(blockers.masters_that_go(seen)) > 1
    much = several or only_data or bool(blockers.kept_for_later(seen))
    if much and not intent.confirmed_teardown:
        return _refuse(blockers.teardown_unconfirmed(blueprint, seen, intent.zone))
    return Resolved(operation=Operation(id=operation_id, verb=Verb.TEARDOWN, zone=intent.zone))


def _leftovers(seen: Observed) -> bool:
    if seen.nodes.template or seen.nodes.zones():
        return True
    parts = seen.groups or seen.backend_service or seen.pool or seen.http_check or seen.rule
    return bool(seen.disks or seen.firewalls or parts)


def _refuse(*found: Blocker) -> Resolved:
    return Resolved(blockers=found)
