"""Command line and environment in, exit status out: the only module that reads the environment.

Puts the parts together and turns every error into words, a status and, where the run can go on,
the exact command as the last line. Decides nothing about clusters.
"""

import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from hakube_gce import arguments, dotenv_file, explain, files, gcloud_files, programs, tools
from hakube_gce.arguments import Arguments
from hakube_gce.detecting import detect
from hakube_gce.errors import HakubeError, Interrupted, SettingsError
from hakube_gce.model import Verb
from hakube_gce.render import Result, result_object
from hakube_gce.setting_sources import Reader
from hakube_gce.settings import Settings, read
from hakube_gce.terminal import say, show

RESUMABLE = frozenset({7, 9, 129, 130, 143})


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status (docs/OPERATIONS.md lists them)."""
    environment = dict(os.environ)  # noqa: TID251 - here and nowhere else
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        found = arguments.parse(words)
    except SystemExit as ended:
        if ended.code == SettingsError.exit_status and arguments.want_json(words):
            _print_usage_error(words)
        raise
    try:
        return _run(found, environment)
    except SettingsError as error:
        return _settings_error(found, error)
    except HakubeError as error:
        return _fail(found, error, environment)
    except KeyboardInterrupt:
        stopped = _stopped()
        stopped.changed = found.verb == "emulator"
        return _fail(found, stopped, environment)
    except Exception as error:  # noqa: BLE001 - the one broad handler: a bug becomes a line and a status
        return _bug(found, error)


def _run(found: Arguments, environment: Mapping[str, str]) -> int:
    if found.verb in {"shims", "completion"}:
        return tools.write_shims(found) if found.verb == "shims" else tools.print_completion(found)
    settings, problems = _read_settings(found, environment)
    if found.verb == "config":
        return _show_settings(found, settings, problems)
    if problems:
        raise SettingsError(problems)
    if found.verb == "emulator":
        # imported when it is needed: an HTTP server has no place in `--help`
        from hakube_gce.emulator.commands import main as emulator_main  # noqa: PLC0415

        home = Path(settings.home, "emulator")
        return emulator_main(
            found.rest, home=home, environ=environment, stdout=sys.stdout, stderr=sys.stderr
        )
    if found.verb == "detect":
        return detect(found, settings, environment)
    for warning in settings.warnings:
        say(f"warning: {warning}", sys.stderr)
    try:
        return _carry_out(found, settings, environment)
    except KeyboardInterrupt:  # a change has taken the signals over before it begins
        from hakube_gce.same_command import same_command  # noqa: PLC0415 - as below

        stopped = _stopped()
        stopped.next_command = same_command(found, settings, environment)
        raise stopped from None


def _stopped() -> Interrupted:
    return Interrupted("stopped by SIGINT", signal_number=2)


def _carry_out(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    from hakube_gce import commands, looks  # noqa: PLC0415 - they import as much as all of the above

    verbs = {
        "status": looks.status,
        "unlock": commands.unlock,
        "whatif": looks.what_if,
        "validate": _validate,
        "join-nodes": _join_nodes,
        "snapshot": looks.list_snapshots if found.list else commands.change,
    }
    return verbs.get(found.verb, _change)(found, settings, environment)


def _validate(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    from hakube_gce import validate  # noqa: PLC0415 - as above

    return validate.command(found, settings, environment)


def _join_nodes(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    from hakube_gce import join_nodes  # noqa: PLC0415 - as above

    return join_nodes.command(found, settings, environment)


def _change(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    from hakube_gce import commands, courses  # noqa: PLC0415 - as above

    several = {"scale": courses.scale, "replace": courses.replace, "runbook": courses.runbook}
    intent = settings.intent
    if intent is not None and intent.verb is Verb.CREATE and settings.master_zones:
        several["up"] = courses.up
    return several.get(found.verb, commands.change)(found, settings, environment)


def _read_settings(
    found: Arguments, environment: Mapping[str, str]
) -> tuple[Settings, Sequence[str]]:
    """Read the variables, those of a trustworthy .env and of gcloud's configuration included."""
    dotenv = dotenv_file.read(environment, programs.current_folder())
    if dotenv.path and dotenv.values and found.verb != "emulator":
        say(f"reading {dotenv.path}", sys.stderr)
    # whoever speaks to the emulator means it, whatever provider other commands are to have
    provider = {"KUBERNETES_PROVIDER": "emulator"} if found.verb == "emulator" else {}
    reader = Reader(
        environment={**environment, **provider},
        dotenv=dotenv.values,
        dotenv_path=dotenv.path,
        gcloud=gcloud_files.read(environment),
    )
    settings = read(reader, found.command, found.named)
    problems = [*arguments.problems(found), *dotenv.problems, *reader.problems]
    if not problems and (problem := _home_problem(settings)):
        problems.append(f"HAKUBE_HOME: {problem}; for example HAKUBE_HOME=~/.hakube")
    if settings.binaries and not Path(settings.binaries).is_dir():
        problems.append(f"HAKUBE_BINARIES={settings.binaries!a}: there is no such folder")
    return settings, problems


