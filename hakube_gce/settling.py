"""The look that a run goes by, taken again while what it shows may pass by itself.

A master counts for the quorum as soon as it is a voter, and says that it is well some seconds
later. As one of two it leaves nobody a majority for so long: a refusal would be wrong then, and a
word about recovery dangerous. And a master that says once that it is not well may just have met an
election: whoever believed it would refuse for nothing, or advise, or begin, to remove a sound one.
Waits a bounded time and judges nothing.
"""

from collections.abc import Callable

from hakube_gce import conditions
from hakube_gce.model import Observed
from hakube_gce.ports import Clock

LOOKS = 30
PAUSE_S = 1.0
STEADY_LOOKS = 6
"""An election takes one or two seconds, the next heartbeat comes two seconds later."""


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
    return look_again(
        seen, look, lambda now: bool(conditions.silent_newcomer(now)), clock=clock, times=LOOKS
    )


def steadied(
    seen: Observed,
    look: Callable[[], Observed],
    *,
    clock: Clock,
    say: Callable[[str], None],
    named: str = "",
) -> Observed:
    """Look again while masters that run say that they do not serve, or long enough.

    Args:
        seen: What was seen first.
        look: Looks afresh.
        clock: Waits in between.
        say: Tells people what is waited for.
        named: A master whose silence is waited out, too, because much hangs on it.
    """
    if names := _unsteady(seen, named):
        say(
            f"{' and '.join(names)}: not serving, by the last word; looking again, "
            f"{STEADY_LOOKS * PAUSE_S:.0f} s at most"
        )
    return look_again(
        seen, look, lambda now: bool(_unsteady(now, named)), clock=clock, times=STEADY_LOOKS
    )


def look_again(
    seen: Observed,
    look: Callable[[], Observed],
    may_pass: Callable[[Observed], bool],
    *,
    clock: Clock,
    times: int,
) -> Observed:
    """Look again, once a second and so many times at most, while what is seen may pass."""
    for _ in range(times):
        if not may_pass(seen):
            break
        clock.sleep(PAUSE_S)
        seen = look()
    return seen


def _unsteady(seen: Observed, named: str) -> tuple[str, ...]:
    known = conditions.replica_named(seen, named)
    silent = known is not None and known.instance.status == "RUNNING" and not known.fresh
    return tuple(dict.fromkeys((*conditions.unwell(seen), *((named,) if silent else ()))))
