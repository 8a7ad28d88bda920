"""What a run prints while it goes: a line per step with its time; on a terminal also live.

Printing never ends a run: when whoever read our output has gone away, the change goes on in
silence.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from hakube_gce.describe import describe
from hakube_gce.errors import HakubeError
from hakube_gce.plan.graph import Planned

if TYPE_CHECKING:
    from rich.status import Status


@dataclass(slots=True, kw_only=True)
class Screen:
    """Prints to one stream; threads may print at once."""

    stream: TextIO
    note: Callable[..., None]
    """The journal's write."""
    live: bool = False
    began: bool = False
    """Whether any step was begun."""
    _running: dict[str, str] = field(default_factory=dict)
    _status: "Status | None" = None
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def say(self, text: str) -> None:
        """Print one line."""
        with self._guard:
            self._print(text)

    def started(self, planned: Planned) -> None:
        self.note("started", step=planned.key)
        with self._guard:
            self.began = True
            self._running[planned.key] = str(describe(planned.step))[2:]
            self._show_running()

    def finished(self, planned: Planned, seconds: float) -> None:
        self.note("finished", step=planned.key, seconds=round(seconds, 3))
        with self._guard:
            self._running.pop(planned.key, None)
            self._print(f"  {describe(planned.step)!s:<92} {seconds:6.1f} s")
            self._show_running()

    def failed(self, planned: Planned, error: HakubeError) -> None:
        self.note("failed", step=planned.key, error=error.message)
        with self._guard:
            self._running.pop(planned.key, None)
            self._print(f"  {describe(planned.step)!s:<92} failed")
            self._show_running()

    def close(self) -> None:
        """Take the live line away."""
        with self._guard:
            if self._status is not None:
                self._status.stop()
                self._status = None

    def _print(self, text: str) -> None:
        try:
            if self._status is not None:
                self._status.console.print(text, markup=False, highlight=False, soft_wrap=True)
            else:
                print(text, file=self.stream, flush=True)
        except OSError:  # a closed pipe: `kube-up.sh | head` must not stop half-way
            self._status = None

    def _show_running(self) -> None:
        if not self.live:
            return
        text = " · ".join(" ".join(line.split()[:2]) for line in self._running.values())
        if self._status is None and text:
            # imported when it is needed: it takes as long as all the rest of `--help`
            from rich.console import Console  # noqa: PLC0415

            self._status = Console(file=self.stream).status(text)
            self._status.start()
        elif self._status is not None:
            self._status.update(text or "looking once more")
