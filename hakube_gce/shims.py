"""`hakube shims DIR`: kube-up.sh, kube-down.sh and kube-util.sh that start this very program.

For whoever installed hakube as a tool and has scripts that call cluster/kube-up.sh. A file that
is not one of ours is never written over, and nothing is written while any is in the way. The
files name this program by its place, so that cron, with hardly a PATH, finds it.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hakube_gce import files, programs
from hakube_gce.errors import SettingsError, StepFailed

MARK = "# hakube-gce shim: `hakube shims` wrote it and may write over it"
_LIBRARY = Path(__file__).resolve().parent / "shell" / "kube-util.bash"
_LARGEST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Shim:
    """One file, and what became of it."""

    path: Path
    state: str
    """written, replaced or unchanged."""


def texts(checkout: Path | None, start: Sequence[str], library: Path) -> dict[str, str]:
    """Compose the three files.

    Args:
        checkout: The checkout whose scripts are meant; None for an installed program.
        start: The words that start an installed program.
        library: Where the shell functions are.
    """
    if checkout is not None:
        up, down, util = (
            shlex.quote(f"{checkout}/bin/kube-{n}.sh") for n in ("up", "down", "util")
        )
        return {
            "kube-up.sh": _script(f'exec {up} "$@"'),
            "kube-down.sh": _script(f'exec {down} "$@"'),
            "kube-util.sh": _sourced(f"source {util}"),
        }
    program, functions = shlex.join(start), shlex.quote(str(library))
    return {
        "kube-up.sh": _script(f'exec {program} up "$@"'),
        "kube-down.sh": _script(f'exec {program} down "$@"'),
        "kube-util.sh": _sourced(
            f'_hakube_start() {{ exec {program} "$@"; }}', f"source {functions}"
        ),
    }


def own_texts() -> dict[str, str]:
    """Compose the three files for this very program."""
    return texts(programs.checkout(), programs.to_start(), _LIBRARY)


def write(folder: Path, wanted: Mapping[str, str]) -> tuple[Shim, ...]:
    """Write the files into a folder, which is made if need be.

    Raises:
        SettingsError: With everything that is in the way; nothing was written.
        StepFailed: A file could not be written.
    """
    problems = [f"{folder}: {problem}" for problem in [files.folder_problem(folder)] if problem]
    states = (
        {} if problems else {name: _state(folder / name, text) for name, text in wanted.items()}
    )
    problems += [f"{folder / name}: {state.why}" for name, state in states.items() if state.why]
    if problems:
        raise SettingsError(problems)
    done: list[Shim] = []
    for name, text in wanted.items():
        path, state = folder / name, states[name].word
        if state != "unchanged":
            _put(path, text, began=any(shim.state != "unchanged" for shim in done))
        done.append(Shim(path=path, state=state))
    return tuple(done)


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What writing a file would come to."""

    word: str = ""
    why: str = ""
    """Why it must not be written."""


def _state(path: Path, text: str) -> _State:
    try:
        if not path.exists() and not path.is_symlink():
            return _State(word="written")
        if path.is_symlink() or not path.is_file():
            return _State(why="is no plain file; move it away, or name another folder")
        with path.open("rb") as file:
            present = file.read(_LARGEST_BYTES)
        executable = path.stat().st_mode & 0o777 == 0o755
    except OSError as error:
        return _State(why=f"cannot be looked at ({error.strerror})")
    if present == text.encode():
        return _State(word="unchanged" if executable else "replaced")
    if MARK.encode() not in present.split(b"\n")[:2]:
        return _State(why="is not hakube's; move it away, or name another folder")
    return _State(word="replaced")


def _put(path: Path, text: str, *, began: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_private(path, text.encode(), mode=0o755)
    except OSError as error:
        failed = StepFailed(
            f"could not write {path}: {error.strerror}",
            hint="mend that and run the same command again, or name another folder.",
        )
        failed.changed = began
        raise failed from error


def _script(*lines: str) -> str:
    return "\n".join(["#!/usr/bin/env bash", MARK, "set -euo pipefail", *lines, ""])


def _sourced(*lines: str) -> str:
    return "\n".join(
        ["# Sourced by bash scripts, never run.", MARK, "# shellcheck shell=bash", *lines, ""]
    )
