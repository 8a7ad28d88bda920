"""The operator's kubeconfig files: which one, locked, replaced at one stroke.

``KUBECONFIG`` may name several files, other programs write them too, and people link them into
other folders. Every change is computed for all files before the first is written. A file that is
broken or not understood is refused by name and line, and nothing is written anywhere. What goes
into the text is decided elsewhere.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from hakube_gce.errors import KeysError
from hakube_gce.files import folder_problem, make_private_folder, unwritable, write_private
from hakube_gce.kubeconfig_text import (
    Entry,
    entry_of,
    parts_of,
    with_current,
    with_entry,
    without_entry,
)
from hakube_gce.ports import Clock
from hakube_gce.yaml_surgery import Unusable

LOCK_WAIT_S = 10.0
_LOCK_POLL_S = 0.1
_OTHER_FILE = "set KUBECONFIG to another file"


def write_entry(paths: Sequence[Path], entry: Entry, *, set_current: bool, clock: Clock) -> Path:
    """Merge an entry into the operator's kubeconfig; writing it again changes nothing.

    It goes into the first file that already holds something of its name, else into the first file
    that exists, else the first of the list is created (0600, its folder 0700). An existing file
    keeps its mode. The current context goes into the first file that exists, because the first
    file that sets it wins.

    Args:
        paths: The files of ``KUBECONFIG``, in order; at least one.
        entry: What to write.
        set_current: Make it the current context.
        clock: For waiting for another writer's lock.

    Returns:
        The file that holds the entry now.

    Raises:
        KeysError: A file is broken, not understood, locked by another program, or cannot be
        written.
    """
    with _locked(_present(paths) or list(paths[:1]), clock):
        texts = {path: _read(path) for path in paths}
        target = _target(texts, entry.name)
        first = next(iter(_present(paths)), target)
        here = set_current and first == target
        changes = {target: partial(with_entry, entry=entry, set_current=here)}
        if set_current and not here:
            changes[first] = partial(with_current, name=entry.name)
        _write_all(texts, changes)
    return target


def remove_entry(paths: Sequence[Path], name: str, *, clock: Clock) -> Path | None:
    """Remove the entry from every file that holds something of it.

    The current context is unset where it is this entry, and left alone where it is not.

    Returns:
        The first file it was removed from, or None when no file held it.

    Raises:
        KeysError: A file is broken, not understood, locked by another program, or cannot be
        written.
    """
    with _locked(_present(paths), clock):
        texts = {path: _read(path) for path in paths}
        removal = partial(without_entry, name=name)
        changed = _write_all(texts, dict.fromkeys(texts, removal))
    return changed[0] if changed else None


def read_entry(paths: Sequence[Path], name: str) -> Entry | None:
    """Return the entry as kubectl would see it, or None when there is no cluster of that name.

    Of each part the first file that holds it counts. An entry that another program wrote may lack
    certificates; those fields are empty then.

    Raises:
        KeysError: A file is broken or cannot be read.
    """
    found: dict[str, dict[str, object]] = {}
    for path in paths:
        for section, body in _parts(path, _read(path), name).items():
            found.setdefault(section, body)
    return entry_of(name, found)


def write_problem(paths: Sequence[Path], name: str) -> str:
    """Say why an entry could not be written, as far as that shows; empty: nothing speaks against.

    Changes nothing: a lock that somebody holds, or a disk that is full, is found out by writing.
    """
    try:
        texts = {path: _read(path) for path in paths}
        for path, text in texts.items():
            _parts(path, text, name)
        target = _target(texts, name)
        real = _real(target)
    except KeysError as error:
        return error.message
    if real.exists() and not real.is_file():
        return f"{target} is not a plain file"
    return folder_problem(real.parent) or unwritable(real.parent)


def find_admin_entry(paths: Sequence[Path], name: str) -> Entry | None:
    """Return the entry to ask the cluster's API with, or None without a client certificate.

    Raises:
        KeysError: A file is broken or cannot be read.
    """
    entry = read_entry(paths, name)
    return entry if entry is not None and entry.client_key else None


def admin_entry(paths: Sequence[Path], name: str) -> Entry:
    """Return the entry to ask the cluster's API with.

    Raises:
        KeysError: There is none, none with a client certificate, or a file is broken.
    """
    entry = find_admin_entry(paths, name)
    if entry is None:
        raise KeysError(
            f"{paths[0]} has no entry {name} with a client certificate",
            hint="kube-up.sh on the cluster that is there writes it",
        )
    return entry


# ---------------------------------------------------------------------------------- files


def _present(paths: Sequence[Path]) -> list[Path]:
    """Return the files that exist, each once; /dev/null and the like are no files."""
    return [path for path in dict.fromkeys(paths) if path.is_file()]


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            return ""
        # newline="": line ends are the file's own business
        with path.open(encoding="utf-8", newline="") as source:
            return source.read()
    except UnicodeDecodeError as error:
        raise KeysError(f"{path} is not UTF-8 text", hint=_hint(path)) from error
    except OSError as error:
        raise KeysError(f"cannot read {path}: {error.strerror}", hint=_hint(path)) from error


def _parts(path: Path, text: str, name: str) -> dict[str, dict[str, object]]:
    try:
        return parts_of(text, name)
    except Unusable as error:
        raise _unusable(path, error) from error


def _holder(texts: Mapping[Path, str], name: str) -> Path | None:
    return next((path for path, text in texts.items() if _parts(path, text, name)), None)


def _target(texts: Mapping[Path, str], name: str) -> Path:
    """Choose the file for an entry: one that has something of it, one that is there, the first."""
    return _holder(texts, name) or next(iter(_present(list(texts))), next(iter(texts)))


def _write_all(
    texts: Mapping[Path, str], changes: Mapping[Path, Callable[[str], str]]
) -> list[Path]:
    """Apply changes to files; all are computed, and proven, before the first one is written."""
    after = {path: _changed(path, texts[path], change) for path, change in changes.items()}
    different = [path for path, text in after.items() if text != texts[path]]
    for path in different:
        _replace(path, after[path])
    return different


def _changed(path: Path, text: str, change: Callable[[str], str]) -> str:
    try:
        return change(text)
    except Unusable as error:
        raise _unusable(path, error) from error


def _replace(path: Path, text: str) -> None:
    try:
        real = _real(path)
        if real.exists() and not real.is_file():
            raise KeysError(f"{path} is not a plain file", hint="point KUBECONFIG at a file")
        make_private_folder(real.parent, hint=_OTHER_FILE)
        facts = real.stat() if real.exists() else None
        mode = stat.S_IMODE(facts.st_mode) if facts else 0o600
        write_private(real, text.encode(), mode=mode)
        if facts and facts.st_uid != os.geteuid() and os.geteuid() == 0:
            # under sudo the file would be root's afterwards, and its owner locked out
            os.chown(real, facts.st_uid, facts.st_gid)
    except OSError as error:
        raise KeysError(f"cannot write {path}: {error}", hint=_hint(path)) from error


def _real(path: Path) -> Path:
    """Return the file behind a link: people keep their kubeconfig elsewhere and link it."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError) as error:
        # RuntimeError is what resolve() makes of links that lead in a circle, before Python 3.13
        raise KeysError(f"{path} leads nowhere: {error}", hint=_hint(path)) from error
    if real.is_symlink():
        raise KeysError(f"{path} leads nowhere: its links lead in a circle", hint=_hint(path))
    return real


