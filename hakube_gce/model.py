"""The values that everything else speaks in: what Compute Engine and etcd say, frozen.

Two layers. The cloud's own nouns as the gateway read them (`Address`, `Instance`, … , gathered in
`Inventory`), and the cluster's nouns as `observe` understood them (`Replica`, `Member`,
`Observed`). Values only: nothing here judges, formats or talks to anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# --------------------------------------------------------------------------- Compute Engine's
# nouns


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone and the region it lies in."""

    name: str
    region: str
    status: str = "UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A regional external static address."""

    name: str
    address: str
    """Dotted quad."""
    status: str
    """RESERVING, RESERVED or IN_USE."""
    users: tuple[str, ...] = ()
    """Short paths, e.g. ``zones/Z/instances/N`` or ``regions/R/forwardingRules/N``."""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    label_fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessConfig:
    """An external address on an instance's network interface."""

    name: str
    """Free text chosen by whoever added it; needed to delete it."""
    nat_ip: str
    """Empty while Compute Engine has not yet assigned one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedDisk:
    """A disk as an instance sees it."""

    device_name: str
    disk: str
    """Name of the disk resource."""
    boot: bool
    auto_delete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A VM."""

    name: str
    zone: str
    id: str
    """Numeric id as a decimal string: a new VM of the same name has another one."""
    status: str
    """PROVISIONING, STAGING, RUNNING, STOPPING, TERMINATED, …"""
    internal_ip: str
    access_config: AccessConfig | None
    machine_type: str
    """Last path component, e.g. ``n1-standard-1``."""
    metadata: Mapping[str, str]
    metadata_fingerprint: str
    labels: Mapping[str, str]
    tags: tuple[str, ...] = ()
    disks: tuple[AttachedDisk, ...] = ()
    created: str = ""
    """RFC 3339, as Compute Engine wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A zonal persistent disk."""

    name: str
    zone: str
    id: str
    size_gb: int
    type: str
    users: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """A VPC firewall rule; only what ownership needs."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceGroup:
    """A zonal unmanaged instance group."""

    name: str
    zone: str
    members: tuple[str, ...] = ()
    """Instance names, sorted."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A regional health check."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendService:
    """A regional backend service."""

    name: str
    groups: tuple[tuple[str, str], ...] = ()
    """(zone, instance group name), sorted."""
    health: Mapping[str, str] = field(default_factory=dict)
    """Instance name → HEALTHY, UNHEALTHY …; empty while no forwarding rule refers to the
    service.
    """
    description: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingRule:
    """A regional forwarding rule."""

    name: str
    address: str
    """Dotted quad."""
    target: str
    """Short path of the backend service or target pool."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything of the kinds we use that a project holds in one region, ours or not.

    Raw: no name or mark was looked at yet. Firewalls are global, all others lie in the region.
    """

    server_time: datetime
    """The API's own clock (its Date header), UTC."""
    zones: tuple[Zone, ...]
    """Zones of the region."""
    addresses: tuple[Address, ...] = ()
    instances: tuple[Instance, ...] = ()
    disks: tuple[Disk, ...] = ()
    firewalls: tuple[Firewall, ...] = ()
    groups: tuple[InstanceGroup, ...] = ()
    health_checks: tuple[HealthCheck, ...] = ()
    backend_services: tuple[BackendService, ...] = ()
    forwarding_rules: tuple[ForwardingRule, ...] = ()
    target_pools: tuple[str, ...] = ()
    """Names only: clusters of the original scripts have one, ours do not."""
    unreadable: tuple[str, ...] = ()
    """Scopes Compute Engine could not list, e.g. ``zones/europe-west1-c: UNREACHABLE``.

    What lies there is unknown, which is not the same as absent.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialOutput:
    """What a VM wrote to a serial port."""

    contents: str
    start: int
    """Offset of the first byte returned; larger than asked for when older output is gone."""
    next: int
    """Offset to ask for next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSpec:
    """A master VM to create; everything the request needs."""

    name: str
    zone: str
    machine_type: str
    image: str
    """``projects/P/global/images/family/F`` or ``projects/P/global/images/I``."""
    boot_disk_size_gb: int
    data_disk: str
    """Name of the existing disk to attach as device ``master-pd``."""
    network: str
    subnetwork: str
    """Empty: the network alone is named in the request."""
    address: str
    """Static external address to carry, or empty for an ephemeral one."""
    tags: tuple[str, ...]
    scopes: tuple[str, ...]
    labels: Mapping[str, str]
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallSpec:
    """A firewall rule to create."""

    name: str
    network: str
    allowed: tuple[tuple[str, tuple[str, ...]], ...]
    """(protocol, ports)."""
    source_ranges: tuple[str, ...] = ()
    source_tags: tuple[str, ...] = ()
    target_tags: tuple[str, ...] = ()
    description: str = ""


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
    REPLICATE = "replicate"
    REMOVE = "remove"
    TEARDOWN = "teardown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The wish of one command, before anything was looked at."""

    verb: Verb
    zone: str
    replica_name: str = ""
    """Removal: the replica to remove, or empty for any in the zone."""
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
    """Name of the replica added or removed; empty for create and teardown."""
    target_id: str = ""
    """Numeric instance id of the target, once it has one."""
    phase: str = ""
    outage_since: datetime | None = None
    """Set while an outage window of the cluster IP is open."""


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
    until: datetime
    """By the API's clock."""


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
    rule: ForwardingRule | None = None
    temporary_rule: ForwardingRule | None = None
    conflicts: tuple[Conflict, ...] = ()
    unreadable: tuple[str, ...] = ()
    original_scripts: bool = False
    """The cluster was made by the original kube-up: no marks, no agent."""
    kubeconfig_present: bool = False
    """This machine's kubeconfig has the cluster's entry."""
    kubeconfig_current: bool = False
    """… and it points at the cluster IP with a certificate of this cluster that still lasts."""

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
