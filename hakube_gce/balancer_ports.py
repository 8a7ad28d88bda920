"""The edge towards Compute Engine for load balancers, as the rest of the program sees it.

Beside `ports.ComputeGateway`, by whose rules it goes. Instance groups are here because nothing
else of ours is made of them.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from hakube_gce.resources import ForwardingRule, RuleTarget


class BalancerGateway(Protocol):
    """Port to what a load balancer is made of, one project."""

    def find_forwarding_rule(self, region: str, name: str) -> ForwardingRule | None: ...
    def backend_health(self, region: str, target: RuleTarget) -> Mapping[str, str]:
        """Say how Compute Engine's probes find who stands there, by VM name."""
        ...

    def insert_group(
        self, zone: str, name: str, *, network: str, description: str, request_id: str
    ) -> None: ...
    def delete_group(self, zone: str, name: str, *, request_id: str) -> None: ...
    def add_to_group(self, zone: str, group: str, instance: str, *, request_id: str) -> None: ...
    def remove_from_group(
        self, zone: str, group: str, instance: str, *, request_id: str
    ) -> None: ...
    def insert_health_check(
        self, region: str, name: str, *, port: int, description: str, request_id: str
    ) -> None: ...
    def delete_health_check(self, region: str, name: str, *, request_id: str) -> None: ...
    def insert_backend_service(
        self,
        region: str,
        name: str,
        *,
        health_check: str,
        groups: Sequence[tuple[str, str]],
        drain_s: int,
        description: str,
        request_id: str,
    ) -> None: ...
    def set_backends(
        self, region: str, name: str, *, groups: Sequence[tuple[str, str]], request_id: str
    ) -> None: ...
    def delete_backend_service(self, region: str, name: str, *, request_id: str) -> None: ...
    def insert_http_check(
        self, name: str, *, port: int, description: str, request_id: str
    ) -> None: ...
    def delete_http_check(self, name: str, *, request_id: str) -> None: ...
    def insert_pool(
        self, region: str, name: str, *, http_check: str, description: str, request_id: str
    ) -> None: ...
    def delete_pool(self, region: str, name: str, *, request_id: str) -> None: ...
    def add_to_pool(
        self, region: str, pool: str, zone: str, instance: str, *, request_id: str
    ) -> None: ...
    def remove_from_pool(
        self, region: str, pool: str, zone: str, instance: str, *, request_id: str
    ) -> None: ...
    def insert_forwarding_rule(
        self,
        region: str,
        name: str,
        *,
        address: str,
        port: int,
        target: RuleTarget,
        description: str,
        request_id: str,
    ) -> None: ...
    def set_rule_labels(
        self,
        region: str,
        name: str,
        *,
        labels: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None: ...
    def delete_forwarding_rule(self, region: str, name: str, *, request_id: str) -> None: ...
