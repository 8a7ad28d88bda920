"""The ``process`` runtime: a VM is a session of real processes on its own loopback address.

The agent that a real master runs, a real etcd with mTLS, and an API server, without root and
without leaving 127.0.0.0/8. A VM without a master's metadata, such as a node, runs nothing. A
VM's metadata is data to its agent: no startup script or other text from it is ever executed. A
power-off is SIGKILL, as pulling the plug is. There is no virtual disk, no firewall and no network
of its own: folders, loopback addresses, and the relay of `balancer`.
"""

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import hakube_gce
from hakube_gce.agent.job import CONFIG_KEY
from hakube_gce.emulator.addresses import (
    ETCD_CLIENT_PORT,
    ETCD_PEER_PORT,
    METADATA_PORT,
    Claim,
    claim,
)
from hakube_gce.emulator.balancer import Balancer
from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.etcd_binary import find_etcd
from hakube_gce.emulator.loop_thread import LoopThread
from hakube_gce.emulator.metadata_server import MetadataServer
from hakube_gce.emulator.readiness import is_ready, is_ready_plainly
from hakube_gce.emulator.roster import roster
from hakube_gce.emulator.runtime import Route, VirtualMachine
from hakube_gce.emulator.runtimes.disk_copies import copy_files
from hakube_gce.emulator.runtimes.process_command import (
    AGENT,
    agent_environment,
    agent_options,
    hollow_command,
    real_command,
)
from hakube_gce.emulator.runtimes.process_machine import Machine, await_free
from hakube_gce.emulator.supervise import end_leftovers
from hakube_gce.files import make_private_folder, write_private

_PACKAGE = Path(hakube_gce.__file__).resolve().parents[1]
_ID = re.compile(r"[0-9]{1,20}", re.ASCII)


