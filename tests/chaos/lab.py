"""The lab that chaos is made in, driven by the documented commands as processes.

It runs them and tells how they ended; it judges none of them.
"""

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.labs import ROOT, Lab

COMMAND_TIMEOUT_S = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command of ours that has ended."""

    shown: str
    status: int | None
    """None: it had to be ended after `COMMAND_TIMEOUT_S`."""
    seconds: float
    result: Mapping[str, Any]
    """Its JSON object, where it printed one."""
    said: Sequence[str]
    """The lines on its stderr."""


def run_script(lab: Lab, script: str, **variables: str) -> Ran:
    """Run ``bin/kube-up.sh`` or ``bin/kube-down.sh`` as an operator does."""
    argv = [str(ROOT / "bin" / script), "--output", "json"]
    return _run(lab, f"bin/{script}", argv, variables)


def run_hakube(lab: Lab, *words: str, **variables: str) -> Ran:
    """Run ``hakube`` with a verb of its own."""
    argv = [str(ROOT / ".venv/bin/hakube"), *words, "--output", "json"]
    return _run(lab, f"hakube {' '.join(words)}", argv, variables)


def _run(lab: Lab, name: str, argv: Sequence[str], variables: Mapping[str, str]) -> Ran:
    began = time.monotonic()
    status: int | None
    try:
        ended = subprocess.run(
            argv,
            env=lab.environment(**variables),
            cwd=lab.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        status, output, errors = ended.returncode, ended.stdout, ended.stderr
    except subprocess.TimeoutExpired as expired:
        status, output, errors = None, "", str(expired.stderr)
    return Ran(
        shown=" ".join([*(f"{k}={v}" for k, v in variables.items()), name]),
        status=status,
        seconds=round(time.monotonic() - began, 2),
        result=_object(output),
        said=tuple(errors.splitlines()),
    )


def _object(output: str) -> dict[str, Any]:
    try:
        found = json.loads(output)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def replicate(lab: Lab, zone: str) -> Ran:
    return run_script(lab, "kube-up.sh", KUBE_GCE_ZONE=zone, KUBE_REPLICATE_EXISTING_MASTER="true")


def remove(lab: Lab, zone: str, name: str) -> Ran:
    return run_script(
        lab,
        "kube-down.sh",
        KUBE_DELETE_NODES="false",
        KUBE_GCE_ZONE=zone,
        KUBE_REPLICA_NAME=name,
    )
