"""Keeps one child process running: started again after a pause, ended with the agent.

A child never outlives the agent (PR_SET_PDEATHSIG on Linux) and gets a made environment, not
ours. It decides nothing about why a child ended; the caller gives the judgement.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import IO

from hakube_gce.agent.files import make_folder

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_TAIL_BYTES = 16 * 1024
_LOG_LIMIT_BYTES = 16 << 20

CHILD_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}


class ChildState(Enum):
    """What became of a child."""

    STOPPED = auto()
    RUNNING = auto()
    CRASHED = auto()
    """Ended by itself; it is started again after the pause."""
    FINISHED = auto()
    """Ended for good, by the caller's judgement; not started again."""


class Child:
    """One program that is to run for as long as it is wanted."""

    def __init__(
        self,
        *,
        log: Path,
        pause_s: float = 1.0,
        is_final: Callable[[str], bool] = lambda _: False,
        environment: dict[str, str] | None = None,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            log: File its output is appended to.
            pause_s: Time between an end and the next start.
            is_final: Judges the last lines it wrote: True when it must not be started again.
            environment: Its whole environment.
        """
        self._log = log
        self._pause_s = pause_s
        self._is_final = is_final
        self._environment = environment or CHILD_ENVIRONMENT
        self._state = ChildState.STOPPED
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    @property
    def state(self) -> ChildState:
        """What became of it, as of now."""
        return self._state

    @property
    def pid(self) -> int:
        """Process id, 0 when none runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def start(self, command: Sequence[str]) -> None:
        """Keep a command running from now on; no effect when something already is kept."""
        if self._thread is not None:
            return
        self._stopping.clear()
        self._state = ChildState.RUNNING
        # The kernel sends the parent-death signal when the *thread* that started the child ends:
        # the thread that starts it is the one that waits for it.
        self._thread = threading.Thread(target=self._keep, args=(tuple(command),), daemon=True)
        self._thread.start()

    def stop(self, *, timeout_s: float = 5.0) -> None:
        """End it, kindly first; it is gone when this returns."""
        thread = self._thread
        if thread is None:
            return
        self._stopping.set()
        self._signal(signal.SIGTERM)
        thread.join(timeout_s)
        if thread.is_alive():
            self._signal(signal.SIGKILL)
            thread.join()
        self._thread = None
        self._state = ChildState.STOPPED

    def _signal(self, number: signal.Signals) -> None:
        with self._guard:
            if self._process is not None:
                self._process.send_signal(number)

    def _keep(self, command: Sequence[str]) -> None:
        while not self._stopping.is_set():
            began = self._run_once(command)
            if self._stopping.is_set():
                return
            if self._is_final(self._words_since(began)):
                self._state = ChildState.FINISHED
                return
            self._state = ChildState.CRASHED
            self._stopping.wait(self._pause_s)

    def _run_once(self, command: Sequence[str]) -> int:
        """Run it until it ends; return where its words begin in the log."""
        with self._open_log() as log:
            began = log.tell()
            with self._guard:
                if self._stopping.is_set():
                    return began
                try:
                    self._process = _spawn(command, log.fileno(), self._environment)
                except OSError as error:
                    log.write(f"agent: {command[0]} does not start: {error}\n".encode())
                    return began
                self._state = ChildState.RUNNING
            self._process.wait()
        return began

    def _open_log(self) -> IO[bytes]:
        """Open the log to append; one that has grown too large begins anew."""
        make_folder(self._log.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        handle = os.open(self._log, flags, 0o600)
        log = open(handle, "ab", buffering=0)  # noqa: PTH123, SIM115 - wraps the descriptor above
        if log.seek(0, os.SEEK_END) > _LOG_LIMIT_BYTES:
            log.truncate(0)
        return log

    def _words_since(self, began: int) -> str:
        with self._log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(min(began, end), end - _TAIL_BYTES))
            return log.read().decode(errors="replace")


def _spawn(
    command: Sequence[str], log: int, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def die_with_parent() -> None:
        # Only calls that were resolved before the fork: safe beside other threads.
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it ended between fork and prctl
                os._exit(1)

    return subprocess.Popen(  # noqa: S603 - the agent's own command lines, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        close_fds=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - see inside
    )
