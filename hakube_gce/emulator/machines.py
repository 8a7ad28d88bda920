"""Keeps the runtime as the records say: machines on or off, metadata told, traffic led.

Declarative on purpose: after any change the records are compared with what the runtime was last
told. So a refused or failed request needs no undoing here, and a restarted lab boots what was
running by the same path. It never writes a record.
"""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.links import last, short
from hakube_gce.emulator.runtime import Route, Runtime, VirtualMachine
from hakube_gce.emulator.store import Store

_LOG = logging.getLogger(__name__)
DATA_DEVICE = "master-pd"
BOOTS = "@boots"
"""Record field that counts resets: a machine of another count than was booted is power-cycled."""


@dataclass(slots=True)
class Machines:
    """What the runtime was told last."""

    runtime: Runtime
    _on: dict[str, tuple[VirtualMachine, int]] = field(default_factory=dict)
    _told: dict[str, dict[str, str]] = field(default_factory=dict)
    _seen: dict[str, Json] = field(default_factory=dict)
    """Records of running instances as they were settled last: the same one needs nothing more."""
    _disks: set[str] = field(default_factory=set)
    _snapshots: set[str] = field(default_factory=set)
    _routes: list[Route] | None = None

    def settle(self, store: Store, routes: Callable[[], list[Route]]) -> None:
        """Make the runtime match the records."""
        instances = dict(store.of_kind("compute#instance"))
        wanted = {r["id"]: (p, r) for p, r in instances.items() if r["status"] == "RUNNING"}
        self._copy(store)
        for identity in [i for i in self._on if i not in wanted]:
            self._power_off(identity)
        for identity, (path, record) in wanted.items():
            if self._seen.get(identity) is not record:
                self._keep_running(store, path, record)
                self._seen[identity] = record
        self._forget(store, {record["id"] for record in instances.values()})
        self.lead(routes())

    def lead(self, routes: list[Route]) -> None:
        """Hand the ways traffic goes to the runtime, when they changed."""
        if routes == self._routes:
            return
        # What could not be led is tried again with the next change.
        done = self._try("route", "traffic", functools.partial(self.runtime.route, routes))
        self._routes = routes if done else None

    def is_on(self, record: Json) -> bool:
        return record["id"] in self._on

    def _keep_running(self, store: Store, path: str, record: Json) -> None:
        identity, boots = record["id"], record.get(BOOTS, 0)
        if identity in self._on and self._on[identity][1] != boots:
            self._power_off(identity)
        vm = virtual_machine(store, path, record)
        attributes = {item["key"]: item["value"] for item in record["metadata"].get("items", [])}
        if self._told.get(identity) != attributes or identity not in self._on:
            self._told[identity] = attributes
            told = functools.partial(self.runtime.metadata_changed, vm, attributes)
            self._try("metadata_changed", vm.name, told)
        if identity not in self._on:
            self._on[identity] = (vm, boots)
            self._try("power_on", vm.name, functools.partial(self.runtime.power_on, vm))

    def _power_off(self, identity: str) -> None:
        vm, _ = self._on.pop(identity)
        self._seen.pop(identity, None)
        self._try("power_off", vm.name, functools.partial(self.runtime.power_off, vm))

    def _copy(self, store: Store) -> None:
        """Keep new snapshots, and fill new disks that are made from one, before anything boots."""
        snapshots = {record["id"]: record for _, record in store.of_kind("compute#snapshot")}
        for new in sorted(set(snapshots) - self._snapshots):
            disk = snapshots[new]["sourceDiskId"]
            keep = functools.partial(self.runtime.keep_snapshot, new, disk)
            self._try("keep_snapshot", new, keep)
        for gone in sorted(self._snapshots - set(snapshots)):
            forget = functools.partial(self.runtime.forget_snapshot, gone)
            self._try("forget_snapshot", gone, forget)
        self._snapshots = set(snapshots)
        for _, disk_record in store.of_kind("compute#disk"):
            disk_id, source = disk_record["id"], disk_record.get("sourceSnapshotId")
            if source and disk_id not in self._disks:
                fill = functools.partial(self.runtime.fill_disk, disk_id, source)
                self._try("fill_disk", disk_id, fill)

    def _forget(self, store: Store, instances: set[str]) -> None:
        disks = {record["id"] for _, record in store.of_kind("compute#disk")}
        for gone in sorted(self._disks - disks):
            self._try("forget_disk", gone, functools.partial(self.runtime.forget_disk, gone))
        self._disks = disks
        for identity in [i for i in self._told if i not in instances]:
            del self._told[identity]

    @staticmethod
    def _try(what: str, whose: str, action: Callable[[], None]) -> bool:
        try:
            action()
        except Exception:  # noqa: BLE001 - a VM that does not boot is a broken VM, not a broken API
            _LOG.exception("%s of %s failed", what, whose)
            return False
        return True


def virtual_machine(store: Store, path: str, record: Json) -> VirtualMachine:
    """Return what the runtime needs to know about an instance."""
    _, project, _, zone, *_ = path.split("/")
    disks = {d["deviceName"]: short(d["source"]) for d in record["disks"]}
    boot = next((short(d["source"]) for d in record["disks"] if d.get("boot")), "")
    return VirtualMachine(
        name=record["name"],
        zone=last(zone),
        id=record["id"],
        project=project,
        internal_ip=record["networkInterfaces"][0]["networkIP"],
        data_disk_id=_disk_id(store, disks.get(DATA_DEVICE, "")),
        boot_disk_id=_disk_id(store, boot),
    )


def _disk_id(store: Store, path: str) -> str:
    disk = store.get(path)
    return str(disk["id"]) if disk else ""
