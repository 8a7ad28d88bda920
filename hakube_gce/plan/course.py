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
from hakube_gce.plan import blockers, choices, course_blockers, superseding, unfinished_blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker
from hakube_gce.plan.planner import plan
from hakube_gce.plan.resolve import resolve


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The next operation, and what can be prepared while it goes on."""

    intent: Intent
    prepare: tuple[str, ...] = ()
    """Zones of the masters that come after it, one entry each."""


def towards(blueprint: Blueprint, goal: Goal, seen: Observed) -> Next | Blocker | None:
    """Give the next operation on the way to a goal; None when it is reached.

    Even numbers are passed through; they are refused only as a goal.
    """
    mending = _mending(blueprint, goal, seen) if goal.founding else None
    return mending or _by_number(blueprint, goal, seen)


def _by_number(blueprint: Blueprint, goal: Goal, seen: Observed) -> Next | Blocker | None:
    unfinished = seen.operation
    if unfinished is not None and not superseding.gives_way(seen, Verb.REPLICATE):
        return _finish(blueprint, goal, seen, unfinished)
    refusal = _refusal(blueprint, goal, seen)
    if refusal is not None:
        return refusal
    if not seen.replicas:
        return Next(intent=Intent(verb=Verb.CREATE, zone=goal.zones[0]), prepare=goal.zones[1:])
    have = Counter(r.zone for r in seen.replicas)
    count = max(have.total(), len(conditions.voters(seen)))
    missing = _missing(goal, have, count)
    if not missing:
        return None if goal.founding else _less(goal, seen, count)
    return _more(goal, seen, have, missing, count + missing)


def _more(
    goal: Goal, seen: Observed, have: Counter[str], missing: int, masters: int
) -> Next | Blocker:
    """Add a master on the way to so many: more than the goal's, where some stand elsewhere."""
    if masters % 2 == 0 and not goal.even:
        return course_blockers.even_goal(masters)
    zones = _places(goal, seen, have, missing)
    if not zones:
        return course_blockers.no_free_zone(goal.masters, sorted(have))
    return Next(intent=Intent(verb=Verb.REPLICATE, zone=zones[0]), prepare=zones[1:])


def _mending(blueprint: Blueprint, goal: Goal, seen: Observed) -> Next | None:
    """Bring back the masters that are there, as every kube-up does, before any is counted."""
    zones = {r.zone for r in seen.replicas} | {m.zone for m in conditions.absent_masters(seen)}
    half_founded = seen.operation is not None and seen.operation.verb is Verb.CREATE
    if not zones or half_founded or conditions.is_cut_in_the_window(seen):
        return None  # while nobody has the cluster IP, whoever moved it goes on first
    zone = next((z for z in goal.zones if z in zones), min(zones))
    intent = Intent(verb=Verb.CREATE, zone=zone)
    operation = resolve(blueprint, intent, seen, operation_id="").operation
    if operation is None or plan(blueprint, operation, seen).is_empty:
        return None
    return Next(intent=intent)


def _less(goal: Goal, seen: Observed, count: int) -> Next | None:
    """Take away a VM that was prepared for nothing, or a master too many."""
    if seen.prepared:
        victim = seen.prepared[0]
    elif count > goal.masters:
        victim = min(seen.replicas, key=lambda r: _worth_keeping(goal, seen, r))
    else:
        return None
    return Next(intent=Intent(verb=Verb.REMOVE, zone=victim.zone, replica_name=victim.name))


def _refusal(blueprint: Blueprint, goal: Goal, seen: Observed) -> Blocker | None:
    if seen.unreadable:
        return blockers.unreadable(seen)
    if goal.masters % 2 == 0 and not goal.even:
        return course_blockers.even_goal(goal.masters)
    if not seen.replicas and not goal.founding:
        zone = goal.zones[0] if goal.zones else choices.any_zone(seen)
        return blockers.no_master(blueprint, zone)
    return None


def _finish(
    blueprint: Blueprint, goal: Goal, seen: Observed, unfinished: Operation
) -> Next | Blocker:
    """Go on with what was begun; what its first run prepared is prepared by this one, too."""
    target, zone = unfinished.target, unfinished.zone
    if unfinished.verb is Verb.REMOVE:
        return Next(intent=Intent(verb=Verb.REMOVE, zone=zone, replica_name=target))
    if unfinished.verb not in {Verb.CREATE, Verb.REPLICATE}:
        return unfinished_blockers.operation_unfinished(blueprint, seen, unfinished)
    have = Counter(r.zone for r in seen.replicas if r.name != target)
    if unfinished.verb is Verb.REPLICATE or not have:
        have[zone] += 1
    missing = _missing(goal, have, have.total())
    intent = Intent(verb=unfinished.verb, zone=zone)
    return Next(intent=intent, prepare=_places(goal, seen, have, missing))


def _missing(goal: Goal, have: Counter[str], count: int) -> int:
    """Count the masters that are missing."""
    short = len(_short(goal, have)) if goal.founding else 0
    return max(goal.masters - count, short, 0)


def _places(goal: Goal, seen: Observed, have: Counter[str], missing: int) -> tuple[str, ...]:
    """Give a zone for every master that is missing, or as many as may be, the next one's first."""
    prepared = {r.zone for r in seen.prepared}
    up = [z.name for z in seen.zones if z.status == "UP"]
    up.sort(key=lambda zone: (zone not in prepared, zone))
    zones = _short(goal, have)
    zones += [z for z in up if not have[z] and z not in zones]
    have = have + Counter(zones)
    while goal.share_zones and up and len(zones) < missing:
        zones.append(min(up, key=lambda zone: (have[zone], zone)))
        have[zones[-1]] += 1
    return tuple(zones[:missing])


def _short(goal: Goal, have: Counter[str]) -> list[str]:
    """List the zones that hold fewer masters than the goal names for them, once for each."""
    wanted = Counter(goal.zones)
    return [z for z in dict.fromkeys(goal.zones) for _ in range(wanted[z] - have[z])]


def _worth_keeping(
    goal: Goal, seen: Observed, replica: Replica
) -> tuple[bool, int, bool, list[int]]:
    """Order candidates: the unhealthy first, then the most crowded zones, then the newest."""
    healthy, leads, newest_first = choices.worth_keeping(seen, replica)
    have, wanted = Counter(r.zone for r in seen.replicas), Counter(goal.zones)
    surplus = have[replica.zone] - wanted[replica.zone]
    return healthy, -surplus, leads, newest_first


def survives(seen: Observed) -> tuple[str, ...]:
    """Say for every zone that holds voters whether the quorum outlives it.

    Who does not answer today is not counted as left tomorrow.
    """
    zone_of = {
        member.id: replica.zone
        for member in conditions.voters(seen)
        if (replica := conditions.replica_of(seen, member)) is not None
    }
    answering = [m.id for m in conditions.healthy_voters(seen)]
    total = len(conditions.voters(seen))
    needed = conditions.quorum(total)
    left = {
        zone: sum(zone_of.get(each) != zone for each in answering) for zone in zone_of.values()
    }
    return tuple(
        f"lose zone {zone}: {count} of {total} voters left, {needed} needed: quorum "
        + ("kept" if count >= needed else "lost")
        for zone, count in sorted(left.items())
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
