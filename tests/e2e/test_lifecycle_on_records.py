"""The whole lifecycle through the real program, Google's client library and HTTP, in seconds.

A master becomes three, one dies and is replaced, all go again, and the project is as it was
before.
"""

import resource
import time
from pathlib import Path

import pytest

from tests.e2e.end_states import lock_and_operation
from tests.e2e.forks import Ended
from tests.e2e.lab_on_records import B, C, D, Desk, ServedLab, lab_on_records, warm_up

pytestmark = pytest.mark.forks

FIRST = "kubernetes-master"
COMMANDS_CPU_S = 6.0
"""Processor time the eight commands may take together; 1.8 s were measured on a small machine."""


def _done(ended: Ended) -> str:
    assert ended.status == 0, ended
    result = ended.result()
    assert result["changed"], ended
    return str(result["replica"] or "")


class _Lifecycle:
    """Walks through it, keeping count."""

    def __init__(self, lab: ServedLab, desk: Desk) -> None:
        self.lab, self.desk = lab, desk
        self.commands, self.cpu_s, self.wall_s = 0, 0.0, 0.0

    def does(self, *argv: str, **variables: str) -> str:
        """Run a command that must succeed; whatever it leaves is finished and unlocked."""
        ended = self.desk.run(*argv, "--output", "json", **variables)
        self.commands += 1
        self.cpu_s += ended.cpu_s
        self.wall_s += ended.wall_s
        assert not lock_and_operation(self.lab), ended
        return _done(ended)

    def repeats(self, *argv: str, status: int, **variables: str) -> Ended:
        """Run a command that must change nothing, not even for a moment."""
        before, calls = self.lab.dump(), len(self.lab.calls())
        ended = self.desk.run(*argv, **variables)
        assert ended.status == status, ended
        assert len(self.lab.calls()) == calls, ended
        assert self.lab.dump() == before
        return ended

    def replicate(self, zone: str) -> str:
        return self.does("up", KUBE_GCE_ZONE=zone, KUBE_REPLICATE_EXISTING_MASTER="true")

    def remove(self, zone: str, name: str = "") -> str:
        named = {"KUBE_REPLICA_NAME": name} if name else {}
        gone = self.does("down", KUBE_GCE_ZONE=zone, KUBE_DELETE_NODES="false", **named)
        again = {"KUBE_GCE_ZONE": zone, "KUBE_DELETE_NODES": "false", "KUBE_REPLICA_NAME": gone}
        self.repeats("down", status=3, **again)
        return gone

    def is_served_by(self, *masters: str, on: str) -> None:
        """Compare what the program says with what stands on the masters' disks."""
        status = self.desk.status()
        assert sorted(r["name"] for r in status["replicas"] if r["apiserver_ready"]) == sorted(
            masters
        )
        assert status["endpoint"]["mode"] == on
        assert self.lab.serves(status["endpoint"]["address"])
        voters = dict.fromkeys(masters, "voter")
        assert self.lab.etcd() == {f"{master}-pd": voters for master in masters}


def test_a_master_becomes_three_loses_one_and_ends_as_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warm_up()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    began_s = time.monotonic()
    with lab_on_records(tmp_path / "lab") as lab:
        walk = _Lifecycle(lab, Desk(folder=tmp_path / "desk", lab=lab))
        _walk(walk)
    wall_s = time.monotonic() - began_s
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    all_s = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
    with capsys.disabled():
        print(  # noqa: T201 - a figure for whoever reads the run
            f"\nlifecycle on records, imports apart: {walk.wall_s:.1f} s for its {walk.commands} "
            f"commands, of which {walk.cpu_s:.1f} s on a processor; {wall_s:.1f} s with all "
            f"checks, of which {all_s:.1f} s on a processor, emulator included"
        )
    assert 0.0 < walk.cpu_s < COMMANDS_CPU_S


def _walk(walk: _Lifecycle) -> None:
    lab, desk = walk.lab, walk.desk
    assert desk.status()["verdict"] == "absent"
    untouched = lab.dump()

    walk.does("up", KUBE_GCE_ZONE=B)
    walk.is_served_by(FIRST, on="vm")
    walk.repeats("up", status=0, KUBE_GCE_ZONE=B)
    second = walk.replicate(C)
    walk.is_served_by(FIRST, second, on="load-balancer")
    third = walk.replicate(D)
    walk.is_served_by(FIRST, second, third, on="load-balancer")

    lab.kill(second)
    refused = {"KUBE_GCE_ZONE": D, "KUBE_DELETE_NODES": "false"}
    assert second in walk.repeats("down", status=5, **refused).stdout
    assert walk.remove(C, second) == second
    walk.is_served_by(FIRST, third, on="load-balancer")
    replacement = walk.replicate(C)
    walk.is_served_by(FIRST, third, replacement, on="load-balancer")

    assert walk.remove(D) == third
    walk.is_served_by(FIRST, replacement, on="load-balancer")
    assert walk.remove(B, FIRST) == FIRST
    walk.is_served_by(replacement, on="vm")
    walk.repeats("down", status=5, KUBE_GCE_ZONE=C, KUBE_DELETE_NODES="false")
    walk.does("down", KUBE_GCE_ZONE=C)
    walk.repeats("down", status=0, KUBE_GCE_ZONE=C)
    assert lab.dump() == untouched
    assert lab.disks_with_data() == 0
