"""What the cluster's next master looks like: the cluster's own values, or the environment's. Pure.

The first master is made with what the environment says, and remembers it in its metadata. Replicas
take that, whatever shell they are made from; saying something else explicitly is a contradiction,
not a wish.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hakube_gce import cloud_files, remembered, snapshots, user_labels
from hakube_gce.inheritable import inheritable
from hakube_gce.model import Observed, Verb
from hakube_gce.plan import blockers, networks
from hakube_gce.plan.blueprint import LABELS, Blueprint
from hakube_gce.plan.graph import Blocker
from hakube_gce.plan.network_blueprint import NetworkBlueprint
from hakube_gce.plan.node_blueprint import HOW_MANY, NodeBlueprint
from hakube_gce.setting_sources import DEFAULT
from hakube_gce.settings import Settings
from hakube_gce.variables import table
from hakube_gce.variables.row import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Inheritance:
    """A cluster's blueprint, and where the environment contradicts the cluster."""

    blueprint: Blueprint
    contradictions: tuple[Blocker, ...]


def inherit(
    settings: Settings,
    seen: Observed,
    *,
    api_port: int,
    selectors: tuple[tuple[str, str], ...],
    programs: tuple[str, str, str],
) -> Inheritance:
    """Merge environment and cluster.

    Args:
        settings: What the environment says.
        seen: The cluster, or its absence.
        api_port: Port of the masters' API.
        selectors: Variables that pick this cluster, for the commands we print.
        programs: How this user runs up, down and the rest, for the same.
    """
    asked = {i.name: i for i in inheritable(settings)}
    kept = remembered.inherited(seen) or _of_snapshot(settings, seen) or remembered.on_disks(seen)
    kept = {**networks.remembered(seen.networks), **remembered.on_address(seen), **kept}
    values = {name: kept.get(name, i.value) for name, i in asked.items()}
    if "SUBNETWORK" not in kept:
        values["SUBNETWORK"] = values["SUBNETWORK"] or networks.detected(
            seen.networks,
            values["KUBE_GCE_NETWORK"],
            shared=settings.networking.project != settings.project,
        )
    contradictions = tuple(
        blockers.inherited_differs(name, kept[name], i.value)
        for name, i in asked.items()
        if i.explicit and name in kept and kept[name] != i.value
    )
    nodes = _nodes(
        settings, pod_range=values["CLUSTER_IP_RANGE"], labels=user_labels.read(values[LABELS])
    )
    blueprint = Blueprint(
        project=settings.project,
        prefix=settings.prefix,
        region=settings.region,
        network=values["KUBE_GCE_NETWORK"],
        subnetwork=values["SUBNETWORK"],
        networking=_networking(settings, values),
        machine_type=values["MASTER_SIZE"],
        image=values["KUBE_GCE_MASTER_IMAGE"],
        data_disk_gb=_gigabytes(values["MASTER_DISK_SIZE"]),
        data_disk_type=settings.disk_type,
        root_disk_gb=_gigabytes(values["MASTER_ROOT_DISK_SIZE"]),
        api_port=api_port,
        service_cidr=values["SERVICE_CLUSTER_IP_RANGE"],
        dns_domain=values["KUBE_DNS_DOMAIN"],
        inherited=values,
        nodes=nodes,
        autoscaler=_autoscaler(settings, seen, nodes),
        selectors=selectors,
        said=_said(settings),
        agreed=_agreed(settings),
        context_override=settings.kubeconfig.context,
        server_override=settings.kubeconfig.server,
        strict=settings.strict,
        snapshots_kept=settings.snapshots,
        programs=programs,
    )
    return Inheritance(blueprint=blueprint, contradictions=contradictions)


def _networking(settings: Settings, values: Mapping[str, str]) -> NetworkBlueprint:
    """Describe the network: how machines stand in it is remembered, all else is said now."""
    wished = settings.networking
    return NetworkBlueprint(
        project=wished.project,
        custom=wished.create_custom,
        big=wished.big_subnets,
        delete=wished.delete,
        node_range=wished.node_range,
        pod_range=values["CLUSTER_IP_RANGE"],
        service_range=values["SERVICE_CLUSTER_IP_RANGE"],
        aliases=values["KUBE_GCE_ENABLE_IP_ALIASES"] == "true",
        ipam_mode=values["KUBE_GCE_NODE_IPAM_MODE"],
        alias_size=values["KUBE_GCE_IP_ALIAS_SIZE"],
        secondary_range=values["SECONDARY_RANGE_NAME"],
    )


_FOR_THE_FOUNDER_ALONE = (
    "CREATE_CUSTOM_NETWORK",
    "ENABLE_BIG_CLUSTER_SUBNETS",
    "NODE_IP_RANGE",
    "HAKUBE_CNI_MANIFEST",
)
"""Variables that decide what is founded, and that no master remembers."""


def _said(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Give what somebody set of all that decides what a founding makes."""
    alone = [n for n in _FOR_THE_FOUNDER_ALONE if settings.sources.get(n, DEFAULT) != DEFAULT]
    kept = ((i.name, i.value) for i in inheritable(settings) if i.explicit)
    return (*kept, *((name, settings.values[name]) for name in alone))


def _agreed(settings: Settings) -> tuple[tuple[str, str], ...]:
    asked = (
        ("HAKUBE_SAME_ZONE", settings.same_zone),
        ("HAKUBE_EVEN_MASTERS", settings.even_masters),
    )
    return tuple((name, "true") for name, is_agreed in asked if is_agreed)


_OF_NODES = (
    *HOW_MANY,
    *(v.name for v in table.VARIABLES if v.reach is Reach.TEMPLATE),
)


def _nodes(settings: Settings, *, pod_range: str, labels: Mapping[str, str]) -> NodeBlueprint:
    """Describe nodes: by the environment, for no master remembers what they are made of."""
    wished = settings.nodes
    explicit = (n for n in _OF_NODES if settings.sources.get(n, DEFAULT) != DEFAULT)
    return NodeBlueprint(
        count=wished.wanted,
        group_size=wished.group_size,
        machine_type=wished.machine_type,
        disk_size_gb=wished.disk_size_gb,
        disk_type=wished.disk_type,
        image=wished.image,
        service_account=wished.service_account,
        scopes=wished.scopes,
        provisioning=wished.provisioning,
        labels=wished.labels,
        cloud_labels=tuple(labels.items()),
        pod_range=pod_range,
        said=tuple((name, settings.values[name]) for name in explicit),
    )


def _autoscaler(settings: Settings, seen: Observed, nodes: NodeBlueprint) -> str:
    """Give the autoscaler's flags: the cluster's, or at founding those of the first zone's groups.

    As the original did, it is told of no other zone's.
    """
    bounds = settings.nodes.autoscaling
    if seen.replicas or bounds is None:
        return remembered.autoscaler(seen)
    return cloud_files.autoscaler_flags(
        [name for name, _ in nodes.groups(settings.prefix)],
        project=settings.project,
        zone=settings.zone,
        least=bounds.least,
        most=bounds.most,
    )


def _of_snapshot(settings: Settings, seen: Observed) -> Mapping[str, str]:
    """Read what the snapshot to restore remembers of its cluster."""
    intent = settings.intent
    if intent is None or intent.verb is not Verb.RESTORE:
        return {}
    unfinished = seen.operation.target if seen.operation else ""
    found = snapshots.to_restore(seen, intent.snapshot or unfinished)
    return snapshots.inherited_of(found) if found is not None else {}


def _gigabytes(text: str) -> int:
    return int(text.removesuffix("GB"))
