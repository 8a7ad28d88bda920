"""`balancer_ports.BalancerGateway` on google-cloud-compute.

One short method per call of the port. What a rule leads to, and when, others decide.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hakube_gce.gce import messages, values
from hakube_gce.gce.clients import Clients
from hakube_gce.gce.inventory import Reader
from hakube_gce.gce.kinds import Kinds, Place
from hakube_gce.gce.labelling import Labelling
from hakube_gce.gce.library import compute
from hakube_gce.gce.project import Project
from hakube_gce.resources import ForwardingRule, RuleTarget, TargetKind


class GoogleBalancers:
    """One project's load balancers, of both kinds, part by part."""

    def __init__(
        self,
        project: Project,
        kinds: Kinds,
        clients: Clients,
        reader: Reader,
        *,
        network_project: str,
    ) -> None:
        self._project, self._kinds, self._clients, self._reader = project, kinds, clients, reader
        self._labelling = Labelling(project, clients, kinds)
        self._network_project = network_project

    def find_forwarding_rule(self, region: str, name: str) -> ForwardingRule | None:
        found = self._project.find(self._kinds.forwarding_rules.in_region(region, name))
        return None if found is None else values.forwarding_rule(found)

    def backend_health(self, region: str, target: RuleTarget) -> Mapping[str, str]:
        name, probes = target.name, self._reader.probes
        if target.kind is TargetKind.POOL:
            pool = self._project.existing(self._kinds.target_pools.in_region(region, name))
            return probes.of_pool(region, name, values.pool_members(pool))
        found = self._project.existing(self._kinds.backend_services.in_region(region, name))
        return probes.of_service(region, name, values.backend_groups(found))

    def insert_group(
        self, zone: str, name: str, *, network: str, description: str, request_id: str
    ) -> None:
        message = messages.instance_group(
            name, network=network, project=self._network_project, description=description
        )
        self._project.insert(self._kinds.instance_groups.in_zone(zone, name), message, request_id)

    def delete_group(self, zone: str, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.instance_groups.in_zone(zone, name), request_id)

    def add_to_group(self, zone: str, group: str, instance: str, *, request_id: str) -> None:
        body = compute.InstanceGroupsAddInstancesRequest(instances=[self._member(zone, instance)])
        self._change_members(
            self._kinds.instance_groups.in_zone(zone, group),
            self._clients.instance_groups.add_instances_unary,
            {
                "instance_groups_add_instances_request_resource": body,
                "request_id": request_id,
            },
            lambda: instance in self._reader.members(zone, group),
        )

    def remove_from_group(self, zone: str, group: str, instance: str, *, request_id: str) -> None:
        member = self._member(zone, instance)
        body = compute.InstanceGroupsRemoveInstancesRequest(instances=[member])
        self._change_members(
            self._kinds.instance_groups.in_zone(zone, group),
            self._clients.instance_groups.remove_instances_unary,
            {
                "instance_groups_remove_instances_request_resource": body,
                "request_id": request_id,
            },
            lambda: instance not in self._reader.members(zone, group),
        )

    def insert_health_check(
        self, region: str, name: str, *, port: int, description: str, request_id: str
    ) -> None:
        message = messages.health_check(name, port=port, description=description)
        place = self._kinds.health_checks.in_region(region, name)
        self._project.insert(place, message, request_id)

    def delete_health_check(self, region: str, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.health_checks.in_region(region, name), request_id)

    def insert_backend_service(  # noqa: PLR0913 - the port's
        self,
        region: str,
        name: str,
        *,
        health_check: str,
        groups: Sequence[tuple[str, str]],
        drain_s: int,
        description: str,
        request_id: str,
    ) -> None:
        check = f"projects/{self._project.id}/regions/{region}/healthChecks/{health_check}"
        message = messages.backend_service(
            name,
            health_check=check,
            groups=self._group_paths(groups),
            drain_s=drain_s,
            description=description,
        )
        place = self._kinds.backend_services.in_region(region, name)
        self._project.insert(place, message, request_id)

    def set_backends(
        self, region: str, name: str, *, groups: Sequence[tuple[str, str]], request_id: str
    ) -> None:
        place = self._kinds.backend_services.in_region(region, name)
        # The whole service is written back, under the fingerprint just read: a patch cannot say
        # "no backends", because an empty list is left out of a body.
        service = self._project.existing(place)
        service.backends = messages.backends(self._group_paths(groups))
        self._project.change(
            place,
            self._clients.backend_services.update_unary,
            place.request(
                self._project.id, backend_service_resource=service, request_id=request_id
            ),
            lambda found: values.backend_groups(found) == tuple(sorted(groups)),
        )

    def delete_backend_service(self, region: str, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.backend_services.in_region(region, name), request_id)

    def insert_http_check(
        self, name: str, *, port: int, description: str, request_id: str
    ) -> None:
        message = messages.http_health_check(name, port=port, description=description)
        self._project.insert(self._kinds.http_health_checks.of_project(name), message, request_id)

    def delete_http_check(self, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.http_health_checks.of_project(name), request_id)

    def insert_pool(
        self, region: str, name: str, *, http_check: str, description: str, request_id: str
    ) -> None:
        check = f"projects/{self._project.id}/global/httpHealthChecks/{http_check}"
        message = messages.target_pool(name, http_check=check, description=description)
        place = self._kinds.target_pools.in_region(region, name)
        self._project.insert(place, message, request_id)

    def delete_pool(self, region: str, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.target_pools.in_region(region, name), request_id)

    def add_to_pool(
        self, region: str, pool: str, zone: str, instance: str, *, request_id: str
    ) -> None:
        place = self._kinds.target_pools.in_region(region, pool)
        body = compute.TargetPoolsAddInstanceRequest(instances=[self._member(zone, instance)])
        self._project.change(
            place,
            self._clients.target_pools.add_instance_unary,
            place.request(
                self._project.id,
                target_pools_add_instance_request_resource=body,
                request_id=request_id,
            ),
            lambda found: (zone, instance) in values.pool_members(found),
        )

    def remove_from_pool(
        self, region: str, pool: str, zone: str, instance: str, *, request_id: str
    ) -> None:
        place = self._kinds.target_pools.in_region(region, pool)
        body = compute.TargetPoolsRemoveInstanceRequest(instances=[self._member(zone, instance)])
        self._project.change(
            place,
            self._clients.target_pools.remove_instance_unary,
            place.request(
                self._project.id,
                target_pools_remove_instance_request_resource=body,
                request_id=request_id,
            ),
            lambda found: (zone, instance) not in values.pool_members(found),
        )

    def insert_forwarding_rule(  # noqa: PLR0913 - the port's
        self,
        region: str,
        name: str,
        *,
        address: str,
        port: int,
        target: RuleTarget,
        description: str,
        request_id: str,
    ) -> None:
        message = messages.forwarding_rule(
            name,
            address=address,
            port=port,
            target=target,
            scope=f"projects/{self._project.id}/regions/{region}",
            description=description,
        )
        place = self._kinds.forwarding_rules.in_region(region, name)
        self._project.insert(place, message, request_id)

    def set_rule_labels(
        self,
        region: str,
        name: str,
        *,
        labels: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None:
        self._labelling.forwarding_rule(region, name, labels, fingerprint, request_id)

    def delete_forwarding_rule(self, region: str, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.forwarding_rules.in_region(region, name), request_id)

    def _change_members(
        self,
        group: Place,
        send: Callable[..., compute.Operation],
        fields: Mapping[str, Any],
        happened: Callable[[], bool],
    ) -> None:
        request = group.request(self._project.id, **fields)
        self._project.change(group, send, request, lambda _group: happened())

    def _member(self, zone: str, instance: str) -> compute.InstanceReference:
        path = f"projects/{self._project.id}/zones/{zone}/instances/{instance}"
        return compute.InstanceReference(instance=path)

    def _group_paths(self, groups: Sequence[tuple[str, str]]) -> list[str]:
        return [f"projects/{self._project.id}/zones/{z}/instanceGroups/{g}" for z, g in groups]
