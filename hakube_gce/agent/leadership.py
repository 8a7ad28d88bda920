"""`yield-leadership`: hand etcd's leadership to another voter before this one goes.

A planned transfer costs writers a few hundredths of a second; a leader that is simply removed
costs them one to two seconds. Changes no membership.
"""

from hakube_gce.agent.job import Job, Result
from hakube_gce.agent.ports import EtcdError, EtcdTrouble
from hakube_gce.agent.protocol import failed, refused
from hakube_gce.agent.quorum import check_voter, look_at_members, not_done

TRANSFER_TIMEOUT_S = 15.0
PAUSE_S = 0.1


def yield_leadership(job: Job) -> Result:
    """Make member ``to`` the leader; done when another than this one leads.

    Raises:
        RequestError: ``refused`` when ``to`` cannot lead; ``failed`` when this one leads on.
    """
    master, to = job.master, job.text("to")
    check_voter(master)
    etcd, clock = master.ports.etcd, master.ports.clock
    deadline = clock.monotonic() + TRANSFER_TIMEOUT_S
    while True:
        leader = _other_leader(job)
        if leader:
            return {"leader_id": leader}
        _check_successor(job, to)
        try:
            etcd.transfer_leadership(to)
        except EtcdError as error:
            if error.trouble is EtcdTrouble.BAD_TRANSFEREE or clock.monotonic() >= deadline:
                raise not_done(f"leadership was not handed to {to}", error) from error
        if clock.monotonic() >= deadline:
            raise failed(f"{master.config.replica} still leads after {TRANSFER_TIMEOUT_S:.0f} s")
        clock.sleep(PAUSE_S)


def _other_leader(job: Job) -> str:
    """Return the leader's id when it is not this member; empty while nobody or this one leads."""
    try:
        status = job.master.ports.etcd.status()
    except EtcdError as error:
        raise failed(
            f"etcd on {job.master.config.replica} does not answer: {error.message}"
        ) from error
    return status.leader_id if status.leader_id != status.member_id else ""


def _check_successor(job: Job, to: str) -> None:
    seen = look_at_members(job.master)
    successor = seen.with_id(to)
    if successor is None:
        raise refused(f"there is no member {to}")
    if successor.peer_url == job.master.identity.peer_url:
        raise refused(f"{to} is this replica itself")
    if to not in seen.healthy:
        raise refused(f"{successor.name or to} is no healthy voter: it cannot lead")
