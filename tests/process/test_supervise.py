"""Whatever a VM started is gone after its end, and nobody else is touched."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakube_gce.emulator import supervise
from tests.process.waiting import until

# a leader with a child and a grandchild; all wait for ever
FAMILY = """
import subprocess, sys, threading
if (depth := int(sys.argv[1])):
    subprocess.Popen([sys.executable, "-c", sys.argv[2], str(depth - 1), sys.argv[2]])
threading.Event().wait()
"""
LINGER = "import threading; threading.Event().wait()"


def start(*command: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", *command], start_new_session=True, cwd=folder)


@pytest.fixture
def family(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    leader = start(FAMILY, "2", FAMILY, folder=tmp_path)
    until(lambda: len(supervise.members(leader.pid)) == 3, "three generations run")
    yield leader
    supervise.end(leader.pid)
    leader.wait()


def test_the_end_of_a_session_is_the_end_of_all_it_started(
    family: subprocess.Popen[bytes],
) -> None:
    pids = supervise.members(family.pid)
    supervise.end(family.pid)
    assert supervise.members(family.pid) == ()
    assert family.wait() == -signal.SIGKILL
    assert len(pids) == 3


def test_a_session_is_ended_after_its_leader_died(family: subprocess.Popen[bytes]) -> None:
    family.kill()
    family.wait()
    assert len(supervise.members(family.pid)) == 2
    supervise.end(family.pid)
    assert supervise.members(family.pid) == ()


def test_a_stopped_process_is_ended_too(family: subprocess.Popen[bytes]) -> None:
    for pid in supervise.members(family.pid):
        os.kill(pid, signal.SIGSTOP)
    supervise.end(family.pid)
    assert supervise.members(family.pid) == ()


def test_other_sessions_are_not_touched(tmp_path: Path, family: subprocess.Popen[bytes]) -> None:
    with start(LINGER, folder=tmp_path) as other:
        supervise.end(family.pid)
        assert supervise.members(other.pid) == (other.pid,)
        supervise.end(other.pid)


def written(machines: Path, session: supervise.Session) -> Path:
    record = machines / "4711" / "session"
    record.parent.mkdir(parents=True, exist_ok=True)
    supervise.write_down(session, record)
    return record


def test_what_an_earlier_daemon_left_is_ended(
    tmp_path: Path, family: subprocess.Popen[bytes]
) -> None:
    record = written(tmp_path / "vms", supervise.describe(family.pid, keeper="old"))
    ended = supervise.end_leftovers(tmp_path / "vms", wanted=lambda _: True)
    assert ended == (family.pid,)
    assert supervise.members(family.pid) == ()
    assert not record.exists()


def test_a_leftover_without_its_leader_is_known_by_the_files_it_holds(
    tmp_path: Path, family: subprocess.Popen[bytes]
) -> None:
    written(tmp_path / "vms", supervise.describe(family.pid, keeper="old"))
    family.kill()
    family.wait()
    assert supervise.end_leftovers(tmp_path / "vms", wanted=lambda _: True) == (family.pid,)
    assert supervise.members(family.pid) == ()


def test_a_session_without_leader_and_without_our_files_is_left_alone(
    tmp_path: Path, family: subprocess.Popen[bytes]
) -> None:
    elsewhere = tmp_path / "another-lab"
    written(elsewhere / "vms", supervise.describe(family.pid, keeper="old"))
    family.kill()
    family.wait()
    assert supervise.end_leftovers(elsewhere / "vms", wanted=lambda _: True) == ()
    assert len(supervise.members(family.pid)) == 2


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another boot"}])
def test_a_process_id_that_was_given_away_is_left_alone(
    tmp_path: Path, family: subprocess.Popen[bytes], change: dict[str, int | str]
) -> None:
    session = supervise.describe(family.pid, keeper="old")
    written(tmp_path / "vms", supervise.Session(**(dataclasses.asdict(session) | change)))
    assert supervise.end_leftovers(tmp_path / "vms", wanted=lambda _: True) == ()
    assert len(supervise.members(family.pid)) == 3


def test_sessions_of_another_keeper_are_left_alone(
    tmp_path: Path, family: subprocess.Popen[bytes]
) -> None:
    record = written(tmp_path / "vms", supervise.describe(family.pid, keeper="new"))
    supervise.end_leftovers(tmp_path / "vms", wanted=lambda session: session.keeper == "old")
    assert len(supervise.members(family.pid)) == 3
    assert record.exists()


def test_a_damaged_record_is_passed_over(tmp_path: Path) -> None:
    record = tmp_path / "vms" / "4711" / "session"
    record.parent.mkdir(parents=True)
    record.write_text('{"sid": 1}')
    assert supervise.end_leftovers(tmp_path / "vms", wanted=lambda _: True) == ()
