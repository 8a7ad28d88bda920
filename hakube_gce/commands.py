"""The commands that change a cluster, by the one course that all of them share; and `unlock`."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from hakube_gce import addons, render, validate
from hakube_gce.arguments import Arguments
from hakube_gce.assemble import Means, assemble, find_place
from hakube_gce.errors import HakubeError, Locked, TargetNotFound
from hakube_gce.job import Job, new_operation_id
from hakube_gce.lock import break_open
from hakube_gce.manifest import ManifestObject
from hakube_gce.model import Intent, Verb
from hakube_gce.plan import commands as plan_commands
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker
from hakube_gce.render import Result, result_object
from hakube_gce.run import resume_command, run, same_again
from hakube_gce.same_command import NOTHING_SEEN, same_command
from hakube_gce.screen import Screen
from hakube_gce.settings import Settings
from hakube_gce.start_up import check_zones, looking, stopping_with, where_the_cluster_is
from hakube_gce.terminal import out, show, warn

_OF_NO_ZONE = frozenset({Verb.SNAPSHOT, Verb.RECOVER})
"""What is asked of a cluster wherever it is, when no zone is named."""


def unlock(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Free the lock of a run that a person knows to be dead."""
    means = looking(settings, environment)
    freed = break_open(means.lock_place(), found.nonce)
    result = Result(verb="unlock", changed=freed, exit_status=0)
    line = (
        "The lock is free. What its run left unfinished, the same command goes on with."
        if freed
        else "Nobody holds the lock. Nothing was changed."
    )
    show(result_object(result), [line], as_json=found.json)
    return 0


