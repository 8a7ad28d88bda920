"""How this replica is, as far as it can tell: the fields of a heartbeat.

Looks only. What cannot be seen is left empty and etcd is then not healthy; nothing is guessed from
earlier looks.
"""

from collections.abc import Iterable

from hakube_gce.agent.job import Job, Master, Result
from hakube_gce.agent.ports import Etcd, EtcdError, EtcdStatus, Member, Role


def report(job: Job) -> Result:
    """Look afresh."""
    return look(job.master)


def look(master: Master) -> Result:
    """Return a heartbeat's own fields."""
    memory, services = master.memory, master.ports.services
    return {
        "phase": memory.phase.value,
        "epoch": memory.epoch,
        "detail": memory.detail,
        **(_etcd(master.ports.etcd) if memory.launch else _no_etcd()),
        "apiserver_ready": services.apiserver_ready(),
        "apiserver_kind": services.apiserver_kind(),
        "certificates_expire": memory.certificates_expire,
    }


def described(members: Iterable[Member]) -> list[Result]:
    """Return members as the protocol writes them."""
    return [
        {"id": m.id, "name": m.name, "peer_url": m.peer_url, "role": m.role.value} for m in members
    ]


def _etcd(etcd: Etcd) -> Result:
    try:
        status = etcd.status()
    except EtcdError:
        return _no_etcd()
    healthy, members = _membership(etcd, status)
    return {
        "cluster_id": status.cluster_id,
        "member_id": status.member_id,
        "role": status.role.value,
        "leader_id": status.leader_id,
        "term": status.term,
        "applied_index": status.applied_index,
        "db_size_bytes": status.db_size_bytes,
        "etcd_healthy": healthy,
        "etcd_version": status.version,
        "alarms": list(status.alarms),
        "members": described(members),
    }


def _membership(etcd: Etcd, status: EtcdStatus) -> tuple[bool, tuple[Member, ...]]:
    """Return whether a linearizable read works here, and the freshest list to be had."""
    if status.role is Role.LEARNER:
        return (
            False,
            (),
        )  # etcd serves neither to learners' clients ("rpc not supported for learner")
    try:
        return True, etcd.members()
    except EtcdError:
        pass
    try:
        return False, etcd.members_locally()
    except EtcdError:
        return False, ()


def _no_etcd() -> Result:
    return {
        "cluster_id": "",
        "member_id": "",
        "role": "",
        "leader_id": "",
        "term": 0,
        "applied_index": 0,
        "db_size_bytes": 0,
        "etcd_healthy": False,
        "etcd_version": "",
        "alarms": [],
        "members": [],
    }
