"""Whose data the data disk holds, and whether etcd may be started on it.

etcd on another cluster's data, or a voter that has lost its memory, can break a cluster for good;
an etcd that is not started can be started later. So whatever does not fit ends in phase
``failed``.
"""

import json
from collections.abc import Mapping
from typing import Any

from hakube_gce.agent.job import Master

CLUSTER_FILE = "cluster.json"
ETCD_FOLDER = "etcd"
WAL = f"{ETCD_FOLDER}/member/wal"
"""Made by etcd once it has found its place in the cluster; before that a start leaves nothing
behind."""


def has_data(master: Master) -> bool:
    """Tell whether etcd has started on this disk before."""
    return master.ports.data.exists(WAL)


def data_problem(master: Master) -> str:
    """Say why etcd must not be started on this data disk; empty when it may."""
    content = master.ports.data.read(CLUSTER_FILE)
    if content is None:
        if has_data(master):
            return (
                f"the data disk holds etcd data but no {CLUSTER_FILE}: whose it is cannot be told"
            )
    else:
        problem = _owner_problem(master, content)
        if problem:
            return problem
    if master.memory.etcd_served and not has_data(master):
        return (
            "this member has served, but its data is gone: it must not vote again; "
            "remove this replica and add a new one"
        )
    return ""


def _owner_problem(master: Master, content: bytes) -> str:
    try:
        found = json.loads(content)
        uid, member = str(found["uid"]), str(found["member"])
    except (ValueError, KeyError, TypeError):
        return f"the data disk's {CLUSTER_FILE} is not readable: whose data it is cannot be told"
    if uid != master.config.uid:
        return f"the data disk belongs to cluster {uid}, this is cluster {master.config.uid}"
    if member != master.config.replica:
        return f"the data disk belongs to member {member}, this is {master.config.replica}"
    peer_url = str(found.get("peer_url", master.identity.peer_url))
    if peer_url != master.identity.peer_url and has_data(master):
        return (
            f"the data disk's member is known at {peer_url}, this VM is at "
            f"{master.identity.peer_url}: the others would not find it"
        )
    return ""


def owner(master: Master) -> dict[str, Any] | None:
    """Return what is written of the disk's owner; None when nothing is.

    Raises:
        ValueError: It is not readable.
    """
    content = master.ports.data.read(CLUSTER_FILE)
    if content is None:
        return None
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - as bad as what does not parse
    return found


def claim_restored(master: Master, facts: Mapping[str, object]) -> None:
    """Write that this disk is this member's now, and by which operation and from what."""
    restored = {"restored_for": master.config.nonce, "restored": dict(facts)}
    content = json.dumps({**_whose(master), **restored})
    master.ports.data.write(CLUSTER_FILE, content.encode())


def _whose(master: Master) -> dict[str, str]:
    return {
        "uid": master.config.uid,
        "member": master.config.replica,
        "peer_url": master.identity.peer_url,
    }


def claim(master: Master) -> None:
    """Write whose disk this is, before etcd writes anything."""
    if master.ports.data.read(CLUSTER_FILE) is not None and has_data(master):
        return
    master.ports.data.write(CLUSTER_FILE, json.dumps(_whose(master)).encode())