def change(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Carry out a verb that changes the cluster."""
    intent = settings.intent
    assert intent is not None  # noqa: S101 - these commands always have one
    if intent.verb not in _OF_NO_ZONE:
        return carry_out(found, settings, environment, intent, _one_operation)

    def work(job: Job, means: Means) -> Result:
        there = where_the_cluster_is(means, environment)
        return _one_operation(in_place(job, there), there)

    return carry_out(found, settings, environment, intent, work)


def carry_out(
    found: Arguments,
    settings: Settings,
    environment: Mapping[str, str],
    intent: Intent,
    work: Callable[[Job, Means], Result],
) -> int:
    """Set the scene for what changes the cluster, have it done, show how it ended.

    Args:
        found: The command line.
        settings: What the variables say.
        environment: The process environment.
        intent: What is wished for; of a course, its first part.
        work: Does it.
    """
    _greet(found, settings)
    refusal = _not_on_compute_engine_yet(settings, intent)
    if refusal is not None:
        return show_refusal(found, intent.verb, refusal)
    manifest = addons.read_wanted(settings) if found.verb == "up" else ()
    place = find_place(settings, environment, warn=warn)
    notes: list[Callable[..., None]] = []
    screen = Screen(
        stream=sys.stderr if found.json else sys.stdout,
        note=lambda event, **facts: notes[0](event, **facts) if notes else None,
        live=sys.stdout.isatty() and not found.json and not settings.no_color,
    )
    again = same_command(found, settings, environment)
    last_words = ["Stopped at once. To go on, run:", again]
    stopping = stopping_with(screen.say, last_words)
    stopping.install()
    means = assemble(settings, place, environment, stopping=stopping, warn=warn)
    notes.append(means.journal.write)
    job = _job(found, means, screen, intent)
    try:
        result = work(job, means)
        if found.verb in {"up", "down"} and _left_a_cluster(found, result):
            result = afterwards(job, means, manifest, result, last_words)
    except HakubeError as error:
        error.changed = screen.began
        raise
    finally:
        screen.close()
    if found.json:
        out(json.dumps(result_object(result)))
    return result.exit_status


def _left_a_cluster(found: Arguments, result: Result) -> bool:
    """Tell whether there is something to validate at the command's end."""
    looked_only = found.dry_run or found.check
    return result.cluster_left and not (result.exit_status or looked_only)


def afterwards(
    job: Job,
    means: Means,
    manifest: tuple[ManifestObject, ...],
    result: Result,
    last_words: list[str],
) -> Result:
    """Apply and validate, after a change that left a cluster.

    The change is done: whoever stops the run from here on is told the rest of it alone, because a
    replication said twice adds two.

    Args:
        job: What was done.
        means: The means it was done with.
        manifest: What is to be applied.
        result: How it ended.
        last_words: What a second signal prints; the last of them is a command.

    Raises:
        HakubeError: The rest failed; it names the command that does it.
    """
    blueprint = blueprint_of(job)
    if manifest:
        applying = plan_commands.apply_again(blueprint, job.intent, means.settings.master_zones)
        last_words[-1] = applying
        applied = _apply(job, means, manifest, applying)
        result = replace(result, notes=(*result.notes, *applied))
    last_words[-1] = validate.again(means.settings, blueprint)
    return replace(result, validation=validate.after_change(means, job.screen.say))


def _apply(
    job: Job, means: Means, manifest: tuple[ManifestObject, ...], again: str
) -> tuple[str, ...]:
    try:
        return addons.apply_wanted(means, manifest, job.screen.say)
    except HakubeError as error:
        error.next_command = again
        raise


def _one_operation(job: Job, means: Means) -> Result:
    try:
        check_zones(means, (means.settings.zone,))
        return run(job)
    except TargetNotFound:
        raise  # no command goes on in a zone that is not there
    except HakubeError as error:
        add_resume_command(job, error)
        raise


def in_place(job: Job, means: Means) -> Job:
    """Aim a job at the region where the cluster is."""
    return replace(
        job,
        intent=replace(job.intent, zone=means.settings.zone),
        gateway=means.gateway,
        observe=means.observer.observe,
        inherit=means.inherit,
        lock_place=means.lock_place(),
        context=partial(means.context, say=job.screen.say),
    )


def _job(found: Arguments, means: Means, screen: Screen, intent: Intent) -> Job:
    return Job(
        intent=intent,
        gateway=means.gateway,
        observe=means.observer.observe,
        inherit=means.inherit,
        lock_place=means.lock_place(),
        context=partial(means.context, say=screen.say),
        screen=screen,
        note=means.journal.write,
        clock=means.clock,
        stopping=means.stopping,
        operation_id=new_operation_id(),
        dry_run=found.dry_run,
        check=found.check,
    )


def add_resume_command(job: Job, error: HakubeError) -> None:
    """Find out how to go on, from what the cluster's address remembers."""
    if isinstance(error, Locked):  # what the address remembers is another run's
        error.next_command = same_again(job, blueprint_of(job))
        return
    try:
        error.next_command = resume_command(job, blueprint_of(job))
    except HakubeError:
        return


def blueprint_of(job: Job) -> Blueprint:
    """Give what the commands we print are made from: it takes no look at the cluster."""
    return job.inherit(NOTHING_SEEN).blueprint


def _not_on_compute_engine_yet(settings: Settings, intent: Intent) -> Blocker | None:
    making = intent.verb in {Verb.CREATE, Verb.REPLICATE, Verb.RESTORE, Verb.ADD_NODES}
    if not making or settings.anonymous:
        return None
    return Blocker(
        reason="NotOnComputeEngineYet",
        message="the agent does not yet install Kubernetes on a real VM, so this version cannot "
        "make "
        "masters or nodes on real Compute Engine",
        exit_status=5,
        override="everything can be tried on this machine: KUBERNETES_PROVIDER=emulator",
    )


def show_refusal(found: Arguments, verb: Verb, refusal: Blocker) -> int:
    """Show a refusal that needed no run."""
    for line in (*render.blocker_lines([refusal]), "Nothing was changed."):
        warn(line)
    if found.json:
        result = Result(
            verb=verb.value,
            changed=False,
            exit_status=refusal.exit_status,
            error=refusal.message,
            reasons=(refusal.reason,),
        )
        out(json.dumps(result_object(result)))
    return refusal.exit_status


def _greet(found: Arguments, settings: Settings) -> None:
    """Print the lines that scripts have grepped for since kube-up."""
    if found.verb == "up":
        warn(f"... Starting cluster in {settings.zone} using provider {settings.provider}")
        warn("... calling kube-up")
    elif found.verb == "down" and not found.json:
        out(f"Bringing down cluster using provider: {settings.provider}")
    warn(f"Project: {settings.project}")
    warn(f"Network Project: {settings.networking.project}")
    if found.verb in {"up", "down"} or settings.zone_is_chosen:
        warn(f"Zone: {settings.zone}")
