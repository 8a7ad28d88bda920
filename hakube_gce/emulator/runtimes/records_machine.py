"""One simulated VM: the agent's own core over in-memory ports.

What the ports refuse is what etcd, TLS and the network would refuse; nothing here decides what the
agent decides.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from hakube_gce.agent import readiness
from hakube_gce.agent.core import Agent
from hakube_gce.agent.disk import WAL
from hakube_gce.agent.etcd_errors import classify
from hakube_gce.agent.job import CONFIG_KEY, Identity, parse_config
from hakube_gce.agent.keys import pki
from hakube_gce.agent.ports import (
    EtcdLaunch,
    EtcdState,
    EtcdStatus,
    Member,
    PeerError,
    Ports,
    Reach,
    Role,
)
from hakube_gce.emulator.membership import Membership
from hakube_gce.emulator.membership_state import EtcdRefused, JoinFailed, MemberRecord
from hakube_gce.emulator.runtime import VirtualMachine
from hakube_gce.emulator.runtimes.records_crypto import RecordsCrypto
from hakube_gce.emulator.runtimes.records_databases import RecordsDatabases
from hakube_gce.emulator.runtimes.records_world import DiskFiles, World

T = TypeVar("T")

_PROBE_KEY = "hakube-probe"
ETCD_VERSION = "3.5.33"
"""Whose behaviour the membership model follows."""


class Machine:
    """A powered-on VM with an agent."""

    def __init__(
        self,
        *,
        vm: VirtualMachine,
        attributes: Mapping[str, str],
        boot_id: str,
        world: World,
        write: Callable[[bytes], None],
    ) -> None:
        """Put the VM together; it is on the wire once `World.hosts` has it.

        Raises:
            ValueError: Its metadata holds no readable ``hakube-config``.
        """
        self.address = vm.internal_ip
        config = parse_config(attributes[CONFIG_KEY])
        self.name_and_uid = (config.replica, config.uid)
        self._readiness_port = config.readiness_port
        self.root = world.disks.setdefault(vm.boot_disk_id or f"boot of {vm.id}", DiskFiles())
        self.data = world.disks.setdefault(vm.data_disk_id or f"data of {vm.id}", DiskFiles())
        self.services = RecordsServices(self, world)
        self.ports = Ports(
            clock=world.clock,
            root=self.root,
            data=self.data,
            crypto=RecordsCrypto(self.root, world.clock),
            etcd=RecordsEtcd(self),
            databases=RecordsDatabases(self, world),
            services=self.services,
            peers=RecordsPeers(self, world),
            serial=RecordsSerial(write),
        )
        self.identity = Identity(instance_id=vm.id, boot_id=boot_id, address=self.address)
        self.agent = Agent(identity=self.identity, ports=self.ports, config=attributes[CONFIG_KEY])

    @property
    def authority(self) -> bytes | None:
        return self.root.read(pki("etcd-ca.crt"))

    @property
    def etcd(self) -> tuple[Membership, int] | None:
        return self.services.etcd

    @property
    def reach_peers(self) -> tuple[str, ...] | None:
        return self.services.reach_peers

    @property
    def serves(self) -> bool:
        """Whether its API server answers 200 on ``/readyz``."""
        return self.services.apiserver_ready()

    def says_ready(self, port: int, path: str) -> bool:
        """Tell whether the agent's readiness port answers a path with 200."""
        return (port, path) == (self._readiness_port, readiness.PATH) and self.serves


