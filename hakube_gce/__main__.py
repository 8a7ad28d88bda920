"""``python -m hakube_gce`` and the ``hakube`` command."""

import os
import sys


def main() -> int:
    """Run the program; a reader that has gone away does not change its exit status."""
    _open_standard_streams()
    try:
        from hakube_gce.cli import main as run  # noqa: PLC0415 - takes long enough to be stopped in
    except KeyboardInterrupt:
        sys.stderr.write("error: stopped by SIGINT\nNothing was changed.\n")
        return 130
    try:
        return run()
    finally:  # also when argparse ends the program: `--help` has a reader, too
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                # the interpreter flushes once more at its end and would exit 120 for it
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _open_standard_streams() -> None:
    """Let a program that was started with `>&-` print to nowhere: its change must not end in 1."""
    # each new descriptor is the lowest that is free
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


if __name__ == "__main__":
    sys.exit(main())
