"""The command that was typed, as it can be pasted, for when it ended before it was understood.

What a run has learned of the cluster tells better how to go on; this is what is left to say when
it was stopped before it had looked, or has no time to look again. Asks nobody, changes nothing.
"""

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime

from hakube_gce import programs
from hakube_gce.arguments import Arguments
from hakube_gce.inherit import inherit
from hakube_gce.model import Intent, Observed, Verb
from hakube_gce.plan import commands
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.settings import Settings

SELECTORS = (
    "KUBERNETES_PROVIDER",
    "HAKUBE_HOME",
    "HAKUBE_COMPUTE_ENDPOINT",
    "HAKUBE_RUNTIME",
    "KUBECONFIG",
    "PROJECT",
    "NETWORK_PROJECT",
    "KUBE_DELETE_NETWORK",
    "KUBE_GCE_INSTANCE_PREFIX",
    "OVERRIDE_CONTEXT",
    "SECONDARY_KUBECONFIG",
    "KUBE_SERVER",
)
"""Variables that pick the cluster and its kubeconfig entry, or spare its network: the commands we
print say them too."""


NOTHING_SEEN = Observed(
    project="", region="", cluster="", server_time=datetime.fromtimestamp(0, tz=UTC), zones=()
)
"""What a command that we print is made from when nobody has looked at the cluster."""


def selectors(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Give what of this shell picks the cluster."""
    return tuple((name, environment[name]) for name in SELECTORS if environment.get(name))


def same_command(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> str:
    """Write the command that this run is.

    Args:
        found: The command line.
        settings: What the variables say.
        environment: The process environment.
    """
    blueprint = _blueprint(settings, environment)
    if settings.intent is None:
        return _by_words(found, settings, blueprint)
    flags = " --dry-run" * found.dry_run + " --check" * found.check
    return f"{_wished(blueprint, settings.intent, settings)}{flags}"


def _wished(blueprint: Blueprint, intent: Intent, settings: Settings) -> str:
    if intent.verb is Verb.CREATE and settings.master_zones:
        return commands.create_in_zones(blueprint, settings.master_zones)
    return commands.again(blueprint, intent)


def _by_words(found: Arguments, settings: Settings, blueprint: Blueprint) -> str:
    zone = {"KUBE_GCE_ZONE": settings.zone} if settings.zone_is_chosen else {}
    program = f"{blueprint.programs[2]} {shlex.join(found.words)}"
    return commands.line(blueprint.selectors, program, **zone, **dict(blueprint.agreed))


def _blueprint(settings: Settings, environment: Mapping[str, str]) -> Blueprint:
    return inherit(
        settings,
        NOTHING_SEEN,
        api_port=0,
        selectors=selectors(environment),
        programs=programs.here_and_now(environment),
    ).blueprint
