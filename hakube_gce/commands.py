"""The commands behind the verbs: `status`, and the one course that `up` and `down` share."""

import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from hakube_gce import facts, names, render, whatif
from hakube_gce import settings_table as table
from hakube_gce.arguments import Arguments
from hakube_gce.assemble import Means, assemble, find_place
from hakube_gce.errors import HakubeError, Locked, TargetNotFound
from hakube_gce.lock import break_open
from hakube_gce.model import Observed, Verb
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker
from hakube_gce.render import Result, result_object, status_object
from hakube_gce.run import Job, resume_command, run, same_again
from hakube_gce.screen import Screen
from hakube_gce.setting_sources import DEFAULT
from hakube_gce.settings import Settings
from hakube_gce.stopping import Stopping
from hakube_gce.understand import understand
from hakube_gce.whatif_text import forecast_lines, forecast_object


def status(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Show the cluster; exit 0 whatever its state, as looking changes nothing."""
    place = find_place(settings, environment)
    means = _where_the_cluster_is(
        assemble(settings, place, environment, stopping=_stopping(print), warn=_warn), environment
    )
    seen = means.observer.observe()
    if found.json:
        _out(json.dumps(status_object(seen, port=place.api_port)))
    else:
        _out("\n".join(render.status_lines(seen)))
    return 0


def look_for_facts(
    keys: Sequence[str], settings: Settings, environment: Mapping[str, str]
) -> dict[str, facts.Value]:
    """Find out what kube-up's shell functions found out about a cluster: no agent is asked."""
    place = find_place(settings, environment)
    means = _where_the_cluster_is(
        assemble(settings, place, environment, stopping=_stopping(_warn), warn=_warn), environment
    )
    there, inventory = means.settings, means.gateway.inventory(means.settings.region)
    seen = understand(
        inventory, {}, project=there.project, region=there.region, prefix=there.prefix
    )
    return facts.of_settings(there) | facts.of_cluster(keys, there, inventory, seen)


def list_snapshots(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Show the snapshots of all clusters that ever had this name."""
    place = find_place(settings, environment)
    means = _where_the_cluster_is(
        assemble(settings, place, environment, stopping=_stopping(print), warn=_warn), environment
    )
    seen = means.observer.observe()
    if found.json:
        _out(json.dumps(render.snapshots_object(seen)))
    else:
        _out("\n".join(render.snapshot_lines(seen)))
    return 0


def unlock(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Free the lock of a run that a person knows to be dead."""
    place = find_place(settings, environment)
    means = _where_the_cluster_is(
        assemble(settings, place, environment, stopping=_stopping(print), warn=_warn), environment
    )
    freed = break_open(means.lock_place(), found.nonce)
    if found.json:
        result = Result(verb="unlock", changed=freed, exit_status=0)
        _out(json.dumps(result_object(result)))
    else:
        _out(
            "The lock is free. What its run left unfinished, the same command goes on with."
            if freed
            else "Nobody holds the lock. Nothing was changed."
        )
    return 0


def _where_the_cluster_is(means: Means, environment: Mapping[str, str]) -> Means:
    """Look for the cluster where it is when nobody said where to look.

    Raises:
        TargetNotFound: A zone was named, and there is none of that name.
    """
    settings = means.settings
    if settings.sources[table.ZONE.name] != DEFAULT:
        _check_zone(means)
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
        warn=_warn,
    )


def what_if(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Foretell what a loss, a removal or an addition would come to; changes nothing."""
    question = whatif.parse_question(found.question)
    place = find_place(settings, environment)
    means = _where_the_cluster_is(
        assemble(settings, place, environment, stopping=_stopping(print), warn=_warn), environment
    )
    seen = means.observer.observe()
    answer = whatif.forecast(question, seen, means.inherit(seen).blueprint)
    if found.json:
        _out(json.dumps(forecast_object(answer)))
    else:
        _out("\n".join(forecast_lines(answer)))
    return 0


def change(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Carry out a verb that changes the cluster."""
    intent = settings.intent
    assert intent is not None  # noqa: S101 - these two commands always have one
    _greet(found, settings)
    refusal = _not_on_compute_engine_yet(settings)
    if refusal is not None:
        return _show_refusal(found, intent.verb, refusal)
    place = find_place(settings, environment)
    notes: list[Callable[..., None]] = []
    screen = Screen(
        stream=sys.stderr if found.json else sys.stdout,
        note=lambda event, **facts: notes[0](event, **facts) if notes else None,
        live=sys.stdout.isatty() and not found.json and not settings.no_color,
    )
    last_words: list[str] = []
    stopping = _stopping(screen.say, last_words)
    stopping.install()
    means = assemble(settings, place, environment, stopping=stopping, warn=_warn)
    notes.append(means.journal.write)
    job = _job(found, means, screen)
    last_words += ["Stopped at once. To go on, run:", same_again(job, _blueprint(job))]
    try:
        _check_zone(means)
        result = run(job)
    except HakubeError as error:
        error.changed = screen.began
        if not isinstance(error, TargetNotFound):  # no command goes on in a zone that is not there
            _add_resume_command(job, error)
        raise
    finally:
        screen.close()
    if found.json:
        _out(json.dumps(result_object(result)))
    return result.exit_status


def _job(found: Arguments, means: Means, screen: Screen) -> Job:
    intent = means.settings.intent
    assert intent is not None  # noqa: S101 - `change` has looked
    return Job(
        intent=intent,
        gateway=means.gateway,
        observe=means.observer.observe,
        inherit=means.inherit,
        forbidden=lambda _seen: (),
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


def _add_resume_command(job: Job, error: HakubeError) -> None:
    """Find out how to go on, from what the cluster's address remembers."""
    if isinstance(error, Locked):  # what the address remembers is another run's
        error.next_command = same_again(job, _blueprint(job))
        return
    try:
        error.next_command = resume_command(job, _blueprint(job))
    except HakubeError:
        return


def _blueprint(job: Job) -> Blueprint:
    """Give what the commands we print are made from: it takes no look at the cluster."""
    nothing = Observed(project="", region="", cluster="", server_time=job.clock.now(), zones=())
    return job.inherit(nothing).blueprint


def _check_zone(means: Means) -> None:
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


def _not_on_compute_engine_yet(settings: Settings) -> Blocker | None:
    making = settings.intent is not None and settings.intent.verb in {
        Verb.CREATE,
        Verb.REPLICATE,
        Verb.RESTORE,
    }
    if not making or settings.anonymous:
        return None
    return Blocker(
        reason="NotOnComputeEngineYet",
        message="the agent does not yet install Kubernetes on a real VM, so this version cannot "
        "make "
        "masters on real Compute Engine",
        exit_status=5,
        override="everything can be tried on this machine: KUBERNETES_PROVIDER=emulator",
    )


def _show_refusal(found: Arguments, verb: Verb, refusal: Blocker) -> int:
    for line in (*render.blocker_lines([refusal]), "Nothing was changed."):
        _warn(line)
    if found.json:
        result = Result(
            verb=verb.value,
            changed=False,
            exit_status=refusal.exit_status,
            error=refusal.message,
            reasons=(refusal.reason,),
        )
        _out(json.dumps(result_object(result)))
    return refusal.exit_status


def _greet(found: Arguments, settings: Settings) -> None:
    """Print the lines that scripts have grepped for since kube-up."""
    if found.verb == "up":
        _warn(f"... Starting cluster in {settings.zone} using provider {settings.provider}")
    elif found.verb == "down" and not found.json:
        _out(f"Bringing down cluster using provider: {settings.provider}")
    for name, value in (("Project", settings.project), ("Zone", settings.zone)):
        _warn(f"{name}: {value}")


def _stopping(say: Callable[[str], None], last_words: Sequence[str] = ()) -> Stopping:
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


def _warn(text: str) -> None:
    _say(text, sys.stderr)


def _out(text: str) -> None:
    _say(text, sys.stdout)


def _say(text: str, stream: object) -> None:
    try:
        print(text, file=stream, flush=True)  # type: ignore[call-overload]
    except OSError:  # whoever read us has gone away; the change goes on
        return
