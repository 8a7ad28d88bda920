"""`hakube replace NAME`: which operations put a sound master in the place of one. Pure.

Its own data disk first, if that is alive: no membership changes then. A healthy one is replaced by
adding first, so that nothing is ever tolerated less; beside a dead one nothing may be added, so it
is removed first, once the newcomer's VM is there. The newcomer remembers in whose place it is, so
whoever runs the same command again after a death in the middle goes on from there.
"""

from datetime import timedelta

from hakube_gce import conditions, marks
from hakube_gce.model import Intent, Observed, Replica, Verb
from hakube_gce.plan import blockers, choices, course_blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker
from hakube_gce.plan.mend import was_just_started
from hakube_gce.timestamps import parse_rfc3339

_MEANT = timedelta(days=1)


def parts(
    blueprint: Blueprint, name: str, seen: Observed, *, anew: bool
) -> tuple[Intent, ...] | Blocker:
    """Give the operations, or what is left of them; none when the master was replaced already.

    Args:
        blueprint: The cluster.
        name: The master to replace.
        seen: What is there.
        anew: Do not use its data disk again.
    """
    if seen.unreadable:
        return blockers.unreadable(seen)
    newcomer = in_place_of(seen, name)
    if newcomer is None and not _is_known(seen, name):
        return course_blockers.nobody_to_replace(blueprint, seen, name)
    if newcomer is None and _comes_back(seen, name) and not anew:
        return (Intent(verb=Verb.CREATE, zone=_zone(seen, name), replica_name=name),)
    zone = newcomer.zone if newcomer is not None else _zone(seen, name)
    add = Intent(verb=Verb.REPLICATE, zone=zone)
    drop = Intent(verb=Verb.REMOVE, zone=_zone(seen, name), replica_name=name)
    added = newcomer is not None and _is_added(seen, newcomer)
    gone = not _is_known(seen, name)
    replica = conditions.replica_named(seen, name)
    sound = replica is not None and conditions.is_serving(seen, replica)
    going = seen.operation is not None and seen.operation.verb is Verb.REMOVE
    order = (add, drop) if sound and not going else (drop, add)
    return tuple(p for p in order if not (p is add and added) and not (p is drop and gone))


def in_place_of(seen: Observed, name: str) -> Replica | None:
    """Find the VM that was made in the place of a master; not that of an earlier one so called."""
    replaced = conditions.replica_named(seen, name)
    for vm in (*seen.replicas, *seen.prepared):
        is_meant = vm.instance.metadata.get(marks.IN_PLACE_OF_KEY) == name
        if is_meant and (replaced is None or _is_begun(seen, replaced, vm)):
            return vm
    return None


def _is_begun(seen: Observed, replaced: Replica, newcomer: Replica) -> bool:
    """Tell whether a replacement is under way: the newer one is there, the older one still.

    One that was begun long ago nobody means any more: who was to go has stayed, and the masters
    may have changed since.
    """
    made = parse_rfc3339(newcomer.instance.created)
    forgotten = made is None or seen.server_time - made > _MEANT
    is_over = forgotten and conditions.is_serving(seen, newcomer)
    return replaced.instance.created < newcomer.instance.created and not is_over


def _is_added(seen: Observed, newcomer: Replica) -> bool:
    """Tell whether the replication is over, to the last thing that it does."""
    noted = seen.operation is not None and seen.operation.target == newcomer.name
    return conditions.is_serving(seen, newcomer) and not noted


def _is_known(seen: Observed, name: str) -> bool:
    """Tell whether anything of a master is there: VM, member, disk, or an unfinished removal."""
    unfinished = seen.operation
    is_going = (
        unfinished is not None and unfinished.verb is Verb.REMOVE and unfinished.target == name
    )
    return (
        conditions.replica_named(seen, name) is not None
        or conditions.member_named(seen, name) is not None
        or any(a.name == name for a in conditions.absent_masters(seen))
        or is_going
    )


def _comes_back(seen: Observed, name: str) -> bool:
    """Tell whether a master can serve again on its own disk, or is just about to.

    The same command may have brought it back already, and have been killed before it took its
    note away: what is noted is gone on with.
    """
    replica, unfinished = conditions.replica_named(seen, name), seen.operation
    if unfinished is not None and (unfinished.verb, unfinished.target) == (Verb.MEND, name):
        return True
    if unfinished is not None and unfinished.verb is Verb.CREATE and replica is not None:
        return True  # while a cluster is being founded, its first master is its only one
    if replica is None:
        return any(a.name == name for a in conditions.absent_masters(seen))
    if replica.instance.status == "TERMINATED":
        return True
    waits = conditions.needs_install(replica) or was_just_started(seen, replica)
    return waits and not conditions.is_serving(seen, replica)


def _zone(seen: Observed, name: str) -> str:
    """Give the zone of a master, of its disk, or of its unfinished removal."""
    replica = conditions.replica_named(seen, name)
    if replica is not None:
        return replica.zone
    zones = [a.zone for a in conditions.absent_masters(seen) if a.name == name]
    if seen.operation is not None and seen.operation.target == name:
        zones.append(seen.operation.zone)
    return zones[0] if zones else choices.any_zone(seen)
