"""etcd's strict reconfiguration check: which membership changes it refuses before trying.

Pure. The rules of ``--strict-reconfig-check`` as etcd 3.4 and 3.5 have them; what needs a majority
to be committed is decided in `membership`, not here.
"""

from hakube_gce.emulator.membership_state import EtcdRefused, Replicated, Rules

UNHEALTHY = "etcdserver: unhealthy cluster"


def check_addition(state: Replicated, connected: int, rules: Rules) -> None:
    """Refuse to add a member while voters are down or were connected only just now.

    Args:
        state: The membership before the change.
        connected: Voters connected for longer than the health interval.
        rules: Which etcd this is.
    """
    voters = len(state.voters())
    needed = (voters + 1) // 2 + 1 if rules.adds_while_quorum_holds else voters
    if connected < min(needed, voters):
        raise EtcdRefused(14, UNHEALTHY)


def check_new_voter(state: Replicated) -> None:
    """Refuse a voter where too few of the voters have ever started.

    One lonely voter is let through: etcd wants a lost cluster to be rebuilt that way. It is also
    how one command takes a one-member cluster down.
    """
    voters = state.voters()
    started = sum(bool(m.name) for m in voters)
    if not (len(voters) == 1 and started == 1):
        require_started(started, len(voters) + 1)


def check_removal(state: Replicated, member_id: int, running: bool, connected: int) -> None:
    """Refuse to remove a voter where those who stay could not decide.

    Args:
        state: The membership before the change.
        member_id: The voter that is to leave.
        running: It is up.
        connected: Voters connected for longer than the health interval.
    """
    staying = [m for m in state.voters() if m.id != member_id]
    require_started(sum(bool(m.name) for m in staying), max(len(staying), 1))
    if not running:
        return  # a member that is down is no part of the active quorum
    if connected - 1 < len(staying) // 2 + 1:
        raise EtcdRefused(14, UNHEALTHY)


def require_started(started: int, voters: int) -> None:
    """Refuse a change after which too few of the voters would ever have started."""
    if started < voters // 2 + 1:
        raise EtcdRefused(
            2, "etcdserver: re-configuration failed due to not enough started members"
        )
