"""What must be so before the membership changes at all, whoever comes or goes. Pure.

One change at a time, in a cluster that is one, speaks one version, and will not fall apart at its
next restart. Unknown is never taken for good.
"""

from datetime import timedelta

from hakube_gce import conditions
from hakube_gce.model import Member, Observed, Replica
from hakube_gce.plan import blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker

CERTIFICATE_MARGIN = timedelta(days=7)
"""An expired peer certificate stops no running etcd, but every restart: a cluster that is about to
change should not lose a member at its next one."""


def seen_whole(blueprint: Blueprint, seen: Observed) -> list[Blocker]:
    """Find why nothing can be judged; whoever cannot be seen would pass for dead, or for gone."""
    if seen.unreadable:
        return [blockers.unreadable(seen)]
    ids = conditions.cluster_ids(seen)
    if len(ids) > 1:
        return [blockers.split(blueprint, seen, ids)]
    if not seen.members_known:
        return [blockers.members_unknown(blueprint, seen)]
    return []


def membership(blueprint: Blueprint, seen: Observed, *, but: str) -> list[Blocker]:
    """Find what forbids a change of the membership.

    Args:
        blueprint: The cluster.
        seen: What is there, whole.
        but: Name of the replica that comes or goes: what is wrong with it alone is no reason.
    """
    own = conditions.member_named(seen, but)
    stay = [r for r in seen.replicas if r.fresh and r.report is not None and r.name != but]
    return [
        *_learners(blueprint, seen, own),
        *_reports(stay),
        *_certificates(blueprint, seen, stay),
    ]


def _learners(blueprint: Blueprint, seen: Observed, own: Member | None) -> list[Blocker]:
    return [
        blockers.learner_pending(blueprint, seen, m)
        for m in conditions.learners(seen)
        if m not in conditions.orphans(seen) and (own is None or m.id != own.id)
    ]


def _reports(stay: list[Replica]) -> list[Blocker]:
    found = [blockers.alarm(r, r.report.alarms) for r in stay if r.report and r.report.alarms]
    versions = {
        r.name: _minor(r.report.etcd_version) for r in stay if r.report and r.report.etcd_version
    }
    if len(set(versions.values())) > 1:
        found.append(blockers.version_mismatch(versions))
    return found


def _certificates(blueprint: Blueprint, seen: Observed, stay: list[Replica]) -> list[Blocker]:
    latest = seen.server_time + CERTIFICATE_MARGIN
    return [
        blockers.certificate_expiring(blueprint, r, expires, seen.server_time)
        for r in stay
        if r.report and (expires := r.report.certificates_expire) and expires < latest
    ]


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
