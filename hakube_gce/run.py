"""One command from wish to end: observe, resolve, plan, lock, look again, perform, verify.

This is the whole course of every verb. A dry run is its first half. A resumed run takes the same
course: nothing is replayed, the unfinished operation on the cluster's address only says which
target was meant.
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from hakube_gce import clock_check, conditions, marks, names, original_words, render, snapshots
from hakube_gce.errors import HakubeError, Overtaken, StepFailed
from hakube_gce.execute import Crew, Progress, execute, threads
from hakube_gce.inherit import Inheritance
from hakube_gce.lock import HeldLock, LockPlace, acquire, refuse_if_held
from hakube_gce.model import Intent, Observed, Operation, Verb
from hakube_gce.perform.aloud import perform_aloud
from hakube_gce.perform.context import Context, Window
from hakube_gce.perform.endpoint import await_answer
from hakube_gce.plan import blockers, commands
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker, Plan
from hakube_gce.plan.planner import plan
from hakube_gce.plan.resolve import Resolved, resolve
from hakube_gce.plan.restore import uid_at_birth
from hakube_gce.plan.superseding import gives_way
from hakube_gce.ports import Clock, ComputeGateway
from hakube_gce.render import Result
from hakube_gce.render_left import left_behind
from hakube_gce.renewal import renewed
from hakube_gce.stopping import Stopping

_SETTLE_TRIES = 30
_LISTED_TRIES = 60
_LOOKS = 3
_SERVED_AFTERWARDS = frozenset(
    {Verb.CREATE, Verb.REPLICATE, Verb.REMOVE, Verb.RESTORE, Verb.RECOVER}
)
"""Verbs at whose end the cluster IP answers. Whoever goes on from a killed run has not seen it."""
_INHERITING = frozenset({Verb.CREATE, Verb.MEND, Verb.REPLICATE, Verb.RESTORE, Verb.ADD_NODES})


def new_operation_id() -> str:
    """Draw an operation's id."""
    return secrets.token_hex(6)


