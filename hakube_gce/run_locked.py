"""The second half of a run: take the lock, look again, perform, verify, let go.

What is to be done was decided and shown before; here it is decided once more, by what is there
when nobody else can change it.
"""

from dataclasses import replace

from hakube_gce import marks, names, original_words
from hakube_gce.describe import describe
from hakube_gce.ending import last_line, refuse, replica_of, result, snapshot_of, window_of
from hakube_gce.errors import HakubeError, StepFailed
from hakube_gce.execute import execute
from hakube_gce.job import Job
from hakube_gce.lock import HeldLock, acquire
from hakube_gce.model import Observed, Operation, Verb
from hakube_gce.perform.aloud import perform_aloud
from hakube_gce.perform.endpoint import await_answer
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.planner import plan
from hakube_gce.plan.restore import uid_at_birth
from hakube_gce.plan.superseding import gives_way
from hakube_gce.render import Result
from hakube_gce.settling import steadied
from hakube_gce.steps import ReserveAddress

_SETTLE_TRIES = 30
_LISTED_TRIES = 60
_SERVED_AFTERWARDS = frozenset(
    {Verb.CREATE, Verb.REPLICATE, Verb.REMOVE, Verb.RESTORE, Verb.RECOVER}
)
"""Verbs at whose end the cluster IP answers. Whoever goes on from a killed run has not seen it."""


def run_locked(job: Job, blueprint: Blueprint, operation: Operation, before: Observed) -> Result:
    """Carry an operation out under the cluster's lock.

    Args:
        job: The command.
        blueprint: The cluster.
        operation: What the wish came to.
        before: What was seen when that was decided.

    Raises:
        HakubeError: It could not be carried out; what was begun stays noted.
    """
    if job.stopping.event.is_set():
        raise job.stopping.interrupted()  # nothing was begun, so nothing is noted either
    operation = _with_open_window(operation, before)
    uid = before.uid or uid_at_birth(operation, before)
    place = replace(job.lock_place, uid=uid, labels=_of_address(blueprint))
    noted = _noted(operation, before)
    held = acquire(place, noted, seen=before.address)
    if before.address is None:  # it was made with the lock on it
        made = ReserveAddress(name=place.address, region=place.region)
        job.screen.say(f"  {describe(made)}")
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
    if operation.verb in {Verb.REPLICATE, Verb.REMOVE}:
        seen = steadied(seen, job.observe, clock=job.clock, say=job.screen.say)
    planned = plan(blueprint, operation, seen)
    if planned.blockers:
        return refuse(job, planned.blockers)
    context = job.context(blueprint, operation, seen, held)
    job.say(original_words.before(planned, seen))
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
    job.screen.say(last_line(operation, planned, after))
    job.say(original_words.after(operation, _url(blueprint, after)))
    return replace(
        result(job, changed=bool(planned.steps) or resumed),
        replica=replica_of(operation, planned, after),
        window=window_of(context.windows),
        steps=tuple(p.key for p in planned.steps),
        notes=(*planned.notes, *context.told),
        snapshot=snapshot_of(operation, after),
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
