"""Forks of the test runner that behave as programs of their own, and how they end.

A fork has everything imported already, so it starts in a hundredth of a second; and it is a real
process, so it can be killed for real.
"""

import json
import os
import re
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

STEP_LINE = re.compile(r"  .+ \d+\.\d s")
"""What the screen prints for a finished step."""


def forked(work: Callable[[], int], *, stdout: Path, stderr: Path) -> int:
    """Start a process that shares all we have imported; return its id."""
    others = [t for t in threading.enumerate() if t is not threading.main_thread()]
    for thread in others:
        thread.join(timeout=5)  # a server that an earlier test closed may still be saying goodbye
    left = [_where(thread) for thread in others if thread.is_alive()]
    assert not left, "a fork would lose threads: " + "\n".join(left)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        _be_a_program(work, stdout, stderr)
    return pid


def _where(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the way to a thread's stack
    return f"{thread.name} at {''.join(traceback.format_stack(frame)) if frame else 'its end'}"


def _be_a_program(work: Callable[[], int], stdout: Path, stderr: Path) -> NoReturn:
    status = 99
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        for path, descriptor in ((stdout, 1), (stderr, 2)):
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(file, descriptor)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
        status = work()
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 2
    except BaseException:  # noqa: BLE001 - a fork must not go on as the test runner
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


@dataclass(slots=True)
class Fuse:
    """A screen that kills its process after so many lines of finished steps."""

    stream: TextIO
    left: int

    def write(self, text: str) -> int:
        """Pass text on; the last permitted step line is the last thing this process does."""
        written = self.stream.write(text)
        if STEP_LINE.fullmatch(text):
            self.left -= 1
            if self.left == 0:
                self.stream.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        return written

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    status: int
    """Exit status, or minus the signal that killed it."""
    stdout: str
    stderr: str
    cpu_s: float
    """Processor time of the command alone, user and system."""
    wall_s: float

    @property
    def steps(self) -> list[str]:
        """The lines of finished steps."""
        return [line for line in self.stdout.splitlines() if STEP_LINE.fullmatch(line)]

    @property
    def last_line(self) -> str:
        """The last thing a person sees on stderr."""
        return (self.stderr.splitlines() or [""])[-1]

    def result(self) -> dict[str, Any]:
        """The object of ``--output json``."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def __str__(self) -> str:
        return f"status {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A command that runs."""

    pid: int
    out: Path
    err: Path
    began_s: float

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def has_ended(self) -> bool:
        """Tell whether it is over; `wait` tells how."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait(self) -> Ended:
        """Wait for its end; the process is gone for good afterwards, not a zombie."""
        _, raw, usage = os.wait4(self.pid, 0)
        wall_s = time.monotonic() - self.began_s
        said = [
            path.read_text(encoding="utf-8") if path.exists() else ""
            for path in (self.out, self.err)
        ]
        return Ended(
            status=os.waitstatus_to_exitcode(raw),
            stdout=said[0],
            stderr=said[1],
            cpu_s=usage.ru_utime + usage.ru_stime,
            wall_s=wall_s,
        )
