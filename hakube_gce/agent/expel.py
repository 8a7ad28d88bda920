"""`expel`: take a member out of etcd, by id, through a survivor.

Never removes itself, never without both majorities (see `quorum`), never while another newcomer
is on its way in. The arithmetic is done again before every attempt.
"""

from hakube_gce.agent.job import Job, Master, Result
from hakube_gce.agent.ports import EtcdError, EtcdTrouble, Member, Role
from hakube_gce.agent.protocol import failed, refused
from hakube_gce.agent.quorum import (
    HEALTH_RULE_S,
    Membership,
    check_voter,
    is_lost_answer,
    look_at_members,
    majority,
    names,
    not_done,
    removal_blocker,
)
from hakube_gce.agent.report import described
from hakube_gce.agent.snapshot import take_before_change

PAUSE_S = 0.5


def expel(job: Job) -> Result:
    """Remove the member ``member_id``; an id that is not listed is success.

    Raises:
        RequestError: ``refused`` when it would be unsafe; ``failed`` when etcd did not do it.
    """
    master = job.master
    check_voter(master)
    member_id = _who(job)
    seen = _checked(master, member_id)
    if seen.with_id(member_id) is None:
        return {"members": described(seen.members)}
    take_before_change(job, f"member {member_id} was not removed")
    # A copy of a big database takes minutes, in which masters may die: only now the time counts,
    # and what was seen before it counts no more.
    deadline = master.ports.clock.monotonic() + HEALTH_RULE_S
    said = ""
    while True:
        seen = _checked(master, member_id)
        if seen.with_id(member_id) is None:
            return {"members": described(seen.members)}
        error = _remove(master, member_id)
        if error is None:
            return {"members": described(prove_gone(master, member_id))}
        if master.ports.clock.monotonic() >= deadline:
            raise not_done(f"member {member_id} was not removed", error)
        if error.message != said:
            said = error.message
            job.progress(f"not yet: {said}")
        master.ports.clock.sleep(PAUSE_S)


def _who(job: Job) -> str:
    """Return whose removal is asked for: by id, or by the peer URL of one that may be a member.

    Whoever gives a newcomer up may not have heard that it was admitted meanwhile.
    """
    if "peer_url" not in job.request.args:
        return job.text("member_id")
    listed = look_at_members(job.master).with_url(job.text("peer_url"))
    return listed.id if listed is not None else "nobody"


def _checked(master: Master, member_id: str) -> Membership:
    """Return the membership as of now, on which the removal is safe, or done already."""
    seen = look_at_members(master)
    check_removal(master, seen, member_id)
    return seen


def check_removal(master: Master, seen: Membership, member_id: str) -> None:
    """Refuse a removal that is not safe on this membership.

    Raises:
        RequestError: ``refused``, with the arithmetic.
    """
    leaving = seen.with_id(member_id)
    if leaving is None:
        return
    if leaving.peer_url == master.identity.peer_url:
        raise refused(f"{master.config.replica} does not remove itself: ask a replica that stays")
    others = tuple(m for m in seen.learners if m.id != member_id)
    if others:
        raise refused(
            f"a newcomer is on its way in ({names(others)}): expel it or let it finish first"
        )
    voters, healthy = len(seen.voters), len(seen.healthy)
    if leaving.role is Role.LEARNER:
        if healthy < majority(voters):
            raise refused(
                f"{healthy} of {voters} voters is healthy, {majority(voters)} are needed"
            )
        return
    blocker = removal_blocker(voters, healthy, leaving_is_healthy=member_id in seen.healthy)
    if blocker:
        down = names(seen.unhealthy_voters) or "none"
        raise refused(f"removing {names((leaving,))}: {blocker}; not healthy: {down}")


def prove_gone(master: Master, member_id: str) -> tuple[Member, ...]:
    """Return the membership without the member, read through a quorum.

    Raises:
        RequestError: ``failed``: etcd agreed to the removal and lists it all the same.
    """
    deadline = master.ports.clock.monotonic() + HEALTH_RULE_S
    while True:
        try:
            members = master.ports.etcd.members()
        except EtcdError as error:
            # Whoever loses its leader by the removal elects another within a second or two.
            if master.ports.clock.monotonic() >= deadline:
                raise failed(
                    f"{member_id} was removed, but that cannot be proven: {error.message}"
                ) from error
            master.ports.clock.sleep(PAUSE_S)
            continue
        if any(m.id == member_id for m in members):
            raise failed(f"etcd agreed to remove {member_id} and still lists it")
        return members


def _remove(master: Master, member_id: str) -> EtcdError | None:
    """Ask once; return what etcd said when it may say otherwise later."""
    try:
        master.ports.etcd.remove(member_id)
    except EtcdError as error:
        if error.trouble is EtcdTrouble.MEMBER_NOT_FOUND:
            return None  # gone since we looked; the caller proves it
        if error.trouble is EtcdTrouble.UNHEALTHY_CLUSTER or is_lost_answer(error):
            return error
        raise not_done(f"member {member_id} was not removed", error) from error
    return None


def remove_learner(master: Master, member_id: str) -> None:
    """Take back a learner that was added in vain; etcd asks no quorum of it, only a leader.

    Raises:
        RequestError: ``failed``: it is still there; says so.
    """
    deadline = master.ports.clock.monotonic() + HEALTH_RULE_S
    while True:
        try:
            member = next((m for m in master.ports.etcd.members() if m.id == member_id), None)
            if member is None:
                return
            if member.role is not Role.LEARNER:
                raise failed(f"member {member_id} became a voter after all; it was left in place")
            master.ports.etcd.remove(member_id)
        except EtcdError as error:
            if master.ports.clock.monotonic() >= deadline:
                raise failed(
                    f"learner {member_id} could not be taken out ({error.message}): expel it by id"
                ) from error
        master.ports.clock.sleep(PAUSE_S)
