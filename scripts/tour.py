"""The guided tour behind scripts/try: a master becomes three, loses one, gets it back, ends as none.

Every command is the documented one, run as a process with its environment spelled out; between every two
commands this machine forgets everything (keys, journal, kubeconfig), as a fresh CI machine would. What
the commands claim is checked by `checker`, which imports nothing of the program.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import checker

ROOT = Path(__file__).resolve().parent.parent
CONTEXT = "hakube-lab_kubernetes"
OBJECT = "written-at-the-start"
B, C, D = ("europe-west1-b", "europe-west1-c", "europe-west1-d")


class TourFailed(Exception):
    """Something was not as it must be."""


@dataclass(slots=True, kw_only=True)
class Tour:
    """One walk through the lifecycle."""

    bin: Path
    folder: Path
    evidence: dict[str, Any] = field(default_factory=lambda: {"schema_version": 1, "stops": []})
    prober: checker.Prober | None = None
    access: checker.Access | None = None
    forgotten: int = 0

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def environment(self, **more: str) -> dict[str, str]:
        """What a user would export once, and then what stands in front of each command."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "HAKUBE"))}
        base = {
            "KUBERNETES_PROVIDER": "emulator",
            "HAKUBE_HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            "HAKUBE_ENV_FILE": "off",
        }
        return clean | base | more

    # ------------------------------------------------------------------------------------- commands

    def run(self, script: str, **variables: str) -> dict[str, Any]:
        """Run one documented command, show it, and check what can be checked after each."""
        shown = " ".join([*(f"{k}={v}" for k, v in variables.items()), f"bin/{script}"])
        print(f"\n$ {shown}", flush=True)
        began = time.monotonic()
        ended = subprocess.run(  # noqa: S603 - argv is built here
            [str(self.bin / script), "--output", "json"],
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        seconds = time.monotonic() - began
        if ended.returncode != 0:
            raise TourFailed(f"{shown}: exit status {ended.returncode}\n{ended.stdout}")
        result: dict[str, Any] = json.loads(ended.stdout)
        stop = {"command": shown, "seconds": round(seconds, 2), "result": result}
        stop |= self._check_window(result, began, time.monotonic())
        self.evidence["stops"].append(stop)
        print(f"  ({seconds:.1f} s)", flush=True)
        return result

    def hakube(self, *arguments: str) -> Any:
        """Run a `hakube` command and read its JSON."""
        ended = subprocess.run(  # noqa: S603 - argv is built here
            [sys.executable, "-I", "-m", "hakube_gce", *arguments, "--output", "json"],
            env=self.environment(KUBE_GCE_ZONE=B),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )
        if ended.returncode != 0:
            raise TourFailed(f"hakube {' '.join(arguments)}: exit status {ended.returncode}")
        return json.loads(ended.stdout) if ended.stdout.strip() else None

    def forget(self) -> None:
        """Become a fresh machine: keys, journal and kubeconfig are moved away; the lab stays."""
        self.forgotten += 1
        away = self.folder / f"forgotten-{self.forgotten}"
        away.mkdir(mode=0o700)
        for path in (self.home / "clusters", self.kubeconfig):
            if path.exists():
                shutil.move(path, away / path.name)

    # --------------------------------------------------------------------------------------- checks

    def expect(self, *, voters: Sequence[str], endpoint: str) -> None:
        """Compare what the program says with what etcd and the cluster IP say."""
        status = self.hakube("status")
        said = sorted(r["name"] for r in status["replicas"] if r["apiserver_ready"])
        _equal("masters ready by status", said, sorted(voters))
        _equal("endpoint by status", status["endpoint"]["mode"], endpoint)
        _equal(
            "members by etcd's own port", self.members(voters[0]), dict.fromkeys(voters, "voter")
        )
        code, _ = checker.call_api(self._access(), "GET", "/version")
        _equal("the cluster IP's answer", code, 200)
        print(f"  checked: {len(voters)} voter(s), cluster IP on the {endpoint}", flush=True)
        self.evidence["stops"][-1]["status"] = status

    def members(self, vm: str) -> dict[str, str]:
        """Ask etcd itself who is a member."""
        return checker.members(self.etcd(vm))

    def etcd(self, vm: str) -> dict[str, str]:
        """Get what `hakube emulator env` tells about a VM's etcd."""
        found: dict[str, Any] = self.hakube("emulator", "env", vm)
        return {k: str(v) for k, v in found.items() if k.startswith("ETCDCTL_")}

    def _access(self) -> checker.Access:
        if self.access is None:
            raise TourFailed("the kubeconfig was never written")
        return self.access

    def _check_window(
        self, result: Mapping[str, Any], since: float, until: float
    ) -> dict[str, Any]:
        window = result.get("window")
        if self.prober is None:
            return {}
        time.sleep(0.2)  # noqa: TID251 - lets a probe that is under way end
        gap = self.prober.gap_s(since, until)
        failed = self.prober.failed(since, until)
        seen = {"checker_gap_s": round(gap, 3), "checker_failed_probes": failed}
        if window is None:
            if failed:
                raise TourFailed(f"{failed} probes failed although no address moved")
            return seen
        if abs(gap - window["seconds"]) > 0.2:
            raise TourFailed(f"printed window {window['seconds']} s, the checker saw {gap:.2f} s")
        if gap >= 2:
            raise TourFailed(f"the window took {gap:.2f} s, 2 s are allowed")
        print(f"  checked: printed {window['seconds']:.2f} s, seen from outside {gap:.2f} s")
        return seen

    def start_probing(self) -> None:
        """Take the kubeconfig apart and begin to look at the cluster IP."""
        self.access = checker.read_kubeconfig(self.kubeconfig, CONTEXT)
        self.prober = checker.Prober(self.access)
        self.prober.start()

    def write_object(self) -> None:
        """Write an object through the API, to be looked for in etcd at the end."""
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": OBJECT},
            "data": {"said": "I was here before all of you"},
        }
        path = "/api/v1/namespaces/default/configmaps"
        code, _ = checker.call_api(self._access(), "POST", path, body)
        _equal("writing an object", code, 201)

    def read_object_from_etcd(self, vm: str) -> None:
        """Find the object in etcd, through etcd's own port."""
        value = checker.read_key(self.etcd(vm), f"/registry/configmaps/default/{OBJECT}")
        if value is None or b"I was here before all of you" not in value:
            raise TourFailed("the object written at the start is not in etcd any more")
        print("  checked: the object written at the start is still in etcd", flush=True)

    def kill(self, vm: str) -> None:
        """Cut a VM's power, and see that its processes are really gone."""
        lab = self.hakube("emulator", "status")
        pids = next(v["pids"] for v in lab["vms"] if v["name"] == vm)
        if not pids or not all(checker.is_alive(p) for p in pids):
            raise TourFailed(f"{vm} should run as processes {pids} before it is killed")
        print(f"\n$ hakube emulator vm kill {vm}", flush=True)
        self.hakube("emulator", "vm", "kill", vm)
        left = [p for p in pids if checker.is_alive(p)]
        _equal(f"processes left of {vm}", left, [])
        print(f"  checked: its processes {pids} are gone", flush=True)
        self.evidence["stops"].append({"killed": vm, "pids": pids})


