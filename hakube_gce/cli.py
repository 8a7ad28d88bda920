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
from typing import TextIO

from hakube_gce import arguments, dotenv_file, files, programs, tools
from hakube_gce.arguments import Arguments
from hakube_gce.detecting import detect
from hakube_gce.errors import HakubeError, Interrupted, SettingsError
from hakube_gce.render import Result, result_object
from hakube_gce.settings import Settings

RESUMABLE = frozenset({7, 9, 129, 130, 143})


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status (docs/OPERATIONS.md lists them)."""
    environment = dict(os.environ)  # noqa: TID251 - here and nowhere else
    found = arguments.parse(list(sys.argv[1:] if argv is None else argv))
    try:
        return _run(found, environment)
    except SettingsError as error:
        return _settings_error(found, error)
    except HakubeError as error:
        return _fail(found, error, environment)
    except KeyboardInterrupt:  # a change has taken the signals over before it begins
        stopped = Interrupted("stopped by SIGINT", signal_number=2)
        stopped.changed = found.verb == "emulator"
        return _fail(found, stopped, environment)
    except Exception as error:  # noqa: BLE001 - the one broad handler: a bug becomes a line and a status
        return _bug(found, error)


def _run(found: Arguments, environment: Mapping[str, str]) -> int:
    if found.verb in {"shims", "completion"}:
        return tools.write_shims(found) if found.verb == "shims" else tools.print_completion(found)
    settings = read_settings(found, environment)
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
        _print(f"warning: {warning}", sys.stderr)
    from hakube_gce import commands  # noqa: PLC0415 - its imports take as long as all of the above

    looking = {
        "status": commands.status,
        "unlock": commands.unlock,
        "whatif": commands.what_if,
    }
    if found.list:
        return commands.list_snapshots(found, settings, environment)
    return looking.get(found.verb, commands.change)(found, settings, environment)


def read_settings(found: Arguments, environment: Mapping[str, str]) -> Settings:
    """Read the variables, those of a trustworthy .env included.

    Raises:
        SettingsError: With every problem there is, in .env and in the variables.
    """
    dotenv = dotenv_file.read(environment, programs.current_folder())
    of_arguments = arguments.problems(found)
    if dotenv.path and dotenv.values and found.verb != "emulator":
        _print(f"reading {dotenv.path}", sys.stderr)
    try:
        settings = Settings.parse(
            environment,
            command=found.command,
            dotenv=dotenv.values,
            dotenv_path=dotenv.path,
            named=found.named,
        )
    except SettingsError as error:
        raise SettingsError([*of_arguments, *dotenv.problems, *error.problems]) from None
    if of_arguments or dotenv.problems:
        raise SettingsError([*of_arguments, *dotenv.problems])
    if problem := files.folder_problem(Path(settings.home)):
        raise SettingsError([f"HAKUBE_HOME: {problem}; for example HAKUBE_HOME=~/.hakube"])
    return settings


# --------------------------------------------------------------------------------------------
# endings


def _settings_error(found: Arguments, error: SettingsError) -> int:
    _print("The environment or the command line is wrong:", sys.stderr)
    for problem in error.problems:
        _print(f"  {problem}", sys.stderr)
    _print("Nothing was changed.", sys.stderr)
    _print_result(found, Result(verb=found.verb, changed=False, exit_status=2, error=str(error)))
    return 2


def _fail(found: Arguments, error: HakubeError, environment: Mapping[str, str]) -> int:
    status = status_of(error)
    _, _, program = programs.to_print(environment.get("PATH", ""), folder=programs.here())
    hint = programs.in_words(error.hint, program)
    _print(f"error: {error.message}", sys.stderr)
    if hint:
        _print(f"  {hint}", sys.stderr)
    if not error.changed:
        _print("Nothing was changed.", sys.stderr)
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
        _print("To go on, run:", sys.stderr)
        _print(error.next_command, sys.stderr)
    return status


def status_of(error: HakubeError) -> int:
    """Give an error's exit status; a signal's is 128 and its number."""
    if isinstance(error, Interrupted):
        return 128 + (error.signal_number or 2)
    return type(error).exit_status


def _bug(found: Arguments, error: Exception) -> int:
    if found.debug:
        traceback.print_exception(error)
    _print(f"bug: {type(error).__name__}: {error}", sys.stderr)
    _print("  This is our mistake. --debug shows where; please report it.", sys.stderr)
    result = Result(verb=found.verb, changed=False, exit_status=1, error=str(error))
    _print_result(found, result)
    return 1


def _print_result(found: Arguments, result: Result) -> None:
    if found.json:
        _print(json.dumps(result_object(result)), sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except OSError:  # whoever read us has gone away; the exit status still tells
        return
