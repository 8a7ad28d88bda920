"""The arithmetic every membership change must pass first, and the looks that feed it.

A change needs two majorities of healthy voters: one among today's, or it cannot be committed at
all, and one among those who vote afterwards, or nothing can be committed any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hakube_gce.agent.job import Master
from hakube_gce.agent.ports import EtcdError, EtcdTrouble, Member, Role
from hakube_gce.agent.protocol import RequestError, failed, refused

ELECTION_S = 5.0
"""How long nobody may lead before that means anything: an election takes one or two seconds."""
HEALTH_RULE_S = 30.0
"""How long etcd's "unhealthy cluster" is waited out: it says so of any voter that has been
connected for less than five seconds (its HealthInterval), which is every time after a promotion
or a restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A linearizable list and which of its voters are healthy now."""

    members: tuple[Member, ...]
    healthy: frozenset[str]
    """Ids of the voters that have started and whose etcd answers now."""

    @property
    def voters(self) -> tuple[Member, ...]:
        """Everyone with a vote, healthy or not."""
        return tuple(m for m in self.members if m.role is Role.VOTER)

    @property
    def learners(self) -> tuple[Member, ...]:
        """Everyone without a vote."""
        return tuple(m for m in self.members if m.role is Role.LEARNER)

    @property
    def unhealthy_voters(self) -> tuple[Member, ...]:
        """Voters that do not answer, or never started."""
        return tuple(m for m in self.voters if m.id not in self.healthy)

    def with_url(self, peer_url: str) -> Member | None:
        """Return the member with this peer URL."""
        return next((m for m in self.members if m.peer_url == peer_url), None)

    def with_id(self, member_id: str) -> Member | None:
        """Return the member with this id."""
        return next((m for m in self.members if m.id == member_id), None)


def majority(voters: int) -> int:
    """Return how many of so many voters decide.

    >>> [majority(n) for n in (1, 2, 3, 4, 5)]
    [1, 2, 2, 3, 3]
    """
    return voters // 2 + 1


def removal_blocker(voters: int, healthy: int, *, leaving_is_healthy: bool) -> str:
    """Say why one voter cannot be taken away; empty when it can.

    >>> removal_blocker(3, 2, leaving_is_healthy=False)
    ''
    >>> removal_blocker(3, 2, leaving_is_healthy=True)
    '1 of the 2 voters that stay would be healthy, 2 are needed'
    >>> removal_blocker(2, 1, leaving_is_healthy=False)
    '1 of 2 voters is healthy, 2 are needed to commit the removal'

    Args:
        voters: All voters now.
        healthy: Healthy ones among them.
        leaving_is_healthy: The one that leaves is one of the healthy.
    """
    if voters <= 1:
        return "it is the last voter: the data would be gone"
    if healthy < majority(voters):
        return (
            f"{healthy} of {voters} voters is healthy, "
            f"{majority(voters)} are needed to commit the removal"
        )
    staying = healthy - leaving_is_healthy
    if staying < majority(voters - 1):
        return (
            f"{staying} of the {voters - 1} voters that stay would be healthy, "
            f"{majority(voters - 1)} are needed"
        )
    return ""


def look_at_members(master: Master) -> Membership:
    """Return the membership as of now.

    Raises:
        RequestError: ``refused``: this member cannot read through a quorum.
    """
    members = linearizable_members(master)
    own, peers = master.identity.peer_url, master.ports.peers
    healthy = {
        m.id
        for m in members
        if m.role is Role.VOTER and m.name and (m.peer_url == own or peers.answers(m.peer_url))
    }
    return Membership(members=members, healthy=frozenset(healthy))


def linearizable_members(master: Master) -> tuple[Member, ...]:
    """Return etcd's list as of now; an election is waited for.

    Raises:
        RequestError: ``refused``: this member cannot read through a quorum.
    """
    clock = master.ports.clock
    deadline = clock.monotonic() + ELECTION_S
    while True:
        try:
            return master.ports.etcd.members()
        except EtcdError as error:
            passes = is_lost_answer(error) or error.trouble is EtcdTrouble.NO_LEADER
            if not passes or clock.monotonic() >= deadline:
                raise refused(
                    f"{master.config.replica} cannot read etcd's membership through a quorum: "
                    f"{error.message}"
                ) from error
        clock.sleep(ELECTION_S / 10)


def check_voter(master: Master) -> None:
    """Refuse jobs that only a voter in a working cluster may do; an election is waited for.

    Raises:
        RequestError: ``refused``: not a voter, or no leader.
    """
    clock = master.ports.clock
    deadline = clock.monotonic() + ELECTION_S
    while not _has_leader(master):
        if clock.monotonic() >= deadline:
            raise refused(f"{master.config.replica} knows of no leader: etcd has no quorum")
        clock.sleep(ELECTION_S / 10)


def _has_leader(master: Master) -> bool:
    try:
        status = master.ports.etcd.status()
    except EtcdError as error:
        raise refused(
            f"etcd on {master.config.replica} does not answer: {error.message}"
        ) from error
    if status.role is not Role.VOTER:
        raise refused(f"{master.config.replica} is a learner: ask a voter")
    return bool(status.leader_id)


def is_lost_answer(error: EtcdError) -> bool:
    """Tell whether it is unknown if the change was made."""
    return error.trouble in (
        EtcdTrouble.UNREACHABLE,
        EtcdTrouble.TIMEOUT,
        EtcdTrouble.LEADER_CHANGED,
    )


def not_done(what: str, error: EtcdError) -> RequestError:
    """Return the answer for a change that etcd refused or failed."""
    unsafe = (
        EtcdTrouble.UNHEALTHY_CLUSTER,
        EtcdTrouble.TOO_MANY_LEARNERS,
        EtcdTrouble.NOT_ENOUGH_STARTED,
        EtcdTrouble.NO_LEADER,
        EtcdTrouble.LEARNER_CANNOT,
    )
    return (refused if error.trouble in unsafe else failed)(f"{what}: etcd says {error.message!r}")


def names(members: Sequence[Member]) -> str:
    """Return members for a sentence."""
    return ", ".join(m.name or f"{m.id} (never started)" for m in members)