class ProcessRuntime:
    """Real processes on loopback."""

    name = "process"

    def __init__(
        self,
        home: Path,
        *,
        etcd: Path | None = None,
        search_path: str = os.defpath,
        binaries: Path | None = None,
        agent: Sequence[str] = AGENT,
    ) -> None:
        """Take the lab's address range and end what an earlier daemon left running.

        Args:
            home: The lab's folder; disks, serial ports and the address range are kept there.
            etcd: The etcd to run; found when not given, see `find_etcd`.
            search_path: PATH: where etcd is looked for, and the VMs' own.
            binaries: The folder HAKUBE_BINARIES names, if any; a kube-apiserver there is run
                instead of the hollow one.
            agent: The command every VM boots.

        Raises:
            SettingsError: No usable etcd, or the lab's addresses are in use by another lab.
        """
        self._etcd = etcd or find_etcd(search_path=search_path, binaries=binaries)
        self._apiserver = _kube_apiserver(binaries)
        self._search_path = search_path
        self._agent = tuple(agent)
        home = home.absolute()  # VMs work in folders of their own
        self._disks = home / "disks"
        self._snapshots = home / "snapshots"
        self._folders = home / "vms"
        for folder in (home, self._disks, self._snapshots, self._folders):
            make_private_folder(folder)
        self._claim: Claim = claim(home / "process.json")
        self.api_port = self._claim.api_port
        self._keeper = secrets.token_hex(8)
        end_leftovers(self._folders, wanted=lambda _: True)
        self._guard = _start_guard(self._folders, self._keeper)
        self._loop = LoopThread("hakube-process-runtime")
        self._metadata = MetadataServer(self._loop, roster=self._roster)
        self._balancer = Balancer(self._loop, api_port=self.api_port)
        self._attributes: dict[str, Mapping[str, str]] = {}
        self._machines: dict[str, Machine] = {}
        self._running: dict[str, VirtualMachine] = {}
        self._book = threading.RLock()
        self._closed = False

    def internal_ip(self, index: int) -> str:
        return self._claim.addresses.internal_ip(index)

    def external_ip(self, index: int) -> str:
        return self._claim.addresses.external_ip(index)

    # ---- power

    def power_on(self, vm: VirtualMachine) -> None:
        self._check(vm)
        with self._book:
            self._running[vm.id] = vm
            attributes, runs = self._attributes.get(vm.id, {}), self._runs(vm)
        if runs:
            self._boot(vm, attributes)
        # else a node, or another's VM: it runs nothing, and yet it is on
        self._metadata.stir()

    def _boot(self, vm: VirtualMachine, attributes: Mapping[str, str]) -> None:
        for disk in filter(None, (vm.boot_disk_id, vm.data_disk_id)):
            make_private_folder(self._disk(disk))
        self._metadata.open(vm)
        machine = self._machine(vm)
        options = agent_options(
            vm,
            disks=self._disks,
            serial_file=machine.serial_file(2),
            api_port=self.api_port,
            etcd=self._etcd,
            apiserver=self._apiserver_command(vm, attributes),
        )
        machine.start(
            [*self._agent, *options],
            agent_environment(vm, search_path=self._search_path, package=_PACKAGE),
        )
        write_private(self._folders / vm.id / "boot-disk", vm.boot_disk_id.encode())

    def power_off(self, vm: VirtualMachine) -> None:
        self._check(vm)
        if vm.id in self._machines:  # else it was never anything but on: a node
            self._shut_down(vm)
        with self._book:
            self._running.pop(vm.id, None)
            last_words = self._closed
        if not last_words:  # a lab that is shut takes no node away
            self._metadata.stir()

    def _shut_down(self, vm: VirtualMachine) -> None:
        self._machine(vm).stop()
        self._metadata.close(vm.id)
        await_free(
            vm.internal_ip, (ETCD_CLIENT_PORT, ETCD_PEER_PORT, self.api_port, METADATA_PORT)
        )

    def pids(self, vm: VirtualMachine) -> tuple[int, ...]:
        return self._machine(vm).pids() if vm.id in self._machines else ()

    def close(self) -> None:
        """End everything; disks stay. A second time does nothing."""
        with self._book:
            if self._closed:
                return
            self._closed = True
            running = tuple(self._running.values())
        with contextlib.ExitStack() as last:  # all of it, even when a part of it fails
            last.callback(self._claim.release)
            last.callback(self._loop.close)
            last.callback(self._metadata.close_all)
            last.callback(self._balancer.close)
            last.callback(_end_guard, self._guard)
            for vm in running:
                last.callback(self.power_off, vm)

    # ---- disks, metadata, serial ports

    def forget_disk(self, disk_id: str) -> None:
        """Wipe a disk, and with a boot disk what its VM wrote to its serial ports."""
        shutil.rmtree(self._disk(disk_id), ignore_errors=True)
        for note in self._folders.glob("*/boot-disk"):
            if note.read_text() == disk_id and note.parent.name not in self._running:
                shutil.rmtree(note.parent)

    def keep_snapshot(self, snapshot_id: str, disk_id: str) -> None:
        """Copy a disk's files as they are: one after another, not all at one moment."""
        copy_files(self._disk(disk_id), self._snapshot(snapshot_id))

    def fill_disk(self, disk_id: str, snapshot_id: str) -> None:
        copy_files(self._snapshot(snapshot_id), self._disk(disk_id))

    def forget_snapshot(self, snapshot_id: str) -> None:
        shutil.rmtree(self._snapshot(snapshot_id), ignore_errors=True)

    def metadata_changed(self, vm: VirtualMachine, attributes: Mapping[str, str]) -> None:
        with self._book:
            self._attributes[vm.id] = dict(attributes)
            runs = self._runs(vm)
        if runs:  # on a node nobody asks
            self._metadata.tell(vm, attributes)

    def serial_output(self, vm: VirtualMachine, port: int) -> bytes:
        serial = self._machine(vm).serial_port(port)
        return serial.output() if serial else b""

    def serial_offset(self, vm: VirtualMachine, port: int) -> int:
        serial = self._machine(vm).serial_port(port)
        return serial.dropped() if serial else 0

    # ---- traffic

    def serves(self, vm: VirtualMachine) -> bool:
        return is_ready(vm.internal_ip, self.api_port)

    def says_ready(self, vm: VirtualMachine, port: int, path: str) -> bool:
        return is_ready_plainly(vm.internal_ip, port, path)

    def route(self, routes: Sequence[Route]) -> None:
        """Lead traffic; of an access config, which carries every port, only the API's is carried.

        To nodes none is led: nothing listens there, and a thousand of them would take as many
        listeners.

        Raises:
            ValueError: An address is not of this lab: nothing else is ever opened or dialled.
            OSError: An address and port cannot be opened.
        """
        for route in routes:
            for address in (route.address, *route.backends):
                self._check_address(address)
        silent = self._silent()
        heard = [r for r in routes if not r.backends or not silent.issuperset(r.backends)]
        self._balancer.route(heard)

    def answers(self, address: str) -> bool:
        """Tell whether ``/readyz`` answers 200 through an external address, by asking it."""
        self._check_address(address)
        return any(is_ready(address, port) for port in self._balancer.ports(address))

    def etcd_environment(self, vm: VirtualMachine) -> Mapping[str, str]:
        keys = self._disk(vm.boot_disk_id) / "pki"
        files = [keys / name for name in ("etcd-ca.crt", "etcd.crt", "etcd.key")]
        if not self.pids(vm) or not all(file.is_file() for file in files):
            return {}
        authority, certificate, key = map(str, files)
        return {
            "ETCDCTL_ENDPOINTS": f"https://{vm.internal_ip}:{ETCD_CLIENT_PORT}",
            "ETCDCTL_CACERT": authority,
            "ETCDCTL_CERT": certificate,
            "ETCDCTL_KEY": key,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _apiserver_command(self, vm: VirtualMachine, attributes: Mapping[str, str]) -> list[str]:
        if self._apiserver is None:
            return hollow_command(vm, attributes)
        return real_command(self._apiserver, attributes, keys=self._disk(vm.boot_disk_id) / "pki")

    def _silent(self) -> frozenset[str]:
        """Return the addresses of VMs that are on and run nothing."""
        with self._book:
            running = self._running.values()
            return frozenset(vm.internal_ip for vm in running if not self._runs(vm))

    def _runs(self, vm: VirtualMachine) -> bool:
        """Tell whether a VM has an agent to run: whoever is not told otherwise has."""
        attributes = self._attributes.get(vm.id)
        return attributes is None or CONFIG_KEY in attributes

    def _roster(self, vm: VirtualMachine) -> list[Json]:
        with self._book:
            guests = [(other, self._attributes.get(i, {})) for i, other in self._running.items()]
            return roster(vm, self._attributes.get(vm.id, {}), guests)

    def _machine(self, vm: VirtualMachine) -> Machine:
        _check_id(vm.id)
        with self._book:
            known = self._machines.get(vm.id)
            if known is None:
                known = Machine(self._folders / vm.id, keeper=self._keeper)
                self._machines[vm.id] = known
            return known

    def _disk(self, disk_id: str) -> Path:
        _check_id(disk_id)
        return self._disks / disk_id

    def _snapshot(self, snapshot_id: str) -> Path:
        _check_id(snapshot_id)
        return self._snapshots / snapshot_id

    def _check(self, vm: VirtualMachine) -> None:
        _check_id(vm.id)
        self._check_address(vm.internal_ip)

    def _check_address(self, address: str) -> None:
        if not self._claim.addresses.holds(address):
            msg = (
                f"{address} is no address of this lab (127.{self._claim.addresses.number}.0.0/16)"
            )
            raise ValueError(msg)


def _kube_apiserver(binaries: Path | None) -> Path | None:
    # only where the user pointed: one that happens to be on PATH may be of any age
    found = binaries / "kube-apiserver" if binaries else None
    return found if found is not None and found.is_file() else None


def _start_guard(machines: Path, keeper: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-m", "hakube_gce.emulator.guard", str(machines), keeper],
        env={"PYTHONPATH": str(_PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,  # whoever reads the daemon's output shall see it end with it
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end_guard(guard: subprocess.Popen[bytes]) -> None:
    if guard.stdin is not None:
        guard.stdin.close()
    guard.wait()


def _check_id(number: str) -> None:
    # ids become folder names
    if not _ID.fullmatch(number):
        msg = f"{number!r} is no numeric id"
        raise ValueError(msg)
