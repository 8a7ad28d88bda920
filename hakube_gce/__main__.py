"""``python -m hakube_gce`` and the ``hakube`` command."""

import os
import sys

from hakube_gce.cli import main as run


def main() -> int:
    """Run the program; a reader that has gone away does not change its exit status."""
    status = run()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # the interpreter flushes once more at its end and would exit 120 for it
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return status


if __name__ == "__main__":
    sys.exit(main())
