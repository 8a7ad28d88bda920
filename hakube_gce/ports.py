"""The edges as the rest of the program sees them: Protocols, so that a fake can stand in for each.

None of them mentions a Google type, a socket or a file. Every mutating call of the gateway returns
only once the operation behind it is DONE, and raises a `GatewayError` otherwise. Creating what is
already there and deleting what is gone raise `ResourceConflict` and `ResourceNotFound`: whether
that is fine is the caller's decision, not the gateway's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hakube_gce.balancer_ports import BalancerGateway
from hakube_gce.model import Report
from hakube_gce.network_ports import NetworkGateway
from hakube_gce.node_ports import NodeGateway
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


class Clock(Protocol):
    """Time, injected: tests own it."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class ComputeGateway(Protocol):
    """Port to Compute Engine, one project; what is of networks may be in another.

    ``request_id`` is a UUID string: repeating a call with the same one is the same request.
    """

    @property
    def nodes(self) -> NodeGateway: ...
    @property
    def networks(self) -> NetworkGateway: ...
    @property
    def balancers(self) -> BalancerGateway: ...

    def guarded(self, before_change: Callable[[], None]) -> "ComputeGateway":
        """Give the same gateway, which asks before every change that it sends, each time anew.

        What ``before_change`` raises ends the call, and nothing is sent.
        """
        ...

    # ---- reading
    def server_time(self) -> datetime: ...
    def find_zone(self, zone: str) -> Zone | None: ...
    def zone_names(self) -> Sequence[str]: ...
    def inventory(self, region: str) -> Inventory: ...
    def find_address(self, region: str, name: str) -> Address | None: ...
    def address_regions(self, name: str) -> Sequence[str]:
        """List the regions of the project that hold an address of this name."""
        ...

    def find_instance(self, zone: str, name: str) -> Instance | None: ...
    def serial_output(
        self, zone: str, instance: str, *, port: int, start: int
    ) -> SerialOutput: ...

    # ---- addresses
    def insert_address(
        self, region: str, name: str, *, description: str, request_id: str
    ) -> None: ...
    def set_address_labels(
        self,
        region: str,
        name: str,
        *,
        labels: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None: ...
    def delete_address(self, region: str, name: str, *, request_id: str) -> None: ...

    # ---- disks and instances
    def insert_disk(
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
        """Make a disk: blank, or with the content of a snapshot."""
        ...

    def find_disk(self, zone: str, name: str) -> Disk | None: ...
    def set_disk_labels(
        self,
        zone: str,
        name: str,
        *,
        labels: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None: ...
    def delete_disk(self, zone: str, name: str, *, request_id: str) -> None: ...
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
        """Take a snapshot of a disk. It may still be uploading when this returns."""
        ...

    def find_snapshot(self, name: str) -> DiskSnapshot | None: ...
    def delete_snapshot(self, name: str, *, request_id: str) -> None: ...
    def insert_instance(self, spec: InstanceSpec, *, request_id: str) -> None: ...
    def delete_instance(self, zone: str, name: str, *, request_id: str) -> None: ...
    def start_instance(self, zone: str, name: str, *, request_id: str) -> None: ...
    def set_metadata(
        self,
        zone: str,
        instance: str,
        *,
        items: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None: ...
    def delete_access_config(
        self, zone: str, instance: str, *, name: str, request_id: str
    ) -> None: ...
    def add_access_config(
        self, zone: str, instance: str, *, name: str, address: str, request_id: str
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A new replica's first words: its certificate requests and the key that opens envelopes."""

    instance_id: str
    nonce: str
    requests: Mapping[str, str]
    """Leaf name → PEM certificate request (agent, etcd, etcd-client, apiserver)."""
    sealing_certificate: str
    """PEM, self-signed, RSA-3072; its key opens what is sealed to this replica."""


class Channel(Protocol):
    """Port to the agents on the masters. No SSH: metadata one way, a serial port the other."""

    def hello(self, instance: Instance, *, nonce: str, timeout_s: float) -> Hello: ...

    def reports(self, instances: Sequence[Instance]) -> Mapping[str, Report]:
        """Return what each replica last said, by instance name; who was not heard is left out."""
        ...

    def ask(
        self,
        instance: Instance,
        verb: str,
        args: Mapping[str, object],
        *,
        epoch: int,
        timeout_s: float,
        certificates: str = "",
        request_id: str = "",
    ) -> Mapping[str, object]:
        """Hand one job to a replica's agent and return its verified answer.

        ``certificates``, when given, replaces the instance's ``hakube-certificates`` metadata in
        the same write. ``request_id`` (32 hexadecimal digits) is drawn when empty; name it when an
        envelope in ``args`` or in the answer is bound to it.
        """
        ...


class Probe(Protocol):
    """One look at the cluster IP, as a client would take it."""

    def ready(self, address: str, *, server_name: str, timeout_s: float) -> bool:
        """Tell whether ``https://address/readyz`` answers 200 under a certificate for the name."""
        ...
