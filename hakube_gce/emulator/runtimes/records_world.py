"""What simulated VMs share: time, disks, wires, and the etcd clusters between them.

Everything happens in the caller's thread. When a simulated agent waits, its clock moves on at once
and the other agents get their turn: nothing ever really sleeps, and the same calls give the same
course of events.
"""

import functools
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from hakube_gce.agent.disk import ETCD_FOLDER, WAL
from hakube_gce.agent.ports import PEER_PORT
from hakube_gce.emulator.membership import Membership, Witness, nobody
from hakube_gce.emulator.membership_state import Replicated, Rules

TORN = b"torn"
"""What stands for etcd's data that was copied while it was being written."""


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...


class SimulatedClock:
    """The lab's clock for simulated agents: what they sleep passes at once, for them alone.

    Dates stay the lab's own, so that what they write is as fresh as it claims.
    """

    def __init__(self, clock: Clock, pump: Callable[[], None]) -> None:
        self._clock = clock
        self._pump = pump
        self._slept_s = 0.0

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic() + self._slept_s

    def sleep(self, seconds: float) -> None:
        self._slept_s += max(seconds, 0.0)
        self._pump()


class DiskFiles:
    """A disk: files by relative name."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = files or {}

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def write(self, name: str, content: bytes) -> None:
        self.files[name] = content

    def names(self, folder: str) -> tuple[str, ...]:
        head = f"{folder}/"
        inside = (name[len(head) :] for name in self.files if name.startswith(head))
        return tuple(sorted({name.partition("/")[0] for name in inside}))

    def remove(self, name: str) -> None:
        for file in [f for f in self.files if f == name or f.startswith(f"{name}/")]:
            del self.files[file]

    def move(self, name: str, to: str) -> None:
        if self.exists(to):
            msg = f"{to} is there already"
            raise FileExistsError(msg)
        self.copy(name, to)
        self.remove(name)

    def copy(self, folder: str, to: str) -> None:
        found = [f for f in self.files if f == folder or f.startswith(f"{folder}/")]
        self.files |= {to + f[len(folder) :]: self.files[f] for f in found}

    def exists(self, name: str) -> bool:
        return name in self.files or any(file.startswith(f"{name}/") for file in self.files)


def _wal(cluster: str, member_id: int) -> bytes:
    return json.dumps({"cluster": cluster, "member": str(member_id)}).encode()


class Host(Protocol):
    """A powered-on VM, as others on the wire meet it."""

    address: str

    @property
    def authority(self) -> bytes | None:
        """The etcd authority it trusts: two hosts talk only when it is the same."""
        ...

    @property
    def etcd(self) -> tuple[Membership, int] | None:
        """Its etcd's cluster and member id while it runs."""
        ...

    @property
    def reach_peers(self) -> tuple[str, ...] | None:
        """Whom its reachability listener would dial; None when it does not listen."""
        ...

    @property
    def name_and_uid(self) -> tuple[str, str]:
        """Replica name and the uid of the cluster it belongs to."""
        ...


@functools.lru_cache(maxsize=256)
def _member_in(wal: bytes) -> tuple[str, int]:
    found = json.loads(wal)
    return found["cluster"], int(found["member"])


