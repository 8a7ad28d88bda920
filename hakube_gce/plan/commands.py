"""The commands we tell people to run, exactly as they can be pasted. Pure."""

import shlex
from collections.abc import Sequence

from hakube_gce.model import Intent, Observed, Operation, Verb
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.choices import any_zone


def replicate(blueprint: Blueprint, zone: str) -> str:
    """Give the command that adds a master in a zone."""
    return _line(
        blueprint, blueprint.programs[0], KUBE_GCE_ZONE=zone, KUBE_REPLICATE_EXISTING_MASTER="true"
    )


def create(blueprint: Blueprint, zone: str) -> str:
    """Give the command that makes the first master."""
    return _line(blueprint, blueprint.programs[0], KUBE_GCE_ZONE=zone, **_said(blueprint))


def add_nodes(blueprint: Blueprint, zone: str) -> str:
    """Give the command that adds nodes in a zone to the masters that are there."""
    variables = {"KUBE_GCE_ZONE": zone, "KUBE_USE_EXISTING_MASTER": "true"}
    return _line(blueprint, blueprint.programs[0], **variables, **_said(blueprint))


def create_in_zones(blueprint: Blueprint, zones: Sequence[str]) -> str:
    """Give the command that makes a cluster with a master in each of these zones."""
    agreed = dict(blueprint.agreed)
    variables = {"KUBE_MASTER_ZONES": ",".join(zones), **agreed, **_said(blueprint)}
    return _line(blueprint, blueprint.programs[0], **variables)


def apply_again(blueprint: Blueprint, intent: Intent, zones: Sequence[str]) -> str:
    """Give the command that only a manifest is left for: a replication said twice adds two.

    Args:
        blueprint: Says the manifest, too.
        intent: What was wished, and is done.
        zones: Of KUBE_MASTER_ZONES.
    """
    if intent.verb is Verb.ADD_NODES:
        return add_nodes(blueprint, intent.zone)
    if intent.verb is Verb.CREATE and zones:
        return create_in_zones(blueprint, zones)
    return create(blueprint, intent.zone)


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


def snapshot(blueprint: Blueprint, zone: str) -> str:
    """Give the command that takes a snapshot."""
    return _line(blueprint, f"{blueprint.programs[2]} snapshot", KUBE_GCE_ZONE=zone)


def list_snapshots(blueprint: Blueprint, seen: Observed) -> str:
    """Give the command that lists the snapshots."""
    return _line(blueprint, f"{blueprint.programs[2]} snapshot --list", **_where(seen))


def restore(blueprint: Blueprint, zone: str, name: str, *, confirmed: bool) -> str:
    """Give the command that restores a snapshot; the newest when none is named."""
    variables = {"KUBE_GCE_ZONE": zone}
    if confirmed:
        variables["HAKUBE_CONFIRM_RESTORE"] = blueprint.prefix
    which = f" --snapshot {shlex.quote(name)}" if name else ""
    return _line(blueprint, f"{blueprint.programs[2]} restore{which}", **variables)


def recover(blueprint: Blueprint, zone: str, survivor: str, *, confirmed: bool) -> str:
    """Give the command that goes on from one survivor."""
    variables = {"KUBE_GCE_ZONE": zone}
    if confirmed:
        variables["HAKUBE_CONFIRM_RECOVER"] = blueprint.prefix
    program = f"{blueprint.programs[2]} recover --survivor {shlex.quote(survivor)}"
    return _line(blueprint, program, **variables)


def scale(blueprint: Blueprint, zone: str, masters: int) -> str:
    """Give the command that makes so many masters of what there is."""
    program = f"{blueprint.programs[2]} scale --to {masters}"
    return _line(blueprint, program, KUBE_GCE_ZONE=zone, **dict(blueprint.agreed))


