"""A VM's serial port: a file that the VM appends to and the emulator shows the end of.

Compute Engine keeps the last mebibyte of each port, over power cycles. The file is kept whole and
grows for as long as the VM exists (an agent writes some ten megabytes a day): cutting a file that
others append to would lose lines. Both questions about a port get answers that fit together.
"""

import os
import threading
from pathlib import Path

KEPT_BYTES = 1 << 20
_STEP_BYTES = 64 * 1024


class SerialPort:
    """The end of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._dropped = 0

    def touch(self) -> None:
        """Make the file, readable by nobody else, before anything writes to it."""
        os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def output(self) -> bytes:
        """Return at most the last mebibyte; nothing when nothing was ever written."""
        with self._guard:
            try:
                with self._path.open("rb") as file:
                    self._dropped = _dropped_of(os.fstat(file.fileno()).st_size)
                    file.seek(self._dropped)
                    return file.read(KEPT_BYTES)
            except FileNotFoundError:
                return b""

    def dropped(self) -> int:
        """Return how many bytes stood before what `output` last returned."""
        with self._guard:
            return self._dropped


def _dropped_of(size: int) -> int:
    """Return where to begin: in steps, so that it moves rarely between two questions.

    >>> _dropped_of(KEPT_BYTES), _dropped_of(KEPT_BYTES + 1), _dropped_of(KEPT_BYTES + 65537)
    (0, 65536, 131072)
    """
    excess = max(0, size - KEPT_BYTES)
    return -(-excess // _STEP_BYTES) * _STEP_BYTES
