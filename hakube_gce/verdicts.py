"""The one word on a cluster, and what an operator should keep in mind beside it. Pure.

Made of `conditions`, which the planner uses as well: a cluster is never called healthy here that a
removal would refuse to touch. Decides nothing, and stops nobody.
"""

from enum import StrEnum

from hakube_gce import conditions, remembered
from hakube_gce.model import EndpointMode, Observed


class Verdict(StrEnum):
    """The one word status ends in."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    AT_RISK = "at-risk"
    LOST = "lost"
    UNKNOWN = "unknown"
    ABSENT = "absent"


def verdict(seen: Observed) -> Verdict:
    """Judge the whole cluster.

    lost: known to be without quorum · unknown: nobody trustworthy answers · at-risk: something is
    dead and one more failure stops writing · degraded: works and tolerates a failure, but not as
    it should be.
    """
    if not seen.uid:
        return Verdict.ABSENT
    now = conditions.majority(seen, seen.members)
    if not now.holds:
        return Verdict.LOST if _all_known_dead(seen) else Verdict.UNKNOWN
    if now.healthy < now.voters:
        return Verdict.AT_RISK if now.healthy == now.needed else Verdict.DEGRADED
    return Verdict.HEALTHY if _as_it_should_be(seen) else Verdict.DEGRADED


def _all_known_dead(seen: Observed) -> bool:
    """Tell whether so many VMs are known to be off that quorum is lost, not merely unseen."""
    known = seen.members or conditions.last_known_voters(seen)
    if not known:
        return False
    off = 0
    for member in known:
        replica = conditions.replica_of(seen, member)
        off += replica is None or replica.instance.status != "RUNNING"
    return len(known) - off < conditions.quorum(len(known)) and not seen.unreadable


def _as_it_should_be(seen: Observed) -> bool:
    balanced = len(seen.replicas) > 1 or remembered.always_balanced(seen)
    wanted = EndpointMode.LOAD_BALANCER if balanced else EndpointMode.VM
    return (
        all(conditions.is_serving(seen, r) for r in seen.replicas)
        and not conditions.learners(seen)
        and seen.endpoint_mode is wanted
        and seen.operation is None
    )


def _clocks_ahead(seen: Observed) -> list[str]:
    """Name masters whose last words are from the future: they are not believed for that."""
    return [
        f"the clock of {r.name} is {(r.report.time - seen.server_time).total_seconds():.0f} s "
        "ahead of Compute Engine's, so its word is not believed: set that VM's clock right"
        for r in seen.replicas
        if r.report is not None and not r.fresh and r.report.time > seen.server_time
        if r.instance.status == "RUNNING"  # what is off is not believed for that, and lists trail
    ]


def _nodes_in_one_zone(seen: Observed) -> list[str]:
    """Name the zone that takes all nodes along, where the masters would outlive it."""
    zones, masters = seen.nodes.zones(), conditions.occupied_zones(seen)
    if len(zones) != 1 or len(masters) < 2:
        return []
    count = sum(g.target_size for g in seen.nodes.groups) + len(seen.nodes.strays)
    return [
        f"masters are in {len(masters)} zones, and all nodes ({count}) in {min(zones)}: with that "
        "zone all of them are lost; kube-up with KUBE_USE_EXISTING_MASTER=true adds nodes in "
        "another"
    ]


def warnings(seen: Observed) -> tuple[str, ...]:
    """List what an operator should keep in mind although nothing is broken."""
    said = []
    if seen.original_scripts:
        said.append("made by the original kube-up scripts: shown, and never changed")
    count, free = len(conditions.voters(seen)), conditions.free_zones(seen)
    if count == 2:
        said.append(
            "two masters: writing needs both, so this is weaker than one; add a third"
            + (f" (free zones: {', '.join(free)})" if free else "")
        )
    elif count and count % 2 == 0:
        said.append(f"{count} masters tolerate no more failures than {count - 1}")
    said.extend(_nodes_in_one_zone(seen))
    said.extend(f"could not read {scope}: what lies there is unknown" for scope in seen.unreadable)
    absent = {f"https://{a.internal_ip}:2380": a for a in conditions.absent_masters(seen)}
    said.extend(
        f"member {m.id} ({m.name or 'never started'}) has no VM"
        for m in seen.members
        if conditions.replica_of(seen, m) is None and m.peer_url not in absent
    )
    said.extend(
        f"{a.name} has no VM, but its data disk is in {a.zone}: kube-up makes the VM again"
        for a in absent.values()
    )
    said.extend(
        f"{r.name} in {r.zone} is a prepared VM and no master yet: the next replication in its "
        "zone takes it; kube-down with its KUBE_REPLICA_NAME deletes it"
        for r in seen.prepared
    )
    said.extend(
        f"{r.name} is off: kube-up starts it" for r in conditions.masters_that_are_off(seen)
    )
    return (*said, *_clocks_ahead(seen))
