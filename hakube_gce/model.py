"""The cluster's nouns: what the masters' etcd says, and what `observe` understood of it all.

Values only: nothing here judges, formats or talks to anybody. Compute Engine's own nouns stand in
`resources`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from hakube_gce.network_resources import Network, Subnetwork
from hakube_gce.node_resources import InstanceTemplate, ManagedGroup, Route
from hakube_gce.resources import (
    Address,
    BackendService,
    Disk,
    DiskSnapshot,
    Firewall,
    ForwardingRule,
    HealthCheck,
    Instance,
    InstanceGroup,
    TargetPool,
    Zone,
)

# --------------------------------------------------------------------------------- etcd's nouns


class Role(StrEnum):
    """Whether a member votes."""

    VOTER = "voter"
    LEARNER = "learner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member as one replica's etcd lists it."""

    id: str
    """Lower-case hexadecimal, as etcdctl prints it."""
    name: str
    """Empty until the member has started for the first time."""
    peer_url: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a replica's agent last said about itself (a heartbeat, or an answer to ``report``)."""

    time: datetime
    """The VM's clock, UTC."""
    boot_id: str
    phase: str
    """booting, waiting-for-certificates, installed, running, failed."""
    epoch: int
    """Highest lock epoch the agent has obeyed."""
    cluster_id: str = ""
    member_id: str = ""
    role: Role | None = None
    leader_id: str = ""
    term: int = 0
    applied_index: int = 0
    db_size_bytes: int = 0
    etcd_healthy: bool = False
    """A linearizable read through this member succeeded."""
    etcd_version: str = ""
    alarms: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    """This member's view; linearizable when ``etcd_healthy``."""
    apiserver_ready: bool = False
    apiserver_kind: str = "hollow"
    certificates_expire: datetime | None = None
    """The earliest expiry among the replica's leaves."""
    detail: str = ""
    """Why the phase is failed, for people."""


# ----------------------------------------------------------------------------- the cluster's nouns


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Who made a resource: written into labels where the kind has them, else into description."""

    cluster: str
    """The instance prefix."""
    uid: str
    """Random id of the cluster, drawn at its birth."""
    operation: str
    """Id of the operation that made the resource."""


class Verb(StrEnum):
    """What a run wants."""

    CREATE = "create"
    MEND = "mend"
    """What kube-up comes to where a cluster is: its masters run again, as the members they are."""
    REPLICATE = "replicate"
    REMOVE = "remove"
    TEARDOWN = "teardown"
    SNAPSHOT = "snapshot"
    RESTORE = "restore"
    RECOVER = "recover"
    ADD_NODES = "add-nodes"
    DELETE_NODES = "delete-nodes"
    """The nodes of one zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The wish of one command, before anything was looked at."""

    verb: Verb
    zone: str
    replica_name: str = ""
    """Removal: the replica to remove, or empty for any in the zone. Recovery: the survivor.
    Mending: whose sake it is for, if anybody's.
    """
    snapshot: str = ""
    """Restore: the snapshot, or empty for the newest."""
    confirmed: bool = False
    """The word that a restore or a recovery wants was given."""
    confirmed_teardown: bool = False
    """The confirming word for tearing down more than one master was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A wish made absolute: what the cluster's address remembers until it is done."""

    id: str
    """Twelve hexadecimal digits; names and request ids derive from it."""
    verb: Verb
    zone: str
    target: str = ""
    """Name of the replica added, removed or recovered, or of the snapshot; empty for create and
    teardown.
    """
    target_id: str = ""
    """Numeric id of the target, once it has one."""
    phase: str = ""
    outage_since: datetime | None = None
    """Set while an outage window of the cluster IP is open."""


LOCK_GRACE = timedelta(minutes=2)
"""How long a lock that has run out is left to its holder: clocks and requests are late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Who holds the cluster's lock."""

    nonce: str
    holder: str
    """Readable: user, host and process, within a label's alphabet."""
    host: str
    """Hash naming the host (and its boot and process namespace) of the holder."""
    pid: int
    epoch: int
    since: datetime
    until: datetime
    """Both by the API's clock."""

    @property
    def free_at(self) -> datetime:
        """When anybody may take it, by the API's clock."""
        return self.until + LOCK_GRACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A master: its VM and what its agent says."""

    instance: Instance
    report: Report | None
    """None when nothing was ever heard."""
    fresh: bool
    """The report is recent by the API's clock and the VM is running; else it is history."""

    @property
    def name(self) -> str:
        return self.instance.name

    @property
    def zone(self) -> str:
        return self.instance.zone


