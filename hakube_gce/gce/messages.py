"""Our values as Google's messages: what a request's body says.

Pure. What is empty is left out of a body. A master's VM, disk, firewalls and address are requested
field by field as the original scripts' gcloud did; what differs is the mark (labels, descriptions)
and the load balancer, which is a regional backend service here.
"""

from collections.abc import Mapping, Sequence

from hakube_gce.gce import paths, scheduling
from hakube_gce.gce.legacy_checks import HttpHealthCheck
from hakube_gce.gce.library import compute
from hakube_gce.gce.paths import network_path as _network
from hakube_gce.resources import FirewallSpec, InstanceSpec, RuleTarget, TargetKind

ACCESS_CONFIG_TYPE = "ONE_TO_ONE_NAT"
_EXTERNAL_NAT = "external-nat"
"""gcloud's name for a VM's external address."""


def address(name: str, *, description: str) -> compute.Address:
    """A regional static address; labels cannot be set at insert."""
    return compute.Address(name=name, description=description or None)


def firewall(spec: FirewallSpec, *, project: str) -> compute.Firewall:
    """A rule for incoming traffic."""
    return compute.Firewall(
        name=spec.name,
        description=spec.description or None,
        network=_network(spec.network, project),
        direction="INGRESS",
        allowed=[
            compute.Allowed(I_p_protocol=protocol, ports=list(ports))
            for protocol, ports in spec.allowed
        ],
        source_ranges=list(spec.source_ranges),
        source_tags=list(spec.source_tags),
        target_tags=list(spec.target_tags),
    )


def disk(
    name: str,
    *,
    disk_type: str,
    size_gb: int,
    labels: Mapping[str, str],
    source_snapshot: str = "",
) -> compute.Disk:
    """A disk, blank unless made from a snapshot; type and snapshot are resource paths."""
    return compute.Disk(
        name=name,
        size_gb=size_gb,
        type_=disk_type,
        labels=dict(labels),
        source_snapshot=source_snapshot or None,
    )


def snapshot(name: str, *, labels: Mapping[str, str], description: str) -> compute.Snapshot:
    """A snapshot of a disk that the request names; labels can be set at birth."""
    return compute.Snapshot(name=name, labels=dict(labels), description=description or None)


def instance(spec: InstanceSpec, *, project: str, network_project: str = "") -> compute.Instance:
    """A master's VM; its network is in the same project unless another is named."""
    zone = f"projects/{project}/zones/{spec.zone}"
    return compute.Instance(
        name=spec.name,
        machine_type=f"{zone}/machineTypes/{spec.machine_type}",
        can_ip_forward=not spec.alias_ranges,
        deletion_protection=False,
        disks=[_boot_disk(spec), _data_disk(f"{zone}/disks/{spec.data_disk}")],
        network_interfaces=[_interface(spec, network_project or project)],
        scheduling=scheduling.of_master(spec.provisioning),
        service_accounts=[compute.ServiceAccount(email="default", scopes=list(spec.scopes))],
        tags=compute.Tags(items=list(spec.tags)),
        labels=dict(spec.labels),
        metadata=metadata(spec.metadata, fingerprint=""),
    )


def metadata(items: Mapping[str, str], *, fingerprint: str) -> compute.Metadata:
    """A VM's whole metadata; the fingerprint is empty at insert."""
    return compute.Metadata(
        items=[compute.Items(key=key, value=value) for key, value in sorted(items.items())],
        fingerprint=fingerprint or None,
    )


def access_config(name: str, *, address: str) -> compute.AccessConfig:
    """An external address for a VM; without ``address`` an ephemeral one."""
    return compute.AccessConfig(name=name, type_=ACCESS_CONFIG_TYPE, nat_i_p=address or None)


def alias_ranges(wanted: Sequence[tuple[str, str]]) -> list[compute.AliasIpRange]:
    """Ranges of a VM's own: so many addresses of a secondary range, whichever are free."""
    return [
        compute.AliasIpRange(subnetwork_range_name=name, ip_cidr_range=size)
        for name, size in wanted
    ]


def instance_group(
    name: str, *, network: str, project: str, description: str
) -> compute.InstanceGroup:
    """An unmanaged instance group, empty."""
    return compute.InstanceGroup(
        name=name, network=_network(network, project), description=description or None
    )