def _equal(what: str, seen: object, wanted: object) -> None:
    if seen != wanted:
        raise TourFailed(f"{what}: {seen!r}, but it must be {wanted!r}")


# ------------------------------------------------------------------------------------------- the tour


def walk(tour: Tour) -> None:
    """Go through the whole lifecycle."""
    first = "kubernetes-master"
    tour.run("kube-up.sh", MULTIZONE="true", KUBE_GCE_ZONE=B, ENABLE_ETCD_QUORUM_READS="true")
    tour.start_probing()
    tour.expect(voters=[first], endpoint="vm")
    tour.write_object()
    second = _replicate(tour, C)
    tour.expect(voters=[first, second], endpoint="load-balancer")
    third = _replicate(tour, D)
    tour.expect(voters=[first, second, third], endpoint="load-balancer")
    tour.forget()
    tour.kill(second)
    _settle_after_kill(tour)
    _remove(tour, C, second)
    tour.expect(voters=[first, third], endpoint="load-balancer")
    replacement = _replicate(tour, C)
    tour.expect(voters=[first, third, replacement], endpoint="load-balancer")
    _remove(tour, D, "")
    tour.expect(voters=[first, replacement], endpoint="load-balancer")
    _remove(tour, C, replacement)
    tour.expect(voters=[first], endpoint="vm")
    tour.read_object_from_etcd(first)
    _tear_down(tour)


