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
    deliver(json.dumps(value) if as_json else "\n".join(lines), sys.stdout)


def deliver(text: str, stream: TextIO, *, whole: bool = False) -> None:
    """Write what was asked for.

    Args:
        text: What it is.
        stream: Where to.
        whole: A reader that goes away has not got what it needs: half of it may do harm.

    Raises:
        OutputLost: It could not be written, and not because its reader has gone away, unless all
            of it is needed.
    """
    try:
        _write(text, stream)
    except BrokenPipeError as error:
        if whole:
            raise _lost(error) from error
    except OSError as error:
        raise _lost(error) from error


def say(text: str, stream: TextIO) -> None:
    """Print a line; whoever read the stream may have gone away: the exit status still tells."""
    try:
        _write(text, stream)
    except OSError:
        return


def _lost(error: OSError) -> OutputLost:
    return OutputLost(f"cannot write what was asked for: {error.strerror}")


def _write(text: str, stream: TextIO) -> None:
    print(text, file=stream, flush=True)
