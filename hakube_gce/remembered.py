"""What a cluster remembers of the variables that it was made with. Pure.

Its oldest master's metadata has them all. When no VM is left, the data disks still know the two
that say who holds the cluster IP, because what is made again must not be another kind of cluster;
and the user's labels, which they bear. The address alone knows, even then, where the network is.
"""

import json
from collections.abc import Mapping

from hakube_gce import marks, user_labels
from hakube_gce.cloud_files import AUTOSCALER_KEY
from hakube_gce.model import Observed
from hakube_gce.plan.blueprint import CONFIG_KEY, ENDPOINT_MODE, LABELS, LOAD_BALANCER

_LABELS = {ENDPOINT_MODE: "hakube-endpoint-mode", LOAD_BALANCER: "hakube-lb"}
_USUAL = {ENDPOINT_MODE: "classic", LOAD_BALANCER: "backend-service"}


def inherited(seen: Observed) -> Mapping[str, str]:
    """Read what the oldest master remembers; nothing when there is none to ask."""
    for replica in sorted(seen.replicas, key=lambda r: r.instance.created):
        try:
            config = json.loads(replica.instance.metadata.get(CONFIG_KEY, ""))
            kept = config["inherited"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(kept, dict):
            return {k: v for k, v in kept.items() if isinstance(k, str) and isinstance(v, str)}
    return {}


def on_disks(seen: Observed) -> Mapping[str, str]:
    """Read what the data disks remember; nothing when there is none.

    A disk without the labels is one of a cluster as usual, which must not become another kind
    because of what some shell says when all its VMs are gone.
    """
    if not seen.disks:
        return {}
    labels = next((d.labels for d in seen.disks if set(_LABELS.values()) & set(d.labels)), {})
    kind = {name: labels.get(label, _USUAL[name]) for name, label in _LABELS.items()}
    return {**kind, LABELS: user_labels.remembered_by(seen.disks[0].labels)}


def on_address(seen: Observed) -> Mapping[str, str]:
    """Read what the address remembers, which is there before the first VM and after the last."""
    found = marks.network_project_from_labels(seen.address.labels) if seen.address else ""
    return {"NETWORK_PROJECT": found} if found else {}


def disk_labels(values: Mapping[str, str]) -> dict[str, str]:
    """Write for a data disk what is not as usual."""
    if all(values.get(name, usual) == usual for name, usual in _USUAL.items()):
        return {}
    return {label: values[name] for name, label in _LABELS.items() if name in values}


def autoscaler(seen: Observed) -> str:
    """Read the autoscaler's flags that the oldest master has; replicas have the same."""
    oldest = min(seen.replicas, key=lambda r: r.instance.created, default=None)
    return oldest.instance.metadata.get(AUTOSCALER_KEY, "") if oldest else ""


def always_balanced(seen: Observed) -> bool:
    """Tell whether the cluster IP belongs to a load balancer even while there is one master."""
    kept = inherited(seen) or on_disks(seen)
    return kept.get(ENDPOINT_MODE) == "always-lb"
