"""A diary of runs for people, one JSON object a line. It is never read back.

What a run did is decided from the cloud alone. If the journal cannot be written, the run says so
once and goes on.
"""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hakube_gce.errors import KeysError
from hakube_gce.files import make_private_folder
from hakube_gce.ports import Clock


@dataclass(slots=True, kw_only=True)
class Journal:
    """Appends to one file; threads may write at once."""

    path: Path
    clock: Clock
    complain: Callable[[str], None]
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _broken: bool = False

    def write(self, event: str, **facts: object) -> None:
        """Append one line: when, what, and the facts given."""
        line = {"time": self.clock.now().isoformat(timespec="milliseconds"), "event": event}
        with self._guard:
            if self._broken:
                return
            try:
                self._append(json.dumps(line | facts, default=str) + "\n")
            except (OSError, KeysError) as error:
                self._broken = True
                why = error.message if isinstance(error, KeysError) else error.strerror
                self.complain(f"the journal {self.path} cannot be written: {why}")

    def _append(self, text: str) -> None:
        make_private_folder(self.path.parent)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(self.path, flags, 0o600), "a", encoding="utf-8") as file:
            file.write(text)
