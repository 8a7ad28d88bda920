"""When a lock's holder is certainly gone: only a process of this very host that has ended."""

import os
from datetime import UTC, datetime

from hakube_gce import holder
from hakube_gce.model import Lock


def _lock(*, host: str, pid: int) -> Lock:
    until = datetime(2026, 1, 1, tzinfo=UTC)
    return Lock(
        nonce="0", holder="somebody", host=host, pid=pid, epoch=1, since=until, until=until
    )


def _ended_child() -> int:
    """Start a process that ends at once; it is a zombie until somebody waits for it."""
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


def test_a_running_process_holds_its_lock() -> None:
    assert not holder.is_gone(_lock(host=holder.this_process().host, pid=os.getpid()))


def test_an_ended_process_is_gone_noticed_by_its_parent_or_not() -> None:
    pid = _ended_child()
    lock = _lock(host=holder.this_process().host, pid=pid)
    assert holder.is_gone(lock), "a zombie holds nothing"
    os.waitpid(pid, 0)
    assert holder.is_gone(lock)


def test_of_another_hosts_process_nothing_is_known() -> None:
    pid = _ended_child()
    os.waitpid(pid, 0)
    assert not holder.is_gone(_lock(host="another", pid=pid))
    assert not holder.is_gone(_lock(host="", pid=pid))
