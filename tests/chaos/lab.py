"""The lab that chaos is made in, driven by the documented commands as processes.

It runs them and tells how they ended; it judges none of them.
"""

import json
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.labs import ROOT, Lab

COMMAND_TIMEOUT_S = 180
TERMINATION_S = 15


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


class Over(Exception):
    """Everything is being ended: no other command begins."""


@dataclass(slots=True, kw_only=True)
class Operator:
    """Gives the documented commands; safe to use from several threads."""

    lab: Lab
    _running: set["subprocess.Popen[str]"] = field(default_factory=set)
    _over: bool = False
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def script(self, name: str, **variables: str) -> Ran:
        """Run ``bin/kube-up.sh`` or ``bin/kube-down.sh``."""
        return self._run(f"bin/{name}", [str(ROOT / "bin" / name)], variables)

    def hakube(self, *words: str, **variables: str) -> Ran:
        """Run ``hakube`` with a verb of its own."""
        program = str(ROOT / ".venv/bin/hakube")
        return self._run(f"hakube {' '.join(words)}", [program, *words], variables)

    def replicate(self, zone: str) -> Ran:
        return self.script("kube-up.sh", KUBE_GCE_ZONE=zone, KUBE_REPLICATE_EXISTING_MASTER="true")

    def remove(self, zone: str, name: str) -> Ran:
        return self.script(
            "kube-down.sh",
            KUBE_DELETE_NODES="false",
            KUBE_GCE_ZONE=zone,
            KUBE_REPLICA_NAME=name,
        )

    def end(self) -> None:
        """End what runs, and begin nothing any more: a command could make the lab anew."""
        with self._guard:
            self._over = True
            running = tuple(self._running)
        for child in running:
            _end(child)

    def _run(self, name: str, argv: Sequence[str], variables: Mapping[str, str]) -> Ran:
        began = time.monotonic()
        child = self._start([*argv, "--output", "json"], variables)
        status: int | None = None
        try:
            output, errors = child.communicate(timeout=COMMAND_TIMEOUT_S)
            status = child.returncode
        except subprocess.TimeoutExpired:
            _end(child)
            output, errors = child.communicate()
        except BaseException:
            _end(child)
            raise
        finally:
            with self._guard:
                self._running.discard(child)
        return Ran(
            shown=" ".join([*(f"{k}={v}" for k, v in variables.items()), name]),
            status=status,
            seconds=round(time.monotonic() - began, 2),
            result=_object(output),
            said=tuple(errors.splitlines()),
        )

    def _start(self, argv: Sequence[str], variables: Mapping[str, str]) -> "subprocess.Popen[str]":
        with self._guard:
            if self._over:
                raise Over(" ".join(argv))
            child = subprocess.Popen(
                argv,
                env=self.lab.environment(**variables),
                cwd=self.lab.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            self._running.add(child)
            return child


def _end(child: "subprocess.Popen[str]") -> None:
    """End a command: by the signal that has it close what it opened, then by force."""
    child.terminate()
    try:
        child.wait(timeout=TERMINATION_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _object(output: str) -> dict[str, Any]:
    try:
        found = json.loads(output)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