class World:
    """Disks, wires and clusters of one lab."""

    def __init__(
        self,
        clock: Clock,
        pump: Callable[[], None],
        rules: Rules | None = None,
        witness: Witness = nobody,
    ) -> None:
        self.clock = SimulatedClock(clock, pump)
        self.disks: dict[str, DiskFiles] = {}
        self.snapshots: dict[str, dict[str, bytes]] = {}
        self.clusters: dict[str, Membership] = {}
        self.hosts: dict[str, Host] = {}
        self.cut: set[frozenset[str]] = set()
        """Pairs of internal addresses between which nothing passes."""
        self._rules = rules
        self._witness = witness

    # -------------------------------------------------------------------------------- wires

    def dial(self, source: Host, peer_url: str) -> Host | None:
        """Return the host behind a peer URL, when it can be reached and both trust each other."""
        address = peer_url.removeprefix("https://").removesuffix(f":{PEER_PORT}")
        host = self.hosts.get(address)
        if host is None or frozenset((source.address, address)) in self.cut:
            return None
        return host if host.authority and host.authority == source.authority else None

    # ---------------------------------------------------------------------- etcd on data disks

    def etcd_on(self, disk: DiskFiles) -> tuple[Membership, int] | None:
        """Return the cluster and member id that a data disk holds."""
        content = disk.read(WAL)
        if content is None or content == TORN:
            return None
        cluster, member_id = _member_in(content)
        return self.clusters[cluster], member_id

    def found_cluster(self, disk: DiskFiles, *, token: str, name: str, peer_url: str) -> None:
        """Start a new cluster whose first member lives on a data disk."""
        key = f"{token} {peer_url} {len(self.clusters)}"
        membership = Membership(
            token=token, clock=self.clock, rules=self._rules, witness=self._witness
        )
        self.clusters[key] = membership
        self._write_wal(disk, key, membership.found(name, peer_url))

    def join_cluster(
        self, disk: DiskFiles, membership: Membership, *, name: str, flags: dict[str, str]
    ) -> None:
        """Start an added member on an empty data disk.

        Raises:
            JoinFailed: Its flags do not fit the membership.
        """
        key = next(k for k, m in self.clusters.items() if m is membership)
        self._write_wal(disk, key, membership.join(name, flags[name], flags))

    def restore_cluster(
        self,
        disk: DiskFiles,
        into: str,
        *,
        saved: Replicated,
        token: str,
        name: str,
        peer_url: str,
    ) -> None:
        """Make a new cluster of saved keys; its first member's data goes into a folder."""
        key = f"{token} {peer_url} {len(self.clusters)}"
        membership = Membership(token=token, clock=self.clock, rules=self._rules)
        self.clusters[key] = membership
        member_id = membership.restore(name, peer_url, saved)
        wal = into + WAL.removeprefix(ETCD_FOLDER)
        disk.write(wal, _wal(key, member_id))

    def forget_disk(self, disk_id: str) -> None:
        """Wipe a disk; a member whose data it held is dead for good."""
        disk = self.disks.pop(disk_id, None)
        etcd = self.etcd_on(disk) if disk else None
        if etcd:
            etcd[0].wipe(etcd[1])

    # -------------------------------------------------------------------- snapshots of disks

    def keep_snapshot(self, snapshot_id: str, disk_id: str) -> None:
        """Keep what stands on a disk now, unless it was kept before."""
        disk = self.disks.get(disk_id)
        self.snapshots.setdefault(snapshot_id, dict(disk.files) if disk else {})

    def fill_disk(self, disk_id: str, snapshot_id: str) -> None:
        """Put a snapshot's files on a new disk.

        etcd's own data on it is torn, as that of a disk in use may be: no etcd starts on it.
        """
        if disk_id in self.disks:
            return
        files = dict(self.snapshots.get(snapshot_id, {}))
        if WAL in files:
            files[WAL] = TORN
        self.disks[disk_id] = DiskFiles(files)

    def _write_wal(self, disk: DiskFiles, cluster: str, member_id: int) -> None:
        disk.write(WAL, _wal(cluster, member_id))

    # ------------------------------------------------------------------------------ keeping

    def dump(self) -> dict[str, Any]:
        """Return disks and clusters, fit for JSON."""
        return {
            "disks": {
                disk_id: {name: content.decode() for name, content in disk.files.items()}
                for disk_id, disk in self.disks.items()
            },
            "snapshots": {
                snapshot_id: {name: content.decode() for name, content in files.items()}
                for snapshot_id, files in self.snapshots.items()
            },
            "clusters": {key: membership.dump() for key, membership in self.clusters.items()},
        }

    def load(self, content: dict[str, Any]) -> None:
        """Take over what `dump` returned; nothing runs yet."""
        for disk_id, files in content["disks"].items():
            self.disks[disk_id] = DiskFiles({n: text.encode() for n, text in files.items()})
        for snapshot_id, files in content.get("snapshots", {}).items():
            self.snapshots[snapshot_id] = {n: text.encode() for n, text in files.items()}
        for key, found in content["clusters"].items():
            self.clusters[key] = Membership.load(
                found, clock=self.clock, rules=self._rules, witness=self._witness
            )
