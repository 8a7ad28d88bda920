"""Lines to people and to pipes. A reader that has gone away never stops a change."""

import json
import sys
from collections.abc import Iterable
from typing import TextIO

from hakube_gce.errors import OutputLost


def out(text: str) -> None:
    """Print what was asked for."""
    say(text, sys.stdout)


def warn(text: str) -> None:
    """Print what goes beside it."""
    say(text, sys.stderr)


def show(value: object, lines: Iterable[str], *, as_json: bool) -> None:
    """Print what was found out, for programs or for people: nothing else was asked for.

    Raises:
        OutputLost: It could not be written, and not because its reader has gone away.
    """
    try:
        _write(json.dumps(value) if as_json else "\n".join(lines), sys.stdout)
    except BrokenPipeError:
        return
    except OSError as error:
        raise OutputLost(f"cannot write what was asked for: {error.strerror}") from error


def say(text: str, stream: TextIO) -> None:
    """Print a line; whoever read the stream may have gone away: the exit status still tells."""
    try:
        _write(text, stream)
    except OSError:
        return


def _write(text: str, stream: TextIO) -> None:
    print(text, file=stream, flush=True)
