"""What a new master of this cluster looks like, and the requests that make it. Pure.

The fields of the VM, disk and firewall requests are the original scripts' (docs/COMPATIBILITY.md
lists the differences); a replica's come from the cluster and never from whatever the operator's
shell happens to hold, so that replicas do not silently differ.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from hakube_gce import api_names, cloud_files, marks, names, user_labels
from hakube_gce.model import Mark
from hakube_gce.plan.network_blueprint import NetworkBlueprint
from hakube_gce.plan.node_blueprint import NodeBlueprint
from hakube_gce.resources import FirewallSpec, InstanceSpec, RuleTarget, TargetKind

CONFIG_KEY = "hakube-config"
"""Metadata key under which a master keeps what its agent and later runs must know."""

ENDPOINT_MODE, LOAD_BALANCER = "HAKUBE_ENDPOINT_MODE", "HAKUBE_LB"
"""The two inherited variables that the course of a verb depends on."""

LABELS, PREEMPTIBLE = "HAKUBE_LABELS", "PREEMPTIBLE_MASTER"
API_NAMES = "HAKUBE_API_NAMES"

_PROVISIONING = {"true": "preemptible", "spot": "spot"}

READINESS_PORT = 8777
"""Where a master's agent says in plain HTTP whether it can serve: legacy health checks know no
TLS."""

PROBERS = ("35.191.0.0/16", "209.85.152.0/22", "209.85.204.0/22")
"""Where Google's health probes of passthrough load balancers come from."""

