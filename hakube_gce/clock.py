"""The production clock: the one place that asks the operating system for time.

Everything else takes a `Clock`, so that tests own time. Nothing here decides how long to wait.
"""

import time
from datetime import UTC, datetime

_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's own time.

    Leases and heartbeats are judged by the API's clock, not by this one: a laptop's may be minutes
    off.
    """

    def now(self) -> datetime:
        """Return the machine's idea of now, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock that others take

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back.

        Where the system can tell (Linux), a laptop's sleep counts: a lock does not wait for it.
        """
        return time.clock_gettime(_MONOTONIC)

    def sleep(self, seconds: float) -> None:
        """Wait; a wait that is already over (zero or less) returns at once."""
        if seconds > 0:
            time.sleep(seconds)  # noqa: TID251 - this is the clock that others take
