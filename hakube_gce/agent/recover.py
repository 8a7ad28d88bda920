"""`recover`: make this member the only one, when the quorum is gone for good.

What the lost members had acknowledged and this one has not applied is gone; whoever asks for this
has said that he knows. The raw data is copied first. It does not judge who is lost: the operator
has deleted their VMs before, so that none comes back with its old identity. Idempotent: who is
alone and healthy already is done.
"""

from dataclasses import replace

from hakube_gce.agent.disk import ETCD_FOLDER, data_problem, has_data
from hakube_gce.agent.job import Job, Master, Result
from hakube_gce.agent.leases import forget_absent_masters
from hakube_gce.agent.life import REMOVED, tend
from hakube_gce.agent.notebook import Phase
from hakube_gce.agent.ports import EtcdError, EtcdLaunch, Member, Role
from hakube_gce.agent.protocol import failed, refused
from hakube_gce.agent.quorum import names
from hakube_gce.agent.report import described

ALONE_TIMEOUT_S = 120.0
PAUSE_S = 0.1
PROOFS = 2


def recover(job: Job) -> Result:
    """Become a cluster of one; with the argument ``check``, only say whether that may be.

    Raises:
        RequestError: ``refused`` where there is a quorum, or no data of this member; ``failed``
            when etcd did not come up alone.
    """
    master = job.master
    _check(master)
    if job.request.args.get("check") is True:
        return {}
    if not _is_alone(master):
        kept = _set_aside(job)
        job.progress(f"the data as it was is kept in {kept}")
        _force(master, _launch(master))
    members = _prove_alone(master)
    stale = forget_absent_masters(master)
    kept = master.memory.recovering
    master.notebook.keep(replace(master.memory, recovering="", etcd_served=True))
    tend(master)
    return {"members": described(members), "kept": kept, "forgotten_masters": list(stale)}


def _check(master: Master) -> None:
    """Refuse what would lose more than it saves."""
    name = master.config.replica
    if not has_data(master):
        raise refused(f"{name} holds no etcd data: nothing can be recovered from it")
    problem = data_problem(master)
    if problem:
        raise refused(f"{name}: {problem}")
    if master.memory.phase is Phase.FAILED and master.memory.detail == REMOVED:
        raise refused(f"{name} was removed from the cluster: its data is older than the cluster's")
    if _is_learner(master):
        raise refused(f"{name} is a learner: it may never have got all the data")
    listed = _listed(master)
    if len(listed) > 1:
        raise refused(f"etcd has a quorum ({names(listed)}): remove who is dead, one at a time")


def _is_learner(master: Master) -> bool:
    try:
        return master.ports.etcd.status().role is Role.LEARNER
    except EtcdError:
        return False  # it does not run, as after a power cut in the midst of this


def _listed(master: Master) -> tuple[Member, ...]:
    """Return the membership through a quorum; nobody without one."""
    try:
        return master.ports.etcd.members()
    except EtcdError:
        return ()


def _is_alone(master: Master) -> bool:
    return [m.peer_url for m in _listed(master)] == [master.identity.peer_url]


def _set_aside(job: Job) -> str:
    """Copy the data directory, once, however often this is asked for."""
    master = job.master
    if master.memory.recovering:
        return master.memory.recovering
    master.ports.services.stop_apiserver()
    master.ports.services.stop_etcd()
    kept = f"etcd-before-recover-{master.ports.clock.now():%Y%m%dT%H%M%SZ}"
    if not master.ports.data.exists(kept):
        master.ports.data.copy(ETCD_FOLDER, kept)
    master.notebook.keep(replace(master.memory, recovering=kept))
    return kept


def _launch(master: Master) -> EtcdLaunch:
    """Return how etcd was started; a VM that was made anew on this disk may not know."""
    launch = master.memory.launch or EtcdLaunch(
        name=master.config.replica,
        token=master.config.uid,
        state="existing",
        initial_cluster={master.config.replica: master.identity.peer_url},
    )
    known = replace(master.memory, phase=Phase.RUNNING, detail="", launch=launch)
    master.notebook.keep(known)
    return launch


def _force(master: Master, launch: EtcdLaunch) -> None:
    """Start etcd once so that it forgets the others, then as ever."""
    services, clock = master.ports.services, master.ports.clock
    services.stop_apiserver()
    services.stop_etcd()
    services.start_etcd(launch, alone=True)
    try:
        deadline = clock.monotonic() + ALONE_TIMEOUT_S
        while not _is_alone(master):
            if clock.monotonic() >= deadline:
                raise failed(
                    f"etcd did not come up alone within {ALONE_TIMEOUT_S:.0f} s; its data as it "
                    f"was is in {master.memory.recovering}; see the agent's logs"
                )
            clock.sleep(PAUSE_S)
    finally:
        services.stop_etcd()
        services.start_etcd(launch)


def _prove_alone(master: Master) -> tuple[Member, ...]:
    """See one voter, this one, twice in a row, and have it take a write."""
    clock = master.ports.clock
    deadline, in_a_row = clock.monotonic() + ALONE_TIMEOUT_S, 0
    while in_a_row < PROOFS:
        in_a_row = in_a_row + 1 if _is_alone(master) else 0
        if clock.monotonic() >= deadline:
            raise failed("etcd is a cluster of one and does not become healthy; see its log")
        clock.sleep(PAUSE_S)
    master.ports.etcd.prove_writable()
    return master.ports.etcd.members()
