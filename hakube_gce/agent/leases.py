"""Kubernetes' own list of masters in etcd: entries of masters that are no more.

Every API server keeps `endpoints/kubernetes` from the addresses under this prefix. After a
recovery or a restore it names masters that no longer exist, and clients inside the cluster would
be sent there until the entries run out.
"""

from hakube_gce.agent.job import Master

PREFIX = "/registry/masterleases/"


def forget_absent_masters(master: Master) -> tuple[str, ...]:
    """Delete the entries of all but this master, which is alone; return their addresses.

    Raises:
        EtcdError: etcd does not take it.
    """
    etcd = master.ports.etcd
    stale = [k for k in etcd.keys(PREFIX) if k.removeprefix(PREFIX) != master.identity.address]
    for key in stale:
        etcd.delete(key)
    return tuple(key.removeprefix(PREFIX) for key in stale)
