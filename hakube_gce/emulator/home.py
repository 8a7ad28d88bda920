"""A lab's folder: which files stand in it, which lab it is, and who may run it now.

``lab``          marks the folder as a lab; its id, and the runtime it was made with
``token``        what the admin API asks for
``state.json``   every record
``running``      locked by the daemon as long as it lives: the only proof of life that is believed
``lock``         locked by whoever starts or ends the lab
``lab.json``     where the daemon listens
``emulator.log`` what the daemon has to say

Everything is 0600 in a 0700 folder. Nothing here starts or ends anything.
"""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from hakube_gce.emulator.refusals import EmulatorError
from hakube_gce.emulator.state_file import write_private
from hakube_gce.files import make_private_folder

MARKER = "lab"
_SCHEMA = 1
_PAUSE_S = 0.05
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What makes a folder a lab."""

    lab_id: str
    runtime: str
    schema: int = _SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """Where a daemon listens, as it wrote down itself."""

    pid: int
    port: int
    lab_id: str
    runtime: str
    latency: str
    version: str


def prepare(home: Path, runtime: str) -> Marker:
    """Make a folder a lab, or recognise the lab it is.

    Raises:
        EmulatorError: it holds something else, or a lab of another runtime or schema.
    """
    make_private_folder(home)
    marker = read_marker(home)
    if marker is None:
        strange = sorted({entry.name for entry in home.iterdir()} - _MAY_STAND_THERE)
        if strange:
            raise EmulatorError(
                f"{home} is no lab, and not empty: {', '.join(strange[:5])}",
                hint="move them away, or set HAKUBE_HOME to another folder",
            )
        marker = Marker(lab_id=secrets.token_hex(8), runtime=runtime)
        write_private(home / "token", secrets.token_urlsafe(32).encode())
        write_private(home / MARKER, json.dumps(asdict(marker)).encode())
    if marker.runtime == runtime:
        return marker
    if (home / "state.json").exists():
        raise other_runtime(home, marker.runtime, runtime)
    # Its runtime never came up, for want of an etcd perhaps: it may become a lab of another.
    marker = Marker(lab_id=marker.lab_id, runtime=runtime)
    write_private(home / MARKER, json.dumps(asdict(marker)).encode())
    return marker


_MAY_STAND_THERE = frozenset({"lock", "running", "emulator.log", "token"})


def other_runtime(home: Path, is_runtime: str, wanted: str) -> EmulatorError:
    """Say that a lab cannot be run as something else."""
    return EmulatorError(
        f"the lab in {home} was made with the runtime {is_runtime}, not {wanted}",
        hint=f"go on with HAKUBE_RUNTIME={is_runtime}, or give it up: hakube emulator destroy",
    )


def read_marker(home: Path) -> Marker | None:
    """Return what marks a folder as a lab; None when nothing does.

    Raises:
        EmulatorError: the mark is there but cannot be understood.
    """
    try:
        fields = json.loads((home / MARKER).read_text(encoding="utf-8"))
        marker = Marker(**fields)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise EmulatorError(f"{home / MARKER} cannot be understood: {error}") from error
    if marker.schema != _SCHEMA:
        raise EmulatorError(
            f"the lab in {home} is of schema {marker.schema}, this program of {_SCHEMA}",
            hint="run the hakube that made it, or give it up: hakube emulator destroy",
        )
    return marker


def read_token(home: Path) -> str:
    """Return what the lab's admin API asks for."""
    return (home / "token").read_text(encoding="ascii").strip()


def write_daemon(home: Path, daemon: Daemon) -> None:
    """Write down where the daemon listens."""
    write_private(home / "lab.json", json.dumps(asdict(daemon)).encode())


def read_daemon(home: Path) -> Daemon | None:
    """Return what the last daemon wrote; whether it still lives is another question."""
    try:
        return Daemon(**json.loads((home / "lab.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def is_running(home: Path) -> bool:
    """Tell whether a daemon lives: it holds its lock until the kernel takes it back."""
    if not (home / "running").exists():
        return False
    with _opened(home / "running") as handle:
        return not _try_lock(handle)


@contextmanager
def held_by_daemon(home: Path) -> Iterator[None]:
    """Hold the daemon's lock.

    Raises:
        EmulatorError: another daemon holds it.
    """
    with _opened(home / "running") as handle:
        if not _try_lock(handle):
            raise EmulatorError(f"an emulator runs in {home} already")
        yield


@contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """Be the only one who starts or ends this lab; waits for another to finish."""
    while True:
        handle = _wait_for_lock(home)
        try:
            if _is_still(home / "lock", handle):
                yield
                return
        finally:
            os.close(handle)
        # While we waited the lab was destroyed, and its lock with it: ours excludes nobody.


def _wait_for_lock(home: Path) -> int:
    while True:
        make_private_folder(home)
        try:
            handle = os.open(home / "lock", _FLAGS, 0o600)
        except FileNotFoundError:
            continue  # destroyed just now: make it anew
        fcntl.flock(handle, fcntl.LOCK_EX)
        return handle


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, _FLAGS, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def await_end(home: Path, sleep: Callable[[float], None], *, timeout_s: float) -> bool:
    """Wait until no daemon lives; tell whether that came true."""
    for _ in range(int(timeout_s / _PAUSE_S)):
        if not is_running(home):
            return True
        sleep(_PAUSE_S)
    return not is_running(home)


def remove(home: Path) -> None:
    """Remove a lab's folder with everything in it.

    Raises:
        EmulatorError: it is no lab of this user's: nothing was removed.
    """
    if home.is_symlink() or not home.is_dir() or home.stat().st_uid != os.geteuid():
        raise EmulatorError(f"{home} is no folder of yours: nothing was removed")
    if not (home / MARKER).is_file() or (home / MARKER).is_symlink():
        raise EmulatorError(f"{home} is no lab (it has no file '{MARKER}'): nothing was removed")
    # First out of the way at one stroke: whoever starts a lab meanwhile starts a new one.
    grave = home.with_name(f".{home.name}-{secrets.token_hex(4)}")
    home.rename(grave)
    shutil.rmtree(grave)  # unlinks symbolic links, never follows them
