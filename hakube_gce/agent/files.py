"""Files of a disk: written in one move, 0600 from birth, in 0700 folders.

Knows nothing of what is in them.
"""

import os
import shutil
import tempfile
from pathlib import Path


class FileStorage:
    """The files below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """Return where a file is, for programs that want a path."""
        return self._folder / name

    def read(self, name: str) -> bytes | None:
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        path = self.path(name)
        make_folder(path.parent)
        # mkstemp opens with O_EXCL and mode 0600, whatever the umask.
        handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with open(handle, "wb") as file:  # noqa: PTH123 - wraps the descriptor made above
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)

    def exists(self, name: str) -> bool:
        return self.path(name).exists()

    def names(self, folder: str) -> tuple[str, ...]:
        path = self.path(folder)
        return tuple(sorted(p.name for p in path.iterdir())) if path.is_dir() else ()

    def remove(self, name: str) -> None:
        path = self.path(name)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def move(self, name: str, to: str) -> None:
        target = self.path(to)
        if target.exists():
            raise FileExistsError(f"{target} is there already")
        make_folder(target.parent)
        self.path(name).rename(target)
        sync_folder(target.parent)

    def copy(self, folder: str, to: str) -> None:
        target = self.path(to)
        draft = target.with_name(f".{target.name}")
        shutil.rmtree(draft, ignore_errors=True)
        make_folder(target.parent)
        shutil.copytree(self.path(folder), draft)
        draft.rename(target)
        sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, each 0700."""
    for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the disk remember the new name too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