class EndpointMode(StrEnum):
    """Who answers on the cluster IP."""

    NONE = "none"
    VM = "vm"
    LOAD_BALANCER = "load-balancer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A resource that stands where ours would, but is not ours."""

    resource: str
    """Short path."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """A cluster's worker nodes: what makes them, and what of them is left over."""

    template: InstanceTemplate | None = None
    groups: tuple[ManagedGroup, ...] = ()
    strays: tuple[Instance, ...] = ()
    """VMs of nodes that no group of the cluster manages any more."""
    routes: tuple[Route, ...] = ()
    """Of pods, to VMs of nodes."""
    conflicts: tuple[Conflict, ...] = ()
    """What stands in the way of making nodes; nothing else is hindered by it."""

    def zones(self) -> frozenset[str]:
        """Give the zones that hold nodes."""
        return frozenset([*(g.zone for g in self.groups), *(i.zone for i in self.strays)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """The network project's networks, their subnetworks in the region, and which we made."""

    found: tuple[Network, ...] = ()
    subnetworks: tuple[Subnetwork, ...] = ()
    ours: tuple[str, ...] = ()
    """Names of the networks that the cluster made."""
    our_subnetworks: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Names of networks that earlier clusters of this name made; nobody's any more."""
    guests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Network of ours → short paths of what others have in it, as far as the region shows."""

    def named(self, name: str) -> Network | None:
        return next((n for n in self.found if n.name == name), None)

    def subnetwork(self, name: str) -> Subnetwork | None:
        return next((s for s in self.subnetworks if s.name == name), None)

    def within(self, network: str) -> tuple[Subnetwork, ...]:
        """Give a network's subnetworks in the region."""
        return tuple(s for s in self.subnetworks if s.network == network)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One consistent look at a cluster: the only thing decisions are made from."""

    project: str
    region: str
    cluster: str
    server_time: datetime
    zones: tuple[Zone, ...]
    uid: str = ""
    """Empty when the cluster does not exist."""
    address: Address | None = None
    lock: Lock | None = None
    operation: Operation | None = None
    """The unfinished operation the address remembers."""
    replicas: tuple[Replica, ...] = ()
    prepared: tuple[Replica, ...] = ()
    """VMs made for masters to come, which hold no certificate yet; they count nowhere."""
    members: tuple[Member, ...] = ()
    """etcd's own list, from the freshest healthy voter; empty when no voter answers."""
    members_known: bool = False
    """``members`` came from a linearizable read; otherwise it is history or nothing."""
    cluster_id: str = ""
    disks: tuple[Disk, ...] = ()
    firewalls: tuple[Firewall, ...] = ()
    groups: tuple[InstanceGroup, ...] = ()
    health_check: HealthCheck | None = None
    backend_service: BackendService | None = None
    pool: TargetPool | None = None
    http_check: HealthCheck | None = None
    """The legacy check of the pool."""
    rule: ForwardingRule | None = None
    temporary_rule: ForwardingRule | None = None
    conflicts: tuple[Conflict, ...] = ()
    nodes: Nodes = field(default_factory=Nodes)
    networks: Networks = field(default_factory=Networks)
    snapshots: tuple[DiskSnapshot, ...] = ()
    """Of all clusters that ever had this name, the newest first."""
    unreadable: tuple[str, ...] = ()
    original_scripts: bool = False
    """The cluster was made by the original kube-up: no marks, no agent."""
    kubeconfig_present: bool = False
    """This machine's kubeconfig has the cluster's entry."""
    kubeconfig_current: bool = False
    """… and it points at the cluster IP with a certificate of this cluster that still lasts."""
    kubeconfig_problem: str = ""
    """Why this machine's kubeconfig cannot be written, as far as that can be told."""

    @property
    def endpoint_mode(self) -> EndpointMode:
        """Who holds the cluster IP now."""
        if self.address is None:
            return EndpointMode.NONE
        if self.rule is not None:
            return EndpointMode.LOAD_BALANCER
        on_vm = any(_carries(r.instance, self.address.address) for r in self.replicas)
        return EndpointMode.VM if on_vm else EndpointMode.NONE


def _carries(instance: Instance, address: str) -> bool:
    return instance.access_config is not None and instance.access_config.nat_ip == address