def _replicate(tour: Tour, zone: str) -> str:
    tour.forget()
    result = tour.run("kube-up.sh", KUBE_GCE_ZONE=zone, KUBE_REPLICATE_EXISTING_MASTER="true")
    return str(result["replica"])


def _remove(tour: Tour, zone: str, name: str) -> None:
    tour.forget()
    named = {"KUBE_REPLICA_NAME": name} if name else {}
    tour.run("kube-down.sh", KUBE_DELETE_NODES="false", KUBE_GCE_ZONE=zone, **named)


def _settle_after_kill(tour: Tour) -> None:
    """Connections to a dead backend fail until the balancer has noticed; then none may any more."""
    if tour.prober is None:
        raise TourFailed("nobody looks at the cluster IP")
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        since = time.monotonic()
        time.sleep(1.0)  # noqa: TID251 - one second of probes is what is looked at
        if not tour.prober.failed(since, time.monotonic()):
            print("  checked: the cluster IP answers every probe again", flush=True)
            return
    raise TourFailed("the cluster IP still loses probes 15 s after a master was killed")


def _tear_down(tour: Tour) -> None:
    tour.forget()
    if tour.prober is not None:
        tour.prober.stop()
        tour.evidence["probes"] = {
            "good": len(tour.prober.good),
            "failed": len(tour.prober.bad),
            "per_second": checker.PROBES_PER_SECOND,
        }
        tour.prober = None
    tour.run("kube-down.sh", KUBE_GCE_ZONE=B)
    if checker.has_context(tour.kubeconfig, CONTEXT):
        raise TourFailed("the kubeconfig still names the cluster")
    left = tour.hakube("emulator", "status")["vms"]
    _equal("VMs left in the lab", left, [])


def main() -> int:
    """Walk the tour; exit 0 when everything was as it must be."""
    parser = argparse.ArgumentParser(
        prog="scripts/try",
        description="Watch a master become three and shrink back, on this machine.",
    )
    parser.add_argument("--json", metavar="FILE", help="keep the evidence in FILE")
    parser.add_argument("--bin", type=Path, default=ROOT / "bin", help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hakube-try-"))
    tour = Tour(bin=chosen.bin, folder=folder)
    began = time.monotonic()
    print(f"a lab of real etcd processes on loopback, in {folder}", flush=True)
    problem = ""
    try:
        walk(tour)
    except (TourFailed, OSError, KeyError, StopIteration, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
    except KeyboardInterrupt:
        problem = "interrupted"
    seconds = time.monotonic() - began
    tour.evidence |= {
        "passed": not problem,
        "problem": problem or None,
        "seconds": round(seconds, 1),
    }
    _end(tour, keep=chosen.keep)
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(tour.evidence, indent=1), encoding="utf-8")
    if problem:
        print(f"\nThe tour FAILED after {seconds:.0f} s: {problem}", file=sys.stderr)
        return 1
    print(f"\nAll of it held, in {seconds:.0f} s.")
    return 0


def _end(tour: Tour, *, keep: bool) -> None:
    if keep:
        print(f"\nThe lab goes on: export HAKUBE_HOME={shlex.quote(str(tour.home))}")
        return
    if tour.prober is not None:
        tour.prober.stop()
    if (tour.home / "emulator").exists():
        try:
            tour.hakube("emulator", "destroy")
        except (TourFailed, OSError, ValueError) as error:
            print(f"the lab could not be destroyed: {error}", file=sys.stderr)
            return
    shutil.rmtree(tour.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
