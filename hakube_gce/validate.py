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
from hakube_gce.errors import ClusterSilent, HakubeError, TargetNotFound
from hakube_gce.join_nodes import answering_meanwhile
from hakube_gce.model import Observed
from hakube_gce.plan import commands
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.ports import Clock
from hakube_gce.render import Result, result_object
from hakube_gce.settings import Settings
from hakube_gce.start_up import looking
from hakube_gce.terminal import out, warn
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


def command(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Validate the cluster; changes nothing."""
    means = looking(settings, environment, say=warn)
    facts = _validated(means, warn if found.json else out, means.observer.observe())
    if found.json:
        result = Result(verb="validate", changed=False, exit_status=0, validation=facts)
        out(json.dumps(result_object(result)))
    return 0


def after_change(means: Means, say: Callable[[str], None]) -> Mapping[str, object] | None:
    """Validate at the end of a command that left a cluster.

    Nothing in a lab of records, nor on a machine without the cluster's kubeconfig: removing a
    master needs none, and has succeeded.
    """
    if means.place.runtime == "records":
        return None
    warn("... calling validate-cluster")
    entry = kubeconfig.read_entry(means.kubeconfig.files, means.kubeconfig.context)
    if entry is None or not entry.client_key:
        say(f"not validated: no kubeconfig entry {means.kubeconfig.context} to ask with")
        return None
    seen = means.observer.observe()
    answer = answering_meanwhile(means, seen, say)
    weak = "...ignoring non-fatal errors in validate-cluster"
    return _validated(means, say, seen, meanwhile=answer, weak=weak)


def _validated(
    means: Means,
    say: Callable[[str], None],
    seen: Observed,
    *,
    meanwhile: Callable[[], None] = lambda: None,
    weak: str = "",
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
        again=again(means.settings, means.inherit(seen).blueprint),
    )
    for line in validation.summary(ended.wanted, ended.nodes, ended.checks):
        say(line)
    if weak and validation.is_weak(ended.wanted, ended.nodes):
        warn(weak)
    return _object(ended)


def again(settings: Settings, blueprint: Blueprint) -> str:
    """Give the command that validates once more, and nothing else."""
    allowed = settings.readiness.allowed_not_ready_nodes
    return commands.validate(blueprint, settings.zone, allowed_not_ready=allowed)


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
        hint="`hakube status` shows the masters; `kubectl describe nodes` says what a Node lacks",
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


def _object(ended: Ended) -> Mapping[str, object]:
    return {
        "expected": ended.wanted.nodes,
        "found": len(ended.nodes),
        "ready": validation.count_ready(ended.nodes),
        "checks": dict(ended.checks),
    }
