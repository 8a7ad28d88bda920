"""Node objects for the VMs of a cluster, as a kubelet and a cloud provider would have them. Pure.

No kubelet runs: a node is Ready because its VM is RUNNING, and says so. A VM that does not run has
no Node at all, be it stopped or deleted.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hakube_gce.emulator.hollow_kinds import Object

INSTANCE = "hakube-gce/instance-id"
"""Annotation: which VM a Node stands for; a new VM of an old name gets a new Node."""
ROLE = "node-role.kubernetes.io/control-plane"
VERSION = "v1.32.0-hollow"


def wanted(roster: Iterable[Mapping[str, Any]], *, time: str) -> dict[str, Object]:
    """Return the Node objects that there should be, by name.

    Args:
        roster: What the lab says of each VM that runs.
        time: RFC 3339: since when a Node that is made now is ready.
    """
    return {vm["name"]: _node(vm, time) for vm in roster}


def is_kept(node: Object) -> bool:
    """Tell whether a Node is one of ours, and not of a real API server that was here before."""
    return INSTANCE in node["metadata"].get("annotations", {})


def same_vm(node: Object, other: Object) -> bool:
    """Tell whether two Nodes stand for the same VM."""
    ids = [n["metadata"].get("annotations", {}).get(INSTANCE) for n in (node, other)]
    return bool(ids[0] == ids[1])


def _node(vm: Mapping[str, Any], time: str) -> Object:
    name, zone = vm["name"], vm["zone"]
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": zone.rpartition("-")[0],
        "topology.kubernetes.io/zone": zone,
    }
    return {
        "metadata": {
            "name": name,
            "labels": labels | ({ROLE: ""} if vm["master"] else {}),
            "annotations": {INSTANCE: vm["instance_id"]},
        },
        "spec": {
            "providerID": f"gce://{vm['project']}/{zone}/{name}",
            **(_UNSCHEDULABLE if vm["master"] else {}),
        },
        "status": _status(vm, time),
    }


_UNSCHEDULABLE: Mapping[str, Any] = {
    "unschedulable": True,
    "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}],
}


def _status(vm: Mapping[str, Any], time: str) -> Object:
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "HollowNode",
        "message": "the VM is RUNNING; no kubelet runs on it",
        "lastHeartbeatTime": time,
        "lastTransitionTime": time,
    }
    return {
        "conditions": [ready],
        "addresses": [
            {"type": "InternalIP", "address": vm["internal_ip"]},
            {"type": "Hostname", "address": vm["name"]},
        ],
        "nodeInfo": {"kubeletVersion": VERSION, "operatingSystem": "linux", "osImage": "hollow"},
    }
