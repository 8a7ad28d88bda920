"""What commands do first: find the cluster's region, check the zone, take over the signals.

Nothing here changes a cluster, or knows what a command is about to do.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from hakube_gce import names
from hakube_gce.assemble import Means, assemble, find_place
from hakube_gce.errors import TargetNotFound
from hakube_gce.settings import Settings
from hakube_gce.stopping import Stopping
from hakube_gce.terminal import warn


def looking(
    settings: Settings, environment: Mapping[str, str], *, say: Callable[[str], None] = print
) -> Means:
    """Give the means of a command that only looks, at the cluster where it is.

    Args:
        settings: What the variables say.
        environment: The process environment.
        say: Answers the first signal.
    """
    place = find_place(settings, environment, warn=warn)
    means = assemble(settings, place, environment, stopping=stopping_with(say), warn=warn)
    return where_the_cluster_is(means, environment)


def where_the_cluster_is(means: Means, environment: Mapping[str, str]) -> Means:
    """Look for the cluster where it is when nobody said where to look.

    Raises:
        TargetNotFound: A zone was named, and there is none of that name.
    """
    settings = means.settings
    if settings.zone_is_chosen:
        check_zones(means, (settings.zone,))
        return means
    regions = means.gateway.address_regions(names.address(settings.prefix))
    if len(regions) != 1 or regions[0] == settings.region:
        return means
    there = next(z for z in sorted(means.gateway.zone_names()) if z.startswith(f"{regions[0]}-"))
    return assemble(
        replace(settings, zone=there),
        means.place,
        environment,
        stopping=means.stopping,
        warn=warn,
    )


def check_zones(means: Means, zones: Sequence[str]) -> None:
    """Refuse a zone that does not exist before anything else is asked.

    Raises:
        TargetNotFound: Names the zones that come nearest.
    """
    missing = [z for z in dict.fromkeys(zones) if means.gateway.find_zone(z) is None]
    if not missing:
        return
    known = sorted(means.gateway.zone_names())
    near = [z for z in known if z.rpartition("-")[0] == means.settings.region] or known
    variable = "KUBE_GCE_ZONE" if zones == (means.settings.zone,) else "KUBE_MASTER_ZONES"
    raise TargetNotFound(
        f"{variable}={','.join(missing)}: there is no such zone in project "
        f"{means.settings.project}",
        hint=f"for example {', '.join(near[:6])}.",
    )


def stopping_with(say: Callable[[str], None], last_words: Sequence[str] = ()) -> Stopping:
    """Give what the first signal asks for; the second leaves at once, with these last words."""
    return Stopping(
        on_first=lambda: say("stopping after what is under way; once more to stop at once"),
        on_second=partial(_leave_at_once, last_words),
    )


def _leave_at_once(last_words: Sequence[str], signal_number: int) -> None:
    # threads may be in the middle of a call: nothing gentler ends them now
    for line in last_words:
        # past the stream's buffer: the signal may have come in the middle of a write to it
        with suppress(OSError):
            os.write(sys.stderr.fileno(), f"{line}\n".encode())
    os._exit(128 + signal_number)
