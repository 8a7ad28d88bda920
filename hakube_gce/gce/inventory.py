"""Everything a region holds of the kinds we use, read at once.

The zones and the time, sixteen lists side by side, then what no list tells: who is in a group,
and how healthy a backend is. Networks, firewalls and routes are in the network project, all else
in the machines'. Raw: nothing is matched by name or mark here.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hakube_gce import marks
from hakube_gce.errors import ResourceNotFound
from hakube_gce.gce import node_messages, paths, values
from hakube_gce.gce.calls import CALL_TIMEOUT_S, Persistence
from hakube_gce.gce.clients import Clients
from hakube_gce.gce.library import compute
from hakube_gce.gce.listing import Listing, read_list, read_pages, read_region
from hakube_gce.gce.networks import read_network, read_subnetwork
from hakube_gce.gce.probes import Probes
from hakube_gce.node_resources import GroupError
from hakube_gce.resources import BackendService, InstanceGroup, Inventory, TargetPool

_AT_ONCE = 16
"""As many as there are lists. urllib3 pools are sized for it."""

_OURS = {"filter": f"labels.{marks.UID_LABEL}:*"}
"""Projects with snapshot schedules hold thousands; only those with a label of ours are read."""
_ALL_STATES = compute.InstanceGroupsListInstancesRequest(instance_state="ALL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads what a region holds."""

    clients: Clients
    persistence: Persistence
    network_persistence: Persistence
    """The same, in the network project."""
    pools: Callable[[int], Executor] = ThreadPoolExecutor
    """Gives so many hands for reads side by side."""

    def inventory(self, region: str) -> Inventory:
        """Read everything. Raises `GatewayError` when a list cannot be had at all."""
        # Before the lists, at the price of one round trip: what they tell was true at this moment
        # or after it. Judged by a later one, a lock renewed meanwhile would look expired.
        zones, server_time = self._zones_and_date()
        with self.pools(_AT_ONCE) as pool:
            futures = {kind: pool.submit(read) for kind, read in self._lists(region).items()}
            lists = {kind: future.result() for kind, future in futures.items()}
            groups = self._groups(pool, lists)
            services, pools = self._targets(pool, region, lists)
            found = _assemble(region, server_time, {"zones": zones, **lists})
            return replace(
                found, groups=groups(), backend_services=services(), target_pools=pools()
            )

    def server_time(self) -> datetime:
        """Ask the API for its clock, with the cheapest list there is."""
        request = {"project": self.persistence.project, "max_results": 1}

        def ask() -> datetime:
            self.clients.zones.list(request=request, retry=None, timeout=CALL_TIMEOUT_S)
            return self._date()

        return self.persistence.carry(ask, about="zones")

    def address_regions(self, name: str) -> tuple[str, ...]:
        """List the regions that hold an address of this name."""
        method, found = self.clients.addresses.aggregated_list, set()
        for page in read_pages(self.persistence, method, {}, about="addresses"):
            for scope, scoped in page.items.items():
                if any(address.name == name for address in scoped.addresses):
                    found.add(scope.rpartition("/")[2])
        return tuple(sorted(found))

    def zones(self) -> Listing:
        return read_list(self.persistence, self.clients.zones.list, {}, about="zones")

    def members(self, zone: str, group: str) -> tuple[str, ...]:
        """List the VMs in an instance group, by name."""
        listing = read_list(
            self.persistence,
            self.clients.instance_groups.list_instances,
            {
                "zone": zone,
                "instance_group": group,
                "instance_groups_list_instances_request_resource": _ALL_STATES,
            },
            about=f"zones/{zone}/instanceGroups/{group}",
        )
        return tuple(sorted(paths.last(item.instance) for item in listing.items))

    def group_errors(self, zone: str, name: str) -> tuple[GroupError, ...]:
        """List what a managed group failed in of late."""
        method = self.clients.instance_group_managers.list_errors
        fields = {"zone": zone, "instance_group_manager": name}
        about = f"zones/{zone}/instanceGroupManagers/{name}"
        pages = read_pages(self.persistence, method, fields, about=about)
        return tuple(node_messages.read_group_error(m) for page in pages for m in page.items)

    @property
    def probes(self) -> Probes:
        return Probes(clients=self.clients, persistence=self.persistence)

    def _zones_and_date(self) -> tuple[Listing, datetime]:
        return self.zones(), self._date()

    def _date(self) -> datetime:
        # Every HTTP server of Google's sends a Date. Should one in between have dropped it, this
        # machine's clock is all there is.
        return self.clients.dates.latest() or self.persistence.clock.now()

    def _lists(self, region: str) -> dict[str, Callable[[], Listing]]:
        clients, here, host = self.clients, {"region": region}, self.network_persistence

        def regional(method: Any, collection: str) -> Callable[[], Listing]:
            about = f"regions/{region}/{collection}"
            return lambda: read_list(self.persistence, method, here, about=about)

        def zonal(method: Any, field: str, collection: str) -> Callable[[], Listing]:
            return lambda: read_region(
                self.persistence, method, field, region=region, about=collection
            )

        return {
            "addresses": regional(clients.addresses.list, "addresses"),
            "forwarding_rules": regional(clients.forwarding_rules.list, "forwardingRules"),
            "backend_services": regional(clients.backend_services.list, "backendServices"),
            "health_checks": regional(clients.health_checks.list, "healthChecks"),
            "target_pools": regional(clients.target_pools.list, "targetPools"),
            "instances": zonal(clients.instances.aggregated_list, "instances", "instances"),
            "disks": zonal(clients.disks.aggregated_list, "disks", "disks"),
            "instance_groups": zonal(
                clients.instance_groups.aggregated_list, "instance_groups", "instanceGroups"
            ),
            "http_health_checks": lambda: read_list(
                self.persistence,
                clients.http_health_checks.list,
                {},
                about="global/httpHealthChecks",
            ),
            "managed_groups": zonal(
                clients.instance_group_managers.aggregated_list,
                "instance_group_managers",
                "instanceGroupManagers",
            ),
            "templates": lambda: read_list(
                self.persistence,
                clients.instance_templates.list,
                node_messages.NAMED_AS_NODES,
                about="global/instanceTemplates",
            ),
            "networks": lambda: read_list(
                host, clients.networks.list, {}, about="global/networks"
            ),
            "subnetworks": lambda: read_list(
                host, clients.subnetworks.list, here, about=f"regions/{region}/subnetworks"
            ),
            "routes": lambda: read_list(
                host,
                clients.routes.list,
                node_messages.MADE_FOR_NODES,
                about="global/routes",
            ),
            "firewalls": lambda: read_list(
                host, clients.firewalls.list, {}, about="global/firewalls"
            ),
            "snapshots": lambda: read_list(
                self.persistence, clients.snapshots.list, _OURS, about="global/snapshots"
            ),
        }

    def _groups(
        self, pool: Executor, lists: Mapping[str, Listing]
    ) -> Callable[[], tuple[InstanceGroup, ...]]:
        """Start reading every group's members; the result collects them."""
        empty = {(paths.last(m.zone), m.name): () for m in lists["managed_groups"].items}
        managed = {**empty, **_managed_members(lists["instances"].items)}

        def read(message: compute.InstanceGroup) -> InstanceGroup:
            place = (paths.last(message.zone), message.name)
            try:
                members = managed[place] if place in managed else self.members(*place)
            except ResourceNotFound:
                # Deleted between the two calls, or not: one that was listed is not taken for gone.
                members = ()
            return values.instance_group(message, members)

        pending = [pool.submit(read, message) for message in lists["instance_groups"].items]
        return lambda: tuple(future.result() for future in pending)

    def _targets(
        self, pool: Executor, region: str, lists: Mapping[str, Listing]
    ) -> tuple[Callable[[], tuple[BackendService, ...]], Callable[[], tuple[TargetPool, ...]]]:
        """Start asking for the health behind every service and pool a rule refers to."""
        rules, probes = lists["forwarding_rules"].items, self.probes
        used = {paths.short(rule.backend_service or rule.target) for rule in rules}

        def service(message: compute.BackendService) -> BackendService:
            probed = f"regions/{region}/backendServices/{message.name}" in used
            groups = values.backend_groups(message) if probed else ()
            return values.backend_service(message, probes.of_service(region, message.name, groups))

        def target_pool(message: compute.TargetPool) -> TargetPool:
            probed = f"regions/{region}/targetPools/{message.name}" in used
            members = values.pool_members(message) if probed and _is_ours(message) else ()
            return values.target_pool(message, probes.of_pool(region, message.name, members))

        services = [pool.submit(service, m) for m in lists["backend_services"].items]
        pools = [pool.submit(target_pool, m) for m in lists["target_pools"].items]
        return (
            lambda: tuple(future.result() for future in services),
            lambda: tuple(future.result() for future in pools),
        )