def _unusable(path: Path, error: Unusable) -> KeysError:
    where = f"{path}:{error.line}" if error.line else str(path)
    return KeysError(f"{where}: {error.reason}; nothing was written", hint=_hint(path))


def _hint(path: Path) -> str:
    return f"repair {path}, or set KUBECONFIG to another file, and run the same command again"


# ---------------------------------------------------------------------------------- locks


@contextmanager
def _locked(paths: Sequence[Path], clock: Clock) -> Iterator[None]:
    """Hold the lock files that kubectl uses for these paths.

    Files in folders that we cannot write to are not locked: we could not replace them either.
    """
    names = {
        # one file has many names (relative, through a linked folder), and its lock only one
        _real(name.parent) / f"{name.name}.lock"
        for path in paths
        for name in (path, _real(path))
    }
    with ExitStack() as held:
        # sorted, as client-go does it: two programs with the same list cannot wait for each other
        for lock in sorted(names):
            make_private_folder(lock.parent, hint=_OTHER_FILE)
            if os.access(lock.parent, os.W_OK):
                _acquire(lock, clock)
                held.callback(lock.unlink, missing_ok=True)
        yield


def _acquire(lock: Path, clock: Clock) -> None:
    deadline = clock.monotonic() + LOCK_WAIT_S
    while True:
        try:
            # an empty file made with O_EXCL is the whole lock (client-go, clientcmd/loader.go)
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            if clock.monotonic() >= deadline:
                raise KeysError(
                    f"another program has held {lock} for {LOCK_WAIT_S:g} s",
                    hint=f"when no kubectl or kube-up is running any more: rm {lock}",
                ) from None
            clock.sleep(_LOCK_POLL_S)
        except OSError as error:
            raise KeysError(f"cannot make {lock}: {error.strerror}") from error
        else:
            return
