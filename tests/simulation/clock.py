"""Virtual time: it moves when somebody sleeps, and as far as he sleeps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

DAWN = datetime(2026, 11, 21, 6, 0, 0, tzinfo=UTC)


@dataclass(slots=True)
class VirtualClock:
    """The cloud's clock; every machine's is right."""

    elapsed_s: float = 0.0
    moved: list[Callable[[], None]] = field(default_factory=list)
    """Told whenever time has passed."""

    def now(self) -> datetime:
        return DAWN + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return self.elapsed_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        if seconds > 0:
            self.elapsed_s += seconds
            for tell in tuple(self.moved):
                tell()
