"""What replicas take from their cluster: the values its first master is made with. Pure.

The first master remembers them in its metadata. What is not here is read anew by every run.
"""

from dataclasses import dataclass

from hakube_gce.list_kinds import written
from hakube_gce.setting_sources import DEFAULT
from hakube_gce.settings import Settings
from hakube_gce.variables import cluster, etcd, masters, network, nodes, ours
from hakube_gce.variables.row import Variable

_SWITCHES = {True: "true", False: "false"}
_PROVISIONING = {"standard": "false", "preemptible": "true", "spot": "spot"}

_SECOND = {
    etcd.QUORUM_READ.name: etcd.QUORUM_READS.name,
    masters.MASTER_IMAGE.name: masters.MASTER_IMAGE_PROJECT.name,
}
"""Variables that have a say in another one's value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inheritable:
    """A variable that replicas take from the cluster, as this run would set it."""

    name: str
    value: str
    """As it would be written in the environment."""
    explicit: bool
    """Somebody set it; otherwise it is our default."""


def inheritable(settings: Settings) -> tuple[Inheritable, ...]:
    """Return what a replica takes from its cluster, for the first master to remember."""
    values = {**_of_masters(settings), **_of_network(settings), **_of_nodes(settings)}
    sources = settings.sources
    return tuple(
        Inheritable(
            name=name,
            value=value,
            explicit={sources[name], sources[_SECOND.get(name, name)]} != {DEFAULT},
        )
        for name, value in ((variable.name, value) for variable, value in values.items())
    )


def _of_masters(settings: Settings) -> dict[Variable[object], str]:
    return {
        cluster.MULTIZONE: _SWITCHES[settings.multizone],
        etcd.QUORUM_READ: "true",
        masters.MASTER_SIZE: settings.machine_type,
        masters.MASTER_DISK_SIZE: f"{settings.data_disk_size_gb}GB",
        masters.MASTER_ROOT_DISK_SIZE: f"{settings.boot_disk_size_gb}GB",
        masters.MASTER_IMAGE: settings.image,
        masters.PREEMPTIBLE_MASTER: _PROVISIONING[settings.master_provisioning],
        ours.ENDPOINT_MODE: settings.endpoint_mode,
        ours.LOAD_BALANCER: settings.load_balancer,
        ours.LABELS: written(settings.labels),
        ours.API_NAMES: ",".join(settings.api_names),
    }


def _of_network(settings: Settings) -> dict[Variable[object], str]:
    net = settings.networking
    return {
        network.NETWORK: net.name,
        network.SUBNETWORK: net.subnetwork,
        network.NETWORK_PROJECT: net.project,
        network.POD_RANGE: net.pod_range,
        network.MASTER_RANGE: net.master_range,
        network.SERVICE_RANGE: net.service_range,
        network.DNS_DOMAIN: settings.dns_domain,
        network.IP_ALIASES: _SWITCHES[net.ip_aliases],
        network.IPAM_MODE: net.ipam_mode,
        network.ALIAS_SIZE: f"/{net.alias_size}",
        network.ALIAS_SUBNETWORK: net.alias_subnetwork,
        network.SECONDARY_RANGE: net.secondary_range,
    }


def _of_nodes(settings: Settings) -> dict[Variable[object], str]:
    scaling = settings.nodes.autoscaling
    return {
        nodes.AUTOSCALER: _SWITCHES[scaling is not None],
        nodes.AUTOSCALER_MIN: str(scaling.least) if scaling else "",
        nodes.AUTOSCALER_MAX: str(scaling.most) if scaling else "",
    }