def replace(blueprint: Blueprint, zone: str, name: str, *, anew: bool) -> str:
    """Give the command that puts a sound master in the place of one."""
    program = f"{blueprint.programs[2]} replace {shlex.quote(name)}{' --new' * anew}"
    return _line(blueprint, program, KUBE_GCE_ZONE=zone)


def status(blueprint: Blueprint, seen: Observed) -> str:
    """Give the command that shows the cluster."""
    return _line(blueprint, f"{blueprint.programs[2]} status", **_where(seen))


def validate(blueprint: Blueprint, zone: str, *, allowed_not_ready: int) -> str:
    """Give the command that only asks whether every VM is a ready Node."""
    allowed = {"ALLOWED_NOTREADY_NODES": str(allowed_not_ready)} if allowed_not_ready else {}
    program = f"{blueprint.programs[2]} validate"
    return _line(blueprint, program, KUBE_GCE_ZONE=zone, **allowed)


def finish(blueprint: Blueprint, operation: Operation) -> str:  # noqa: PLR0911 - one row a verb
    """Give the command that resumes an unfinished operation."""
    match operation.verb:
        case Verb.CREATE | Verb.MEND:
            return create(blueprint, operation.zone)
        case Verb.REPLICATE:
            return replicate(blueprint, operation.zone)
        case Verb.REMOVE:
            return remove(blueprint, operation.zone, operation.target)
        case Verb.TEARDOWN:
            return teardown(blueprint, operation.zone, confirmed=True)
        case Verb.SNAPSHOT:
            return snapshot(blueprint, operation.zone)
        case Verb.RESTORE:
            return restore(blueprint, operation.zone, operation.target, confirmed=True)
        case Verb.RECOVER:
            return recover(blueprint, operation.zone, operation.target, confirmed=True)
        case Verb.ADD_NODES:
            return add_nodes(blueprint, operation.zone)
        case Verb.DELETE_NODES:
            return teardown(blueprint, operation.zone, confirmed=False)


def again(blueprint: Blueprint, intent: Intent) -> str:  # noqa: PLR0911 - one row a verb
    """Give the command that states an intent, for when nothing was made absolute yet."""
    match intent.verb:
        case Verb.CREATE | Verb.MEND:
            return create(blueprint, intent.zone)
        case Verb.REPLICATE:
            return replicate(blueprint, intent.zone)
        case Verb.REMOVE:
            return remove(blueprint, intent.zone, intent.replica_name)
        case Verb.TEARDOWN:
            return teardown(blueprint, intent.zone, confirmed=intent.confirmed_teardown)
        case Verb.SNAPSHOT:
            return snapshot(blueprint, intent.zone)
        case Verb.RESTORE:
            return restore(blueprint, intent.zone, intent.snapshot, confirmed=intent.confirmed)
        case Verb.RECOVER:
            return recover(blueprint, intent.zone, intent.replica_name, confirmed=intent.confirmed)
        case Verb.ADD_NODES:
            return add_nodes(blueprint, intent.zone)
        case Verb.DELETE_NODES:
            return teardown(blueprint, intent.zone, confirmed=False)


def line(selectors: Sequence[tuple[str, str]], program: str, **variables: str) -> str:
    """Give a command line: what picks the cluster, the command's own variables, the program."""
    settings = [*selectors, *variables.items()]
    return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in settings), program])


def _said(blueprint: Blueprint) -> dict[str, str]:
    """Give what a founding was told: cut short before its first VM, nothing remembers it."""
    picked = {name for name, _ in blueprint.selectors}
    said = {name: value for name, value in blueprint.said if name not in picked}
    return {**said, **dict(blueprint.nodes.said)}


def _where(seen: Observed) -> dict[str, str]:
    """Give what leads a command that only looks to the cluster's region."""
    zone = any_zone(seen)
    return {"KUBE_GCE_ZONE": zone} if zone else {}


def _line(blueprint: Blueprint, program: str, **variables: str) -> str:
    return line(blueprint.selectors, program, **variables)
