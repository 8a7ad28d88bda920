"""The tour behind scripts/try: a master becomes three, loses one, gets it back, ends as none.

Every command is the documented one, run as a process; between every two of them the machine
forgets everything (keys, journal, kubeconfig), as if each ran on a fresh CI machine. However it
ends, no process and no folder is left behind, but for logs when something was not as it must be.
"""

from __future__ import annotations

import argparse
import getpass
import shlex
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import checker
import telling
from machine import ROOT, CommandFailed, Interrupted, Machine
from prober import PROBES_PER_SECOND
from stops import (
    CONFIG_MAPS,
    CONTEXT,
    FIRST,
    OBJECT,
    PROJECT,
    SAID,
    B,
    C,
    D,
    Stops,
    TourFailed,
    equal,
)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LAST_WORD_S = 5.0


def walk(stops: Stops) -> None:
    """Go through the whole lifecycle."""
    _create(stops)
    second = _replicate(stops, C)
    stops.expect(voters=[FIRST, second], endpoint="load-balancer")
    third = _replicate(stops, D)
    stops.expect(voters=[FIRST, second, third], endpoint="load-balancer")
    stops.kill(second)
    _remove(stops, C, second)
    stops.expect(voters=[FIRST, third], endpoint="load-balancer")
    replacement = _replicate(stops, C)
    stops.expect(voters=[FIRST, third, replacement], endpoint="load-balancer")
    _remove(stops, D, "")
    stops.expect(voters=[FIRST, replacement], endpoint="load-balancer")
    _remove(stops, C, replacement)
    stops.expect(voters=[FIRST], endpoint="vm")
    _read_back(stops)
    _tear_down(stops)


def _create(stops: Stops) -> None:
    stops.command("kube-up.sh", MULTIZONE="true", KUBE_GCE_ZONE=B, ENABLE_ETCD_QUORUM_READS="true")
    stops.take_kubeconfig()
    stops.start_probing()
    body = {"kind": "ConfigMap", "metadata": {"name": OBJECT}, "data": {"said": SAID}}
    code, _ = checker.call_api(stops.known_access(), "POST", CONFIG_MAPS, body)
    equal("writing an object", code, 201)
    stops.expect(voters=[FIRST], endpoint="vm")


def _replicate(stops: Stops, zone: str) -> str:
    result = stops.command("kube-up.sh", KUBE_GCE_ZONE=zone, KUBE_REPLICATE_EXISTING_MASTER="true")
    return str(result["replica"])


def _remove(stops: Stops, zone: str, name: str) -> None:
    named = {"KUBE_REPLICA_NAME": name} if name else {}
    stops.command("kube-down.sh", KUBE_DELETE_NODES="false", KUBE_GCE_ZONE=zone, **named)


def _read_back(stops: Stops) -> None:
    """Find the first object in etcd, through etcd's own port; and learn what took part."""
    machine = stops.machine
    tls = machine.hakube("emulator", "env", FIRST)
    url = tls["ETCDCTL_ENDPOINTS"]
    value = checker.read_key(url, tls, f"/registry/configmaps/default/{OBJECT}")
    if value is None or SAID.encode() not in value:
        raise TourFailed("the object written at the start is not in etcd any more")
    stops.ok("etcd's own port: the object written at the start is still there")
    _, api = checker.call_api(stops.known_access(), "GET", "/version")
    stops.versions = telling.versions(
        hakube=machine.version(), etcd=checker.etcd_version(url, tls), api=api
    )
    stops.rest()


def _tear_down(stops: Stops) -> None:
    stops.stop_probing()
    stops.command("kube-down.sh", KUBE_GCE_ZONE=B)
    lab = stops.machine.hakube("emulator", "status")
    for kind in checker.KINDS:
        left = [r["name"] for r in checker.list_compute(lab["compute_endpoint"], PROJECT, kind)]
        equal(f"what is left of {kind}", left, [])
    equal("VMs left in the lab", lab["vms"], [])
    named = checker.has_context(stops.machine.kubeconfig, CONTEXT)
    equal("the kubeconfig names the cluster", named, False)
    stops.ok(f"Compute API: nothing is left of {len(checker.KINDS)} kinds of resources")


# ----------------------------------------------------------------------------------- begin and end