class RecordsSerial:
    """The second serial port."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def write(self, line: bytes) -> None:
        self._write(line)


class RecordsServices:
    """etcd and API server that are facts instead of processes."""

    def __init__(self, machine: Machine, world: World) -> None:
        self._machine = machine
        self._world = world
        self._state = EtcdState.STOPPED
        self.apiserver_started = False
        self.reach_peers: tuple[str, ...] | None = None

    @property
    def etcd(self) -> tuple[Membership, int] | None:
        """The cluster and member id while it runs."""
        found = self._world.etcd_on(self._machine.data)
        if found is None or self._state is not EtcdState.RUNNING:
            return None
        return found if found[0].is_running(found[1]) else None

    def start_etcd(self, launch: EtcdLaunch, *, alone: bool = False) -> None:
        if self.etcd is not None:
            return
        self._state = EtcdState.RUNNING
        known = self._world.etcd_on(self._machine.data)
        if known is not None:
            (known[0].force_new if alone else known[0].start)(known[1])
            return
        if self._machine.data.exists(WAL):  # it is torn
            self._state = EtcdState.CRASHED
            return
        try:
            self._first_start(launch)
        except JoinFailed:
            self._state = EtcdState.CRASHED

    def _first_start(self, launch: EtcdLaunch) -> None:
        data, own_url = self._machine.data, launch.initial_cluster[launch.name]
        if launch.state == "new":
            self._world.found_cluster(data, token=launch.token, name=launch.name, peer_url=own_url)
            return
        for peer_url in launch.initial_cluster.values():
            host = self._world.dial(self._machine, peer_url)
            etcd = host.etcd if host else None
            if etcd:
                flags = dict(launch.initial_cluster)
                self._world.join_cluster(data, etcd[0], name=launch.name, flags=flags)
                return
        msg = "cannot fetch cluster info from peer urls"
        raise JoinFailed(msg)

    def stop_etcd(self) -> None:
        if self.etcd is not None:
            self.etcd[0].stop(self.etcd[1])
        self._state = EtcdState.STOPPED

    def etcd_state(self) -> EtcdState:
        found = self._world.etcd_on(self._machine.data)
        if self._state is EtcdState.RUNNING and found and not found[0].is_running(found[1]):
            return EtcdState.REMOVED if found[0].is_removed(found[1]) else EtcdState.CRASHED
        return self._state

    def start_apiserver(self) -> None:
        self.apiserver_started = True

    def stop_apiserver(self) -> None:
        self.apiserver_started = False

    def apiserver_ready(self) -> bool:
        # A kube-apiserver's /readyz reads through its own etcd: without quorum it fails.
        if not self.apiserver_started or self.etcd is None:
            return False
        membership, member_id = self.etcd
        try:
            membership.get(member_id, "health")
        except EtcdRefused:
            return False
        return True

    def apiserver_kind(self) -> str:
        return "hollow"

    def open_reach(self, peer_urls: Sequence[str]) -> None:
        self.reach_peers = tuple(peer_urls)

    def close_reach(self) -> None:
        self.reach_peers = None


class RecordsEtcd:
    """The local etcd's client port."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def status(self) -> EtcdStatus:
        membership, own = self._local()
        try:
            disk = membership.disk(own)
        except EtcdRefused as error:
            raise classify(error.code, error.message) from error
        record = disk.member(own)
        leader = membership.knows_leader(own)
        return EtcdStatus(
            cluster_id=f"{membership.cluster_id:x}",
            member_id=f"{own:x}",
            leader_id=f"{leader:x}" if leader else "",
            role=Role.LEARNER if record is None or record.learner else Role.VOTER,
            term=disk.term,
            applied_index=disk.applied_index,
            db_size_bytes=20480 + 4096 * len(disk.keys),
            version=ETCD_VERSION,
            alarms=tuple(sorted(membership.alarms)),
        )

    def read_linearizable(self) -> None:
        self._ask(lambda membership, own: membership.get(own, "health"))

    def members(self) -> tuple[Member, ...]:
        return _members(self._ask(lambda membership, own: membership.members(own)))

    def members_locally(self) -> tuple[Member, ...]:
        return _members(self._ask(lambda membership, own: membership.disk(own).members))

    def add_learner(self, peer_url: str) -> str:
        return f"{self._ask(lambda membership, own: membership.add_learner(own, peer_url)):x}"

    def promote(self, member_id: str) -> None:
        self._ask(lambda membership, own: membership.promote(own, int(member_id, 16)))

    def remove(self, member_id: str) -> None:
        self._ask(lambda membership, own: membership.remove(own, int(member_id, 16)))

    def transfer_leadership(self, to: str) -> None:
        self._ask(lambda membership, own: membership.transfer_leadership(own, int(to, 16)))

    def prove_writable(self) -> None:
        self._ask(lambda membership, own: membership.put(own, _PROBE_KEY, ""))
        self.delete(_PROBE_KEY)

    def keys(self, prefix: str) -> tuple[str, ...]:
        return self._ask(lambda membership, own: membership.keys(own, prefix))

    def delete(self, key: str) -> None:
        self._ask(lambda membership, own: membership.delete(own, key))

    def _local(self) -> tuple[Membership, int]:
        etcd = self._machine.etcd
        if etcd is None:
            raise classify(14, "connection refused")
        return etcd

    def _ask(self, question: Callable[[Membership, int], T]) -> T:
        try:
            return question(*self._local())
        except EtcdRefused as error:
            raise classify(error.code, error.message) from error


class RecordsPeers:
    """The other masters' peer ports."""

    def __init__(self, machine: Machine, world: World) -> None:
        self._machine = machine
        self._world = world

    def answers(self, peer_url: str) -> bool:
        host = self._world.dial(self._machine, peer_url)
        return host is not None and host.etcd is not None

    def listed(self, peer_url: str) -> tuple[Member, ...]:
        host = self._world.dial(self._machine, peer_url)
        etcd = host.etcd if host else None
        if etcd is None:
            msg = "connection refused"
            raise PeerError(msg)
        return _members(etcd[0].disk(etcd[1]).members)

    def reach(self, peer_url: str) -> Reach:
        host = self._world.dial(self._machine, peer_url)
        if host is None or host.reach_peers is None:
            msg = "connection refused"
            raise PeerError(msg)
        told = host.reach_peers
        back = {url: self._world.dial(host, url) for url in told}
        reached = frozenset(url for url, found in back.items() if found and found.etcd)
        replica, uid = host.name_and_uid
        missed = {url: "connection refused" for url in told if url not in reached}
        return Reach(replica=replica, uid=uid, reached=reached, missed=missed)


def _members(records: Sequence[MemberRecord]) -> tuple[Member, ...]:
    return tuple(
        Member(
            id=f"{record.id:x}",
            name=record.name,
            peer_url=record.peer_url,
            role=Role.LEARNER if record.learner else Role.VOTER,
        )
        for record in records
    )
