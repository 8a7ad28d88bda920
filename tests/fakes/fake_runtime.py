"""A runtime that runs nothing, remembers what it was told, and refuses what cannot be."""

import threading
from collections.abc import Mapping, Sequence

from hakube_gce.emulator.runtime import Route, VirtualMachine


class FakeRuntime:
    """Machines as entries in a table; who serves is up to the test."""

    api_port = 443

    def __init__(self, name: str = "records") -> None:
        self.name = name
        self.on: dict[str, VirtualMachine] = {}
        self.attributes: dict[str, Mapping[str, str]] = {}
        self.routes: tuple[Route, ...] = ()
        self.serving: set[str] = set()
        """Names of VMs whose API server answers while they are on."""
        self.readiness: set[tuple[str, int, str]] = set()
        """VM, port and path that answer 200 in plain HTTP while it is on."""
        self.serial: dict[tuple[str, int], bytes] = {}
        self.dropped: dict[tuple[str, int], int] = {}
        self.forgotten: list[str] = []
        self.snapshots: dict[str, str] = {}
        """Snapshot → the disk it was taken of."""
        self.filled: dict[str, str] = {}
        """Disk → the snapshot it was made from."""
        self.history: list[tuple[str, str]] = []
        self.closed = False
        self.broken = False
        """Its machines do not boot."""
        self.full = False
        """It cannot write down how it was left."""
        self.probed = threading.Event()

    def internal_ip(self, index: int) -> str:
        return f"10.0.{index // 250}.{index % 250 + 2}"

    def external_ip(self, index: int) -> str:
        return f"203.0.{113 + index // 250}.{index % 250 + 2}"

    def power_on(self, vm: VirtualMachine) -> None:
        assert vm.id not in self.on, f"{vm.name} is on already"
        assert vm.id in self.attributes, f"{vm.name} was never told its metadata"
        assert vm.boot_disk_id, f"{vm.name} has no boot disk"
        twins = [other.name for other in self.on.values() if other.internal_ip == vm.internal_ip]
        assert not twins, f"{vm.name} has the address of {twins}"
        if self.broken:
            msg = f"{vm.name} does not boot"
            raise OSError(msg)
        self.on[vm.id] = vm
        self.history.append(("power_on", vm.name))

    def power_off(self, vm: VirtualMachine) -> None:
        assert vm.id in self.on, f"{vm.name} is off already"
        del self.on[vm.id]
        self.history.append(("power_off", vm.name))

    def forget_disk(self, disk_id: str) -> None:
        in_use = [d for vm in self.on.values() for d in (vm.boot_disk_id, vm.data_disk_id)]
        assert disk_id not in in_use, f"disk {disk_id} belongs to a running VM"
        assert disk_id not in self.forgotten, f"disk {disk_id} is gone already"
        self.forgotten.append(disk_id)

    def keep_snapshot(self, snapshot_id: str, disk_id: str) -> None:
        self.snapshots.setdefault(snapshot_id, disk_id)

    def fill_disk(self, disk_id: str, snapshot_id: str) -> None:
        assert snapshot_id in self.snapshots, f"disk {disk_id} is made from nothing"
        self.filled.setdefault(disk_id, snapshot_id)

    def forget_snapshot(self, snapshot_id: str) -> None:
        del self.snapshots[snapshot_id]

    def metadata_changed(self, vm: VirtualMachine, attributes: Mapping[str, str]) -> None:
        self.attributes[vm.id] = dict(attributes)
        self.history.append(("metadata_changed", vm.name))

    def serial_output(self, vm: VirtualMachine, port: int) -> bytes:
        return self.serial.get((vm.name, port), b"")

    def serial_offset(self, vm: VirtualMachine, port: int) -> int:
        return self.dropped.get((vm.name, port), 0)

    def serves(self, vm: VirtualMachine) -> bool:
        self.probed.set()
        return vm.id in self.on and vm.name in self.serving

    def says_ready(self, vm: VirtualMachine, port: int, path: str) -> bool:
        self.probed.set()
        asked = (vm.name, port, path)
        return vm.id in self.on and asked in self.readiness

    def route(self, routes: Sequence[Route]) -> None:
        ways = [(route.address, route.port) for route in routes]
        assert len(set(ways)) == len(ways), f"two routes for one address and port: {ways}"
        self.routes = tuple(routes)

    def answers(self, address: str) -> bool:
        up = {vm.internal_ip for vm in self.on.values() if vm.name in self.serving}
        return any(route.address == address and up & set(route.backends) for route in self.routes)

    def pids(self, vm: VirtualMachine) -> tuple[int, ...]:
        return (1000 + int(vm.id) % 1000,) if vm.id in self.on else ()

    def etcd_environment(self, vm: VirtualMachine) -> Mapping[str, str]:
        if vm.id not in self.on:
            return {}
        return {
            "ETCDCTL_ENDPOINTS": f"https://{vm.internal_ip}:2379",
            "ETCDCTL_CACERT": "/lab/a folder/ca.crt",
            "ETCDCTL_CERT": "/lab/client.crt",
            "ETCDCTL_KEY": "/lab/client.key",
        }

    def close(self) -> None:
        assert not self.closed, "closed twice"
        self.on.clear()
        self.closed = True
        if self.full:
            msg = "no room"
            raise OSError(msg)

    def backends_of(self, address: str) -> tuple[str, ...]:
        """Return where traffic to an address goes now, for tests to look at."""
        return next((r.backends for r in self.routes if r.address == address), ())
