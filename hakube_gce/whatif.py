"""What would become of the cluster if …: a forecast from one look. Pure.

The same judgements as the planner's and status's, on an `Observed` in which it has happened
already. What would be refused is not forecast but said to be refused. Nothing here plans a change,
looks at anything, or guesses about what nobody trustworthy answers for.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from hakube_gce import conditions, names, verdicts
from hakube_gce.conditions import Majority
from hakube_gce.errors import SettingsError, TargetNotFound
from hakube_gce.model import EndpointMode, Intent, Observed, Verb
from hakube_gce.plan import blockers, commands
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker
from hakube_gce.plan.planner import plan
from hakube_gce.plan.resolve import resolve
from hakube_gce.setting_sources import shown
from hakube_gce.verdicts import Verdict
from hakube_gce.whatif_worlds import with_one_more, without_master, without_power

EXAMPLES = (
    'hakube whatif "lose zone europe-west1-b"',
    'hakube whatif "lose kubernetes-master"',
    'hakube whatif "remove kubernetes-master-7c1"',
    'hakube whatif "add europe-west1-d"',
)


class Event(StrEnum):
    """What may happen, or be done."""

    LOSE_ZONE = "lose zone"
    LOSE = "lose"
    REMOVE = "remove"
    ADD = "add"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An event and whom it befalls."""

    event: Event
    subject: str

    def __str__(self) -> str:
        return f"{self.event.value} {self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The answer."""

    question: Question
    before: Verdict
    after: Verdict
    now: Majority
    then: Majority
    lost: tuple[str, ...] = ()
    """Masters that would be gone, or off."""
    writable: bool
    endpoint_survives: bool
    """Somebody serves on the cluster IP afterwards."""
    refused: Blocker | None = None
    """Why the change would not be made; the forecast is then of nothing having changed."""
    notes: tuple[str, ...] = ()
    next_command: str = ""
    may_come_back: bool = False
    """Masters are off now, or have lost their VMs, and their data is there."""


def parse_question(text: str) -> Question:
    """Understand a question.

    Raises:
        SettingsError: It is none of the four; says which there are.
    """
    subject = text.rsplit(" ", maxsplit=1)[-1]
    is_name = names.RESOURCE_NAME.fullmatch(subject) and subject != "zone"
    for event in Event:
        if is_name and text == f"{event.value} {subject}":
            return Question(event=event, subject=subject)
    raise SettingsError(
        [f"whatif {shown(text)}: is not a question that can be answered; ask", *EXAMPLES]
    )


def forecast(question: Question, seen: Observed, blueprint: Blueprint) -> Forecast:
    """Answer a question.

    Raises:
        TargetNotFound: There is no such zone, master or cluster.
    """
    if not seen.uid:
        raise TargetNotFound(f"there is no cluster {seen.cluster} in region {seen.region}")
    match question.event:
        case Event.LOSE_ZONE:
            _check_zone(seen, question.subject)
            lost = [r.name for r in seen.replicas if r.zone == question.subject]
            return _loss(question, seen, blueprint, lost)
        case Event.LOSE:
            _check_name(seen, question.subject)
            return _loss(question, seen, blueprint, [question.subject])
        case Event.REMOVE:
            _check_name(seen, question.subject)
            return _removal(question, seen, blueprint)
        case Event.ADD:
            _check_zone(seen, question.subject)
            return _addition(question, seen, blueprint)


def _check_zone(seen: Observed, zone: str) -> None:
    known = sorted(z.name for z in seen.zones)
    if zone not in known:
        raise TargetNotFound(
            f"there is no zone {zone} in region {seen.region}", hint=f"there is {', '.join(known)}"
        )


def _check_name(seen: Observed, name: str) -> None:
    if conditions.replica_named(seen, name) or conditions.member_named(seen, name):
        return
    there = ", ".join(f"{r.name} in {r.zone}" for r in seen.replicas) or "none"
    raise TargetNotFound(
        f"there is no master {name} in cluster {seen.cluster}", hint=f"its masters: {there}"
    )


