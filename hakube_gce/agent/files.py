"""Files of a disk: written in one move, 0600 from birth, in 0700 folders.

Knows nothing of what is in them.
"""

import os
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
        _sync(path.parent)

    def exists(self, name: str) -> bool:
        return self.path(name).exists()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, each 0700."""
    for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def _sync(folder: Path) -> None:
    """Have the disk remember the new name too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
