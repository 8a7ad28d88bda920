"""The kinds we make and delete, and where one resource of a kind stands.

Compute Engine's kinds differ in scope and in the names of request fields, and in nothing else that
matters for insert, get and delete: so there is one table. Nothing is sent from here.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from hakube_gce.gce import paths
from hakube_gce.gce.clients import Clients
from hakube_gce.gce.library import compute
from hakube_gce.gce.paths import Scope


class KindClient(Protocol):
    """What the clients of all kinds have in common."""

    def get(self, request: Any = ..., *, retry: None = ..., timeout: float = ...) -> Any: ...

    def insert_unary(
        self, request: Any = ..., *, retry: None = ..., timeout: float = ...
    ) -> compute.Operation: ...

    def delete_unary(
        self, request: Any = ..., *, retry: None = ..., timeout: float = ...
    ) -> compute.Operation: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource."""

    collection: str
    """As it stands in paths."""
    field: str
    """As it stands in requests."""
    client: KindClient

    def in_zone(self, zone: str, name: str) -> "Place":
        return Place(self, paths.zone(zone), name)

    def in_region(self, region: str, name: str) -> "Place":
        return Place(self, paths.region(region), name)

    def of_project(self, name: str) -> "Place":
        return Place(self, paths.GLOBAL, name)


@dataclass(frozen=True, slots=True)
class Place:
    """One resource: of which kind, where, and its name."""

    kind: Kind
    scope: Scope
    name: str

    @property
    def path(self) -> str:
        """Its short path."""
        return f"{self.scope.path}/{self.kind.collection}/{self.name}"

    def request(self, project: str, **more: object) -> dict[str, Any]:
        """Make a request that names this resource."""
        return {"project": project, **self.scope.fields, self.kind.field: self.name, **more}

    def insert_request(self, project: str, message: object, request_id: str) -> dict[str, Any]:
        """Make the request that creates this resource."""
        body = {f"{self.kind.field}_resource": message}
        return {"project": project, **self.scope.fields, **body, "request_id": request_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """The kinds we make and delete."""

    addresses: Kind
    firewalls: Kind
    disks: Kind
    snapshots: Kind
    instances: Kind
    instance_groups: Kind
    instance_templates: Kind
    instance_group_managers: Kind
    routes: Kind
    networks: Kind
    subnetworks: Kind
    health_checks: Kind
    backend_services: Kind
    forwarding_rules: Kind
    target_pools: Kind
    http_health_checks: Kind


def kinds_of(clients: Clients) -> Kinds:
    """Pair every kind with its client."""
    return Kinds(
        addresses=Kind("addresses", "address", clients.addresses),
        firewalls=Kind("firewalls", "firewall", clients.firewalls),
        disks=Kind("disks", "disk", clients.disks),
        snapshots=Kind("snapshots", "snapshot", clients.snapshots),
        instances=Kind("instances", "instance", clients.instances),
        instance_groups=Kind("instanceGroups", "instance_group", clients.instance_groups),
        instance_templates=Kind(
            "instanceTemplates", "instance_template", clients.instance_templates
        ),
        instance_group_managers=Kind(
            "instanceGroupManagers", "instance_group_manager", clients.instance_group_managers
        ),
        routes=Kind("routes", "route", clients.routes),
        networks=Kind("networks", "network", clients.networks),
        subnetworks=Kind("subnetworks", "subnetwork", clients.subnetworks),
        health_checks=Kind("healthChecks", "health_check", clients.health_checks),
        backend_services=Kind("backendServices", "backend_service", clients.backend_services),
        forwarding_rules=Kind("forwardingRules", "forwarding_rule", clients.forwarding_rules),
        target_pools=Kind("targetPools", "target_pool", clients.target_pools),
        http_health_checks=Kind(
            "httpHealthChecks", "http_health_check", clients.http_health_checks
        ),
    )
