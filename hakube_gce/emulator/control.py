"""Starts, finds and ends the lab of a folder.

A running lab is believed only when its daemon holds the folder's lock and answers with the lab's
own id: never a pid file, never a fixed port. Two callers at once start one daemon. The daemon
gets a handful of harmless variables and nothing else: cloud credentials never reach it.
"""

import json
import os
import platform
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from hakube_gce import __version__
from hakube_gce.clock import SystemClock
from hakube_gce.emulator import home as labs
from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.client import AdminClient
from hakube_gce.emulator.daemon import RUNTIMES, unknown_runtime
from hakube_gce.emulator.refusals import EmulatorError
from hakube_gce.errors import SettingsError

_START_S: Final = 60.0
_STOP_S: Final = 60.0
_LOG_BYTES: Final = 1 << 20
_PASSED_ON: Final = (
    "HAKUBE_BINARIES",
    "HOME",
    "LANG",
    "LC_ALL",
    "PATH",
    "PYTHONPATH",
    "TMPDIR",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabInfo:
    """A running lab."""

    endpoint: str
    """Base URL of its Compute API, without ``/compute/v1``."""
    api_port: int
    """Where its masters' API answers."""
    runtime: str
    latency: str
    pid: int
    token: str = field(repr=False)
    home: Path

    def client(self) -> AdminClient:
        return AdminClient(port=int(self.endpoint.rsplit(":", 1)[1]), token=self.token)


def ensure_running(
    home: Path, *, runtime: str, latency: str, environ: Mapping[str, str], port: int = 0
) -> LabInfo:
    """Return the running lab of a folder; start it when none runs.

    Args:
        home: The lab's folder; made when it is not there.
        runtime: ``records`` or ``process``; empty: the lab's own, or what suits this machine.
        latency: ``none``, ``realistic`` or a file; only for a lab that is started now.
        environ: The caller's environment; little of it is passed on.
        port: Port on 127.0.0.1 for a lab that is started now; 0 takes a free one.

    Raises:
        EmulatorError: a lab of another runtime or version runs, or it does not start.
        SettingsError: the runtime lacks something on this machine, such as etcd.
    """
    if runtime and runtime not in RUNTIMES:
        raise unknown_runtime(runtime)
    home = home.absolute()
    with labs.exclusive(home):
        marker = labs.read_marker(home)
        wanted = runtime or (marker.runtime if marker else _default_runtime())
        found = _running(home)
        if found is None:
            _start(home, runtime=wanted, latency=latency or "none", port=port, environ=environ)
            found = _running(home)
            if found is None:
                raise _silent(home)
        if found.runtime != wanted:
            raise labs.other_runtime(home, found.runtime, wanted)
        return found


def find_running(home: Path) -> LabInfo | None:
    """Return the running lab of a folder, or None when none runs.

    Raises:
        EmulatorError: one runs, but does not answer as it should, or is of another version.
    """
    return _running(home.absolute())


def about(info: LabInfo) -> Json:
    """Return what a lab says of itself: ``GET lab`` of its admin API."""
    return info.client().ask("GET", "lab")


def stop(home: Path) -> bool:
    """End a lab's daemon and every process of its VMs; what it holds is kept.

    Returns:
        Whether one was running.

    Raises:
        EmulatorError: it does not end.
    """
    home = home.absolute()
    if not home.is_dir():
        return False
    with labs.exclusive(home):
        return _stop(home)


def destroy(home: Path) -> bool:
    """End a lab and remove its folder.

    Returns:
        Whether there was one.

    Raises:
        EmulatorError: the folder is no lab, or its daemon does not end; nothing was removed.
    """
    home = home.absolute()
    if not home.is_dir() and not home.is_symlink():
        return False
    if not (home / labs.MARKER).exists():
        labs.remove(home)  # which refuses, and says why
    with labs.exclusive(home):
        _stop(home)
        labs.remove(home)
    return True


def _stop(home: Path) -> bool:
    if not labs.is_running(home):
        return False
    daemon = labs.read_daemon(home)
    if daemon is None:
        raise _silent(home)
    # Whatever its version: stopping is the one request that every daemon understands.
    AdminClient(port=daemon.port, token=labs.read_token(home)).ask("POST", "shutdown")
    if not labs.await_end(home, SystemClock().sleep, timeout_s=_STOP_S):
        hint = f"look at {home / 'emulator.log'}; if need be: kill {daemon.pid}"
        raise EmulatorError(f"the emulator (pid {daemon.pid}) does not end", hint=hint)
    return True


def _running(home: Path) -> LabInfo | None:
    if not labs.is_running(home):
        return None
    daemon, marker = labs.read_daemon(home), labs.read_marker(home)
    if daemon is None or marker is None:
        raise _silent(home)
    if daemon.version != __version__:
        text = f"the emulator that runs is version {daemon.version}, this program {__version__}"
        raise EmulatorError(text, hint="run: hakube emulator stop; then the same command again")
    said = AdminClient(port=daemon.port).ask("GET", "lab")
    if (said.get("lab_id"), said.get("pid")) != (marker.lab_id, daemon.pid):
        raise _silent(home)
    return LabInfo(
        endpoint=said["compute_endpoint"],
        api_port=said["api_port"],
        runtime=said["runtime"],
        latency=said["latency"],
        pid=daemon.pid,
        token=labs.read_token(home),
        home=home,
    )


def _silent(home: Path) -> EmulatorError:
    return EmulatorError(
        f"an emulator runs in {home}, but does not answer as that lab",
        hint=f"look at {home / 'emulator.log'}, then run: hakube emulator stop",
    )


def _start(
    home: Path, *, runtime: str, latency: str, port: int, environ: Mapping[str, str]
) -> None:
    """Start a daemon in a session of its own and wait until it serves."""
    labs.prepare(home, runtime)
    heard, tell = os.pipe()
    command = [sys.executable, "-m", "hakube_gce.emulator", "serve", "--detach"]
    command += ["--home", str(home), "--port", str(port), "--runtime", runtime]
    command += ["--latency", _absolute(latency), "--ready-fd", str(tell)]
    try:
        with _log(home) as log:
            subprocess.run(  # noqa: S603 - argv is built here, no shell
                command,
                env={name: environ[name] for name in _PASSED_ON if name in environ},
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(tell,),
                start_new_session=True,
                check=False,
            )
        os.close(tell)
        tell = -1
        _await_word(heard, home)
    finally:
        os.close(heard)
        if tell >= 0:
            os.close(tell)


def _default_runtime() -> str:
    # Only Linux lets everybody bind any address of 127.0.0.0/8, which real processes need.
    return "process" if platform.system() == "Linux" else "records"


def _absolute(latency: str) -> str:
    # The daemon works in the lab's folder: a profile's path must not depend on where it was named.
    return latency if latency in {"none", "realistic"} else str(Path(latency).absolute())


def _log(home: Path) -> IO[bytes]:
    path = home / "emulator.log"
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        shutil.move(path, home / "emulator.log.1")
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _await_word(heard: int, home: Path) -> None:
    """Wait for the daemon's first word; silence, or the end of the pipe, is a failure.

    Raises:
        EmulatorError: it did not start.
        SettingsError: the runtime lacks something on this machine.
    """
    ready, _, _ = select.select([heard], [], [], _START_S)
    line = os.read(heard, 65536) if ready else b""
    facts = json.loads(line) if line.endswith(b"\n") else {}
    if "port" in facts:
        return
    hint = facts.get("hint") or f"look at {home / 'emulator.log'}"
    message = facts.get("message") or "the emulator did not start"
    if facts.get("exit_status") == SettingsError.exit_status:
        raise SettingsError([message])
    raise EmulatorError(message, hint=hint)
