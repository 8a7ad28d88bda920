"""Time the whole lifecycle on records: one master becomes three, becomes one, is torn down.

    .venv/bin/python scripts/time_lifecycle.py [ROUNDS]

Six commands through the real program, Google's client library and HTTP, with latency none, in one
process, so that imports are paid once and left out. The lab is a new one in a temporary folder;
its daemon is a process of its own, whose time is in the figures. Prints JSON.
"""

import contextlib
import io
import json
import os
import statistics
import sys
import tempfile
import time

from hakube_gce import cli

B, C, D = (f"europe-west1-{letter}" for letter in "bcd")
REPLICATE = {"KUBE_REPLICATE_EXISTING_MASTER": "true"}
REMOVE = {"KUBE_DELETE_NODES": "false"}
LIFE: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("up", B, {}),
    ("up", C, REPLICATE),
    ("up", D, REPLICATE),
    ("down", D, REMOVE),
    ("down", C, REMOVE),
    ("down", B, {}),
)


def command(verb: str, zone: str, switches: dict[str, str]) -> float:
    """Run one command that must succeed; return its seconds."""
    for name in REPLICATE | REMOVE:
        os.environ.pop(name, None)  # noqa: TID251 - this script is a shell to the program
    os.environ.update(switches, KUBE_GCE_ZONE=zone)  # noqa: TID251 - as above
    said = io.StringIO()
    began_s = time.perf_counter()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = cli.main([verb])
    took_s = time.perf_counter() - began_s
    if status:
        sys.exit(f"{verb} {zone} {switches} ended with {status}\n{said.getvalue()}")
    return took_s


def main(rounds: int) -> None:
    """Live so many lives in a new lab and print the figures."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(  # noqa: TID251 - as above
            HAKUBE_HOME=home,
            KUBECONFIG=f"{home}/kubeconfig",
            KUBERNETES_PROVIDER="emulator",
            KUBE_CREATE_NODES="false",
            HAKUBE_RUNTIME="records",
            HAKUBE_LATENCY="none",
            HAKUBE_ENV_FILE="off",
        )
        try:
            command("status", B, {})
            lives_s = [[command(*step) for step in LIFE] for _ in range(rounds)]
        finally:
            with contextlib.redirect_stdout(io.StringIO()):
                cli.main(["emulator", "destroy"])
    totals_s = sorted(sum(life) for life in lives_s)
    figures = {
        "rounds": rounds,
        "lifecycle_s": {"min": totals_s[0], "median": statistics.median(totals_s)},
        "commands_median_s": [statistics.median(step) for step in zip(*lives_s, strict=True)],
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
