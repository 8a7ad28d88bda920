"""`snapshot`: save etcd's database on the data disk, verified, and keep the newest few.

Also taken by the agent itself before every membership change it makes: whoever changes who votes
must be able to go back. It answers only for what it has read back from the disk; where a snapshot
cannot be had, nothing is changed.
"""

from hakube_gce.agent.job import Job, Master, Result
from hakube_gce.agent.ports import DatabaseError, Saved
from hakube_gce.agent.protocol import Code, RequestError, failed, format_time, refused
from hakube_gce.agent.quorum import check_voter, linearizable_members

FOLDER = "snapshots"
KEPT = 3


def snapshot(job: Job) -> Result:
    """Save and verify the database as of now.

    Raises:
        RequestError: ``refused`` outside a working cluster; ``failed`` when it was not saved.
    """
    master = job.master
    check_voter(master)
    # Through the quorum first: afterwards this member has applied whatever was acknowledged.
    linearizable_members(master)
    try:
        return described(take(master))
    except (DatabaseError, OSError) as error:
        raise failed(f"no snapshot was taken: {error}") from error


def take(master: Master) -> Saved:
    """Save, verify, and forget all but the newest.

    Raises:
        DatabaseError: It was not saved, or is not what it should be.
        OSError: The disk does not take it.
    """
    ports = master.ports
    name = f"{ports.clock.now():%Y%m%dT%H%M%S.%fZ}.db"
    ports.databases.save(f"{FOLDER}/{name}")
    try:
        saved = ports.databases.verify(f"{FOLDER}/{name}")
    except DatabaseError:
        ports.data.remove(f"{FOLDER}/{name}")
        raise
    for old in listed(master)[:-KEPT]:
        ports.data.remove(f"{FOLDER}/{old}")
    return saved


def take_before_change(job: Job, what: str) -> None:
    """Save and verify the database before the membership changes.

    A copy of a big one takes minutes. Whoever asked may have given up meanwhile, and somebody else
    may hold the lock: what is late changes nothing.

    Raises:
        RequestError: ``refused``: without one, the membership stays as it is. ``stale``: it took
            longer than whoever asked waits.
    """
    try:
        saved = take(job.master)
    except (DatabaseError, OSError) as error:
        raise refused(
            f"{what}: no snapshot could be taken ({error}), and without a fresh one the "
            "membership is not changed"
        ) from error
    job.progress(f"snapshot {saved.name} taken (revision {saved.revision})")
    now = job.master.ports.clock.now()
    if job.request.expires <= now:
        raise RequestError(
            Code.STALE,
            f"{what}: the snapshot took until {format_time(now)}, and the request expired at "
            f"{format_time(job.request.expires)}",
        )


def listed(master: Master) -> tuple[str, ...]:
    """Return the saved databases' names, the oldest first."""
    return tuple(n for n in master.ports.data.names(FOLDER) if n.endswith(".db") and n[0] != ".")


def newest(master: Master) -> Saved:
    """Return the newest saved database that is whole.

    Raises:
        RequestError: ``failed``: there is none; says what is wrong with those there are.
    """
    problems = []
    for name in reversed(listed(master)):
        try:
            return master.ports.databases.verify(f"{FOLDER}/{name}")
        except DatabaseError as error:
            problems.append(str(error))
    what = "; ".join(problems) or f"its folder {FOLDER} is empty"
    raise failed(f"the data disk holds no saved database that is whole: {what}")


def described(saved: Saved) -> Result:
    """Return a saved database as the protocol writes it."""
    return {
        "name": saved.name,
        "revision": saved.revision,
        "total_keys": saved.total_keys,
        "size_bytes": saved.size_bytes,
        "hash": saved.hash,
    }
