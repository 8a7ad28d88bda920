"""Starts and ends whole sessions of processes: what a VM consists of here.

A VM's first process leads a session of its own and everything it starts stays in that session, so
that the kernel knows what belongs together. Processes are told by session, start time and open
files, never by name, and signalled through a pidfd, so that a process id that was given away
meanwhile cannot be hit. What leaves its session on purpose is not followed: nothing a VM runs here
does.
"""

import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from hakube_gce.files import write_private

_END_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it is written down beside its VM: enough to find it again, and no other."""

    sid: int
    started: int
    """The leader's start time in clock ticks since boot."""
    boot: str
    """The kernel's boot id: process ids of an earlier boot mean nothing."""
    keeper: str
    """Whose it is: a word drawn by each daemon."""


class StillRunning(RuntimeError):
    """Processes outlived SIGKILL: they hang in the kernel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stat:
    state: str
    session: int
    started: int


def describe(leader: int, *, keeper: str) -> Session:
    """Take down a session that this process just started.

    Raises:
        ProcessLookupError: The leader is gone and was reaped.
    """
    stat = _stat(leader)
    if stat is None:
        raise ProcessLookupError(leader)
    return Session(sid=leader, started=stat.started, boot=boot_id(), keeper=keeper)


def members(sid: int) -> tuple[int, ...]:
    """Return the process ids of a session that still run, in ascending order."""
    pids = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return tuple(pid for pid in pids if _runs_in(pid, sid))


def end(sid: int, *, ours: Callable[[int], bool] = lambda _: True) -> None:
    """Kill every process of a session, and return once all are gone and their sockets closed.

    Args:
        sid: The session.
        ours: Asked for each process; those it denies are left alone.

    Raises:
        StillRunning: Some were still there ten seconds later.
    """
    deadline = time.monotonic() + _END_TIMEOUT_S
    while victims := [pid for pid in members(sid) if ours(pid)]:
        # again from the start: between two looks a victim may have started another
        for pid in victims:
            _kill(pid, sid)
        for pid in victims:
            _await_end(pid, sid, deadline)
        if time.monotonic() > deadline:
            msg = f"processes {victims} of session {sid} do not end although they were killed"
            raise StillRunning(msg)


def write_down(session: Session, path: Path) -> None:
    """Keep a session's description in a file, for `end_leftovers` of a later daemon."""
    write_private(path, json.dumps(asdict(session)).encode() + b"\n")


def end_leftovers(machines: Path, *, wanted: Callable[[Session], bool]) -> tuple[int, ...]:
    """End sessions that were written down under a folder and outlived their daemon.

    Args:
        machines: Folder with one folder per VM, each holding a file ``session``.
        wanted: Asked for each description found.

    Returns:
        The sessions that still had processes.
    """
    ended = []
    home = machines.resolve().parent
    for record in sorted(machines.glob("*/session")):
        session = _read(record)
        if session is None or not wanted(session):
            continue
        if session.boot == boot_id() and _end_leftover(session, home):
            ended.append(session.sid)
        record.unlink(missing_ok=True)
    return tuple(ended)


def boot_id() -> str:
    """Return the kernel's id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _end_leftover(session: Session, home: Path) -> bool:
    leader = _stat(session.sid)
    if leader is not None and leader.started != session.started:
        return False  # the number was given to somebody else, so nothing of the session is left
    # with the leader gone, its number alone proves nothing: the rest must hold files of this lab
    left = [p for p in members(session.sid) if leader is not None or _holds_files(p, home)]
    if left:
        end(session.sid, ours=lambda pid: leader is not None or _holds_files(pid, home))
    return bool(left)


def _holds_files(pid: int, home: Path) -> bool:
    process = Path(f"/proc/{pid}")
    try:
        links = [process / "cwd", *(process / "fd").iterdir()]
    except OSError:
        return False
    return any(_leads_into(link, home) for link in links)


def _leads_into(link: Path, home: Path) -> bool:
    try:
        return link.readlink().is_relative_to(home)
    except OSError:
        return False


def _read(record: Path) -> Session | None:
    try:
        return Session(**json.loads(record.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _runs_in(pid: int, sid: int) -> bool:
    stat = _stat(pid)
    if stat is None or stat.session != sid:
        return False
    return stat.state not in "ZX" or _has_threads_left(pid)


def _has_threads_left(pid: int) -> bool:
    # a first thread that ended is a zombie while others of its process still run and hold its
    # sockets
    try:
        return len(os.listdir(f"/proc/{pid}/task")) > 1  # noqa: PTH208 - a count, no paths wanted
    except OSError:
        return False


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # the second field is the command in brackets and may hold anything, brackets too
    fields = text.rpartition(")")[2].split()
    return _Stat(state=fields[0], session=int(fields[3]), started=int(fields[19]))


@contextmanager
def _handle(pid: int, sid: int) -> Iterator[int | None]:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        stat = _stat(pid)
        yield handle if stat is not None and stat.session == sid else None
    finally:
        os.close(handle)


def _kill(pid: int, sid: int) -> None:
    with _handle(pid, sid) as handle:
        if handle is not None:
            try:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            except ProcessLookupError:
                return


def _await_end(pid: int, sid: int, deadline: float) -> None:
    with _handle(pid, sid) as handle:
        if handle is not None:
            # readable once all its threads are gone, whether or not anybody reaped it
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
