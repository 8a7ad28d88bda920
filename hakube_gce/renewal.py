"""The lock stays ours while a step takes long: renewed in the background.

A step may wait for a VM, an agent or a balancer for longer than a lock lasts. What this will not
do is decide: a lock that was lost is noted on the `HeldLock`, and whoever begins the next step, or
rolls a window back, asks there.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hakube_gce.errors import HakubeError, Locked
from hakube_gce.lock import RENEW_AFTER_S, HeldLock

_LOOK_EVERY_S = RENEW_AFTER_S / 8


@contextmanager
def renewed(held: HeldLock) -> Iterator[None]:
    """Renew a lock until the block ends."""
    over = threading.Event()
    thread = threading.Thread(target=_keep, args=(held, over), name="renewal", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def _keep(held: HeldLock, over: threading.Event) -> None:
    while not over.wait(_LOOK_EVERY_S):
        try:
            held.keep()
        except Locked:
            return  # noted on the lock; the next step meets it
        except HakubeError:
            continue  # the API has trouble: the lock lasts several more tries
