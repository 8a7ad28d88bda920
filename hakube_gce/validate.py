"""`hakube validate`, and the end of kube-up and kube-down: is every VM a ready Node?

Asks the cluster's own API through the cluster IP, so from one of the masters, as the original
did; what the agents and etcd say stands in `hakube status`. A lab of records has no API to ask.
"""

import json
from collections.abc import Callable, Mapping

from hakube_gce import kubeconfig, node_wait, validation
from hakube_gce.arguments import Arguments
from hakube_gce.assemble import Means
from hakube_gce.cluster_api import AdminApi
from hakube_gce.errors import TargetNotFound, Unavailable
from hakube_gce.join_nodes import answering_meanwhile
from hakube_gce.model import Observed
from hakube_gce.plan import commands
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.render import Result, result_object
from hakube_gce.settings import Settings
from hakube_gce.settling import look_again
from hakube_gce.start_up import looking
from hakube_gce.terminal import out, warn
from hakube_gce.validation import Wanted

_LOOKS = 10


def command(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Validate the cluster; changes nothing."""
    means = looking(settings, environment, say=warn)
    facts = _validated(means, warn if found.json else out, whole_look(means))
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
    if kubeconfig.find_admin_entry(means.kubeconfig.files, means.kubeconfig.context) is None:
        say(f"not validated: no kubeconfig entry {means.kubeconfig.context} to ask with")
        return None
    seen = whole_look(means)
    answer = answering_meanwhile(means, seen, say)
    weak = "...ignoring non-fatal errors in validate-cluster"
    return _validated(means, say, seen, meanwhile=answer, weak=weak)


def whole_look(means: Means) -> Observed:
    """Look until every zone could be read: what is not seen would not be waited for.

    Raises:
        Unavailable: One cannot be read.
    """
    observe = means.observer.observe
    seen = look_again(
        observe(), observe, lambda now: bool(now.unreadable), clock=means.waits, times=_LOOKS - 1
    )
    if seen.unreadable:
        raise Unavailable(
            f"could not read {', '.join(seen.unreadable)}: how many Nodes there are to be is not "
            "known"
        )
    return seen


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
    ended = node_wait.wait(
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
        f"others, {node_wait.TIMEOUT_S / 60:.0f} minutes at most; kube-up starts it"
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


def _object(ended: node_wait.Ended) -> Mapping[str, object]:
    return {
        "expected": ended.wanted.nodes,
        "found": len(ended.nodes),
        "ready": validation.count_ready(ended.nodes),
        "checks": dict(ended.checks),
    }
