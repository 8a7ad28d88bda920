"""`admit`: bring a waiting newcomer into etcd: learner first, voter once it has caught up.

There is no call here, or anywhere in the agent, that adds a voter. Before the membership is
touched every voter must be healthy and the newcomer proven reachable both ways; what comes in but
makes no headway is taken out again. What is already done is not done again, so the job may be
repeated after any crash.
"""

from dataclasses import dataclass

from hakube_gce.agent.expel import remove_learner
from hakube_gce.agent.job import Job, Master, Result
from hakube_gce.agent.ports import EtcdError, EtcdTrouble, Member, PeerError, Reach, Role
from hakube_gce.agent.protocol import RequestError, failed, refused
from hakube_gce.agent.quorum import (
    HEALTH_RULE_S,
    Membership,
    check_voter,
    is_lost_answer,
    linearizable_members,
    look_at_members,
    names,
    not_done,
)
from hakube_gce.agent.report import described
from hakube_gce.agent.snapshot import take_before_change

PAUSE_S = 0.25
REACH_S = 15.0
"""How long the newcomer may take to prove itself reachable; it listens before it answered
`install`."""
SILENCE_S = 60.0
"""A learner whose etcd has been silent this long makes no progress; a cold, small VM is slow."""
SAME_SECOND_S = 1.1
"""etcd hashes a new member's id from its URL and the second: a URL added again within the second
in which it was removed gets the removed id, and "member not found"."""
PROOFS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Who is to be admitted, and until when it may take."""

    name: str
    peer_url: str
    deadline: float
    """By the monotonic clock."""


def admit(job: Job) -> Result:
    """Make the replica ``name`` at ``peer_url`` a voter.

    Raises:
        RequestError: ``refused`` when it would be unsafe; ``failed`` when the newcomer did not
            make it (the learner is gone again, or the message says that it is not).
    """
    master = job.master
    newcomer = _newcomer(job)
    check_voter(master)
    seen = look_at_members(master)
    known = seen.with_url(newcomer.peer_url)
    check_admission_is_safe(master, seen, newcomer)
    if known is None:
        prove_reachable(job, seen, newcomer)
        job.progress(f"{newcomer.name} is reachable both ways")
        take_before_change(job, f"{newcomer.name} was not added")
        known = add_learner(job, newcomer)
        job.progress(f"{newcomer.name} added as learner {known.id}")
    elif known.role is Role.LEARNER:
        take_before_change(job, f"{newcomer.name} was not promoted")
    if known.role is Role.LEARNER:
        promote(job, known.id, newcomer)
        job.progress(f"{newcomer.name} promoted to voter")
    members = prove_voter(master, known.id, newcomer)
    return {"member_id": known.id, "members": described(members)}


def _newcomer(job: Job) -> Newcomer:
    timeout_s = job.request.args.get("timeout_s", 120)
    if not isinstance(timeout_s, int | float) or timeout_s <= 0:
        raise failed("admit: argument timeout_s is not a number of seconds")
    return Newcomer(
        name=job.text("name"),
        peer_url=job.text("peer_url"),
        deadline=job.master.ports.clock.monotonic() + timeout_s,
    )


def check_admission_is_safe(master: Master, seen: Membership, newcomer: Newcomer) -> None:
    """Refuse unless every voter is healthy, no alarm stands and nobody else is on its way in.

    Stricter than etcd, which asks for a majority at most: a newcomer's first minutes are when a
    second failure is most likely.

    Raises:
        RequestError: ``refused``, naming what stands in the way.
    """
    known = seen.with_url(newcomer.peer_url)
    if known is not None and known.name not in ("", newcomer.name):
        raise refused(
            f"{newcomer.peer_url} belongs to member {known.name}: expel {known.id} first"
        )
    down = tuple(m for m in seen.unhealthy_voters if m != known)
    if down:
        raise refused(
            f"every voter must be healthy before one is added; not healthy: {names(down)}"
        )
    others = tuple(m for m in seen.learners if m != known)
    if others:
        raise refused(f"another newcomer is on its way in: {names(others)}")
    if any(m.name == newcomer.name for m in seen.members if m != known):
        raise refused(f"there already is a member named {newcomer.name} at another address")
    try:
        alarms = master.ports.etcd.status().alarms
    except EtcdError as error:
        raise refused(f"etcd does not tell its alarms: {error.message}") from error
    if alarms:
        raise refused(f"etcd raised {', '.join(alarms)}: settle that before adding a member")


def prove_reachable(job: Job, seen: Membership, newcomer: Newcomer) -> None:
    """Dial the newcomer and have it dial every voter.

    Raises:
        RequestError: ``refused``: one of the ways does not work; nothing was changed.
    """
    clock = job.master.ports.clock
    deadline = min(newcomer.deadline, clock.monotonic() + REACH_S)
    while True:
        problem = _reach_problem(job.master, seen, newcomer)
        if not problem:
            return
        if clock.monotonic() >= deadline:
            raise refused(f"{newcomer.name} is not reachable both ways: {problem}")
        clock.sleep(PAUSE_S)


def _reach_problem(master: Master, seen: Membership, newcomer: Newcomer) -> str:
    try:
        reach: Reach = master.ports.peers.reach(newcomer.peer_url)
    except PeerError as error:
        return f"{newcomer.peer_url} does not answer: {error}"
    if (reach.replica, reach.uid) != (newcomer.name, master.config.uid):
        return f"{newcomer.peer_url} is {reach.replica} of cluster {reach.uid}"
    for voter in seen.voters:
        if voter.peer_url not in reach.reached:
            why = reach.missed.get(voter.peer_url, "it was not told of it")
            return f"it does not reach {voter.name}: {why}"
    return ""


def add_learner(job: Job, newcomer: Newcomer) -> Member:
    """Add the learner and return it as listed.

    Raises:
        RequestError: ``refused`` or ``failed`` with etcd's words.
    """
    master, clock = job.master, job.master.ports.clock
    deadline = min(newcomer.deadline, clock.monotonic() + HEALTH_RULE_S)
    same_second = True
    while True:
        error = _add(master, newcomer.peer_url)
        listed = _listed(master, newcomer)
        if listed is not None:
            return listed
        if error is None:
            raise failed(f"etcd accepted {newcomer.peer_url} but does not list it")
        if error.trouble is EtcdTrouble.MEMBER_NOT_FOUND and same_second:
            same_second = False
            clock.sleep(SAME_SECOND_S)
            continue
        if not _may_pass(error) or clock.monotonic() >= deadline:
            raise not_done(f"{newcomer.name} was not added", error)
        clock.sleep(PAUSE_S)
        check_admission_is_safe(master, look_at_members(master), newcomer)


def _add(master: Master, peer_url: str) -> EtcdError | None:
    try:
        master.ports.etcd.add_learner(peer_url)
    except EtcdError as error:
        return error
    return None


def _may_pass(error: EtcdError) -> bool:
    return error.trouble is EtcdTrouble.UNHEALTHY_CLUSTER or is_lost_answer(error)


def _listed(master: Master, newcomer: Newcomer) -> Member | None:
    """Look whether the newcomer is listed by now; only a read through a quorum can tell.

    Raises:
        RequestError: ``failed``: it cannot be told in time.
    """
    while True:
        try:
            members = linearizable_members(master)
        except RequestError as error:
            if master.ports.clock.monotonic() >= newcomer.deadline:
                raise failed(
                    f"it is unknown whether {newcomer.name} was added: {error.message}"
                ) from error
            master.ports.clock.sleep(PAUSE_S)
            continue
        return next((m for m in members if m.peer_url == newcomer.peer_url), None)


def promote(job: Job, member_id: str, newcomer: Newcomer) -> None:
    """Promote the learner once etcd finds it in sync; take it out when it does not get there.

    Raises:
        RequestError: ``failed``: no voter came of it.
    """
    clock = job.master.ports.clock
    last_sign = clock.monotonic()
    problem = "its etcd has not started"
    while clock.monotonic() < newcomer.deadline and clock.monotonic() - last_sign < SILENCE_S:
        try:
            found = _promoted(job.master, member_id, newcomer)
        except RequestError as error:
            problem = error.message
            break
        if not found:
            return
        problem = found
        if job.master.ports.peers.answers(newcomer.peer_url):
            last_sign = clock.monotonic()
        clock.sleep(PAUSE_S)
    remove_learner(job.master, member_id)
    raise failed(f"{newcomer.name} was not promoted: {problem}; the learner was taken out again")


def _promoted(master: Master, member_id: str, newcomer: Newcomer) -> str:
    """Try once; return why it is not a voter yet, or nothing when it is.

    Raises:
        RequestError: It will not become one.
    """
    try:
        seen = look_at_members(master)
    except RequestError as error:
        return error.message
    member = seen.with_id(member_id)
    if member is None:
        raise failed("somebody removed it meanwhile")
    if member.role is Role.VOTER:
        return ""
    problem = promotion_problem(master, seen, member, newcomer)
    if not problem:
        try:
            master.ports.etcd.promote(member_id)
        except EtcdError as error:
            return f"etcd says {error.message!r}"
    return problem


def promotion_problem(
    master: Master, seen: Membership, learner: Member, newcomer: Newcomer
) -> str:
    """Say why a learner is not promoted now; empty when etcd may be asked to.

    Raises:
        RequestError: ``failed``: somebody else's etcd started there.
    """
    if learner.name not in ("", newcomer.name):
        raise failed(f"the member that started there calls itself {learner.name}")
    if not learner.name:
        return "its etcd has not started"
    if seen.unhealthy_voters:
        return f"not healthy: {names(seen.unhealthy_voters)}"
    # With one voter so far, the newcomer's vote is needed from the next write on: it must be alive
    # at this very moment.
    if not master.ports.peers.answers(newcomer.peer_url):
        return "its etcd does not answer"
    return ""


def prove_voter(master: Master, member_id: str, newcomer: Newcomer) -> tuple[Member, ...]:
    """See the newcomer as a healthy voter twice in a row.

    Raises:
        RequestError: ``failed``: it is a member, but was not seen healthy in time.
    """
    clock = master.ports.clock
    seen_in_a_row = 0
    while True:
        members = _members_with_voter(master, member_id, newcomer)
        seen_in_a_row = seen_in_a_row + 1 if members else 0
        if seen_in_a_row == PROOFS:
            return members
        if clock.monotonic() >= newcomer.deadline:
            raise failed(
                f"{newcomer.name} is a member but was not seen as a healthy voter in time"
            )
        clock.sleep(PAUSE_S)


def _members_with_voter(master: Master, member_id: str, newcomer: Newcomer) -> tuple[Member, ...]:
    """Return the linearizable list when the newcomer is a live voter in it, else nothing."""
    try:
        members = master.ports.etcd.members()
    except EtcdError:
        return ()
    wanted = Member(id=member_id, name=newcomer.name, peer_url=newcomer.peer_url, role=Role.VOTER)
    alive = master.ports.peers.answers(newcomer.peer_url)
    return members if alive and wanted in members else ()
