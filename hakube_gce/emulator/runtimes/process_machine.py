"""One VM of the process runtime: its folder, serial ports, and the session it is when it runs.

Knows how to start and end the session and how to find it; what is in the command, and what
metadata or traffic there is, others decide. Safe to use from several threads.
"""

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hakube_gce.emulator import supervise
from hakube_gce.emulator.addresses import can_bind
from hakube_gce.emulator.serial_port import SerialPort
from hakube_gce.files import make_private_folder

_PORTS_FREE_TRIES = 500
_PORTS_FREE_PAUSE_S = 0.01


class Machine:
    """A VM, on or off."""

    def __init__(self, folder: Path, *, keeper: str) -> None:
        """Keep everything in ``folder``; sessions are written down as ``keeper``'s."""
        self._folder = folder
        self._keeper = keeper
        self._guard = threading.Lock()
        self._leader: subprocess.Popen[bytes] | None = None
        self._ports = {n: SerialPort(self.serial_file(n)) for n in (1, 2)}

    def serial_file(self, port: int) -> Path:
        return self._folder / f"serial-{port}"

    def serial_port(self, port: int) -> SerialPort | None:
        """Return a serial port; None for 3 and 4, which exist and are never written to."""
        return self._ports.get(port)

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the VM's first process unless the VM runs; returns without waiting for anything.

        Args:
            command: Its arguments; output goes to serial port 1.
            environment: All it gets.

        Raises:
            OSError: It could not be started.
        """
        with self._guard:
            if self._pids():
                return
            self._reap()
            make_private_folder(self._folder)
            for port in self._ports.values():
                port.touch()
            with _append(self.serial_file(1)) as output:
                leader = subprocess.Popen(  # noqa: S603 - our own agent, no shell
                    command,
                    cwd=self._folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    umask=0o077,
                )
            self._leader = leader
            session = supervise.describe(leader.pid, keeper=self._keeper)
            supervise.write_down(session, self._folder / "session")

    def stop(self) -> None:
        """Kill all the VM consists of; returns once it is gone."""
        with self._guard:
            if self._leader is None:
                return
            supervise.end(self._leader.pid)
            self._reap()
            (self._folder / "session").unlink(missing_ok=True)

    def pids(self) -> tuple[int, ...]:
        """Return what the VM consists of now."""
        with self._guard:
            return self._pids()

    def _pids(self) -> tuple[int, ...]:
        if self._leader is None:
            return ()
        # the leader is reaped in `stop` only: until then its number is nobody else's
        return supervise.members(self._leader.pid)

    def _reap(self) -> None:
        if self._leader is not None:
            self._leader.wait()
            self._leader = None


def await_free(address: str, ports: Sequence[int]) -> None:
    """Wait until nothing listens on an address's ports any more.

    Raises:
        OSError: Five seconds later something still does.
    """
    pause = threading.Event()
    for _ in range(_PORTS_FREE_TRIES):
        taken = [port for port in ports if not can_bind(address, port)]
        if not taken:
            return
        pause.wait(_PORTS_FREE_PAUSE_S)
    msg = f"ports of {address} stay taken although its VM was ended: {ports}"
    raise OSError(msg)


@contextmanager
def _append(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        yield file
    finally:
        os.close(file)