SCOPES = (
    "https://www.googleapis.com/auth/compute",
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/logging.write",
    "https://www.googleapis.com/auth/monitoring",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """Everything a verb needs to know that is not observed."""

    project: str
    prefix: str
    region: str
    network: str = "default"
    subnetwork: str = ""
    networking: NetworkBlueprint = field(default_factory=NetworkBlueprint)
    machine_type: str
    image: str
    data_disk_gb: int
    data_disk_type: str = "pd-ssd"
    root_disk_gb: int
    api_port: int = 443
    service_cidr: str = "10.0.0.0/16"
    dns_domain: str = "cluster.local"
    inherited: Mapping[str, str] = field(default_factory=dict)
    """Variable → value, as the first master was made with; replicas get the same."""
    nodes: NodeBlueprint = field(default_factory=NodeBlueprint)
    selectors: tuple[tuple[str, str], ...] = ()
    """Variables that pick this cluster, for the commands we print."""
    said: tuple[tuple[str, str], ...] = ()
    """Variables that say what kind of cluster is founded, as somebody set them; for the same."""
    agreed: tuple[tuple[str, str], ...] = ()
    """Variables that agree to masters in numbers or places that are refused else."""
    context_override: str = ""
    """Name of the kubeconfig entries; empty: made of project and prefix."""
    server_override: str = ""
    """URL in the kubeconfig; empty: the cluster IP's."""
    prepare: tuple[str, ...] = ()
    """A zone for each VM that is to be made beside the operation, for those that come after it."""
    in_place_of: str = ""
    """The master whose place a newcomer takes, if any."""
    autoscaler: str = ""
    """The autoscaler's flags, a line each; empty: there is none."""
    strict: bool = False
    snapshots_kept: int = 5
    programs: tuple[str, str, str] = ("bin/kube-up.sh", "bin/kube-down.sh", ".venv/bin/hakube")
    """How this user runs up, down and everything else, for the commands we print."""

    @property
    def master(self) -> str:
        return names.master(self.prefix)

    @property
    def context(self) -> str:
        """Name of the kubeconfig entries."""
        return self.context_override or names.context(self.project, self.prefix)

    @property
    def always_balanced(self) -> bool:
        """Whether the cluster IP belongs to a load balancer even while there is one master."""
        return self.inherited.get(ENDPOINT_MODE) == "always-lb"

    @property
    def labels(self) -> dict[str, str]:
        """The user's labels for everything that is made."""
        return user_labels.read(self.inherited.get(LABELS, ""))

    @property
    def api_names(self) -> tuple[str, ...]:
        """What the API's certificates name beside the cluster's own names."""
        return api_names.read(self.inherited.get(API_NAMES, ""))

    @property
    def provisioning(self) -> str:
        """How Compute Engine lends masters: standard, preemptible or spot."""
        return _PROVISIONING.get(self.inherited.get(PREEMPTIBLE, ""), "standard")

    @property
    def target(self) -> RuleTarget:
        """What stands behind the cluster's forwarding rule."""
        pool = self.inherited.get(LOAD_BALANCER) == "target-pool"
        kind = TargetKind.POOL if pool else TargetKind.BACKEND_SERVICE
        return RuleTarget(kind=kind, name=self.master)

    @property
    def readiness_port(self) -> int | None:
        """The agents' readiness port, where anybody asks there."""
        return READINESS_PORT if self.target.kind is TargetKind.POOL else None


def nonce(operation_id: str, replica: str) -> str:
    """Give the nonce that binds a new VM's first words to the operation that inserted it.

    Not a secret: whoever can read the VM's metadata can read it.
    """
    return hashlib.sha256(f"nonce/{operation_id}/{replica}".encode()).hexdigest()[:32]


def instance_spec(
    blueprint: Blueprint,
    *,
    replica: str,
    zone: str,
    mark: Mark,
    cluster_ip: str,
    founder: bool,
) -> InstanceSpec:
    """Describe the VM of a master.

    The first one carries the cluster IP unless a load balancer always does; a replica gets an
    ephemeral address, which it needs only to reach the outside.
    """
    replaced = {} if founder else _in_place_of(blueprint)
    return InstanceSpec(
        name=replica,
        zone=zone,
        machine_type=blueprint.machine_type,
        image=blueprint.image,
        boot_disk_size_gb=blueprint.root_disk_gb,
        data_disk=names.data_disk(replica),
        network=blueprint.network,
        subnetwork=blueprint.subnetwork,
        alias_ranges=blueprint.networking.of_master,
        address=cluster_ip if founder and not blueprint.always_balanced else "",
        tags=(blueprint.master,),
        scopes=SCOPES,
        provisioning=blueprint.provisioning,
        labels=user_labels.beside(blueprint.labels, marks.mark_labels(mark)),
        metadata={
            "cluster-name": blueprint.prefix,
            CONFIG_KEY: _config(blueprint, replica=replica, mark=mark, cluster_ip=cluster_ip),
            **_files(blueprint),
            **replaced,
        },
    )


def _in_place_of(blueprint: Blueprint) -> dict[str, str]:
    return {marks.IN_PLACE_OF_KEY: blueprint.in_place_of} if blueprint.in_place_of else {}


def _files(blueprint: Blueprint) -> dict[str, str]:
    """Give the configuration files of what runs beside the API server."""
    kept = blueprint.inherited
    facts = cloud_files.CloudFacts(
        project=blueprint.project,
        network_project=kept.get("NETWORK_PROJECT", blueprint.project),
        network=blueprint.network,
        subnetwork=blueprint.subnetwork,
        secondary_range=kept.get("SECONDARY_RANGE_NAME", ""),
        prefix=blueprint.prefix,
        multizone=kept.get("MULTIZONE") == "true",
    )
    found = {cloud_files.CLOUD_CONFIG_KEY: cloud_files.gce_conf(facts)}
    if blueprint.autoscaler:
        found[cloud_files.AUTOSCALER_KEY] = blueprint.autoscaler
    return found


def _config(blueprint: Blueprint, *, replica: str, mark: Mark, cluster_ip: str) -> str:
    config: dict[str, object] = {
        "schema": 1,
        "cluster": blueprint.prefix,
        "uid": mark.uid,
        "project": blueprint.project,
        "region": blueprint.region,
        "replica": replica,
        "nonce": nonce(mark.operation, replica),
        "cluster_ip": cluster_ip,
        "api_port": blueprint.api_port,
        "service_cidr": blueprint.service_cidr,
        "dns_domain": blueprint.dns_domain,
        "inherited": dict(blueprint.inherited),
    }
    if blueprint.readiness_port is not None:
        config["readiness_port"] = blueprint.readiness_port
    return json.dumps(config, sort_keys=True)


def firewall_https(blueprint: Blueprint, mark: Mark) -> FirewallSpec:
    """Open the API to clients and to Compute Engine's health probes."""
    return FirewallSpec(
        name=names.firewall_https(blueprint.prefix),
        network=blueprint.network,
        allowed=(("tcp", (str(blueprint.api_port),)),),
        source_ranges=("0.0.0.0/0",),
        target_tags=(blueprint.master,),
        description=marks.mark_description(mark),
    )


def firewall_etcd(blueprint: Blueprint, mark: Mark) -> FirewallSpec:
    """Let masters' etcd members reach each other, and nobody else; there is one ring, on 2380."""
    return FirewallSpec(
        name=names.firewall_etcd(blueprint.prefix),
        network=blueprint.network,
        allowed=(("tcp", ("2380",)),),
        source_tags=(blueprint.master,),
        target_tags=(blueprint.master,),
        description=marks.mark_description(mark),
    )


def firewall_health(blueprint: Blueprint, mark: Mark, *, port: int) -> FirewallSpec:
    """Let Google's probers, and nobody else, ask the agents whether their masters can serve."""
    return FirewallSpec(
        name=names.firewall_health(blueprint.prefix),
        network=blueprint.network,
        allowed=(("tcp", (str(port),)),),
        source_ranges=PROBERS,
        target_tags=(blueprint.master,),
        description=marks.mark_description(mark),
    )
