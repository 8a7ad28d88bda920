"""``python -m hakube_gce.emulator serve``: the daemon. People use ``hakube emulator`` instead."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hakube_gce.emulator.daemon import RUNTIMES, Wish, run


def main(argv: Sequence[str]) -> int:
    """Run the daemon in the foreground, or detached from whoever started it."""
    parser = argparse.ArgumentParser(prog="python -m hakube_gce.emulator")
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="serve one lab until SIGTERM")
    serve.add_argument("--home", type=Path, required=True)
    serve.add_argument("--port", type=int, default=0)
    serve.add_argument("--runtime", choices=RUNTIMES, required=True)
    serve.add_argument("--latency", default="none")
    serve.add_argument("--ready-fd", type=int, default=-1)
    serve.add_argument("--detach", action="store_true")
    given = parser.parse_args(argv)
    if given.ready_fd >= 0:
        os.set_inheritable(given.ready_fd, False)
    # Before any thread: the starter waits for this process only, and the lab is nobody's child.
    if given.detach and os.fork():
        return 0
    wish = Wish(
        home=given.home,
        port=given.port,
        runtime=given.runtime,
        latency=given.latency,
        ready_fd=given.ready_fd,
    )
    return run(wish, os.environ)  # noqa: TID251 - a program's own entry; its starter chose what is in it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
