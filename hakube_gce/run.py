"""One command from wish to end: observe, resolve, plan, lock, look again, perform, verify.

This is the whole course of every verb. A dry run is its first half. A resumed run takes the same
course: nothing is replayed, the unfinished operation on the cluster's address only says which
target was meant.
"""

from collections.abc import Sequence
from dataclasses import replace

from hakube_gce import clock_check, conditions, names, render
from hakube_gce.ending import refuse, result
from hakube_gce.errors import HakubeError, Overtaken
from hakube_gce.inherit import Inheritance
from hakube_gce.job import Job
from hakube_gce.lock import refuse_if_held
from hakube_gce.model import Observed, Operation, Verb
from hakube_gce.plan import commands, unfinished_blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.planner import plan
from hakube_gce.plan.resolve import Resolved, resolve
from hakube_gce.plan.superseding import gives_way
from hakube_gce.render import Result
from hakube_gce.run_locked import run_locked
from hakube_gce.settling import settled, steadied

_LOOKS = 3
_BY_HEALTH = frozenset({Verb.CREATE, Verb.MEND, Verb.REPLICATE, Verb.REMOVE, Verb.SNAPSHOT})
"""Verbs that are refused, or go another way, when a master is not well."""
_INHERITING = frozenset({Verb.CREATE, Verb.MEND, Verb.REPLICATE, Verb.RESTORE, Verb.ADD_NODES})


def run(job: Job) -> Result:
    """Carry out one command.

    A wish is made absolute by what was seen, so when another run held the lock between that look
    and ours, everything is looked at and decided again.

    Raises:
        HakubeError: It could not be carried out; what was begun is resumed by the same command.
    """
    for _ in range(_LOOKS - 1):
        try:
            return _look_and_run(job)
        except Overtaken as error:
            job.screen.say(f"{error.message}; looking again")
    return _look_and_run(job)


def _look_and_run(job: Job) -> Result:
    seen = job.observe()
    job.screen.say(render.headline(seen))
    if off := clock_check.note(job.clock.now(), seen):
        job.screen.say(f"note: {off}")
    if not (job.dry_run or job.check):
        refuse_if_held(job.lock_place, seen.address, seen.server_time)
        seen = _settled(job, seen)
    inheritance = job.inherit(seen)
    resolved = _resolve(job, inheritance.blueprint, seen)
    if resolved.nothing_to_do:
        job.screen.say(f"{resolved.nothing_to_do}. Nothing was changed.")
        return result(job, changed=False)
    if resolved.operation is None:
        return refuse(job, resolved.blockers)
    if seen.operation is not None:
        job.screen.say(_unfinished(seen, seen.operation, resolved.operation))
    given_up = gives_way(seen, resolved.operation.verb)
    today = replace(seen, operation=None) if given_up else seen
    drafted = _plan(job, inheritance, resolved.operation, today)
    job.say([f"note: {text}" for text in drafted.notes])
    if drafted.blockers:
        return refuse(job, drafted.blockers)
    if job.dry_run or job.check:
        return _show(job, drafted)
    mended = resolved.operation.verb is Verb.MEND and not given_up
    if drafted.is_empty and (seen.operation is None or mended):
        return _nothing_left(job, inheritance.blueprint, seen)
    job.say(render.deletion_lines(drafted))
    return run_locked(job, inheritance.blueprint, resolved.operation, seen)


def _settled(job: Job, first: Observed) -> Observed:
    seen = settled(first, job.observe, clock=job.clock, say=job.screen.say)
    if job.intent.verb in _BY_HEALTH:
        seen = steadied(seen, job.observe, clock=job.clock, say=job.screen.say)
    if seen is not first:
        job.screen.say(render.headline(seen))
    return seen


def _nothing_left(job: Job, blueprint: Blueprint, seen: Observed) -> Result:
    """End where nothing is to be done; but not well while a killed run has the cluster IP away."""
    if seen.operation is not None and conditions.is_cut_in_the_window(seen):
        return refuse(
            job, [unfinished_blockers.operation_unfinished(blueprint, seen, seen.operation)]
        )
    job.screen.say("Everything is as asked. Nothing was changed.")
    return result(job, changed=False)


def _unfinished(seen: Observed, operation: Operation, now: Operation) -> str:
    whose = f" of {operation.target}" if operation.target else ""
    what = f"the unfinished {operation.verb.value}{whose} (zone {operation.zone})"
    if now.verb is Verb.MEND and not gives_way(seen, Verb.MEND):
        return f"the masters first; {what} stays noted"
    return f"going on with {what}" if now.id == operation.id else f"giving up {what} for this"


def _resolve(job: Job, blueprint: Blueprint, seen: Observed) -> Resolved:
    elsewhere: Sequence[str] = ()
    if seen.address is None:
        address = names.address(blueprint.prefix)
        elsewhere = [r for r in job.gateway.address_regions(address) if r != blueprint.region]
    return resolve(
        blueprint,
        job.intent,
        seen,
        operation_id=job.operation_id,
        other_regions=elsewhere,
    )


def _plan(job: Job, inheritance: Inheritance, operation: Operation, seen: Observed) -> Plan:
    planned = plan(inheritance.blueprint, operation, seen)
    extra = clock_check.refusal(job.clock.now(), seen, planned)
    if operation.verb in _INHERITING:
        extra += inheritance.contradictions
    if extra:
        return Plan(blockers=extra + planned.blockers, notes=planned.notes)
    return planned


def _show(job: Job, drafted: Plan) -> Result:
    job.say(render.plan_lines(drafted))
    job.screen.say("Nothing was changed (dry run).")
    operation = drafted.operation
    is_of_master = operation is not None and operation.verb not in {Verb.SNAPSHOT, Verb.RESTORE}
    target = operation.target if operation is not None and is_of_master else ""
    status = 10 if job.check and drafted.steps else 0
    return replace(
        result(job, changed=False),
        exit_status=status,
        replica=target,
        notes=drafted.notes,
        steps=tuple(p.key for p in drafted.steps),
    )


def same_again(job: Job, blueprint: Blueprint) -> str:
    """Give the command that this run is, for when there is no time to look at the cluster."""
    return commands.again(blueprint, job.intent)


def resume_command(job: Job, blueprint: Blueprint) -> str:
    """Give the command that goes on after a failure."""
    try:
        unfinished = job.observe().operation
    except HakubeError:
        unfinished = None
    if unfinished is not None and job.intent.verb is not Verb.CREATE:
        return commands.finish(blueprint, unfinished)
    return commands.again(blueprint, job.intent)
