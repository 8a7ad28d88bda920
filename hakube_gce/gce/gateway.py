"""`ports.ComputeGateway` on google-cloud-compute: one short method per call of the port.

Only the ``*_unary`` methods of the library are used: the others return a poller that forgets the
endpoint. Each method says what is sent and how to see that it happened; `calls` does the rest. No
decision is made here.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from hakube_gce.errors import ResourceNotFound
from hakube_gce.gce import messages, values
from hakube_gce.gce.balancers import GoogleBalancers
from hakube_gce.gce.calls import Persistence
from hakube_gce.gce.clients import Clients
from hakube_gce.gce.inventory import Reader
from hakube_gce.gce.kinds import kinds_of
from hakube_gce.gce.labelling import Labelling
from hakube_gce.gce.library import compute
from hakube_gce.gce.networks import GoogleNetworks
from hakube_gce.gce.nodes import GoogleNodes
from hakube_gce.gce.project import project_of
from hakube_gce.resources import (
    Address,
    Disk,
    DiskSnapshot,
    Instance,
    InstanceSpec,
    Inventory,
    SerialOutput,
    Zone,
)

_NIC = "nic0"
"""A master has one network interface; Compute Engine calls the first one so."""


class GoogleCompute:
    """One project's Compute Engine. Safe to share between threads; close it in the end."""

    def __init__(
        self,
        clients: Clients,
        persistence: Persistence,
        *,
        network_project: str = "",
        pools: Callable[[int], Executor] = ThreadPoolExecutor,
    ) -> None:
        """Take clients and persistence as `hakube_gce.gce.connect` builds them."""
        host = replace(persistence, project=network_project or persistence.project)
        self._project = project_of(persistence, clients.operations)
        self._host = project_of(host, clients.operations)
        self._clients, self._persistence, self._pools = clients, persistence, pools
        self._kinds = kinds_of(clients)
        self._labelling = Labelling(self._project, clients, self._kinds)
        self._reader = Reader(
            clients=clients, persistence=persistence, network_persistence=host, pools=pools
        )
        self.nodes = GoogleNodes(self._project, self._host, self._kinds, self._reader)
        self.networks = GoogleNetworks(self._host, self._kinds, clients)
        self.balancers = GoogleBalancers(
            self._project, self._kinds, clients, self._reader, network_project=self._host.id
        )

    def guarded(self, before_change: Callable[[], None]) -> "GoogleCompute":
        persistence = replace(self._persistence, before_change=before_change)
        return GoogleCompute(
            self._clients, persistence, network_project=self._host.id, pools=self._pools
        )

    def close(self) -> None:
        """Close every connection."""
        self._clients.close()

    # ---- reading

    def server_time(self) -> datetime:
        return self._reader.server_time()

    def find_zone(self, zone: str) -> Zone | None:
        request = {"project": self._project.id, "zone": zone}
        try:
            found = self._project.read(self._clients.zones.get, request, about=f"zones/{zone}")
        except ResourceNotFound:
            return None
        return values.zone(found)

    def zone_names(self) -> Sequence[str]:
        return tuple(sorted(message.name for message in self._reader.zones().items))

    def inventory(self, region: str) -> Inventory:
        return self._reader.inventory(region)

    def find_address(self, region: str, name: str) -> Address | None:
        found = self._project.find(self._kinds.addresses.in_region(region, name))
        return None if found is None else values.address(found)

    def address_regions(self, name: str) -> Sequence[str]:
        return self._reader.address_regions(name)

    def find_instance(self, zone: str, name: str) -> Instance | None:
        found = self._project.find(self._kinds.instances.in_zone(zone, name))
        return None if found is None else values.instance(found)

    def serial_output(self, zone: str, instance: str, *, port: int, start: int) -> SerialOutput:
        place = self._kinds.instances.in_zone(zone, instance)
        request = place.request(self._project.id, port=port, start=start)
        call = self._clients.instances.get_serial_port_output
        return values.serial_output(self._project.read(call, request, about=place.path))

    # ---- addresses

    def insert_address(self, region: str, name: str, *, description: str, request_id: str) -> None:
        place = self._kinds.addresses.in_region(region, name)
        self._project.insert(place, messages.address(name, description=description), request_id)

    def set_address_labels(
        self,
        region: str,
        name: str,
        *,
        labels: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None:
        self._labelling.address(region, name, labels, fingerprint, request_id)

    def delete_address(self, region: str, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.addresses.in_region(region, name), request_id)

    # ---- disks and instances

    def insert_disk(  # noqa: PLR0913 - the port's
        self,
        zone: str,
        name: str,
        *,
        size_gb: int,
        disk_type: str,
        labels: Mapping[str, str],
        request_id: str,
        source_snapshot: str = "",
    ) -> None:
        snapshots = f"projects/{self._project.id}/global/snapshots"
        message = messages.disk(
            name,
            disk_type=f"projects/{self._project.id}/zones/{zone}/diskTypes/{disk_type}",
            size_gb=size_gb,
            labels=labels,
            source_snapshot=f"{snapshots}/{source_snapshot}" if source_snapshot else "",
        )
        self._project.insert(self._kinds.disks.in_zone(zone, name), message, request_id)

    def find_disk(self, zone: str, name: str) -> Disk | None:
        found = self._project.find(self._kinds.disks.in_zone(zone, name))
        return None if found is None else values.disk(found)

    def set_disk_labels(
        self,
        zone: str,
        name: str,
        *,
        labels: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None:
        self._labelling.disk(zone, name, labels, fingerprint, request_id)

    def delete_disk(self, zone: str, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.disks.in_zone(zone, name), request_id)

    def create_snapshot(
        self,
        zone: str,
        disk: str,
        name: str,
        *,
        labels: Mapping[str, str],
        description: str,
        request_id: str,
    ) -> None:
        source = self._kinds.disks.in_zone(zone, disk)
        message = messages.snapshot(name, labels=labels, description=description)
        self._project.derive(
            source,
            self._kinds.snapshots.of_project(name),
            self._clients.disks.create_snapshot_unary,
            source.request(self._project.id, snapshot_resource=message, request_id=request_id),
            message,
        )

    def find_snapshot(self, name: str) -> DiskSnapshot | None:
        found = self._project.find(self._kinds.snapshots.of_project(name))
        return None if found is None else values.snapshot(found)

    def delete_snapshot(self, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.snapshots.of_project(name), request_id)

    def insert_instance(self, spec: InstanceSpec, *, request_id: str) -> None:
        message = messages.instance(spec, project=self._project.id, network_project=self._host.id)
        place = self._kinds.instances.in_zone(spec.zone, spec.name)
        self._project.insert(place, message, request_id)

    def delete_instance(self, zone: str, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.instances.in_zone(zone, name), request_id)

    def start_instance(self, zone: str, name: str, *, request_id: str) -> None:
        place = self._kinds.instances.in_zone(zone, name)
        self._project.change(
            place,
            self._clients.instances.start_unary,
            place.request(self._project.id, request_id=request_id),
            lambda found: {"RUNNING": True, "TERMINATED": False}.get(found.status),
        )

    def set_metadata(
        self,
        zone: str,
        instance: str,
        *,
        items: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None:
        place = self._kinds.instances.in_zone(zone, instance)
        body = messages.metadata(items, fingerprint=fingerprint)
        self._project.change(
            place,
            self._clients.instances.set_metadata_unary,
            place.request(self._project.id, metadata_resource=body, request_id=request_id),
            lambda found: values.metadata(found) == dict(items),
        )

    def delete_access_config(
        self, zone: str, instance: str, *, name: str, request_id: str
    ) -> None:
        place = self._kinds.instances.in_zone(zone, instance)
        named = {"access_config": name, "network_interface": _NIC, "request_id": request_id}
        self._project.change(
            place,
            self._clients.instances.delete_access_config_unary,
            place.request(self._project.id, **named),
            lambda found: values.instance(found).access_config is None,
        )

    def add_access_config(
        self, zone: str, instance: str, *, name: str, address: str, request_id: str
    ) -> None:
        place = self._kinds.instances.in_zone(zone, instance)
        request = place.request(
            self._project.id,
            network_interface=_NIC,
            access_config_resource=messages.access_config(name, address=address),
            request_id=request_id,
        )

        def happened(found: compute.Instance) -> bool:
            config = values.instance(found).access_config
            return config is not None and (not address or config.nat_ip == address)

        send = self._clients.instances.add_access_config_unary
        self._project.change(place, send, request, happened)
