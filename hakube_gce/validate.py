"""`hakube validate`, and the end of kube-up and kube-down: is every VM a ready Node?

Asks the cluster's own API through the cluster IP, so from one of the masters, as the original
did; what the agents and etcd say stands in `hakube status`. A lab of records has no API to ask.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hakube_gce import kubeconfig, validation
from hakube_gce.arguments import Arguments
from hakube_gce.assemble import Means
from hakube_gce.cluster_api import AdminApi, ClusterApi
from hakube_gce.errors import ClusterSilent, TargetNotFound
from hakube_gce.join_nodes import answering_meanwhile
from hakube_gce.model import Observed
from hakube_gce.ports import Clock
from hakube_gce.render import Result, result_object
from hakube_gce.screen import Screen
from hakube_gce.settings import Settings
from hakube_gce.start_up import looking
from hakube_gce.terminal import out, warn
from hakube_gce.validation import Judgement, NodeState, Wanted

TIMEOUT_S = 1500.0
"""The original's: a hundred rounds of fifteen seconds."""
POLL_S = 2.0
_SAY_EVERY_S = 15.0
_TRIES = 6
"""How often the API server's own checks may fail before that is told."""


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


def command(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Validate the cluster; changes nothing."""
    means = looking(settings, environment, say=warn)
    facts = _validated(means, warn if found.json else out, means.observer.observe())
    if found.json:
        result = Result(verb="validate", changed=False, exit_status=0, validation=facts)
        out(json.dumps(result_object(result)))
    return 0


def after_change(means: Means, screen: Screen) -> Mapping[str, object] | None:
    """Validate at the end of a command that left a cluster.

    Nothing in a lab of records, nor on a machine without the cluster's kubeconfig: removing a
    master needs none, and has succeeded.
    """
    if means.place.runtime == "records":
        return None
    warn("... calling validate-cluster")
    entry = kubeconfig.read_entry(means.kubeconfig.files, means.kubeconfig.context)
    if entry is None or not entry.client_key:
        screen.say(f"not validated: no kubeconfig entry {means.kubeconfig.context} to ask with")
        return None
    seen = means.observer.observe()
    answer = answering_meanwhile(means, seen, screen.say)
    return _validated(means, screen.say, seen, meanwhile=answer)


def _validated(
    means: Means,
    say: Callable[[str], None],
    seen: Observed,
    *,
    meanwhile: Callable[[], None] = lambda: None,
) -> Mapping[str, object] | None:
    if not seen.replicas:
        raise TargetNotFound(
            f"there is no cluster {means.settings.prefix} in region {means.settings.region}"
        )
    multizone = "true" if means.settings.multizone else ""
    say(f"Validating {means.settings.provider} cluster, MULTIZONE={multizone}")
    if means.place.runtime == "records":
        say("in a lab of records nothing runs: there is no API to ask, see `hakube status`")
        return None
    for line in notes(seen):
        say(line)
    entry = kubeconfig.admin_entry(means.kubeconfig.files, means.kubeconfig.context)
    ended = wait(
        AdminApi(entry=entry),
        wanted(means.settings, seen),
        clock=means.waits,
        say=say,
        meanwhile=meanwhile,
    )
    for line in validation.summary(ended.wanted, ended.nodes, ended.checks):
        say(line)
    return _object(ended)


def notes(seen: Observed) -> tuple[str, ...]:
    """Say which masters cannot answer, before anybody waits for them."""
    return tuple(
        f"note: {replica.name} is {replica.instance.status}, and is waited for like all "
        f"others, {TIMEOUT_S / 60:.0f} minutes at most; kube-up starts it"
        for replica in seen.replicas
        if replica.instance.status != "RUNNING"
    )


def wanted(settings: Settings, seen: Observed) -> Wanted:
    """Give what is waited for: a Node for every VM that is there."""
    return Wanted(
        nodes=len(seen.replicas) + sum(group.target_size for group in seen.nodes.groups),
        allowed_not_ready=settings.readiness.allowed_not_ready_nodes,
        additional_time_s=settings.readiness.additional_time_s,
    )


def wait(
    api: ClusterApi,
    wanted: Wanted,
    *,
    clock: Clock,
    say: Callable[[str], None],
    meanwhile: Callable[[], None] = lambda: None,
) -> Ended:
    """Wait until there are as many ready Nodes as wanted, or allowed.

    Args:
        api: Shows the Nodes.
        wanted: How many have to be ready.
        clock: Tells how long that took, and sleeps.
        say: Gets a line every quarter of a minute.
        meanwhile: Done as often, and less often for many nodes: it may ask Compute Engine
            about each of them, whose quota counts requests by the minute.

    Raises:
        ClusterSilent: They did not come, or the API never answered.
    """
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
            return Ended(wanted=wanted, nodes=tuple(nodes), checks=_checks(api, clock))
        if telling.is_due(now):
            say(trouble or validation.waiting(wanted, nodes))
        if answering.is_due(now):
            meanwhile()
        clock.sleep(POLL_S)
    raise ClusterSilent(
        trouble or f"{validation.waiting(wanted, nodes)} Given up after {TIMEOUT_S:.0f} s",
        hint="`hakube status` shows the masters; `kubectl describe nodes` says what a Node lacks",
    )


def _checks(api: ClusterApi, clock: Clock) -> tuple[tuple[str, bool], ...]:
    """Read the API server's own checks, a few times while one fails."""
    found: tuple[tuple[str, bool], ...] = ()
    for _ in range(_TRIES):
        found = api.checks()
        if all(ok for _, ok in found):
            break
        clock.sleep(POLL_S)
    return found


def _object(ended: Ended) -> Mapping[str, object]:
    return {
        "expected": ended.wanted.nodes,
        "found": len(ended.nodes),
        "ready": validation.count_ready(ended.nodes),
        "checks": dict(ended.checks),
    }
