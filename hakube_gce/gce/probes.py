"""What Compute Engine's health probes say of those who stand behind a rule. Reads only.

A backend service is asked group by group, a target pool VM by VM.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hakube_gce.errors import RequestInvalid, ResourceNotFound
from hakube_gce.gce import paths
from hakube_gce.gce.calls import CALL_TIMEOUT_S, Persistence
from hakube_gce.gce.clients import Clients
from hakube_gce.gce.library import compute

_HEALTHY = "HEALTHY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Asks about one project's backends."""

    clients: Clients
    persistence: Persistence

    def of_service(
        self, region: str, service: str, groups: Iterable[tuple[str, str]]
    ) -> Mapping[str, str]:
        """Ask for the health of a service's backends, by VM name; empty while no rule uses it."""
        return _merged(lambda g: self._group_health(region, service, *g), groups)

    def of_pool(
        self, region: str, pool: str, members: Iterable[tuple[str, str]]
    ) -> Mapping[str, str]:
        """Ask for the health of a pool's VMs, by name; empty while no rule uses it."""
        return _merged(lambda m: self._member_health(region, pool, *m), members)

    def _group_health(self, region: str, service: str, zone: str, group: str) -> Any:
        project = self.persistence.project
        url = f"projects/{project}/zones/{zone}/instanceGroups/{group}"
        request = {
            "project": project,
            "region": region,
            "backend_service": service,
            "resource_group_reference_resource": compute.ResourceGroupReference(group=url),
        }
        get_health = self.clients.backend_services.get_health
        return self.persistence.carry(
            lambda: get_health(request=request, retry=None, timeout=CALL_TIMEOUT_S),
            about=f"regions/{region}/backendServices/{service}",
        )

    def _member_health(self, region: str, pool: str, zone: str, name: str) -> Any:
        project = self.persistence.project
        url = f"projects/{project}/zones/{zone}/instances/{name}"
        request = {
            "project": project,
            "region": region,
            "target_pool": pool,
            "instance_reference_resource": compute.InstanceReference(instance=url),
        }
        get_health = self.clients.target_pools.get_health
        return self.persistence.carry(
            lambda: get_health(request=request, retry=None, timeout=CALL_TIMEOUT_S),
            about=f"regions/{region}/targetPools/{pool}",
        )


def _merged(
    ask: Callable[[tuple[str, str]], Any], about: Iterable[tuple[str, str]]
) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for each in about:
        try:
            answer = ask(each)
        except (RequestInvalid, ResourceNotFound):
            # Without a forwarding rule nothing is probed, and Compute Engine refuses to tell; a
            # group or a VM that has gone meanwhile has no health either.
            continue
        for status in answer.health_status:
            name = paths.last(status.instance)
            # One answer per rule that refers to them: healthy is healthy behind all.
            if found.get(name, _HEALTHY) == _HEALTHY:
                found[name] = status.health_state
    return found
