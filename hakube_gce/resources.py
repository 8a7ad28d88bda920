"""Compute Engine's nouns as the gateway reads them: frozen values, nothing judged yet.

One class per kind that this program uses, gathered in an `Inventory`; and the two descriptions
that requests are made from (`InstanceSpec`, `FirewallSpec`). What they mean for a cluster stands
in `model`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hakube_gce.network_resources import Network, Subnetwork
from hakube_gce.node_resources import InstanceTemplate, ManagedGroup, Route


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
    started: str = ""
    """When it was last powered on; the same."""
    network: str = ""
    """Name of the network it is in."""


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
    label_fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSnapshot:
    """A snapshot of a disk: a global resource that outlives the disk."""

    name: str
    id: str
    status: str
    """CREATING, UPLOADING, READY, DELETING or FAILED."""
    created: str
    """RFC 3339, as Compute Engine wrote it."""
    disk: str
    """Name of the disk it was taken of."""
    zone: str
    """Where that disk was."""
    disk_size_gb: int
    labels: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """A VPC firewall rule; only what ownership needs."""

    name: str
    network: str = ""
    """Name of its network."""
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
    """A health check: a regional one, or a legacy one of the whole project."""

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
class TargetPool:
    """A regional target pool: VMs of several zones directly, no groups."""

    name: str
    members: tuple[tuple[str, str], ...] = ()
    """(zone, VM name), sorted; a VM that was deleted may still be among them."""
    health: Mapping[str, str] = field(default_factory=dict)
    """VM name → HEALTHY, UNHEALTHY …; empty while no forwarding rule refers to the pool."""
    description: str = ""


class TargetKind(StrEnum):
    """What a forwarding rule of ours may lead to, by the collection it stands in."""

    BACKEND_SERVICE = "backendServices"
    POOL = "targetPools"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTarget:
    """Where a forwarding rule leads."""

    kind: TargetKind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingRule:
    """A regional forwarding rule."""

    name: str
    address: str
    """Dotted quad."""
    target: str
    """Short path of the backend service or target pool."""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    label_fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything of the kinds we use that a project holds in one region, ours or not.

    Raw: no name or mark was looked at yet. Firewalls, legacy health checks and snapshots are
    global, all others lie in the region.
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
    snapshots: tuple[DiskSnapshot, ...] = ()
    """Only those with a label of ours: a project may hold thousands of others."""
    templates: tuple[InstanceTemplate, ...] = ()
    """Only those that are named as a template of nodes is: a project may hold hundreds."""
    managed_groups: tuple[ManagedGroup, ...] = ()
    routes: tuple[Route, ...] = ()
    """Only those that Kubernetes made for its nodes; global."""
    target_pools: tuple[TargetPool, ...] = ()
    http_health_checks: tuple[HealthCheck, ...] = ()
    """Legacy ones, global: the only kind that target pools take."""
    networks: tuple[Network, ...] = ()
    subnetworks: tuple[Subnetwork, ...] = ()
    """Of all networks, in the region."""
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
    alias_ranges: tuple[tuple[str, str], ...] = ()
    """(secondary range of the subnetwork, size) for pods, which get routes without any."""
    internal_ip: str = ""
    """The internal address it must have, or empty for any that is free."""
    provisioning: str = "standard"
    """standard, preemptible or spot."""
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