def _is_ours(message: compute.TargetPool) -> bool:
    """Tell whether a pool may be one of ours: others cost a call a VM, and nobody asks."""
    return marks.mark_from_description(message.description) is not None


def _managed_members(
    instances: Iterable[compute.Instance],
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Members of managed groups, from the VMs' own metadata, which names their manager.

    A group does not say that it is managed. Asking for the members of each would cost a call per
    group in a project full of node pools.
    """
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for message in instances:
        manager = values.metadata(message).get("created-by", "")
        place = paths.zonal(manager, "instanceGroupManagers")
        if place:
            found[place] = (*found.get(place, ()), message.name)
    return found


def _assemble(
    region: str,
    server_time: datetime,
    lists: Mapping[str, Listing],
) -> Inventory:
    holes = (hole for listing in lists.values() for hole in listing.unreadable)
    zones = (values.zone(message) for message in lists["zones"].items)
    return Inventory(
        server_time=server_time,
        zones=tuple(zone for zone in zones if zone.region == region),
        addresses=tuple(map(values.address, lists["addresses"].items)),
        instances=tuple(map(values.instance, lists["instances"].items)),
        disks=tuple(map(values.disk, lists["disks"].items)),
        firewalls=tuple(map(values.firewall, lists["firewalls"].items)),
        health_checks=tuple(map(values.health_check, lists["health_checks"].items)),
        forwarding_rules=tuple(map(values.forwarding_rule, lists["forwarding_rules"].items)),
        snapshots=tuple(map(values.snapshot, lists["snapshots"].items)),
        http_health_checks=tuple(map(values.http_health_check, lists["http_health_checks"].items)),
        templates=tuple(map(node_messages.read_template, lists["templates"].items)),
        managed_groups=tuple(map(node_messages.read_managed_group, lists["managed_groups"].items)),
        routes=tuple(map(node_messages.read_route, lists["routes"].items)),
        networks=tuple(map(read_network, lists["networks"].items)),
        subnetworks=tuple(map(read_subnetwork, lists["subnetworks"].items)),
        unreadable=tuple(dict.fromkeys(holes)),
    )