def main() -> int:
    """Walk the tour; exit 0 when everything was as it must be, 1 when not, 128+N for a signal."""
    chosen = _arguments()
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="hakube-try-"))
    stops = Stops(machine=Machine(bin=chosen.bin.absolute(), folder=folder))
    began = time.monotonic()
    problem, status = "", 0
    try:
        print(telling.opening(folder, user=getpass.getuser(), rate=PROBES_PER_SECOND), flush=True)
        walk(stops)
    except Interrupted as signalled:
        problem, status = f"interrupted by {signalled}", 128 + signalled.number
    except (TourFailed, CommandFailed) as failure:
        problem, status = str(failure), 1
    except (OSError, KeyError, StopIteration, ValueError, TypeError) as failure:
        problem, status = f"{type(failure).__name__}: {failure}", 1
    finally:
        for number in SIGNALS:  # what follows leaves nothing behind: it must not be cut short
            signal.signal(number, signal.SIG_IGN)
        stops.stop_probing()
        evidence = stops.evidence(problem, seconds=time.monotonic() - began)
        kept = _keep_logs(stops.machine) if status == 1 else None
        keep = chosen.keep and status < 128  # whoever says Ctrl-C wants it gone
        left = [] if keep else _leave(stops.machine)
    _tell(evidence | {"left_behind": left}, written_to=chosen.json, logs=kept)
    if keep:
        _tell_how_to_go_on(stops.machine)
    return status or int(bool(left))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/try",
        description="Watch a master become three and shrink back, on this machine.",
    )
    evidence = ROOT / ".cache" / "try.json"
    parser.add_argument(
        "--json", metavar="FILE", type=Path, default=evidence, help="where the evidence goes"
    )
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    parser.add_argument("--bin", type=Path, default=ROOT / "bin", help=argparse.SUPPRESS)
    return parser.parse_args()


def _interrupt(number: int, _frame: object) -> None:
    raise Interrupted(number)


def _keep_logs(machine: Machine) -> Path:
    kept = Path(tempfile.mkdtemp(prefix="hakube-try-logs-"))
    machine.keep_logs(kept)
    return kept


def _leave(machine: Machine) -> list[str]:
    """End the lab and remove the folder; returns what could not be made to go."""
    left = []
    try:
        machine.hakube("emulator", "destroy")
    except (CommandFailed, OSError) as failure:
        left.append(f"the lab: {failure}")
    deadline = time.monotonic() + _LAST_WORD_S
    while checker.processes_naming(str(machine.folder)) and time.monotonic() < deadline:
        time.sleep(0.05)  # noqa: TID251 - processes take a moment to end
    running = checker.processes_naming(str(machine.folder))
    left += [f"process {pid} ({name})" for pid, name in running.items()]
    shutil.rmtree(machine.folder, ignore_errors=True)
    if machine.folder.exists():
        left.append(f"the folder {machine.folder}")
    return left


def _tell_how_to_go_on(machine: Machine) -> None:
    exports = " ".join(f"{k}={shlex.quote(v)}" for k, v in machine.exports().items())
    print(f"\nThe lab goes on: export {exports}")
    print(f"To end it: {ROOT}/.venv/bin/hakube emulator destroy; rm -r {machine.folder}")


def _tell(evidence: dict[str, Any], *, written_to: Path, logs: Path | None) -> None:
    """Sum up, and say where more stands."""
    where = telling.write_evidence(written_to, evidence)
    if evidence["stops"]:
        print(f"\n{telling.table(evidence['stops'])}")
    print(f"\nevidence: {where}", flush=True)
    for thing in evidence["left_behind"]:
        print(f"LEFT BEHIND: {thing}", file=sys.stderr)
    problem, seconds = evidence["problem"], evidence["seconds"]
    if logs is not None:
        shutil.copy(where, logs) if Path(where).is_file() else None
        print(f"logs of the lab: {logs}", file=sys.stderr)
        print(f"The tour FAILED after {seconds:.0f} s: {problem}", file=sys.stderr)
    elif problem:
        gone = "" if evidence["left_behind"] else "; its lab and its folder are gone"
        print(f"The tour was {problem} after {seconds:.0f} s{gone}.", file=sys.stderr)
    elif not evidence["left_behind"]:
        print(f"All of it held, in {seconds:.0f} s.")


if __name__ == "__main__":
    sys.exit(main())
