"""`hakube join-nodes`: nodes that ask get their certificates. Changes nothing of the cluster.

It asks for the cluster's keys only where this machine has none, and holds the lock for that alone.
"""

import json
import os
import secrets
from collections.abc import Callable, Mapping

from hakube_gce.arguments import Arguments
from hakube_gce.assemble import Means
from hakube_gce.cluster_keys import ClusterKeys
from hakube_gce.errors import ClusterSilent, KeysError, SettingsError, TargetNotFound
from hakube_gce.lock import acquire
from hakube_gce.model import Observed, Operation, Verb
from hakube_gce.node_door import Door, Look, answering, wait_for_nodes
from hakube_gce.node_requests import Standing
from hakube_gce.perform.handover import cluster_keys
from hakube_gce.plan import commands
from hakube_gce.render import Result, result_object
from hakube_gce.settings import Settings
from hakube_gce.start_up import looking
from hakube_gce.terminal import out, warn

_POLL_S = 5.0
_LONGEST_WAIT_S = 86400.0


def command(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Answer the nodes of the region.

    Raises:
        SettingsError: Nobody can wait so long.
        TargetNotFound: There is no cluster.
        ClusterSilent: Nodes were still silent when the time to wait was over, or out of sight.
    """
    if not 0 <= found.wait_s <= _LONGEST_WAIT_S:  # not so for a number that is none, either
        raise SettingsError(
            [f"--wait {found.wait_s:g}: seconds, {_LONGEST_WAIT_S:.0f} at most; e.g. --wait 600"]
        )
    means = looking(settings, environment, say=warn)
    seen = means.observer.observe()
    if not seen.uid or seen.address is None:
        raise TargetNotFound(
            f"there is no cluster {means.settings.prefix} in region {means.settings.region}"
        )
    look = wait_for_nodes(
        _door(means, seen, means.keys.load(seen.uid) or _fetched(means, seen)),
        wait_s=found.wait_s,
        poll_s=_POLL_S,
        say=warn if found.json else out,
    )
    if look.unreadable:
        raise _unseen(means, look, found.wait_s)
    if found.wait_s and look.named(Standing.SILENT):
        raise _silent(means, look, found.wait_s)
    if found.json:
        out(json.dumps(_object(look)))
    else:
        out(_last_line(look))
    return 0


def answering_meanwhile(
    means: Means, seen: Observed, say: Callable[[str], None]
) -> Callable[[], None]:
    """Give what answers nodes that ask while somebody waits for them to be ready.

    Nothing where there are no nodes, or on a machine without the cluster's keys: asking a master
    for them takes the lock, which is not a waiter's to hold.
    """
    keys = means.keys.load(seen.uid)
    if keys is None or not seen.nodes.groups:
        return lambda: None
    return answering(_door(means, seen, keys), say)


def _door(means: Means, seen: Observed, keys: ClusterKeys) -> Door:
    return Door(
        gateway=means.gateway,
        clock=means.waits,
        region=means.settings.region,
        prefix=means.settings.prefix,
        uid=seen.uid,
        keys=keys,
        randomness=os.urandom,
    )


def _fetched(means: Means, seen: Observed) -> ClusterKeys:
    """Have a master hand the keys over; what the address notes as unfinished stays noted."""
    if not seen.replicas:
        raise KeysError("this machine has no keys of the cluster, and there is no master to ask")
    noted = seen.operation
    held = acquire(means.lock_place(), noted, seen=seen.address)
    try:
        asking = noted or Operation(
            id=secrets.token_hex(6), verb=Verb.ADD_NODES, zone=means.settings.zone
        )
        blueprint = means.inherit(seen).blueprint
        context = means.context(blueprint, asking, seen, held, say=warn)
        return cluster_keys(context, founder=False)
    finally:
        held.release(keep_operation=True)


def _silent(means: Means, look: Look, wait_s: float) -> ClusterSilent:
    silent = look.named(Standing.SILENT)
    error = ClusterSilent(
        f"{len(silent)} of {len(look.standings)} nodes have not asked for a certificate within "
        f"{wait_s:.0f} s: {', '.join(silent[:5])}{', …' * (len(silent) > 5)}",
        hint=f"what a node does at its boot: `gcloud compute instances get-serial-port-output "
        f"{silent[0]}`; the same command waits on",
    )
    error.next_command = _again(means, wait_s)
    return error


def _unseen(means: Means, look: Look, wait_s: float) -> ClusterSilent:
    error = ClusterSilent(
        f"could not read {', '.join(look.unreadable)}: nodes there may be asking, and nobody "
        f"listened; the other {len(look.standings)} nodes were looked at",
        hint="run the same command again",
    )
    error.next_command = _again(means, wait_s)
    return error


def _again(means: Means, wait_s: float) -> str:
    waits = f" --wait {wait_s:g}" if wait_s else ""
    program = f"{means.programs[2]} join-nodes{waits}"
    return commands.line(means.selectors, program, KUBE_GCE_ZONE=means.settings.zone)


def _last_line(look: Look) -> str:
    count = {s: len(look.named(s)) for s in Standing}
    return (
        f"{len(look.standings)} nodes: {count[Standing.ASKS]} have a certificate since now, "
        f"{count[Standing.CERTIFIED]} had one, {count[Standing.SILENT]} have not asked."
    )


def _object(look: Look) -> Mapping[str, object]:
    changed = bool(look.named(Standing.ASKS))
    result = Result(verb="join-nodes", changed=changed, exit_status=0)
    return {
        **result_object(result),
        "nodes": {
            "certified_now": list(look.named(Standing.ASKS)),
            "certified": list(look.named(Standing.CERTIFIED)),
            "silent": list(look.named(Standing.SILENT)),
        },
    }
