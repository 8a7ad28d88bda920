"""A lab's processes, found by the kernel's own table and signalled safely.

A VM of the ``process`` runtime is a session of processes; its etcd names master and folder on its
command line. A signal goes only to a process that is still the one that was found.
"""

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process at the moment it was found."""

    pid: int
    session: int
    """The VM it belongs to."""
    started: str
    """By the kernel's clock: with the pid it is nobody else."""
    words: tuple[str, ...]


def etcds(lab: Path) -> dict[str, Process]:
    """Find the etcd of every master of the lab in a folder, by the master's name."""
    return {
        word.removeprefix("--name="): process
        for process in _all()
        if any(str(lab) in word for word in process.words)
        and Path(process.words[0]).name == "etcd"
        for word in process.words
        if word.startswith("--name=")
    }


def machine_of(etcd: Process) -> list[Process]:
    """Find all that an etcd's VM consists of."""
    return [process for process in _all() if process.session == etcd.session]


def send(processes: Iterable[Process], number: signal.Signals) -> int:
    """Signal processes that are still there; returns how many were."""
    return sum(_send(process, number) for process in processes)


def _send(process: Process, number: signal.Signals) -> bool:
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        # The handle is of whoever has the number now; if that is still the one, it is for good.
        if _look(process.pid) != process:
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def _all() -> list[Process]:
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [found for pid in pids if (found := _look(pid)) is not None]


def _look(pid: int) -> Process | None:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None  # it has ended
    if not words or fields[0] == "Z":
        return None
    return Process(
        pid=pid, session=int(fields[3]), started=fields[19], words=tuple(words.split("\0"))
    )
