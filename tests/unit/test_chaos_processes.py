"""Signals of chaos go to the process that was found, and to no other."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.chaos.processes import Process, etcds, machine_of, send


@contextmanager
def etcd_of(lab: Path, name: str) -> Iterator[tuple["subprocess.Popen[bytes]", Process]]:
    """Run a program that is called etcd, in a session of its own as a VM is."""
    program = lab / "etcd"
    program.symlink_to(sys.executable)
    code = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [program, "-c", code, f"--name={name}", f"--data-dir={lab}/data"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child, etcds(lab)[name]
        assert child.stdin is not None
        child.stdin.close()


def test_an_etcd_is_found_by_its_master_in_its_own_lab_alone(tmp_path: Path) -> None:
    with etcd_of(tmp_path, "kubernetes-master") as (child, found):
        assert found.pid == child.pid
        assert [process.pid for process in machine_of(found)] == [child.pid]
        assert etcds(tmp_path / "elsewhere") == {}


def test_it_is_stopped_and_killed(tmp_path: Path) -> None:
    with etcd_of(tmp_path, "m") as (child, found):
        assert send([found], signal.SIGSTOP) == 1
        assert send([found], signal.SIGCONT) == 1
        assert send([found], signal.SIGKILL) == 1
        assert child.wait() == -signal.SIGKILL


def test_who_has_the_number_now_is_left_alone(tmp_path: Path) -> None:
    with etcd_of(tmp_path, "m") as (child, found):
        assert send([replace(found, started="1")], signal.SIGKILL) == 0
        assert child.poll() is None


def test_who_is_gone_is_no_trouble(tmp_path: Path) -> None:
    with etcd_of(tmp_path, "m") as (child, found):
        pass
    assert child.wait() == 0
    assert send([found], signal.SIGKILL) == 0
