"""Private files on the operator's machine: whole or not at all, and never readable by others.

A file is written beside its place and renamed over it, so that a reader, a crash or a full disk
sees the old bytes or the new ones. It is 0600 from its first byte on, whatever the umask. Nothing
here follows a symbolic link on its own, decides what is secret, or repairs wrong permissions: it
refuses and says what to run.
"""

import os
import shlex
import stat
import tempfile
from pathlib import Path

from hakube_gce.errors import KeysError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_private(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file's content at one stroke; the file is new, mode ``mode``, and on the disk.

    A symbolic link at ``path`` is replaced, not followed. Overwriting with a wider ``mode`` than
    0600 is for files that were wider before and are not ours to narrow.

    Raises:
        OSError: The folder is missing, full or not writable; the old file is as it was.
    """
    # mkstemp opens with O_EXCL and 0600: nobody can have opened the file before it was private
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with open(handle, "wb") as out:  # noqa: PTH123 - wraps the descriptor made above
            out.write(data)
            out.flush()
            os.fchmod(out.fileno(), mode)
            os.fsync(out.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def make_private_folder(
    path: Path, *, hint: str = "set HAKUBE_HOME to a place where you may write"
) -> None:
    """Make a folder and what is missing above it, each 0700; what exists stays as it is.

    Raises:
        KeysError: It cannot be made.
    """
    # not makedirs: that gives its mode to the last folder only
    for folder in reversed([p for p in (path, *path.parents) if not p.exists()]):
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise KeysError(
                f"cannot make the folder {_shown(folder)}: {error.strerror}",
                hint=hint,
            ) from error


def read_private(path: Path, *, max_bytes: int = 1 << 20) -> bytes | None:
    """Read a private file, or return None when there is none.

    Raises:
        KeysError: It is a symbolic link or no plain file, belongs to somebody else, can be read by
            others, or is larger than any file of ours.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeysError(
            f"cannot open {path}: {_link_or(path, error)}",
            hint="put a plain file of yours there, or move what stands there away",
        ) from error
    with open(handle, "rb") as source:  # noqa: PTH123 - wraps the descriptor opened above
        _check(path, os.fstat(source.fileno()), want_folder=False)
        data = source.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise KeysError(f"{path} is larger than {max_bytes} bytes: this is not a file of ours")
    return data


def check_private_folder(path: Path) -> bool:
    """Tell whether a folder exists, and refuse one that others could look or write into.

    Raises:
        KeysError: It is a symbolic link or no folder, belongs to somebody else, or is open to
        others.
    """
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise KeysError(
            f"cannot look at {path}: {error.strerror}",
            hint="set HAKUBE_HOME to a folder of yours",
        ) from error
    _check(path, facts, want_folder=True)
    return True


def folder_problem(path: Path) -> str:
    """Say why a path is no folder and cannot become one; empty when it is, or can."""
    for place in (path, *path.parents):
        try:
            if stat.S_ISDIR(place.stat().st_mode):
                return ""
        except (FileNotFoundError, NotADirectoryError):
            if not place.is_symlink():
                continue
            return f"{_shown(place)} is a symbolic link that leads nowhere"
        except OSError as error:
            return f"{_shown(place)} cannot be looked at ({error.strerror})"
        return f"{_shown(place)} is not a folder"
    return ""


def unwritable(path: Path) -> str:
    """Say what keeps us from writing into a folder, or from making it; empty: permissions do not.

    A disk that is full, or whose quota is used up, is found out by writing.
    """
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{_shown(there)} cannot be written to"


def _shown(path: Path) -> str:
    return ascii(str(path))


def _check(path: Path, facts: os.stat_result, *, want_folder: bool) -> None:
    kind, right = ("folder", 0o700) if want_folder else ("plain file", 0o600)
    fits = stat.S_ISDIR(facts.st_mode) if want_folder else stat.S_ISREG(facts.st_mode)
    if not fits:
        what = "a symbolic link" if stat.S_ISLNK(facts.st_mode) else "something else"
        raise KeysError(
            f"{path} should be a {kind} and is {what}", hint="move it away and run again"
        )
    quoted = shlex.quote(str(path))
    if facts.st_uid != os.geteuid():
        raise KeysError(
            f"{path} belongs to user {facts.st_uid}, not to you ({os.geteuid()})",
            hint=f"look at what it holds, then: sudo chown {os.geteuid()} {quoted}",
        )
    if facts.st_mode & _OTHERS:
        raise KeysError(
            f"{path} has mode {stat.S_IMODE(facts.st_mode):04o}: other users of this machine can "
            "get at the keys of the cluster",
            hint=f"if nobody else used it: chmod {right:o} {quoted}",
        )


def _link_or(path: Path, error: OSError) -> str:
    return "it is a symbolic link" if path.is_symlink() else (error.strerror or str(error))


def _sync_folder(folder: Path) -> None:
    # the rename itself must survive a power cut, too
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
