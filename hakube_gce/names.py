"""Names of everything a cluster owns: exactly the original scripts', matched at both ends.

Pure. The original matched ``M(-...)?`` anywhere in a name and so met other clusters' masters
(kubernetes/kubernetes#58561); here a name is ours only when the whole of it fits.
"""

import hashlib
import re

RESOURCE_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
"""What Compute Engine takes as a resource name; use with ``fullmatch`` only."""

LONGEST_PREFIX_WITH_NODES = 31
"""With two digits of a group's number: X.520 lets a certificate's common name have 64 characters,
``system:node:`` included."""


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


def firewall_nodes(prefix: str) -> str:
    """Name the firewall rule that lets pods reach the nodes."""
    return f"{node(prefix)}-all"


def firewall_internal(prefix: str, of: str) -> str:
    """Name the firewall rule that lets the private network reach masters, or nodes.

    Args:
        prefix: The instance prefix.
        of: ``master`` or ``node``.
    """
    return f"{prefix}-default-internal-{of}"


def alias_subnetwork(prefix: str) -> str:
    """Name the subnetwork that is made for alias ranges in whatever network."""
    return f"{prefix}-subnet-default"


def firewall_ssh(network: str) -> str:
    """Name the firewall rule that lets people reach the machines of a network that we make."""
    return f"{network}-default-ssh"


def node(prefix: str) -> str:
    """Begin the name of whatever makes nodes; this is also their network tag."""
    return f"{prefix}-minion"


def node_template(prefix: str) -> str:
    """Name the instance template of the nodes."""
    return f"{node(prefix)}-template"


def node_groups(prefix: str, count: int) -> tuple[str, ...]:
    """Name a zone's managed groups of nodes; the last has no number, so one alone has none.

    >>> node_groups("kubernetes", 1), node_groups("k", 3)
    (('kubernetes-minion-group',), ('k-minion-group-1', 'k-minion-group-2', 'k-minion-group'))
    """
    base = f"{node(prefix)}-group"
    return (*(f"{base}-{number}" for number in range(1, count)), base) if count else ()


def is_node_group(prefix: str, name: str) -> bool:
    """Tell whether a managed group's name is one this cluster gives.

    >>> [is_node_group("k", n) for n in
    ...  ("k-minion-group", "k-minion-group-12", "k-minion-group-0", "ak-minion-group")]
    [True, True, False, False]
    """
    return re.fullmatch(rf"{re.escape(node(prefix))}-group(?:-[1-9][0-9]*)?", name) is not None


def is_node(prefix: str, name: str) -> bool:
    """Tell whether a VM's name is one that a group of this cluster gives.

    >>> [is_node("k", n) for n in ("k-minion-group-x1y2", "k-minion-group-2-x1y2", "k-minion-a")]
    [True, True, False]
    """
    group, _, suffix = name.rpartition("-")
    return is_node_group(prefix, group) and re.fullmatch(r"[a-z0-9]{4}", suffix) is not None


def is_node_route(prefix: str, name: str) -> bool:
    """Tell whether a route's name is one that Kubernetes gives the routes of this cluster.

    Its cloud provider cuts the cluster's name to 26 characters and adds a UUID.
    """
    uuid = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    return re.fullmatch(rf"{re.escape(prefix[:26])}-{uuid}", name) is not None


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
