"""The commands that only look: `status`, `snapshot --list`, `whatif`, and what `detect` asks for.

They take no lock, note nothing, and end with 0 whatever the cluster's state.
"""

from collections.abc import Mapping, Sequence

from hakube_gce import facts, render, whatif
from hakube_gce.arguments import Arguments
from hakube_gce.plan.unfinished_blockers import ways_on
from hakube_gce.settings import Settings
from hakube_gce.start_up import looking
from hakube_gce.terminal import show, warn
from hakube_gce.understand import understand
from hakube_gce.whatif_text import forecast_lines, forecast_object


def status(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Show the cluster."""
    means = looking(settings, environment)
    seen = means.observer.observe()
    value = render.status_object(seen, port=means.place.api_port)
    go_on = ("", "")
    if seen.operation is not None:
        go_on = ways_on(means.inherit(seen).blueprint, seen, seen.operation)
    show(value, render.status_lines(seen, go_on=go_on), as_json=found.json)
    return 0


def list_snapshots(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Show the snapshots of all clusters that ever had this name."""
    seen = looking(settings, environment).observer.observe()
    show(render.snapshots_object(seen), render.snapshot_lines(seen), as_json=found.json)
    return 0


def what_if(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Foretell what a loss, a removal or an addition would come to."""
    question = whatif.parse_question(found.question)
    means = looking(settings, environment)
    seen = means.observer.observe()
    answer = whatif.forecast(question, seen, means.inherit(seen).blueprint)
    show(forecast_object(answer), forecast_lines(answer), as_json=found.json)
    return 0


def find_facts(
    keys: Sequence[str], settings: Settings, environment: Mapping[str, str]
) -> dict[str, facts.Value]:
    """Find out what kube-up's shell functions found out about a cluster: no agent is asked."""
    means = looking(settings, environment, say=warn)
    there, inventory = means.settings, means.gateway.inventory(means.settings.region)
    seen = understand(
        inventory, {}, project=there.project, region=there.region, prefix=there.prefix
    )
    return facts.of_settings(there) | facts.of_cluster(keys, there, inventory, seen)
