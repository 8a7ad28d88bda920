"""Google's messages as our values.

Pure. Only the fields that anybody asks for; nothing is judged, and what a message leaves out is
empty.
"""

from collections.abc import Iterable, Mapping

from hakube_gce.gce.legacy_checks import HttpHealthCheck
from hakube_gce.gce.library import compute
from hakube_gce.gce.paths import last, short, zonal
from hakube_gce.resources import (
    AccessConfig,
    Address,
    AttachedDisk,
    BackendService,
    Disk,
    DiskSnapshot,
    Firewall,
    ForwardingRule,
    HealthCheck,
    Instance,
    InstanceGroup,
    SerialOutput,
    TargetPool,
    Zone,
)
from hakube_gce.timestamps import parse_rfc3339


def zone(message: compute.Zone) -> Zone:
    """A zone."""
    return Zone(name=message.name, region=last(message.region), status=message.status or "UP")


def address(message: compute.Address) -> Address:
    """A regional address."""
    return Address(
        name=message.name,
        address=message.address,
        status=message.status,
        users=tuple(short(user) for user in message.users),
        description=message.description,
        labels=dict(message.labels),
        label_fingerprint=message.label_fingerprint,
    )


def instance(message: compute.Instance) -> Instance:
    """A VM, with its first network interface: masters have one."""
    interface = next(iter(message.network_interfaces), compute.NetworkInterface())
    external = next(iter(interface.access_configs), None)
    return Instance(
        name=message.name,
        zone=last(message.zone),
        id=str(message.id),
        status=message.status,
        internal_ip=interface.network_i_p,
        access_config=_access_config(external) if external else None,
        machine_type=last(message.machine_type),
        metadata=metadata(message),
        metadata_fingerprint=message.metadata.fingerprint,
        labels=dict(message.labels),
        tags=tuple(message.tags.items),
        disks=tuple(_attached_disk(disk) for disk in message.disks),
        created=in_utc(message.creation_timestamp),
        started=message.last_start_timestamp,
        network=last(interface.network),
    )


def in_utc(timestamp: str) -> str:
    """Write Compute Engine's Pacific time as UTC, so that who is older can be told from the texts.

    >>> in_utc("2026-11-01T01:30:00.250-07:00"), in_utc("2026-11-01T01:10:00.000-08:00")
    ('2026-11-01T08:30:00.250+00:00', '2026-11-01T09:10:00.000+00:00')
    """
    moment = parse_rfc3339(timestamp)
    return moment.isoformat(timespec="milliseconds") if moment is not None else timestamp


def metadata(message: compute.Instance) -> Mapping[str, str]:
    """A VM's own metadata; the project's is not in it."""
    return {item.key: item.value for item in message.metadata.items}


def disk(message: compute.Disk) -> Disk:
    """A zonal disk."""
    return Disk(
        name=message.name,
        zone=last(message.zone),
        id=str(message.id),
        size_gb=message.size_gb,
        type=last(message.type_),
        users=tuple(short(user) for user in message.users),
        labels=dict(message.labels),
        label_fingerprint=message.label_fingerprint,
    )


def snapshot(message: compute.Snapshot) -> DiskSnapshot:
    """A snapshot of a zonal disk."""
    zone_name, disk_name = zonal(message.source_disk, "disks") or ("", "")
    return DiskSnapshot(
        name=message.name,
        id=str(message.id),
        status=message.status,
        created=in_utc(message.creation_timestamp),
        disk=disk_name,
        zone=zone_name,
        disk_size_gb=message.disk_size_gb,
        labels=dict(message.labels),
        description=message.description,
    )


def firewall(message: compute.Firewall) -> Firewall:
    """A firewall rule."""
    return Firewall(
        name=message.name,
        network=last(message.network),
        description=message.description,
    )


def instance_group(message: compute.InstanceGroup, members: Iterable[str]) -> InstanceGroup:
    """An instance group; its members come from a call of their own."""
    return InstanceGroup(
        name=message.name,
        zone=last(message.zone),
        members=tuple(sorted(members)),
        description=message.description,
    )


def health_check(message: compute.HealthCheck) -> HealthCheck:
    """A regional health check."""
    return HealthCheck(name=message.name, description=message.description)


def backend_service(message: compute.BackendService, health: Mapping[str, str]) -> BackendService:
    """A backend service; its backends' health comes from calls of their own."""
    return BackendService(
        name=message.name,
        groups=backend_groups(message),
        health=health,
        description=message.description,
        fingerprint=message.fingerprint,
    )


def backend_groups(message: compute.BackendService) -> tuple[tuple[str, str], ...]:
    """List zone and name of every instance group behind a service; we use no other backends."""
    found = (zonal(backend.group, "instanceGroups") for backend in message.backends)
    return tuple(sorted(group for group in found if group))


def http_health_check(message: HttpHealthCheck) -> HealthCheck:
    """A legacy health check."""
    return HealthCheck(name=message.name, description=message.description)


def target_pool(message: compute.TargetPool, health: Mapping[str, str]) -> TargetPool:
    """A target pool; its members' health comes from calls of their own."""
    return TargetPool(
        name=message.name,
        members=pool_members(message),
        health=health,
        description=message.description,
    )


def pool_members(message: compute.TargetPool) -> tuple[tuple[str, str], ...]:
    """List zone and name of every VM in a target pool."""
    found = (zonal(url, "instances") for url in message.instances)
    return tuple(sorted(member for member in found if member))


def forwarding_rule(message: compute.ForwardingRule) -> ForwardingRule:
    """A forwarding rule, whichever kind of balancer it leads to."""
    return ForwardingRule(
        name=message.name,
        address=message.I_p_address,
        target=short(message.backend_service or message.target),
        description=message.description,
        labels=dict(message.labels),
        label_fingerprint=message.label_fingerprint,
    )


def serial_output(message: compute.SerialPortOutput) -> SerialOutput:
    """What a serial port said."""
    return SerialOutput(contents=message.contents, start=message.start, next=message.next_)


def _access_config(message: compute.AccessConfig) -> AccessConfig:
    return AccessConfig(name=message.name, nat_ip=message.nat_i_p)


def _attached_disk(message: compute.AttachedDisk) -> AttachedDisk:
    return AttachedDisk(
        device_name=message.device_name,
        disk=last(message.source),
        boot=message.boot,
        auto_delete=message.auto_delete,
    )
