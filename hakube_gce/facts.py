"""What kube-up's shell functions found out about a cluster, under the names they gave it. Pure.

`hakube detect` prints these, `kube-util.sh` sets them. Each key is the variable's name in the
original `cluster/gce/util.sh` and its configuration, so that a script finds what it looked for.
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from hakube_gce import names
from hakube_gce.errors import HakubeError, TargetNotFound, Unavailable
from hakube_gce.model import Observed
from hakube_gce.resources import Inventory
from hakube_gce.settings import Settings

Value: TypeAlias = str | tuple[str, ...]
"""A list becomes an array."""

SETTINGS_KEYS = (
    "PROJECT", "NETWORK_PROJECT", "KUBERNETES_PROVIDER", "ZONE", "REGION", "INSTANCE_PREFIX",
    "NETWORK", "MASTER_NAME", "MASTER_TAG", "KUBE_MASTER", "NODE_INSTANCE_PREFIX", "NODE_TAG",
)  # fmt: skip
"""Known without a look at the cluster."""

CLUSTER_KEYS = ("KUBE_MASTER_IP", "MASTER_NAMES", "INSTANCE_GROUPS", "NODE_NAMES")

KEYS = SETTINGS_KEYS + CLUSTER_KEYS

_MANAGER = re.compile(r"(?:.*/)?instanceGroupManagers/([^/]+)")


def problems(keys: Iterable[str]) -> tuple[str, ...]:
    """Name every key that is none of ours."""
    unknown = sorted(set(keys) - set(KEYS))
    if not unknown:
        return ()
    words = ", ".join(ascii(key) for key in unknown)
    return (f"hakube detect knows no {words}; it knows {', '.join(KEYS)}",)


def needs_a_look(keys: Iterable[str]) -> bool:
    """Tell whether Compute Engine has to be asked."""
    return bool(set(keys) & set(CLUSTER_KEYS))


def of_settings(settings: Settings) -> dict[str, Value]:
    """Give what the variables say.

    KUBE_MASTER is the masters' common name even when the first master is gone: the originals'
    users build regular expressions from it.
    """
    master, node = names.master(settings.prefix), _node(settings.prefix)
    return {
        "PROJECT": settings.project,
        "NETWORK_PROJECT": settings.networking.project,
        "KUBERNETES_PROVIDER": settings.provider,
        "ZONE": settings.zone,
        "REGION": settings.region,
        "INSTANCE_PREFIX": settings.prefix,
        "NETWORK": settings.network,
        "MASTER_NAME": master,
        "MASTER_TAG": master,
        "KUBE_MASTER": master,
        "NODE_INSTANCE_PREFIX": node,
        "NODE_TAG": node,
    }


def of_cluster(
    keys: Iterable[str], settings: Settings, inventory: Inventory, seen: Observed
) -> dict[str, Value]:
    """Give what was seen; only the keys that were asked for can be missing.

    Raises:
        TargetNotFound: The cluster's address is asked for, and there is no cluster.
        Unavailable: Not everything could be read, so that a list would be too short.
    """
    wanted = set(keys)
    if wanted & set(CLUSTER_KEYS) and seen.unreadable:
        scopes = ", ".join(seen.unreadable)
        raise Unavailable(f"could not read {scopes}: what lies there would be missing")
    if "KUBE_MASTER_IP" in wanted and seen.address is None:
        raise _no_address(settings)
    groups, nodes = _nodes(settings, inventory)
    return {
        "KUBE_MASTER_IP": seen.address.address if seen.address else "",
        "MASTER_NAMES": tuple(r.name for r in seen.replicas),
        "INSTANCE_GROUPS": groups,
        "NODE_NAMES": nodes,
    }


def assignments(values: Mapping[str, Value], keys: Sequence[str]) -> str:
    """Write values as assignments that a shell can evaluate, whatever the values hold.

    >>> print(assignments({"A": "it's $(x)", "B": ("c", "d e")}, ["B", "A"]))
    B=(c 'd e')
    A='it'"'"'s $(x)'
    """
    return "\n".join(f"{key}={_shell(values[key])}" for key in keys)


def lines(values: Mapping[str, Value], keys: Sequence[str]) -> str:
    """Write values for people, one a line."""
    return "\n".join(f"{key}: {_plain(values[key])}".rstrip() for key in keys)


def _shell(value: Value) -> str:
    return shlex.quote(value) if isinstance(value, str) else f"({shlex.join(value)})"


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else " ".join(value)


def _node(prefix: str) -> str:
    return f"{prefix}-minion"


def _nodes(settings: Settings, inventory: Inventory) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the zone's managed groups of nodes and the nodes.

    A VM of a managed group names its manager in its metadata; a group without VMs is not seen.
    """
    start = f"{_node(settings.prefix)}-"
    here = [i for i in inventory.instances if i.zone == settings.zone and i.name.startswith(start)]
    managers = (_MANAGER.fullmatch(i.metadata.get("created-by", "")) for i in here)
    groups = {found.group(1) for found in managers if found}
    return tuple(sorted(groups)), tuple(sorted(i.name for i in here))


def _no_address(settings: Settings) -> HakubeError:
    return TargetNotFound(
        f"could not detect the masters: region {settings.region} of project {settings.project} "
        f"has no cluster {settings.prefix}, whose address would be "
        f"{names.address(settings.prefix)}",
        hint="look at KUBE_GCE_ZONE and KUBE_GCE_INSTANCE_PREFIX, or make it with kube-up.sh.",
    )
