"""The machine that the tour's commands run on: its environment, its files, and its forgetting.

Commands run as processes with their environment spelled out; nothing of the caller's shell but
what every program needs reaches them. What they say is shown at once. It judges nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PASSED_ON = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TERM", "TMPDIR", "USER")
"""What the commands get of the caller's environment: no credentials, no proxies, no PROJECT."""
LOGS = (
    "home/emulator/emulator.log",
    "home/emulator/process/disks/*/log/*",
    "home/emulator/process/vms/*/serial-*",
    "home/clusters/*/journal.jsonl",
    "forgotten-*/clusters/*/journal.jsonl",
)
"""What is worth keeping of a lab that misbehaved; no keys lie there."""


class CommandFailed(Exception):
    """A command ended otherwise than it should."""


class Interrupted(KeyboardInterrupt):
    """A signal asked the tour to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A command that ran, and how it ended."""

    shown: str
    began: float
    ended: float
    """Both by the monotonic clock."""
    said: Sequence[str]
    """The lines on its stderr."""
    result: Mapping[str, Any]
    """The JSON object on its stdout."""

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(slots=True, kw_only=True)
class Machine:
    """Where kube-up.sh and kube-down.sh are called."""

    bin: Path
    """The folder of kube-up.sh and kube-down.sh."""
    folder: Path
    forgotten: int = 0
    commands: list[str] = field(default_factory=list)
    """Every command line so far, those that only look included."""

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def exports(self) -> dict[str, str]:
        """Give what a user would export once."""
        return {
            "KUBERNETES_PROVIDER": "emulator",
            "KUBE_CREATE_NODES": "false",
            "HAKUBE_HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            "HAKUBE_ENV_FILE": "off",
        }

    def run(self, script: str, variables: Mapping[str, str]) -> Ended:
        """Run one documented command with variables in front, and show what it says.

        Raises:
            CommandFailed: It ended with another status than 0, or without its JSON object.
        """
        shown = " ".join([*(f"{k}={v}" for k, v in variables.items()), f"bin/{script}"])
        print(f"$ {shown}", flush=True)
        began = time.monotonic()
        argv = [str(self.bin / script), "--output", "json"]
        status, output, said = self._watched(shown, argv, variables)
        ended = time.monotonic()
        if status != 0:
            raise CommandFailed(f"{shown}: exit status {status}, 0 was expected")
        result = _object(shown, output)
        return Ended(shown=shown, began=began, ended=ended, said=said, result=result)

    def hakube(self, *arguments: str, show: bool = False) -> dict[str, Any]:
        """Run a `hakube` command and read its JSON object."""
        shown = f"hakube {' '.join(arguments)}"
        if show:
            print(f"$ {shown}", flush=True)
        argv = [sys.executable, "-I", "-m", "hakube_gce", *arguments, "--output", "json"]
        status, output, said = self._watched(shown, argv, {"KUBE_GCE_ZONE": "europe-west1-b"})
        if status != 0:
            raise CommandFailed(f"{shown}: exit status {status}: {' '.join(said)}")
        return _object(shown, output)

    def version(self) -> str:
        """Ask the program which it is."""
        argv = [sys.executable, "-I", "-m", "hakube_gce", "--version"]
        return self._watched("hakube --version", argv, {})[1].strip()

    def forget(self) -> None:
        """Become a fresh machine: keys, journal and kubeconfig are moved away; the lab stays."""
        self.forgotten += 1
        away = self.folder / f"forgotten-{self.forgotten}"
        away.mkdir(mode=0o700)
        for path in (self.home / "clusters", self.kubeconfig):
            if path.exists():
                shutil.move(path, away / path.name)

    def keep_logs(self, folder: Path) -> None:
        """Copy what tells why something went wrong; keys stay behind."""
        for pattern in LOGS:
            for path in self.folder.glob(pattern):
                if not path.is_file():
                    continue
                kept = folder / path.relative_to(self.folder)
                kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copyfile(path, kept)

    def _watched(
        self, shown: str, argv: Sequence[str], variables: Mapping[str, str]
    ) -> tuple[int, str, list[str]]:
        """Run a process to its end; returns status, stdout and the lines of stderr."""
        self.commands.append(shown)
        inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}  # noqa: TID251 - a program's own entry
        loud = argv[0] != sys.executable
        said: list[str] = []
        with (self.folder / "stdout").open("w+", encoding="utf-8") as output:
            child = subprocess.Popen(
                argv,
                env=inherited | self.exports() | dict(variables),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
            )
            with child:
                try:
                    for line in child.stderr or ():
                        said.append(line.rstrip())
                        if loud:
                            print(f"  | {said[-1]}", flush=True)
                    status = child.wait()
                except BaseException:
                    _end(child)
                    raise
            output.seek(0)
            return status, output.read(), said


def _object(shown: str, output: str) -> dict[str, Any]:
    try:
        found = json.loads(output)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CommandFailed(f"{shown}: no JSON object on its stdout: {output[:200]!r}")
    return found


def _end(child: subprocess.Popen[str]) -> None:
    """End a command that is under way; a terminal's Ctrl-C has told it already, so wait first."""
    for patience_s, insist in ((3.0, child.terminate), (10.0, child.kill)):
        try:
            child.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            insist()
        else:
            return
    child.wait()
