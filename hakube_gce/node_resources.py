"""Compute Engine's nouns that worker nodes are made of, as the gateway reads and writes them.

Values only, raw like those in `resources`: no name or mark was looked at. A node's VM is an
`Instance` like any other; how many there are and how they fare, a managed group tells itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceTemplate:
    """What a managed group makes its VMs from; global."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedGroup:
    """A zonal managed instance group, and its own account of its VMs."""

    name: str
    zone: str
    template: str
    """Name of the instance template."""
    target_size: int
    stable: bool
    """Nothing is being done about any of its VMs."""
    actions: Mapping[str, int] = field(default_factory=dict)
    """What is being done → about how many VMs, without those about which nothing is."""
    running: int = 0
    """VMs about which nothing is being done."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupError:
    """Why a managed group could not do something about one of its VMs."""

    code: str
    """Compute Engine's word, e.g. ``QUOTA_EXCEEDED``."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of a network to one VM."""

    name: str
    next_hop: str
    """Short path of the VM, ``zones/Z/instances/N``; empty when it leads elsewhere."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSpec:
    """An instance template to create; everything the request needs."""

    name: str
    description: str
    machine_type: str
    image: str
    disk_size_gb: int
    disk_type: str
    network: str
    subnetwork: str
    """Empty: the network alone is named in the request."""
    region: str
    """Where the subnetwork is."""
    alias_ranges: tuple[tuple[str, str], ...] = ()
    """(secondary range of the subnetwork, size) for pods, which get routes without any."""
    tags: tuple[str, ...]
    service_account: str
    scopes: tuple[str, ...]
    provisioning: str
    """standard, preemptible or spot."""
    labels: Mapping[str, str]
    metadata: Mapping[str, str]
