"""VMs that are records: no process runs, and yet a real agent answers, from a model of etcd.

For tests, for macOS and for looking around. Every master is the agent's own core over in-memory
ports; its etcd is a member of the model in `membership`; its API server is the fact that etcd has
a quorum. Nothing listens on the addresses it gives out.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

from hakube_gce.agent.job import CONFIG_KEY
from hakube_gce.clock import SystemClock
from hakube_gce.emulator.membership import Witness, nobody
from hakube_gce.emulator.membership_state import Rules
from hakube_gce.emulator.runtime import Route, VirtualMachine
from hakube_gce.emulator.runtimes.records_machine import Machine
from hakube_gce.emulator.runtimes.records_serial import RecordsPort
from hakube_gce.emulator.runtimes.records_world import Clock, World
from hakube_gce.emulator.state_file import write_private
from hakube_gce.files import make_private_folder

AGENT_PORT = 2
CONSOLE_PORT = 1
_FIRST_INTERNAL = IPv4Address("10.132.0.2")
_INTERNAL_COUNT = 4000
# TEST-NET-3 and TEST-NET-2 (RFC 5737), then what is set aside for benchmarks (RFC 2544): nobody's
# addresses, so nothing ever leaves for them.
_EXTERNAL = [
    *(f"203.0.113.{i}" for i in range(1, 255)),
    *(f"198.51.100.{i}" for i in range(1, 255)),
    *(f"198.18.{block}.{i}" for block in range(10) for i in range(1, 255)),
]


class RecordsRuntime:
    """Simulated VMs of one lab; safe to call from several threads."""

    name = "records"
    api_port = 443

    def __init__(
        self,
        home: Path | None = None,
        clock: Clock | None = None,
        *,
        rules: Rules | None = None,
        witness: Witness = nobody,
    ) -> None:
        """Take up the disks and serial ports that an earlier lab left under ``home``.

        Args:
            home: Folder that is this runtime's alone, or None for a lab that is gone when it ends.
            clock: The lab's clock; the machine's by default. What agents sleep does not move it.
            rules: How the modelled etcd behaves.
            witness: Is told of each change of a membership.
        """
        self._home = home
        self._guard = threading.RLock()
        self._attributes: dict[str, Mapping[str, str]] = {}
        self._machines: dict[str, Machine] = {}
        self._serial: dict[tuple[str, int], RecordsPort] = {}
        self._routes: tuple[Route, ...] = ()
        self._boots = 0
        self._said: dict[str, bytes] = {}
        self._busy: set[str] = set()
        self.hung: set[str] = set()
        """Instance ids whose agents do nothing by themselves: a fault for tests to set."""
        self.world = World(clock or SystemClock(), self._pump, rules, witness)
        if home is not None:
            make_private_folder(home)
            self._load(home / "world.json")

    # -------------------------------------------------------------------------- addresses

    def internal_ip(self, index: int) -> str:
        if not 0 <= index < _INTERNAL_COUNT:
            msg = f"this lab has {_INTERNAL_COUNT} internal addresses, none with index {index}"
            raise ValueError(msg)
        return str(_FIRST_INTERNAL + index)

    def external_ip(self, index: int) -> str:
        if not 0 <= index < len(_EXTERNAL):
            msg = f"this lab has {len(_EXTERNAL)} external addresses, none with index {index}"
            raise ValueError(msg)
        return _EXTERNAL[index]

    # ------------------------------------------------------------------------------ power

    def power_on(self, vm: VirtualMachine) -> None:
        with self._guard:
            if vm.id in self._machines:
                return
            attributes = self._attributes.get(vm.id, {})
            self._port(vm, CONSOLE_PORT).write(f"{vm.name}: booting\r\n".encode())
            if CONFIG_KEY in attributes:  # else a node, or another's VM: it runs nothing
                self._boot_master(vm, attributes)

    def _boot_master(self, vm: VirtualMachine, attributes: Mapping[str, str]) -> None:
        with self._changing():
            machine = self._assemble(vm, attributes)
            if machine is None:
                return
            self._machines[vm.id] = machine
            self.world.hosts[vm.internal_ip] = machine
            with self._occupied(vm.id):
                machine.agent.boot()
                machine.agent.obey(attributes)

    def _assemble(self, vm: VirtualMachine, attributes: Mapping[str, str]) -> Machine | None:
        self._boots += 1
        boot_id = hashlib.sha256(
            f"{vm.id} {self._boots} {self.world.clock.now()}".encode()
        ).hexdigest()[:32]
        try:
            return Machine(
                vm=vm,
                attributes=attributes,
                boot_id=boot_id,
                world=self.world,
                write=self._port(vm, AGENT_PORT).write,
            )
        except ValueError as error:
            console = self._port(vm, CONSOLE_PORT)
            console.write(f"hakube-agent: the metadata is not usable: {error}\r\n".encode())
            return None

    def power_off(self, vm: VirtualMachine) -> None:
        with self._guard:
            if vm.id in self._machines:
                self._end_master(vm)

    def _end_master(self, vm: VirtualMachine) -> None:
        with self._changing():
            machine = self._machines.pop(vm.id)
            machine.services.stop_etcd()
            del self.world.hosts[vm.internal_ip]

    def forget_disk(self, disk_id: str) -> None:
        with self._guard:
            if disk_id in self.world.disks:
                self._wipe(disk_id)

    def _wipe(self, disk_id: str) -> None:
        with self._changing():
            self.world.forget_disk(disk_id)

    def keep_snapshot(self, snapshot_id: str, disk_id: str) -> None:
        with self._changing():
            self.world.keep_snapshot(snapshot_id, disk_id)

    def fill_disk(self, disk_id: str, snapshot_id: str) -> None:
        with self._changing():
            self.world.fill_disk(disk_id, snapshot_id)

    def forget_snapshot(self, snapshot_id: str) -> None:
        with self._changing():
            self.world.snapshots.pop(snapshot_id, None)

    def metadata_changed(self, vm: VirtualMachine, attributes: Mapping[str, str]) -> None:
        with self._guard:
            self._attributes[vm.id] = dict(attributes)
            if vm.id in self._machines:
                self._obey(self._machines[vm.id], vm, attributes)

    def _obey(self, machine: Machine, vm: VirtualMachine, attributes: Mapping[str, str]) -> None:
        with self._changing(), self._occupied(vm.id):
            machine.agent.obey(attributes)

    # ----------------------------------------------------------------------------- looking

    def serial_output(self, vm: VirtualMachine, port: int) -> bytes:
        """Return a port's output; on the agent's port a running VM first says how it is."""
        with self._guard:
            machine = self._machines.get(vm.id)
            if port == AGENT_PORT and machine is not None and vm.id not in self._busy:
                self._beat(vm.id, machine)
            return self._port(vm, port).output()

    def serial_offset(self, vm: VirtualMachine, port: int) -> int:
        with self._guard:
            return self._port(vm, port).dropped

    def serves(self, vm: VirtualMachine) -> bool:
        with self._guard:
            machine = self._machines.get(vm.id)
            return machine is not None and machine.serves

    def says_ready(self, vm: VirtualMachine, port: int, path: str) -> bool:
        with self._guard:
            machine = self._machines.get(vm.id)
            return machine is not None and machine.says_ready(port, path)

    def route(self, routes: Sequence[Route]) -> None:
        with self._guard:
            self._routes = tuple(routes)

    def answers(self, address: str) -> bool:
        """Tell whether every way a new connection may take ends at an API server that serves."""
        with self._guard:
            return any(
                route.address == address
                and route.port in (None, self.api_port)
                and route.backends
                and all(self._host_serves(backend) for backend in route.backends)
                for route in self._routes
            )

    def pids(self, vm: VirtualMachine) -> tuple[int, ...]:  # noqa: ARG002 - no process runs
        return ()

    def etcd_environment(self, vm: VirtualMachine) -> Mapping[str, str]:  # noqa: ARG002 - as above
        return {}

    def close(self) -> None:
        with self._changing():
            for machine in self._machines.values():
                machine.services.stop_etcd()
            self._machines.clear()
            self.world.hosts.clear()

    # ----------------------------------------------------------------------------- innards

    def _host_serves(self, internal_ip: str) -> bool:
        return any(m.address == internal_ip and m.serves for m in self._machines.values())

    def _beat(self, vm_id: str, machine: Machine) -> None:
        """Append a heartbeat unless the last one says the same and is of this very second."""
        said = json.dumps(
            [machine.agent.look(), int(self.world.clock.now().timestamp())], sort_keys=True
        ).encode()
        if self._said.get(vm_id) != said:
            machine.agent.heartbeat()
            self._said[vm_id] = said

    def _pump(self) -> None:
        """Give every agent that is not in the middle of a job its turn."""
        for vm_id, machine in list(self._machines.items()):
            if vm_id not in self._busy | self.hung:
                with self._occupied(vm_id):
                    machine.agent.tend()

    @contextmanager
    def _occupied(self, vm_id: str) -> Iterator[None]:
        self._busy.add(vm_id)
        try:
            yield
        finally:
            self._busy.discard(vm_id)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lab still for one change, let its consequences happen, and keep the outcome."""
        with self._guard:
            yield
            # Twice: what one agent does by itself, another may have to notice.
            self._pump()
            self._pump()
            self._save()

    def _port(self, vm: VirtualMachine, port: int) -> RecordsPort:
        key = (vm.id, port)
        if key not in self._serial:
            path = self._home / f"serial-{vm.id}-{port}" if self._home else None
            self._serial[key] = RecordsPort(path)
        return self._serial[key]

    def _save(self) -> None:
        if self._home is not None:
            content = {"boots": self._boots, **self.world.dump()}
            write_private(self._home / "world.json", json.dumps(content).encode())

    def _load(self, path: Path) -> None:
        if path.exists():
            content = json.loads(path.read_bytes())
            self._boots = content["boots"]
            self.world.load(content)
