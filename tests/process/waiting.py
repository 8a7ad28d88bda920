"""Waiting for what other processes do: looks again, with a deadline, and says what never came."""

import threading
from collections.abc import Callable


def until(holds: Callable[[], object], what: str, *, timeout_s: float = 20.0) -> None:
    """Return once ``holds`` does; fail with ``what`` when it never did."""
    pause = threading.Event()
    for _ in range(int(timeout_s / 0.02)):
        if holds():
            return
        pause.wait(0.02)
    msg = f"{timeout_s} s went by and still not: {what}"
    raise AssertionError(msg)
