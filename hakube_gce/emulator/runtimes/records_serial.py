"""The serial ports of simulated VMs: at most the last mebibyte of each, over power cycles.

With a folder, what was written is there again after the lab's restart, and offsets go on counting.
"""

from pathlib import Path

from hakube_gce.emulator.state_file import write_private

KEPT_BYTES = 1 << 20
_SLACK_BYTES = 1 << 18
"""Older output is dropped in pieces of this size, so that a line costs no copy of the whole."""


class RecordsPort:
    """One port of one VM."""

    def __init__(self, path: Path | None = None) -> None:
        """Take up what an earlier lab left in the file; without a file nothing is kept."""
        self._path = path
        self._content = bytearray()
        self._dropped = 0
        self._saved = False
        if path is not None and path.exists():
            head, _, content = path.read_bytes().partition(b"\n")
            self._dropped, self._content, self._saved = int(head), bytearray(content), True

    def write(self, line: bytes) -> None:
        """Append."""
        self._content += line
        excess = len(self._content) - KEPT_BYTES
        if excess > 0:
            excess = min(len(self._content), excess + _SLACK_BYTES)
            del self._content[:excess]
            self._dropped += excess
            self._saved = False
        self._save(line)

    def output(self) -> bytes:
        """Return what is kept."""
        return bytes(self._content)

    @property
    def dropped(self) -> int:
        """How many older bytes are not kept any more."""
        return self._dropped

    def _save(self, line: bytes) -> None:
        if self._path is None:
            return
        if self._saved:
            with self._path.open("ab") as file:
                file.write(line)
        else:
            write_private(self._path, b"%d\n%b" % (self._dropped, bytes(self._content)))
            self._saved = True