def health_check(name: str, *, port: int, description: str) -> compute.HealthCheck:
    """A check that takes a master out within some six seconds.

    Shorter than an API server's graceful shutdown, so that one that is told to stop is out of the
    rotation before it stops.
    """
    return compute.HealthCheck(
        name=name,
        description=description or None,
        type_="HTTPS",
        https_health_check=compute.HTTPSHealthCheck(port=port, request_path="/readyz"),
        check_interval_sec=2,
        timeout_sec=2,
        healthy_threshold=2,
        unhealthy_threshold=2,
    )


def backend_service(
    name: str, *, health_check: str, groups: Sequence[str], drain_s: int, description: str
) -> compute.BackendService:
    """An external passthrough balancer; ``health_check`` and ``groups`` are resource paths."""
    return compute.BackendService(
        name=name,
        description=description or None,
        load_balancing_scheme="EXTERNAL",
        protocol="TCP",
        session_affinity="NONE",
        health_checks=[health_check],
        backends=backends(groups),
        connection_draining=compute.ConnectionDraining(draining_timeout_sec=drain_s),
        # By default an open TCP connection stays on a backend that has become unhealthy.
        connection_tracking_policy=compute.BackendServiceConnectionTrackingPolicy(
            connection_persistence_on_unhealthy_backends="NEVER_PERSIST"
        ),
    )


def backends(groups: Sequence[str]) -> list[compute.Backend]:
    """Backends of a passthrough balancer; ``groups`` are resource paths."""
    return [compute.Backend(group=group, balancing_mode="CONNECTION") for group in groups]


def http_health_check(name: str, *, port: int, description: str) -> HttpHealthCheck:
    """The legacy check of a target pool, as quick as the other one."""
    return HttpHealthCheck(
        name=name,
        port=port,
        request_path="/readyz",
        interval_s=2,
        timeout_s=2,
        description=description,
    )


def target_pool(name: str, *, http_check: str, description: str) -> compute.TargetPool:
    """A target pool, empty; ``http_check`` is a resource path."""
    return compute.TargetPool(
        name=name,
        description=description or None,
        session_affinity="NONE",
        health_checks=[http_check],
    )


def forwarding_rule(
    name: str, *, address: str, port: int, target: RuleTarget, scope: str, description: str
) -> compute.ForwardingRule:
    """A rule on an address, or on an ephemeral one when ``address`` is empty.

    A backend service's rule names ports, a target pool's a range, as kube-up's did.

    Args:
        name: The rule's name.
        address: Dotted quad, or empty.
        port: The one port it forwards.
        target: What it leads to.
        scope: Resource path of the region that the target lies in.
        description: The rule's description.
    """
    path = f"{scope}/{target.kind}/{target.name}"
    rule = compute.ForwardingRule(
        name=name,
        description=description or None,
        load_balancing_scheme="EXTERNAL",
        I_p_protocol="TCP",
        I_p_address=address or None,
    )
    if target.kind is TargetKind.POOL:
        rule.target, rule.port_range = path, str(port)
    else:
        rule.backend_service, rule.ports = path, [str(port)]
    return rule


def _boot_disk(spec: InstanceSpec) -> compute.AttachedDisk:
    # No disk name: Compute Engine names the disk after the VM. The mark goes onto the disk too, or
    # a teardown after a half-made VM could not tell whose it is.
    return compute.AttachedDisk(
        boot=True,
        auto_delete=True,
        mode="READ_WRITE",
        type_="PERSISTENT",
        initialize_params=compute.AttachedDiskInitializeParams(
            disk_size_gb=spec.boot_disk_size_gb,
            source_image=spec.image,
            labels=dict(spec.labels),
        ),
    )


def _data_disk(source: str) -> compute.AttachedDisk:
    return compute.AttachedDisk(
        boot=False,
        auto_delete=False,
        device_name="master-pd",
        mode="READ_WRITE",
        type_="PERSISTENT",
        source=source,
    )


def _interface(spec: InstanceSpec, project: str) -> compute.NetworkInterface:
    interface = compute.NetworkInterface(
        access_configs=[access_config(_EXTERNAL_NAT, address=spec.address)]
    )
    if spec.subnetwork:
        interface.subnetwork = paths.subnetwork_path(
            spec.subnetwork, project, paths.region_of(spec.zone)
        )
    else:
        interface.network = _network(spec.network, project)
    if spec.internal_ip:
        interface.network_i_p = spec.internal_ip
    interface.alias_ip_ranges = alias_ranges(spec.alias_ranges)
    return interface
