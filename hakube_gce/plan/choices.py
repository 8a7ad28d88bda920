"""Which one, where any would do: the master that goes, the zone that is named. Pure."""

from hakube_gce import conditions
from hakube_gce.model import Observed, Replica


def worth_keeping(seen: Observed, replica: Replica) -> tuple[bool, bool, list[int]]:
    """Order masters: the unhealthy first, then those that do not lead, then the newest."""
    member = conditions.member_of(seen, replica)
    healthy = member is not None and conditions.is_healthy(seen, member)
    leads = member is not None and member.id == conditions.leader_id(seen)
    newest_first = [-ord(c) for c in replica.instance.created]
    return healthy, leads, newest_first


def any_zone(seen: Observed) -> str:
    """Name a zone of the cluster's region, one with a master if there is any; empty without."""
    zones = [r.zone for r in seen.replicas] + [z.name for z in seen.zones]
    return zones[0] if zones else ""