def _loss(
    question: Question, seen: Observed, blueprint: Blueprint, lost: Collection[str]
) -> Forecast:
    then = without_power(seen, lost)
    found = _forecast(question, seen, then, lost=tuple(lost))
    command = _way_back(then, blueprint, lost) if found.writable else _way_ahead(seen, blueprint)
    return replace(found, next_command=command if lost else "")


def _way_back(then: Observed, blueprint: Blueprint, lost: Collection[str]) -> str:
    """Give the command for after it has happened: the first dead master's removal."""
    for name in lost:
        dead, member = conditions.replica_named(then, name), conditions.member_named(then, name)
        if dead and member and conditions.removal_keeps_quorum(then, member):
            return commands.remove(blueprint, dead.zone, name)
    return commands.status(blueprint, then)


def _way_ahead(seen: Observed, blueprint: Blueprint) -> str:
    """Give the command for before it happens: who is off back, then one master more elsewhere."""
    if conditions.may_come_back(seen):
        return blockers.way_back(blueprint, seen)
    for zone in (*conditions.free_zones(seen), *sorted(conditions.occupied_zones(seen))):
        if _refusal(seen, blueprint, Intent(verb=Verb.REPLICATE, zone=zone)) is None:
            return commands.replicate(blueprint, zone)
    return commands.status(blueprint, seen)


def _removal(question: Question, seen: Observed, blueprint: Blueprint) -> Forecast:
    name = question.subject
    replica = conditions.replica_named(seen, name)
    zone = replica.zone if replica else min(conditions.occupied_zones(seen), default="")
    intent = Intent(verb=Verb.REMOVE, zone=zone, replica_name=name)
    refused = _refusal(seen, blueprint, intent)
    if refused is not None:
        return _refused(question, seen, refused)
    found = _forecast(question, seen, without_master(seen, name), lost=(name,))
    return replace(found, next_command=commands.remove(blueprint, zone, name))


def _addition(question: Question, seen: Observed, blueprint: Blueprint) -> Forecast:
    zone = question.subject
    refused = _refusal(seen, blueprint, Intent(verb=Verb.REPLICATE, zone=zone))
    if refused is not None:
        return _refused(question, seen, refused)
    found = _forecast(question, seen, with_one_more(seen, zone))
    return replace(found, next_command=commands.replicate(blueprint, zone))


def _refusal(seen: Observed, blueprint: Blueprint, intent: Intent) -> Blocker | None:
    """Ask the planner; its first objection counts."""
    wished = resolve(blueprint, intent, seen, operation_id="0" * 12)
    found = wished.blockers
    if wished.operation is not None:
        found = plan(blueprint, wished.operation, seen).blockers
    return found[0] if found else None


def _refused(question: Question, seen: Observed, refused: Blocker) -> Forecast:
    found = _forecast(question, seen, seen)
    return replace(found, refused=refused, next_command=refused.next_command)


def _forecast(
    question: Question, seen: Observed, then: Observed, *, lost: tuple[str, ...] = ()
) -> Forecast:
    majority = conditions.majority(then, then.members)
    writable = then.members_known and majority.holds
    return Forecast(
        question=question,
        before=verdicts.verdict(seen),
        after=verdicts.verdict(then),
        now=conditions.majority(seen, seen.members),
        then=majority,
        lost=lost,
        writable=writable,
        endpoint_survives=writable and _is_served(then),
        notes=verdicts.warnings(then),
        may_come_back=conditions.may_come_back(seen),
    )


def _is_served(then: Observed) -> bool:
    serving = [r for r in then.replicas if conditions.is_serving(then, r)]
    if then.endpoint_mode is EndpointMode.LOAD_BALANCER:
        return bool(serving)
    holders = [r.instance.access_config for r in serving]
    return any(c and then.address and c.nat_ip == then.address.address for c in holders)
