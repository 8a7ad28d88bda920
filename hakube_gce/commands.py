"""The commands behind the verbs: `status`, and the one course that `up` and `down` share."""

import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from hakube_gce import names, render, whatif
from hakube_gce.arguments import Arguments
from hakube_gce.assemble import Means, assemble, find_place
from hakube_gce.errors import HakubeError, Locked, TargetNotFound
from hakube_gce.lock import break_open
from hakube_gce.model import Intent, Observed, Verb
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker
from hakube_gce.render import Result, result_object, status_object
from hakube_gce.run import Job, resume_command, run, same_again
from hakube_gce.screen import Screen
from hakube_gce.settings import Settings
from hakube_gce.stopping import Stopping
from hakube_gce.terminal import out, warn
from hakube_gce.whatif_text import forecast_lines, forecast_object


def status(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Show the cluster; exit 0 whatever its state, as looking changes nothing."""
    place = find_place(settings, environment)
    means = where_the_cluster_is(
        assemble(settings, place, environment, stopping=stopping_with(print), warn=warn),
        environment,
    )
    seen = means.observer.observe()
    if found.json:
        out(json.dumps(status_object(seen, port=place.api_port)))
    else:
        out("\n".join(render.status_lines(seen)))
    return 0


def list_snapshots(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Show the snapshots of all clusters that ever had this name."""
    place = find_place(settings, environment)
    means = where_the_cluster_is(
        assemble(settings, place, environment, stopping=stopping_with(print), warn=warn),
        environment,
    )
    seen = means.observer.observe()
    if found.json:
        out(json.dumps(render.snapshots_object(seen)))
    else:
        out("\n".join(render.snapshot_lines(seen)))
    return 0


def unlock(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Free the lock of a run that a person knows to be dead."""
    place = find_place(settings, environment)
    means = where_the_cluster_is(
        assemble(settings, place, environment, stopping=stopping_with(print), warn=warn),
        environment,
    )
    freed = break_open(means.lock_place(), found.nonce)
    if found.json:
        result = Result(verb="unlock", changed=freed, exit_status=0)
        out(json.dumps(result_object(result)))
    else:
        out(
            "The lock is free. What its run left unfinished, the same command goes on with."
            if freed
            else "Nobody holds the lock. Nothing was changed."
        )
    return 0


def where_the_cluster_is(means: Means, environment: Mapping[str, str]) -> Means:
    """Look for the cluster where it is when nobody said where to look.

    Raises:
        TargetNotFound: A zone was named, and there is none of that name.
    """
    settings = means.settings
    if settings.zone_is_chosen:
        check_zone(means)
        return means
    regions = means.gateway.address_regions(names.address(settings.prefix))
    if len(regions) != 1 or regions[0] == settings.region:
        return means
    there = next(z for z in sorted(means.gateway.zone_names()) if z.startswith(f"{regions[0]}-"))
    return assemble(
        replace(settings, zone=there),
        means.place,
        environment,
        stopping=means.stopping,
        warn=warn,
    )


def what_if(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Foretell what a loss, a removal or an addition would come to; changes nothing."""
    question = whatif.parse_question(found.question)
    place = find_place(settings, environment)
    means = where_the_cluster_is(
        assemble(settings, place, environment, stopping=stopping_with(print), warn=warn),
        environment,
    )
    seen = means.observer.observe()
    answer = whatif.forecast(question, seen, means.inherit(seen).blueprint)
    if found.json:
        out(json.dumps(forecast_object(answer)))
    else:
        out("\n".join(forecast_lines(answer)))
    return 0


def change(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Carry out a verb that changes the cluster."""
    intent = settings.intent
    assert intent is not None  # noqa: S101 - these commands always have one
    return carry_out(found, settings, environment, intent, _one_operation)


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
    place = find_place(settings, environment)
    notes: list[Callable[..., None]] = []
    screen = Screen(
        stream=sys.stderr if found.json else sys.stdout,
        note=lambda event, **facts: notes[0](event, **facts) if notes else None,
        live=sys.stdout.isatty() and not found.json and not settings.no_color,
    )
    last_words: list[str] = []
    stopping = stopping_with(screen.say, last_words)
    stopping.install()
    means = assemble(settings, place, environment, stopping=stopping, warn=warn)
    notes.append(means.journal.write)
    job = _job(found, means, screen, intent)
    last_words += ["Stopped at once. To go on, run:", same_again(job, blueprint_of(job))]
    try:
        result = work(job, means)
    except HakubeError as error:
        error.changed = screen.began
        raise
    finally:
        screen.close()
    if found.json:
        out(json.dumps(result_object(result)))
    return result.exit_status


def _one_operation(job: Job, means: Means) -> Result:
    try:
        check_zone(means)
        return run(job)
    except TargetNotFound:
        raise  # no command goes on in a zone that is not there
    except HakubeError as error:
        add_resume_command(job, error)
        raise


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
        operation_id=secrets.token_hex(6),
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
    nothing = Observed(project="", region="", cluster="", server_time=job.clock.now(), zones=())
    return job.inherit(nothing).blueprint


def check_zone(means: Means) -> None:
    """Refuse a zone that does not exist before anything else is asked.

    Raises:
        TargetNotFound: Names the zones that come nearest.
    """
    zone = means.settings.zone
    if means.gateway.find_zone(zone) is not None:
        return
    known = sorted(means.gateway.zone_names())
    near = [z for z in known if z.rpartition("-")[0] == means.settings.region] or known
    raise TargetNotFound(
        f"KUBE_GCE_ZONE={zone}: there is no such zone in project {means.settings.project}",
        hint=f"for example {', '.join(near[:6])}.",
    )


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
    elif found.verb == "down" and not found.json:
        out(f"Bringing down cluster using provider: {settings.provider}")
    warn(f"Project: {settings.project}")
    if found.verb in {"up", "down"} or settings.zone_is_chosen:
        warn(f"Zone: {settings.zone}")


def stopping_with(say: Callable[[str], None], last_words: Sequence[str] = ()) -> Stopping:
    """Give what the first signal asks for; the second leaves at once, with these last words."""
    return Stopping(
        on_first=lambda: say("stopping after what is under way; once more to stop at once"),
        on_second=partial(_leave_at_once, last_words),
    )


def _leave_at_once(last_words: Sequence[str], signal_number: int) -> None:
    # threads may be in the middle of a call: nothing gentler ends them now
    for line in last_words:
        # past the stream's buffer: the signal may have come in the middle of a write to it
        with suppress(OSError):
            os.write(sys.stderr.fileno(), f"{line}\n".encode())
    os._exit(128 + signal_number)
