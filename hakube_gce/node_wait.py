"""Waits until every VM is a ready Node, and the API server finds itself well.

What counts as ready is `validation`'s; what is to be waited for, and with what, `validate` says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hakube_gce import validation
from hakube_gce.cluster_api import ClusterApi
from hakube_gce.errors import ClusterSilent, HakubeError
from hakube_gce.ports import Clock
from hakube_gce.validation import Judgement, NodeState, Wanted

TIMEOUT_S = 1500.0
"""The original's: a hundred rounds of fifteen seconds."""
POLL_S = 2.0
_SAY_EVERY_S = 15.0
_TRIES = 6
_CHECK_POLL_S = 30.0
"""How often, and how far apart, the API server's own checks are asked while one fails: the
original's patience with component statuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a validation ended."""

    wanted: Wanted
    nodes: tuple[NodeState, ...]
    checks: tuple[tuple[str, bool], ...]


@dataclass(slots=True, kw_only=True)
class _Pace:
    """Tells when something is to be done again."""

    every_s: float
    last: float

    def is_due(self, now: float) -> bool:
        due = now - self.last >= self.every_s
        self.last = now if due else self.last
        return due


def wait(
    api: ClusterApi,
    wanted: Wanted,
    *,
    clock: Clock,
    say: Callable[[str], None],
    meanwhile: Callable[[], None] = lambda: None,
    again: str = "",
) -> Ended:
    """Wait until there are as many ready Nodes as wanted, or allowed, and the API's checks pass.

    Args:
        api: Shows the Nodes.
        wanted: How many have to be ready.
        clock: Tells how long that took, and sleeps.
        say: Gets a line every quarter of a minute.
        meanwhile: Done as often, and less often for many nodes: it may ask Compute Engine
            about each of them, whose quota counts requests by the minute.
        again: The command that waits once more, for whoever has to give up.

    Raises:
        ClusterSilent: They did not come, the API never answered, or its own checks fail.
        Interrupted: A signal ended the wait.
    """
    try:
        nodes = _nodes(api, wanted, clock, say, meanwhile)
        return Ended(wanted=wanted, nodes=tuple(nodes), checks=_checks(api, clock))
    except HakubeError as error:
        error.next_command = again
        raise


def _nodes(
    api: ClusterApi,
    wanted: Wanted,
    clock: Clock,
    say: Callable[[str], None],
    meanwhile: Callable[[], None],
) -> Sequence[NodeState]:
    deadline = clock.monotonic() + TIMEOUT_S
    enough_since: float | None = None
    telling = _Pace(every_s=_SAY_EVERY_S, last=clock.monotonic())
    answering = _Pace(every_s=max(_SAY_EVERY_S, wanted.nodes / 10), last=clock.monotonic())
    nodes: Sequence[NodeState] = ()
    trouble = ""
    while clock.monotonic() < deadline:
        try:
            nodes, trouble = api.nodes(), ""
        except ClusterSilent as error:
            nodes, trouble = (), error.message
        now = clock.monotonic()
        enough = not trouble and validation.count_ready(nodes) >= wanted.required
        enough_since = (now if enough_since is None else enough_since) if enough else None
        judgement = validation.judge(
            wanted, nodes, enough_for_s=0.0 if enough_since is None else now - enough_since
        )
        if judgement is not Judgement.WAIT and not trouble:
            return nodes
        if telling.is_due(now):
            say(trouble or validation.waiting(wanted, nodes))
        if answering.is_due(now):
            meanwhile()
        clock.sleep(POLL_S)
    raise ClusterSilent(
        trouble or f"{validation.waiting(wanted, nodes)} Given up after {TIMEOUT_S:.0f} s",
        hint="`hakube status` shows the masters; `hakube join-nodes` answers nodes that ask to "
        "join; `kubectl describe nodes` says what a Node lacks",
    )


def _checks(api: ClusterApi, clock: Clock) -> tuple[tuple[str, bool], ...]:
    """Read the API server's own checks, a few times while one fails.

    Raises:
        ClusterSilent: One of them went on failing.
    """
    failing: list[str] = []
    for turn in range(_TRIES):
        if turn:
            clock.sleep(_CHECK_POLL_S)
        try:
            found = api.checks()
        except ClusterSilent as error:
            failing = [error.message]
            continue
        failing = [name for name, ok in found if not ok]
        if not failing:
            return found
    raise ClusterSilent(
        f"the API server's own checks fail: {', '.join(failing)}; asked {_TRIES} times, "
        f"{_CHECK_POLL_S:.0f} s apart",
        hint="`hakube status` shows the masters; `kubectl get --raw /readyz?verbose` asks again",
    )
