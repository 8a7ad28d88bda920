"""Worker nodes in Google's messages: our specs as bodies, their records as our values. Pure.

Field by field as the original scripts' gcloud asked for them; what differs is the mark.
"""

from hakube_gce.gce import messages, paths, scheduling
from hakube_gce.gce.library import compute
from hakube_gce.node_resources import (
    GroupError,
    InstanceTemplate,
    ManagedGroup,
    Route,
    TemplateSpec,
)

NAMED_AS_NODES = {"filter": 'name eq ".*-minion-template"'}
"""Whose prefix it is, whoever reads the list decides; templates are long, and a project's many."""
MADE_FOR_NODES = {"filter": 'description = "k8s-node-route"'}
"""What Kubernetes' cloud provider describes its routes with."""


def template(spec: TemplateSpec, *, network_project: str) -> compute.InstanceTemplate:
    """An instance template; its labels come to be the VMs'."""
    properties = compute.InstanceProperties(
        machine_type=spec.machine_type,
        can_ip_forward=not spec.alias_ranges,
        disks=[_boot_disk(spec)],
        network_interfaces=[_interface(spec, network_project)],
        scheduling=scheduling.of_node(spec.provisioning),
        service_accounts=[
            compute.ServiceAccount(email=spec.service_account, scopes=sorted(spec.scopes))
        ],
        tags=compute.Tags(items=list(spec.tags)),
        labels=dict(spec.labels),
        metadata=messages.metadata(spec.metadata, fingerprint=""),
    )
    return compute.InstanceTemplate(
        name=spec.name, description=spec.description, properties=properties
    )


def managed_group(
    name: str, *, template_name: str, size: int, project: str, description: str
) -> compute.InstanceGroupManager:
    """A managed group that makes ``size`` VMs named after itself."""
    return compute.InstanceGroupManager(
        name=name,
        description=description,
        base_instance_name=name,
        instance_template=f"projects/{project}/global/instanceTemplates/{template_name}",
        target_size=size,
    )


def read_template(message: compute.InstanceTemplate) -> InstanceTemplate:
    """An instance template, without what it makes."""
    return InstanceTemplate(name=message.name, description=message.description)


def read_managed_group(message: compute.InstanceGroupManager) -> ManagedGroup:
    """A managed group with the counts it gives of itself."""
    counts = message.current_actions
    actions = {
        name: count for name in _ACTIONS if (count := getattr(counts, name)) and name != "none"
    }
    return ManagedGroup(
        name=message.name,
        zone=paths.last(message.zone),
        template=paths.last(message.instance_template),
        target_size=message.target_size,
        stable=message.status.is_stable,
        actions=actions,
        running=counts.none,
        description=message.description,
    )


def read_group_error(message: compute.InstanceManagedByIgmError) -> GroupError:
    """What a managed group failed in, without which VM it was."""
    return GroupError(code=message.error.code, message=message.error.message)


def read_route(message: compute.Route) -> Route:
    """A route, and the VM it leads to."""
    return Route(
        name=message.name,
        next_hop=paths.short(message.next_hop_instance),
        description=message.description,
    )


_ACTIONS = (
    "abandoning",
    "creating",
    "creating_without_retries",
    "deleting",
    "none",
    "recreating",
    "refreshing",
    "restarting",
    "verifying",
)


def _boot_disk(spec: TemplateSpec) -> compute.AttachedDisk:
    return compute.AttachedDisk(
        boot=True,
        auto_delete=True,
        mode="READ_WRITE",
        type_="PERSISTENT",
        initialize_params=compute.AttachedDiskInitializeParams(
            disk_size_gb=spec.disk_size_gb,
            disk_type=spec.disk_type,
            source_image=spec.image,
            labels=dict(spec.labels),
        ),
    )


def _interface(spec: TemplateSpec, project: str) -> compute.NetworkInterface:
    interface = compute.NetworkInterface(
        access_configs=[messages.access_config("external-nat", address="")]
    )
    if spec.subnetwork:
        interface.subnetwork = paths.subnetwork_path(spec.subnetwork, project, spec.region)
    else:
        interface.network = paths.network_path(spec.network, project)
    interface.alias_ip_ranges = messages.alias_ranges(spec.alias_ranges)
    return interface
