"""`network_ports.NetworkGateway` on google-cloud-compute, and its messages.

One short method per call of the port; what is read and written is in the network project.
"""

from hakube_gce.gce import messages, paths
from hakube_gce.gce.clients import Clients
from hakube_gce.gce.kinds import Kinds
from hakube_gce.gce.library import compute
from hakube_gce.gce.project import Project
from hakube_gce.network_resources import Network, NetworkSpec, Subnetwork, SubnetworkSpec
from hakube_gce.resources import FirewallSpec


class GoogleNetworks:
    """One project's networks."""

    def __init__(self, project: Project, kinds: Kinds, clients: Clients) -> None:
        self._project, self._kinds, self._clients = project, kinds, clients

    def insert_network(self, spec: NetworkSpec, *, request_id: str) -> None:
        place = self._kinds.networks.of_project(spec.name)
        self._project.insert(place, network(spec), request_id)

    def delete_network(self, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.networks.of_project(name), request_id)

    def find_subnetwork(self, region: str, name: str) -> Subnetwork | None:
        found = self._project.find(self._kinds.subnetworks.in_region(region, name))
        return None if found is None else read_subnetwork(found)

    def insert_subnetwork(self, spec: SubnetworkSpec, *, request_id: str) -> None:
        place = self._kinds.subnetworks.in_region(spec.region, spec.name)
        self._project.insert(place, subnetwork(spec, project=self._project.id), request_id)

    def expand_subnetwork(self, region: str, name: str, *, ip_range: str, request_id: str) -> None:
        place = self._kinds.subnetworks.in_region(region, name)
        body = compute.SubnetworksExpandIpCidrRangeRequest(ip_cidr_range=ip_range)
        request = place.request(
            self._project.id,
            subnetworks_expand_ip_cidr_range_request_resource=body,
            request_id=request_id,
        )
        self._project.change(
            place,
            self._clients.subnetworks.expand_ip_cidr_range_unary,
            request,
            lambda found: bool(found.ip_cidr_range == ip_range),
        )

    def insert_firewall(self, spec: FirewallSpec, *, request_id: str) -> None:
        place = self._kinds.firewalls.of_project(spec.name)
        message = messages.firewall(spec, project=self._project.id)
        self._project.insert(place, message, request_id)

    def delete_firewall(self, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.firewalls.of_project(name), request_id)

    def delete_subnetwork(self, region: str, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.subnetworks.in_region(region, name), request_id)


def network(spec: NetworkSpec) -> compute.Network:
    """A network. Its mode is always said: without it Compute Engine would make a legacy one."""
    return compute.Network(
        name=spec.name,
        description=spec.description or None,
        auto_create_subnetworks=spec.automatic,
    )


def subnetwork(spec: SubnetworkSpec, *, project: str) -> compute.Subnetwork:
    """A subnetwork with its secondary ranges."""
    return compute.Subnetwork(
        name=spec.name,
        description=spec.description or None,
        network=paths.network_path(spec.network, project),
        ip_cidr_range=spec.ip_range,
        secondary_ip_ranges=[
            compute.SubnetworkSecondaryRange(range_name=name, ip_cidr_range=ip_range)
            for name, ip_range in spec.secondary
        ],
    )


def read_network(message: compute.Network) -> Network:
    """A network, without what is in it."""
    return Network(
        name=message.name,
        automatic=message.auto_create_subnetworks,
        description=message.description,
    )


def read_subnetwork(message: compute.Subnetwork) -> Subnetwork:
    """A subnetwork with its ranges."""
    return Subnetwork(
        name=message.name,
        network=paths.last(message.network),
        ip_range=message.ip_cidr_range,
        secondary=tuple((r.range_name, r.ip_cidr_range) for r in message.secondary_ip_ranges),
        description=message.description,
    )
