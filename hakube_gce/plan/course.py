"""Several operations in one command: which comes next on the way to a number of masters. Pure.

Each part of a course is a whole operation with its own lock, plan and proof. So whatever cuts a
course short leaves a cluster in order, or one unfinished operation that is finished first; and as
the goal is absolute, the same command goes on. Nothing here changes the rules of any operation.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hakube_gce import conditions
from hakube_gce.model import Intent, Observed, Operation, Replica, Verb
from hakube_gce.plan import blockers, choices, course_blockers, superseding
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """How many masters there shall be, and where."""

    masters: int
    zones: tuple[str, ...] = ()
    """One entry a master that is wanted there; where none says otherwise, a free zone is taken."""
    share_zones: bool = False
    """Several masters in one zone are agreed to."""
    even: bool = False
    """An even number is agreed to."""
    founding: bool = False
    """kube-up's goal: the first zone may found the cluster, and no master is ever removed."""


def towards(blueprint: Blueprint, goal: Goal, seen: Observed) -> Intent | Blocker | None:
    """Give the next operation's wish on the way to a goal; None when it is reached.

    Even numbers are passed through; they are refused only as a goal.
    """
    unfinished = seen.operation
    if unfinished is not None and not superseding.gives_way(seen, Verb.REPLICATE):
        return _finish(blueprint, unfinished)
    refusal = _refusal(blueprint, goal, seen)
    if refusal is not None:
        return refusal
    if not seen.replicas:
        return Intent(verb=Verb.CREATE, zone=goal.zones[0])
    count = max(len(seen.replicas), len(conditions.voters(seen)))
    if count < goal.masters or (goal.founding and _short(goal, seen)):
        return _grow(goal, seen)
    if count > goal.masters and not goal.founding:
        victim = min(seen.replicas, key=lambda r: _worth_keeping(goal, seen, r))
        return Intent(verb=Verb.REMOVE, zone=victim.zone, replica_name=victim.name)
    return None


def _refusal(blueprint: Blueprint, goal: Goal, seen: Observed) -> Blocker | None:
    if seen.unreadable:
        return blockers.unreadable(seen)
    if goal.masters % 2 == 0 and not goal.even:
        return course_blockers.even_goal(goal.masters)
    if not seen.replicas and not goal.founding:
        zone = goal.zones[0] if goal.zones else choices.any_zone(seen)
        return blockers.no_master(blueprint, zone)
    return None


def _finish(blueprint: Blueprint, unfinished: Operation) -> Intent | Blocker:
    if unfinished.verb is Verb.REMOVE:
        target = unfinished.target
        return Intent(verb=Verb.REMOVE, zone=unfinished.zone, replica_name=target)
    if unfinished.verb in {Verb.CREATE, Verb.REPLICATE}:
        return Intent(verb=unfinished.verb, zone=unfinished.zone)
    return blockers.operation_unfinished(blueprint, unfinished)


def _grow(goal: Goal, seen: Observed) -> Intent | Blocker:
    have = Counter(r.zone for r in seen.replicas)
    open_zones = [*_short(goal, seen), *conditions.free_zones(seen)]
    if open_zones:
        return Intent(verb=Verb.REPLICATE, zone=open_zones[0])
    if not goal.share_zones:
        return course_blockers.no_free_zone(goal.masters, sorted(have))
    up = [z.name for z in seen.zones if z.status == "UP"]
    return Intent(verb=Verb.REPLICATE, zone=min(up, key=lambda zone: (have[zone], zone)))


def _short(goal: Goal, seen: Observed) -> list[str]:
    """List the zones that hold fewer masters than the goal names for them."""
    have, wanted = Counter(r.zone for r in seen.replicas), Counter(goal.zones)
    return [zone for zone in dict.fromkeys(goal.zones) if have[zone] < wanted[zone]]


def _worth_keeping(
    goal: Goal, seen: Observed, replica: Replica
) -> tuple[bool, int, bool, list[int]]:
    """Order candidates: the unhealthy first, then the most crowded zones, then the newest."""
    healthy, leads, newest_first = choices.worth_keeping(seen, replica)
    have, wanted = Counter(r.zone for r in seen.replicas), Counter(goal.zones)
    surplus = have[replica.zone] - wanted[replica.zone]
    return healthy, -surplus, leads, newest_first


def replacing(
    blueprint: Blueprint, name: str, seen: Observed, *, anew: bool
) -> tuple[Intent, ...] | Blocker:
    """Give the operations that put a sound master in the place of one.

    Its own data disk first, if that is alive: no membership changes then. A healthy one is
    replaced by adding first, so that nothing is ever tolerated less; beside a dead one nothing may
    be added, so it is removed first.

    Args:
        blueprint: The cluster.
        name: The master to replace.
        seen: What is there.
        anew: Do not use its data disk again.
    """
    if seen.unreadable:
        return blockers.unreadable(seen)
    replica = conditions.replica_named(seen, name)
    absent = next((a for a in conditions.absent_masters(seen) if a.name == name), None)
    member = conditions.member_named(seen, name)
    if replica is None and absent is None and member is None:
        return course_blockers.nobody_to_replace(blueprint, seen, name)
    zone = replica.zone if replica else absent.zone if absent else choices.any_zone(seen)
    is_off = replica is not None and replica.instance.status == "TERMINATED"
    if (is_off or absent is not None) and not anew:
        return (Intent(verb=Verb.CREATE, zone=zone),)
    add = Intent(verb=Verb.REPLICATE, zone=zone)
    drop = Intent(verb=Verb.REMOVE, zone=zone, replica_name=name)
    sound = replica is not None and conditions.is_serving(seen, replica)
    return (add, drop) if sound else (drop, add)


def survives(seen: Observed) -> tuple[str, ...]:
    """Say for every zone that holds voters whether the quorum outlives it."""
    places = Counter(
        replica.zone
        for member in conditions.voters(seen)
        if (replica := conditions.replica_of(seen, member)) is not None
    )
    total = len(conditions.voters(seen))
    return tuple(
        f"lose zone {zone}: {total - here} of {total} voters left, "
        f"{conditions.quorum(total)} needed: quorum "
        + ("kept" if total - here >= conditions.quorum(total) else "lost")
        for zone, here in sorted(places.items())
    )


def advice(seen: Observed, zones: Sequence[str]) -> str:
    """Say what a region of two zones means for the masters; empty for any other."""
    up = sorted(z.name for z in seen.zones if z.status == "UP")
    if len(up) != 2 or len(set(zones)) == 1:
        return ""
    return (
        f"{seen.region} has two zones, {' and '.join(up)}: whichever holds most masters takes the "
        "quorum with it. All masters in one zone, nodes in both, fails no oftener and is simpler"
    )
