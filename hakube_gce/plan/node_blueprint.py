"""What a cluster's worker nodes look like, and the requests that make them. Pure.

The template is made once and reused for every zone of the region, as the original did; so what
nodes are made of is said by whoever makes the first of them.
"""

from dataclasses import dataclass

from hakube_gce import marks, names, user_labels
from hakube_gce.model import Mark
from hakube_gce.node_resources import TemplateSpec
from hakube_gce.resources import FirewallSpec

_PRIVATE = ("10.0.0.0/8",)


HOW_MANY = ("NUM_NODES", "KUBE_CREATE_NODES", "MAX_INSTANCES_PER_MIG")
"""Variables that say how many nodes there are to be; all others of nodes say of what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeBlueprint:
    """Everything about nodes that is not observed; by default there are to be none."""

    count: int = 0
    """How many a command that makes nodes makes in its zone."""
    group_size: int = 1000
    machine_type: str = "e2-standard-2"
    disk_size_gb: int = 100
    disk_type: str = "pd-standard"
    image: str = "projects/debian-cloud/global/images/family/debian-12"
    service_account: str = "default"
    scopes: tuple[str, ...] = ()
    provisioning: str = "standard"
    labels: tuple[tuple[str, str], ...] = ()
    """In Kubernetes."""
    cloud_labels: tuple[tuple[str, str], ...] = ()
    """In Compute Engine: the user's, of the whole cluster."""
    pod_range: str = "10.64.0.0/14"
    said: tuple[tuple[str, str], ...] = ()
    """Variables that say how many nodes, and of what, as somebody set them: for what we print."""

    def groups(self, prefix: str) -> tuple[tuple[str, int], ...]:
        """Give names and sizes of a zone's managed groups.

        What is left is divided by the groups that are left, as the original did, so that no two
        differ by more than one.
        """
        found, left = [], self.count
        group_names = names.node_groups(prefix, -(-self.count // self.group_size))
        for number, name in enumerate(group_names):
            size = left // (len(group_names) - number)
            found.append((name, size))
            left -= size
        return tuple(found)


def template_spec(
    nodes: NodeBlueprint, *, prefix: str, network: str, subnetwork: str, region: str, mark: Mark
) -> TemplateSpec:
    """Describe the instance template of the nodes."""
    return TemplateSpec(
        name=names.node_template(prefix),
        description=marks.mark_description(mark),
        machine_type=nodes.machine_type,
        image=nodes.image,
        disk_size_gb=nodes.disk_size_gb,
        disk_type=nodes.disk_type,
        network=network,
        subnetwork=subnetwork,
        region=region,
        tags=(names.node(prefix),),
        service_account=nodes.service_account,
        scopes=nodes.scopes,
        provisioning=nodes.provisioning,
        labels=user_labels.beside(dict(nodes.cloud_labels), marks.mark_labels(mark)),
        metadata={"cluster-name": prefix},
    )


def firewalls(
    nodes: NodeBlueprint, *, prefix: str, network: str, mark: Mark
) -> tuple[FirewallSpec, ...]:
    """Describe the firewall rules that a cluster with nodes has: the original's, port by port."""
    of_pods = FirewallSpec(
        name=names.firewall_nodes(prefix),
        network=network,
        allowed=tuple((p, ()) for p in ("tcp", "udp", "icmp", "esp", "ah", "sctp")),
        source_ranges=(nodes.pod_range,),
        target_tags=(names.node(prefix),),
        description=marks.mark_description(mark),
    )
    return (of_pods, *internal_firewalls(prefix, network=network, mark=mark))


def internal_firewalls(prefix: str, *, network: str, mark: Mark) -> tuple[FirewallSpec, ...]:
    """Describe the rules by which machines of the private network reach masters and nodes.

    The hole in the masters' rule is etcd's peers, who have a rule of their own.
    """
    description = marks.mark_description(mark)
    every = ("1-65535",)
    return (
        FirewallSpec(
            name=names.firewall_internal(prefix, "master"),
            network=network,
            allowed=(
                ("tcp", ("1-2379",)),
                ("tcp", ("2382-65535",)),
                ("udp", every),
                ("icmp", ()),
            ),
            source_ranges=_PRIVATE,
            target_tags=(names.master(prefix),),
            description=description,
        ),
        FirewallSpec(
            name=names.firewall_internal(prefix, "node"),
            network=network,
            allowed=(("tcp", every), ("udp", every), ("icmp", ())),
            source_ranges=_PRIVATE,
            target_tags=(names.node(prefix),),
            description=description,
        ),
    )
