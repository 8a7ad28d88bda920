"""Lines to people and to pipes. A reader that has gone away never stops a change."""

import json
import sys
from collections.abc import Sequence
from typing import TextIO


def out(text: str) -> None:
    """Print what was asked for."""
    say(text, sys.stdout)


def warn(text: str) -> None:
    """Print what goes beside it."""
    say(text, sys.stderr)


def show(value: object, lines: Sequence[str], *, as_json: bool) -> None:
    """Print what was found out, for programs or for people."""
    out(json.dumps(value) if as_json else "\n".join(lines))


def say(text: str, stream: TextIO) -> None:
    """Print a line; whoever read the stream may have gone away: the exit status still tells."""
    try:
        print(text, file=stream, flush=True)
    except OSError:
        return
