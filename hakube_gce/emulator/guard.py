"""Ends a lab's VMs when its daemon died without doing so, be it by SIGKILL.

One small process per daemon. It waits for the end of its standard input, which the kernel closes
with the daemon, and then ends the sessions that this daemon (and no later one) had written down. A
death signal for the children will not do: Linux sends it when the *thread* that started the child
ends, and only the child gets it, not what the child started.

Run as ``python -m hakube_gce.emulator.guard MACHINES KEEPER``.
"""

import sys
from pathlib import Path

from hakube_gce.emulator.supervise import end_leftovers


def main(machines: str, keeper: str) -> None:
    """Wait for the end of input, then end what ``keeper`` left behind."""
    sys.stdin.buffer.read()
    end_leftovers(Path(machines), wanted=lambda session: session.keeper == keeper)


if __name__ == "__main__":
    main(*sys.argv[1:])
