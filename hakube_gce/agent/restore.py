"""A founder that begins with a saved database instead of an empty one.

The data disk came from a snapshot of another master's: it holds that master's etcd, torn as by a
power cut, and its saved databases. The newest whole one becomes a new cluster of this member
alone; what stood there is moved aside, never deleted. It will not take another cluster's disk, and
it restores once for each operation: what was written since is not thrown away by a second run.
"""

from hakube_gce.agent.disk import CLUSTER_FILE, ETCD_FOLDER, claim_restored, has_data, owner
from hakube_gce.agent.job import Job, Master, Result
from hakube_gce.agent.leases import forget_absent_masters
from hakube_gce.agent.notebook import Phase
from hakube_gce.agent.ports import DatabaseError, EtcdError, EtcdLaunch
from hakube_gce.agent.protocol import RequestError, failed, refused
from hakube_gce.agent.snapshot import FOLDER, described, newest

RESTORING = "etcd.restoring"
SETTLE_TIMEOUT_S = 120.0
PAUSE_S = 0.1


def is_asked_for(job: Job) -> bool:
    """Tell whether an ``install`` is to restore.

    Raises:
        RequestError: ``failed``: the argument makes no sense.
    """
    wanted = job.request.args.get("restore", False)
    if not isinstance(wanted, bool):
        raise failed("install: argument restore is neither true nor false")
    if wanted and job.text("role") != "founder":
        raise failed("install: only a founder restores")
    return wanted


def restore(job: Job) -> Result:
    """Make the newest saved database this member's data; say which it was.

    Raises:
        RequestError: ``refused`` for another cluster's disk; ``failed`` when there is no whole
            saved database, or etcd's tool could not restore it. The replica then says so until it
            is deleted.
    """
    try:
        return _restore(job)
    except RequestError as error:
        job.master.enter(Phase.FAILED, error.message)
        raise


def _restore(job: Job) -> Result:
    master = job.master
    done = _done_already(master)
    if done is not None or master.memory.launch is not None:
        return done or {}
    saved = newest(master)
    job.progress(f"restoring {saved.name} (revision {saved.revision})")
    data = master.ports.data
    data.remove(RESTORING)
    try:
        bumped = master.ports.databases.restore(
            f"{FOLDER}/{saved.name}", RESTORING, _launch(master)
        )
    except DatabaseError as error:
        raise failed(f"{saved.name} could not be restored: {error}") from error
    aside = f"etcd-before-restore-{saved.name.removesuffix('.db')}"
    if data.exists(aside):  # an attempt that ended here: its own result is no loss
        data.remove(ETCD_FOLDER)
    if data.exists(ETCD_FOLDER):
        data.move(ETCD_FOLDER, aside)
    data.move(RESTORING, ETCD_FOLDER)
    facts: Result = {**described(saved), "bumped": bumped}
    claim_restored(master, facts)
    return facts


def _done_already(master: Master) -> Result | None:
    """Return what an earlier attempt of this very operation restored.

    Raises:
        RequestError: ``refused``: the disk is not this cluster's.
    """
    try:
        found = owner(master)
    except ValueError as error:
        raise refused(f"the data disk's {CLUSTER_FILE} is not readable: {error}") from error
    if found is None:
        raise refused(f"the data disk has no {CLUSTER_FILE}: whose it is cannot be told")
    if found.get("uid") != master.config.uid:
        raise refused(
            f"the data disk belongs to cluster {found.get('uid')}, "
            f"this is cluster {master.config.uid}"
        )
    facts = found.get("restored")
    mine = found.get("restored_for") == master.config.nonce and has_data(master)
    return facts if mine and isinstance(facts, dict) else None


def _launch(master: Master) -> EtcdLaunch:
    """Describe the new cluster: its token differs, so that its id does, wherever it stands."""
    return EtcdLaunch(
        name=master.config.replica,
        token=f"{master.config.uid}-{master.config.nonce[:8]}",
        state="new",
        initial_cluster={master.config.replica: master.identity.peer_url},
    )


def settle(master: Master) -> None:
    """Once the restored etcd works, forget the masters that it remembers.

    Raises:
        RequestError: ``failed``: it does not work in time.
    """
    clock = master.ports.clock
    deadline = clock.monotonic() + SETTLE_TIMEOUT_S
    while True:
        try:
            master.ports.etcd.prove_writable()
            forget_absent_masters(master)
        except EtcdError as error:
            if clock.monotonic() >= deadline:
                raise failed(f"the restored etcd does not work: {error.message}") from error
            clock.sleep(PAUSE_S)
        else:
            return
