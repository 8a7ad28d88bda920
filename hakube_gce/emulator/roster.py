"""Who belongs to a cluster: the masters and nodes among a lab's running VMs. Pure.

A master says in its ``hakube-config`` which cluster it is of; a node is told by its name,
``<prefix>-minion…``, in the masters' project and region, as kube-down tells it. What this returns
is what the metadata server tells masters' hollow API servers.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hakube_gce.agent.job import CONFIG_KEY
from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.runtime import VirtualMachine

Guests = Iterable[tuple[VirtualMachine, Mapping[str, str]]]
"""VMs that run, with their metadata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    name: str
    uid: str


def roster(master: VirtualMachine, attributes: Mapping[str, str], guests: Guests) -> list[Json]:
    """Return the running VMs of a master's cluster, by name; none when it is no master.

    Args:
        master: The VM that asks.
        attributes: Its metadata.
        guests: Every VM of the lab that runs, itself as well.
    """
    cluster = _cluster_of(attributes)
    if cluster is None:
        return []
    node_name = re.compile(rf"{re.escape(cluster.name)}-minion-.+", re.ASCII)
    found = {}
    for vm, told in guests:
        if (vm.project, _region(vm)) != (master.project, _region(master)):
            continue
        own = _cluster_of(told)
        if own == cluster or (CONFIG_KEY not in told and node_name.fullmatch(vm.name)):
            found[vm.name] = _entry(vm, is_master=own == cluster)
    return [found[name] for name in sorted(found)]


def _cluster_of(attributes: Mapping[str, str]) -> _Cluster | None:
    try:
        config = json.loads(attributes[CONFIG_KEY])
        return _Cluster(name=str(config["cluster"]), uid=str(config["uid"]))
    except (KeyError, TypeError, ValueError):
        return None


def _region(vm: VirtualMachine) -> str:
    return vm.zone.rpartition("-")[0]


def _entry(vm: VirtualMachine, *, is_master: bool) -> Json:
    return {
        "name": vm.name,
        "zone": vm.zone,
        "project": vm.project,
        "instance_id": vm.id,
        "internal_ip": vm.internal_ip,
        "master": is_master,
    }
