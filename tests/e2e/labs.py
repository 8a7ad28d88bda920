"""A lab, driven by its documented commands as processes. Imports nothing of the program."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
B, C, D = ("europe-west1-b", "europe-west1-c", "europe-west1-d")


class CommandFailed(AssertionError):
    """A command ended with another status than 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """One lab's folder, and how its commands are called."""

    folder: Path
    search_path: str = os.defpath
    package: Path | None = None
    """The folder of another copy of the package; None is this checkout's own."""
    wrapper: Sequence[str] = ()
    """What stands in front of every command, such as strace."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """More of the environment."""
    timeout_s: float = 120
    """For each command."""

    def up(self, zone: str, **variables: str) -> dict[str, Any]:
        return self.hakube("up", KUBE_GCE_ZONE=zone, **variables)

    def replicate(self, zone: str) -> dict[str, Any]:
        return self.up(zone, KUBE_REPLICATE_EXISTING_MASTER="true")

    def remove(self, zone: str, name: str) -> dict[str, Any]:
        named = {"KUBE_REPLICA_NAME": name, "KUBE_DELETE_NODES": "false"}
        return self.hakube("down", KUBE_GCE_ZONE=zone, **named)

    def hakube(self, *words: str, **variables: str) -> dict[str, Any]:
        """Run a command and return its JSON object.

        Raises:
            CommandFailed: It ended with another status than 0, or not in time.
        """
        # -I would hide the copy from it, and the observer who comes in by PYTHONPATH.
        isolated = [] if self.package or "PYTHONPATH" in self.variables else ["-I"]
        argv = [sys.executable, *isolated, "-m", "hakube_gce", *words, "--output", "json"]
        try:
            ended = subprocess.run(
                [*self.wrapper, *argv],
                env=self.environment(**variables),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=self.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as expired:
            raise CommandFailed(
                f"{words} took over {self.timeout_s} s: {expired.stderr!r}"
            ) from None
        if ended.returncode != 0:
            raise CommandFailed(f"{words}: status {ended.returncode}\n{ended.stderr}")
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def environment(self, **more: str) -> dict[str, str]:
        base = {
            "PATH": self.search_path,
            "HOME": str(self.folder),
            "KUBERNETES_PROVIDER": "emulator",
            "HAKUBE_HOME": str(self.folder / "home"),
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "HAKUBE_ENV_FILE": "off",
            "KUBE_CREATE_NODES": "false",  # but for tests of nodes
            "KUBE_GCE_ZONE": B,
        }
        if self.package is not None:
            base["PYTHONPATH"] = str(self.package)
        return base | dict(self.variables) | more

    def vms(self) -> dict[str, dict[str, Any]]:
        """List the lab's VMs by name."""
        return {vm["name"]: vm for vm in self.hakube("emulator", "status")["vms"]}

    def destroy(self) -> None:
        if (self.folder / "home/emulator").exists():
            self.hakube("emulator", "destroy")
