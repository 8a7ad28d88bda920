"""What a VM is inside the emulator: the port that the records and process runtimes fill.

The Compute API side (resources, operations) owns every record and tells the runtime what became
true: this VM is powered on, that address now leads there. The runtime owns whatever really runs,
and answers two questions: what stands on a serial port, and does a VM's API server answer. A
runtime never touches a resource record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualMachine:
    """What a runtime needs to know to power a VM on."""

    name: str
    zone: str
    id: str
    """Numeric instance id, decimal."""
    project: str
    internal_ip: str
    data_disk_id: str
    """Numeric id of the disk attached as ``master-pd``; empty when there is none."""
    boot_disk_id: str
    """Numeric id of the boot disk: what stands on it lives as long as the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where traffic to one external address goes."""

    address: str
    port: int | None
    """Forwarded port, or None for an access config, which carries every port."""
    backends: tuple[str, ...]
    """Internal addresses that may take a new connection now: running, and healthy where a health
    check decides. Empty: nobody answers."""
    drain_s: float = 0.0
    """How long open connections to a backend that left may go on; 0 cuts them."""


class Runtime(Protocol):
    """Powers VMs on and off, carries their serial ports, leads traffic."""

    name: str
    api_port: int
    """The port the masters' API answers on in this lab."""

    def internal_ip(self, index: int) -> str:
        """Return the index-th (from 0) internal address of this lab."""
        ...

    def external_ip(self, index: int) -> str:
        """Return the index-th (from 0) external address of this lab."""
        ...

    def power_on(self, vm: VirtualMachine) -> None:
        """Boot a VM: when its insert or start completes, and when a lab restarts."""
        ...

    def power_off(self, vm: VirtualMachine) -> None:
        """End everything the VM runs, at once and for certain, before returning. Disks stay."""
        ...

    def forget_disk(self, disk_id: str) -> None:
        """Wipe a deleted disk."""
        ...

    def keep_snapshot(self, snapshot_id: str, disk_id: str) -> None:
        """Keep what stands on a disk now; no effect when the snapshot is kept already."""
        ...

    def fill_disk(self, disk_id: str, snapshot_id: str) -> None:
        """Put a snapshot's content on a new disk; no effect on a disk that was filled before."""
        ...

    def forget_snapshot(self, snapshot_id: str) -> None:
        """Wipe a deleted snapshot; disks made from it stay as they are."""
        ...

    def metadata_changed(self, vm: VirtualMachine, attributes: Mapping[str, str]) -> None:
        """Learn a VM's metadata: before its first power-on, and after every change."""
        ...

    def serial_output(self, vm: VirtualMachine, port: int) -> bytes:
        """Return all that the VM wrote to a serial port, at most the last MiB.

        Survives power cycles; a new VM of the same name starts empty.
        """
        ...

    def serial_offset(self, vm: VirtualMachine, port: int) -> int:
        """Return how many older bytes were dropped before what `serial_output` returns."""
        ...

    def serves(self, vm: VirtualMachine) -> bool:
        """Tell whether the VM's API server answers ``/readyz`` with 200 right now."""
        ...

    def says_ready(self, vm: VirtualMachine, port: int, path: str) -> bool:
        """Tell whether the VM answers a path with 200 in plain HTTP on a port right now."""
        ...

    def route(self, routes: Sequence[Route]) -> None:
        """Make these, and only these, the ways traffic to external addresses goes."""
        ...

    def answers(self, address: str) -> bool:
        """Tell whether a client that dials an external address now would be served.

        Records compute it; processes may be dialled.
        """
        ...

    def pids(self, vm: VirtualMachine) -> tuple[int, ...]:
        """Process ids that the VM consists of now."""
        ...

    def etcd_environment(self, vm: VirtualMachine) -> Mapping[str, str]:
        """Return ETCDCTL_ENDPOINTS, …_CACERT, …_CERT and …_KEY; empty if no etcd runs."""
        ...

    def close(self) -> None:
        """End everything; disks stay."""
        ...