class Screen(Progress, Protocol):
    """Where a run tells people how it goes."""

    def say(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One command's wish and means."""

    intent: Intent
    gateway: ComputeGateway
    observe: Callable[[], Observed]
    inherit: Callable[[Observed], Inheritance]
    lock_place: LockPlace
    context: Callable[[Blueprint, Operation, Observed, HeldLock], Context]
    screen: Screen
    note: Callable[..., None]
    """The journal's write."""
    clock: Clock
    stopping: Stopping
    operation_id: str
    new_id: Callable[[], str] = new_operation_id
    """Draws the ids of the operations of a course."""
    renewed: Callable[[HeldLock], AbstractContextManager[None]] = renewed
    """Keeps the lock ours while steps take long."""
    crew: Callable[[], AbstractContextManager[Crew]] = threads
    """Who carries the steps out."""
    dry_run: bool = False
    check: bool = False


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
    inheritance = job.inherit(seen)
    resolved = _resolve(job, inheritance.blueprint, seen)
    if resolved.nothing_to_do:
        job.screen.say(f"{resolved.nothing_to_do}. Nothing was changed.")
        return _result(job, changed=False)
    if resolved.operation is None:
        return refuse(job, resolved.blockers)
    if seen.operation is not None:
        job.screen.say(_unfinished(seen.operation, resolved.operation))
    drafted = _plan(job, inheritance, resolved.operation, seen)
    _say(job, [f"note: {text}" for text in drafted.notes])
    if drafted.blockers:
        return refuse(job, drafted.blockers)
    if job.dry_run or job.check:
        return _show(job, drafted)
    mended = resolved.operation.verb is Verb.MEND and not gives_way(seen, Verb.MEND)
    if drafted.is_empty and (seen.operation is None or mended):
        return _nothing_left(job, inheritance.blueprint, seen)
    _say(job, render.deletion_lines(drafted))
    return _run_locked(job, inheritance.blueprint, resolved.operation, seen)


def _nothing_left(job: Job, blueprint: Blueprint, seen: Observed) -> Result:
    """End where nothing is to be done; but not well while a killed run has the cluster IP away."""
    if seen.operation is not None and conditions.is_cut_in_the_window(seen):
        return refuse(job, [blockers.operation_unfinished(blueprint, seen.operation)])
    job.screen.say("Everything is as asked. Nothing was changed.")
    return _result(job, changed=False)


def _say(job: Job, lines: Sequence[str]) -> None:
    for line in lines:
        job.screen.say(line)


def _unfinished(operation: Operation, now: Operation) -> str:
    whose = f" of {operation.target}" if operation.target else ""
    what = f"the unfinished {operation.verb.value}{whose} (zone {operation.zone})"
    if now.verb is Verb.MEND and operation.verb is not Verb.MEND:
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


def refuse(job: Job, blockers: Sequence[Blocker]) -> Result:
    """Show why nothing is done."""
    for line in render.blocker_lines(blockers):
        job.screen.say(line)
    job.screen.say("Nothing was changed.")
    status = min((b.exit_status for b in blockers), default=5)
    return replace(
        _result(job, changed=False),
        exit_status=status,
        error="; ".join(b.message for b in blockers),
        reasons=tuple(b.reason for b in blockers),
        next_command=next((b.next_command for b in blockers if b.next_command), ""),
    )


def _show(job: Job, drafted: Plan) -> Result:
    for line in render.plan_lines(drafted):
        job.screen.say(line)
    job.screen.say("Nothing was changed (dry run).")
    operation = drafted.operation
    is_of_master = operation is not None and operation.verb not in {Verb.SNAPSHOT, Verb.RESTORE}
    target = operation.target if operation is not None and is_of_master else ""
    status = 10 if job.check and drafted.steps else 0
    return replace(
        _result(job, changed=False),
        exit_status=status,
        replica=target,
        notes=drafted.notes,
        steps=tuple(p.key for p in drafted.steps),
    )


# ------------------------------------------------------------------------------------ under the
# lock


def _run_locked(job: Job, blueprint: Blueprint, operation: Operation, before: Observed) -> Result:
    if job.stopping.event.is_set():
        raise job.stopping.interrupted()  # nothing was begun, so nothing is noted either
    operation = _with_open_window(operation, before)
    uid = before.uid or uid_at_birth(operation, before)
    place = replace(job.lock_place, uid=uid, labels=_of_address(blueprint))
    noted = _noted(operation, before)
    held = acquire(place, noted, seen=before.address)
    keep = operation.verb is not Verb.MEND or noted is not operation
    try:
        with job.renewed(held):
            outcome = _perform_all(
                job, blueprint, operation, held, resumed=before.operation is not None
            )
        if noted is operation:
            keep = bool(outcome.reasons) and before.operation is not None
        if bool(outcome.reasons) and before.operation is not None:
            held.note(before.operation)  # refused under the lock: nothing new was begun
        return outcome
    finally:
        with job.stopping.put_off():  # a lock that nobody lets go shuts everybody out for minutes
            _let_go(job, held, keep_operation=keep)


def _of_address(blueprint: Blueprint) -> dict[str, str]:
    """Give the labels that a new address has from its first lock on."""
    network_project = blueprint.inherited.get("NETWORK_PROJECT", "")
    kept = marks.network_project_labels(network_project, blueprint.project)
    return {**blueprint.labels, **kept}


def _with_open_window(operation: Operation, before: Observed) -> Operation:
    """Keep in mind since when the cluster IP has been gone, whoever is given up for this."""
    unfinished = before.operation
    if unfinished is None or operation.outage_since is not None:
        return operation
    return replace(operation, outage_since=unfinished.outage_since)


def _noted(operation: Operation, before: Observed) -> Operation:
    """Give what the address remembers meanwhile: mending leaves what is not finished noted."""
    unfinished = before.operation
    if operation.verb is not Verb.MEND or unfinished is None:
        return operation
    return operation if gives_way(before, Verb.MEND) else unfinished


def _let_go(job: Job, held: HeldLock, *, keep_operation: bool) -> None:
    try:
        held.release(keep_operation=keep_operation)
    except HakubeError as error:
        # What we were asked for is decided already; the lock ends by itself.
        job.screen.say(
            f"the lock could not be released: {error.message}. It ends by itself; the same "
            "command, run again, clears what it notes and does nothing twice"
        )


def _perform_all(
    job: Job, blueprint: Blueprint, operation: Operation, held: HeldLock, *, resumed: bool
) -> Result:
    seen = _look_as_holder(job)
    planned = plan(blueprint, operation, seen)
    if planned.blockers:
        return refuse(job, planned.blockers)
    context = job.context(blueprint, operation, seen, held)
    _say(job, original_words.before(planned, seen))
    job.note("begin", operation=operation.id, verb=operation.verb.value, target=operation.target)
    done = execute(
        planned,
        lambda planned: perform_aloud(context, planned),
        progress=job.screen,
        clock=job.clock,
        stop=job.stopping.event,
        crew=job.crew,
    )
    if not done:
        raise job.stopping.interrupted()
    after = _verify(job, blueprint, operation)
    if resumed and operation.verb in _SERVED_AFTERWARDS:
        await_answer(context)
    job.note("end", operation=operation.id)
    job.screen.say(_last_line(operation, planned, after))
    _say(job, original_words.after(operation, _url(blueprint, after)))
    return replace(
        _result(job, changed=bool(planned.steps) or resumed),
        replica=_replica(operation, planned, after),
        window=_window(context.windows),
        steps=tuple(p.key for p in planned.steps),
        notes=(*planned.notes, *context.told),
        snapshot=_snapshot(operation, after),
        cluster_left=operation.verb is not Verb.TEARDOWN,
    )


def _url(blueprint: Blueprint, after: Observed) -> str:
    return names.server_url(after.address.address if after.address else "", blueprint.api_port)


def _look_as_holder(job: Job) -> Observed:
    """Look until the address whose lock is ours is listed too.

    A list may trail the insert. Without its address a cluster has no uid, and all that is made
    then would carry nobody's mark.
    """
    for _ in range(_LISTED_TRIES):
        seen = job.observe()
        if seen.address is not None:
            return seen
        job.clock.sleep(1.0)
    raise StepFailed(
        f"{job.lock_place.address} was made {_LISTED_TRIES} s ago, and Compute Engine does not "
        "list it yet",
        hint="run the same command again",
    )


def _replica(operation: Operation, planned: Plan, after: Observed) -> str:
    """Give the master that came, went or was rescued."""
    match operation.verb:
        case Verb.SNAPSHOT:
            return ""
        case Verb.RESTORE:
            return next((r.name for r in after.replicas), "")
        case _:
            return operation.target or _only_replica(planned)


def _snapshot(operation: Operation, after: Observed) -> dict[str, object] | None:
    found = snapshots.named(after, operation.target) if operation.target else None
    return snapshots.as_object(found) if found is not None else None


def _only_replica(planned: Plan) -> str:
    created = [p.step for p in planned.steps if p.key == "install"]
    return getattr(created[0], "replica", "") if created else ""


def _verify(job: Job, blueprint: Blueprint, operation: Operation) -> Observed:
    """Look and plan once more: nothing may be left to do. Returns what was seen.

    What was just done may take a moment to show in a list or a heartbeat, so it is looked at a few
    times.
    """
    left: tuple[str, ...] = ()
    for _ in range(_SETTLE_TRIES):
        seen = job.observe()
        again = plan(blueprint, operation, seen)
        if again.is_empty:
            return seen
        left = tuple(p.key for p in again.steps) + tuple(b.reason for b in again.blockers)
        job.clock.sleep(0.5)
    raise StepFailed(
        f"everything was done, but a fresh look finds work left: {', '.join(left)}",
        hint="run the same command again",
    )


def _last_line(operation: Operation, planned: Plan, after: Observed) -> str:  # noqa: C901, PLR0911 - a table, one row a verb
    match operation.verb:
        case Verb.MEND if any(p.key.startswith(("start-", "await-ready/")) for p in planned.steps):
            return "Done: the cluster's masters are back."
        case Verb.MEND:
            return "Done: the cluster is as it should be."
        case Verb.CREATE:
            return "Kubernetes cluster created."
        case Verb.REPLICATE:
            return f"Done: {operation.target} serves."
        case Verb.REMOVE:
            return f"Done: {operation.target} is gone."
        case Verb.TEARDOWN:
            return f"Done: nothing of the cluster is left{left_behind(after)}."
        case Verb.SNAPSHOT:
            taken = snapshots.named(after, operation.target)
            return f"Done: {snapshots.summary(taken) if taken else operation.target}."
        case Verb.RESTORE:
            return f"Done: the cluster is back as {operation.target} held it."
        case Verb.RECOVER:
            return f"Done: {operation.target} is the only master; add others with kube-up."
        case Verb.ADD_NODES:
            return f"Done: zone {operation.zone} has nodes."
        case Verb.DELETE_NODES:
            return f"Done: no nodes are left in zone {operation.zone}; the masters stay."


def _window(windows: Sequence[Window]) -> dict[str, object] | None:
    if not windows:
        return None
    window = windows[-1]
    return {
        "kind": window.kind,
        "seconds": round(window.seconds, 3),
        "probes": window.probes,
        "failed_probes": window.failed_probes,
    }


def _result(job: Job, *, changed: bool) -> Result:
    verb = job.intent.verb
    return Result(
        verb=verb.value, changed=changed, exit_status=0, cluster_left=verb is not Verb.TEARDOWN
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
