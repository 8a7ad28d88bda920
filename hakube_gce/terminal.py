"""Lines to people and to pipes. A reader that has gone away never stops a change."""

import sys
from typing import TextIO


def out(text: str) -> None:
    """Print what was asked for."""
    say(text, sys.stdout)


def warn(text: str) -> None:
    """Print what goes beside it."""
    say(text, sys.stderr)


def say(text: str, stream: TextIO) -> None:
    """Print a line; whoever read the stream may have gone away: the exit status still tells."""
    try:
        print(text, file=stream, flush=True)
    except OSError:
        return
