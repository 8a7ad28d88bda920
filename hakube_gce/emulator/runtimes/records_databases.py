"""What etcd's tools do with whole databases, on the model of etcd: a saved one is a JSON file.

A damaged file is noticed by its checksum, as the real tools do; restored keys are a new cluster's.
"""

import hashlib
import json
from typing import Protocol

from hakube_gce.agent.etcd_tools import BUMP
from hakube_gce.agent.ports import DatabaseError, EtcdLaunch, Saved
from hakube_gce.emulator.membership import Membership
from hakube_gce.emulator.membership_state import EtcdRefused, Replicated, dump_disk, load_disk
from hakube_gce.emulator.runtimes.records_world import DiskFiles, World


class Owner(Protocol):
    """The machine whose databases they are."""

    data: DiskFiles

    @property
    def etcd(self) -> tuple[Membership, int] | None:
        """Its etcd's cluster and member id while it runs."""
        ...


class RecordsDatabases:
    """The databases of one simulated master."""

    bumps = True
    """Whether these tools can bump revisions, as etcd's can since 3.5.10."""

    def __init__(self, machine: Owner, world: World) -> None:
        self._machine = machine
        self._world = world

    def save(self, name: str) -> None:
        etcd = self._machine.etcd
        if etcd is None:
            msg = "etcdctl snapshot: connection refused"
            raise DatabaseError(msg)
        try:
            disk = etcd[0].disk(etcd[1])
        except EtcdRefused as error:
            raise DatabaseError(error.message) from error
        content = json.dumps(dump_disk(disk), sort_keys=True).encode()
        self._machine.data.write(name, _sum(content) + b"\n" + content)

    def verify(self, name: str) -> Saved:
        content = self._content(name)
        saved = _load(content)
        return Saved(
            name=name.rpartition("/")[2],
            revision=saved.revision,
            total_keys=len(saved.keys),
            size_bytes=len(content),
            hash=_sum(content).decode()[:8],
        )

    def restore(self, name: str, into: str, launch: EtcdLaunch) -> bool:
        saved = _load(self._content(name))
        ((member, peer_url),) = launch.initial_cluster.items()
        bumped = saved.revision + (BUMP if self.bumps else 0)
        self._world.restore_cluster(
            self._machine.data,
            into,
            saved=Replicated(keys=saved.keys, revision=bumped),
            token=launch.token,
            name=member,
            peer_url=peer_url,
        )
        return self.bumps

    def _content(self, name: str) -> bytes:
        found = self._machine.data.read(name)
        if found is None:
            msg = f"{name} cannot be read: no such file"
            raise DatabaseError(msg)
        digest, _, content = found.partition(b"\n")
        if digest != _sum(content):
            msg = f"{name} is damaged: its checksum does not fit"
            raise DatabaseError(msg)
        return content


def _load(content: bytes) -> Replicated:
    return load_disk(json.loads(content))


def _sum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
