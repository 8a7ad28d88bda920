"""The look that a run goes by, taken again while what a killed run did may still come true.

A master counts for the quorum as soon as it is a voter, and says that it is well some seconds
later. As one of two it leaves nobody a majority for so long: a refusal would be wrong then, and a
word about recovery dangerous. Waits a bounded time and judges nothing.
"""

from collections.abc import Callable

from hakube_gce import conditions
from hakube_gce.model import Observed
from hakube_gce.ports import Clock

LOOKS = 30
PAUSE_S = 1.0


def settled(
    seen: Observed,
    look: Callable[[], Observed],
    *,
    clock: Clock,
    say: Callable[[str], None],
) -> Observed:
    """Look again until the newcomer of an unfinished replication speaks, or long enough.

    Args:
        seen: What was seen first.
        look: Looks afresh.
        clock: Waits in between.
        say: Tells people what is waited for.
    """
    newcomer = conditions.silent_newcomer(seen)
    if newcomer:
        say(
            f"{newcomer} may just have become a voter, by a run that was cut short; waiting for "
            f"its word, {LOOKS * PAUSE_S:.0f} s at most"
        )
    for _ in range(LOOKS):
        if not conditions.silent_newcomer(seen):
            break
        clock.sleep(PAUSE_S)
        seen = look()
    return seen