def _home_problem(settings: Settings) -> str:
    """Say why the state folder cannot be used; who only looks at Compute Engine writes nothing."""
    home, writes = Path(settings.home), settings.intent is not None or settings.anonymous
    return files.folder_problem(home) or (files.unwritable(home) if writes else "")


def _show_settings(found: Arguments, settings: Settings, problems: Sequence[str]) -> int:
    """Show every variable; what is wrong with some is no reason to hide the others."""
    status = SettingsError.exit_status if problems else 0
    found_out = explain.settings_object(settings, problems, status)
    show(found_out, explain.settings_lines(settings), as_json=found.json)
    if found.json:
        return status
    for warning in settings.warnings:
        say(f"warning: {warning}", sys.stderr)
    for problem in problems:
        say(f"wrong: {problem}", sys.stderr)
    return status


# --------------------------------------------------------------------------------------------
# endings


def _settings_error(found: Arguments, error: SettingsError) -> int:
    say("The environment or the command line is wrong:", sys.stderr)
    for problem in error.problems:
        say(f"  {problem}", sys.stderr)
    say("Nothing was changed.", sys.stderr)
    _print_result(found, Result(verb=found.verb, changed=False, exit_status=2, error=str(error)))
    return 2


def _fail(found: Arguments, error: HakubeError, environment: Mapping[str, str]) -> int:
    status = status_of(error)
    _, _, program = programs.here_and_now(environment)
    hint = programs.in_words(error.hint, program)
    say(f"error: {error.message}", sys.stderr)
    if hint:
        say(f"  {hint}", sys.stderr)
    if not error.changed:
        say("Nothing was changed.", sys.stderr)
    result = Result(
        verb=found.verb,
        changed=error.changed,
        exit_status=status,
        error=error.message,
        hint=hint,
        next_command=error.next_command,
    )
    _print_result(found, result)
    if status in RESUMABLE and error.next_command:
        say("To go on, run:", sys.stderr)
        say(error.next_command, sys.stderr)
    return status


def status_of(error: HakubeError) -> int:
    """Give an error's exit status; a signal's is 128 and its number."""
    if isinstance(error, Interrupted):
        return 128 + (error.signal_number or 2)
    return type(error).exit_status


def _bug(found: Arguments, error: Exception) -> int:
    if found.debug:
        traceback.print_exception(error)
    say(f"bug: {type(error).__name__}: {error}", sys.stderr)
    say("  This is our mistake. --debug shows where; please report it.", sys.stderr)
    result = Result(verb=found.verb, changed=False, exit_status=1, error=str(error))
    _print_result(found, result)
    return 1


def _print_usage_error(words: Sequence[str]) -> None:
    """Let a program that reads JSON have its object also when its command line is wrong."""
    error = f"the command line is wrong: {' '.join(words)}"
    result = Result(verb=words[0], changed=False, exit_status=2, error=error)
    say(json.dumps(result_object(result)), sys.stdout)


def _print_result(found: Arguments, result: Result) -> None:
    if found.json:
        say(json.dumps(result_object(result)), sys.stdout)
