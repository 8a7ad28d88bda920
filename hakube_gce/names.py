"""Names of everything a cluster owns: exactly the original scripts', matched at both ends.

Pure. The original matched ``M(-...)?`` anywhere in a name and so met other clusters' masters
(kubernetes/kubernetes#58561); here a name is ours only when the whole of it fits.
"""

import hashlib
import re

RESOURCE_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
"""What Compute Engine takes as a resource name; use with ``fullmatch`` only."""


def master(prefix: str) -> str:
    """Name of the first master, of the load balancer's parts, and of the masters' network tag."""
    return f"{prefix}-master"


def address(prefix: str) -> str:
    """Name the static address that is the cluster IP, and the lock."""
    return f"{master(prefix)}-ip"


def data_disk(replica: str) -> str:
    """Name the disk that holds a replica's etcd data."""
    return f"{replica}-pd"


def group(prefix: str, zone: str) -> str:
    """Name the instance group of a zone's masters."""
    return f"{master(prefix)}-{zone}"


def temporary_rule(prefix: str) -> str:
    """Name the rule that proves the balancer before it gets the cluster IP."""
    return f"{master(prefix)}-probe"


def firewall_https(prefix: str) -> str:
    """Name the firewall rule that lets clients reach the API."""
    return f"{master(prefix)}-https"


def firewall_etcd(prefix: str) -> str:
    """Name the firewall rule that lets masters reach each other's etcd."""
    return f"{master(prefix)}-etcd"


def firewall_health(prefix: str) -> str:
    """Name the firewall rule that lets health probers reach the agents' readiness port."""
    return f"{master(prefix)}-health"


def context(project: str, prefix: str) -> str:
    """Name of the kubeconfig entries."""
    return f"{project}_{prefix}"


def server_url(address: str, port: int) -> str:
    """Give the URL clients use: with a port only when it is not HTTPS's own.

    >>> server_url("203.0.113.5", 443), server_url("127.0.0.9", 6443)
    ('https://203.0.113.5', 'https://127.0.0.9:6443')
    """
    return f"https://{address}" if port == 443 else f"https://{address}:{port}"


def is_master(prefix: str, name: str) -> bool:
    """Tell whether a VM name is one this cluster gives its masters.

    >>> [is_master("kubernetes", n) for n in
    ...  ("kubernetes-master", "kubernetes-master-7c1", "kubernetes-master-abcd",
    ...   "kubernetes-master-xyz", "test-kubernetes-master", "kubernetes-master-7c1-old")]
    [True, True, False, False, False, False]
    """
    return re.fullmatch(rf"{re.escape(master(prefix))}(?:-[0-9a-f]{{3}})?", name) is not None


def new_replica(prefix: str, operation_id: str, taken: frozenset[str]) -> str:
    """Derive a free replica name from an operation id: the same id gives the same name.

    Args:
        prefix: The instance prefix.
        operation_id: Id of the operation that adds the replica.
        taken: Names of VMs and of data disks' owners that exist in any zone.
    """
    for attempt in range(4096):
        digest = hashlib.sha256(f"{operation_id}/{attempt}".encode()).hexdigest()
        name = f"{master(prefix)}-{digest[:3]}"
        if name not in taken:
            return name
    msg = f"all 4096 names {master(prefix)}-000 … -fff are taken"
    raise ValueError(msg)
