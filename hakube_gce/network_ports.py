"""The edge towards Compute Engine for networks, as the rest of the program sees it.

Beside `ports.ComputeGateway`, by whose rules it goes. All of it is in the network project.
"""

from typing import Protocol

from hakube_gce.network_resources import NetworkSpec, Subnetwork, SubnetworkSpec
from hakube_gce.resources import FirewallSpec


class NetworkGateway(Protocol):
    """Port to networks, subnetworks and firewall rules, one project."""

    def insert_network(self, spec: NetworkSpec, *, request_id: str) -> None: ...
    def delete_network(self, name: str, *, request_id: str) -> None:
        """Delete a network, with the subnetworks that came with it of themselves."""
        ...

    def find_subnetwork(self, region: str, name: str) -> Subnetwork | None: ...
    def insert_subnetwork(self, spec: SubnetworkSpec, *, request_id: str) -> None: ...
    def expand_subnetwork(self, region: str, name: str, *, ip_range: str, request_id: str) -> None:
        """Give a subnetwork a larger primary range; there is no way back."""
        ...

    def delete_subnetwork(self, region: str, name: str, *, request_id: str) -> None: ...
    def insert_firewall(self, spec: FirewallSpec, *, request_id: str) -> None: ...
    def delete_firewall(self, name: str, *, request_id: str) -> None: ...
