"""The commands we tell people to run, exactly as they can be pasted. Pure."""

import shlex
from collections.abc import Sequence

from hakube_gce.model import Intent, Observed, Operation, Verb
from hakube_gce.plan.blueprint import Blueprint


def replicate(blueprint: Blueprint, zone: str) -> str:
    """Give the command that adds a master in a zone."""
    return _line(
        blueprint, blueprint.programs[0], KUBE_GCE_ZONE=zone, KUBE_REPLICATE_EXISTING_MASTER="true"
    )


def create(blueprint: Blueprint, zone: str) -> str:
    """Give the command that makes the first master."""
    return _line(blueprint, blueprint.programs[0], KUBE_GCE_ZONE=zone)


def remove(blueprint: Blueprint, zone: str, replica: str) -> str:
    """Give the command that removes a master; any of the zone when none is named."""
    variables = {"KUBE_DELETE_NODES": "false", "KUBE_GCE_ZONE": zone}
    if replica:
        variables["KUBE_REPLICA_NAME"] = replica
    return _line(blueprint, blueprint.programs[1], **variables)


def teardown(blueprint: Blueprint, zone: str, *, confirmed: bool) -> str:
    """Give the command that deletes the whole cluster."""
    variables = {"KUBE_GCE_ZONE": zone}
    if confirmed:
        variables["HAKUBE_CONFIRM_TEARDOWN"] = blueprint.prefix
    return _line(blueprint, blueprint.programs[1], **variables)


def status(blueprint: Blueprint, seen: Observed) -> str:
    """Give the command that shows the cluster."""
    zones = [r.zone for r in seen.replicas] + [z.name for z in seen.zones]
    where = {"KUBE_GCE_ZONE": zones[0]} if zones else {}
    return _line(blueprint, f"{blueprint.programs[2]} status", **where)


def finish(blueprint: Blueprint, operation: Operation) -> str:
    """Give the command that resumes an unfinished operation."""
    match operation.verb:
        case Verb.CREATE:
            return create(blueprint, operation.zone)
        case Verb.REPLICATE:
            return replicate(blueprint, operation.zone)
        case Verb.REMOVE:
            return remove(blueprint, operation.zone, operation.target)
        case Verb.TEARDOWN:
            return teardown(blueprint, operation.zone, confirmed=True)


def again(blueprint: Blueprint, intent: Intent) -> str:
    """Give the command that states an intent, for when nothing was made absolute yet."""
    match intent.verb:
        case Verb.CREATE:
            return create(blueprint, intent.zone)
        case Verb.REPLICATE:
            return replicate(blueprint, intent.zone)
        case Verb.REMOVE:
            return remove(blueprint, intent.zone, intent.replica_name)
        case Verb.TEARDOWN:
            return teardown(blueprint, intent.zone, confirmed=intent.confirmed_teardown)


def line(selectors: Sequence[tuple[str, str]], program: str, **variables: str) -> str:
    """Give a command line: what picks the cluster, the command's own variables, the program."""
    settings = [*selectors, *variables.items()]
    return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in settings), program])


def _line(blueprint: Blueprint, program: str, **variables: str) -> str:
    return line(blueprint.selectors, program, **variables)
