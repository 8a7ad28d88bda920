"""Learners whose VM somebody deleted: they go before the membership changes. Pure.

etcd takes in one learner at a time, so a forgotten one shuts every newcomer out; nothing depends
on it, because it never voted. A voter without a VM is not touched here: its removal is a wish of
its own.
"""

from hakube_gce import conditions
from hakube_gce.model import Observed, Replica
from hakube_gce.plan.graph import Draft
from hakube_gce.steps import ExpelMember


def expel_orphans(draft: Draft, seen: Observed, *, through: Replica) -> None:
    """Plan that no learner without a VM is a member any more."""
    for member in conditions.orphans(seen):
        step = ExpelMember(
            member_id=member.id,
            member_name=member.name or f"the learner at {member.peer_url}",
            through=through.name,
        )
        draft.add(f"expel-orphan/{member.id}", step, after=draft.keys)
