"""The agent as a program: threads around the core, and the ports of a real machine.

One thread waits on the metadata server, one sends heartbeats, the main one does all the work, one
thing at a time. Ends its children when it is told to end; the kernel ends them when it is killed.
"""

import queue
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from hakube_gce.agent.config_files import keep_files
from hakube_gce.agent.core import Agent
from hakube_gce.agent.etcd import EtcdGateway
from hakube_gce.agent.etcd_tools import EtcdTools
from hakube_gce.agent.files import FileStorage, make_folder
from hakube_gce.agent.job import CONFIG_KEY, Identity, parse_config
from hakube_gce.agent.keys import pki
from hakube_gce.agent.metadata import Attributes, MetadataError, MetadataServer
from hakube_gce.agent.openssl import OpenSSL
from hakube_gce.agent.peers import PeersOverTls, ReachListener
from hakube_gce.agent.ports import Ports
from hakube_gce.agent.processes import ChildProcesses, Programs
from hakube_gce.agent.readiness import ReadinessPort
from hakube_gce.agent.wire import Credentials

T = TypeVar("T")

TEND_S = 0.25
RETRY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the agent is told when it is started."""

    root: Path
    data: Path
    serial: Path
    metadata: str
    programs: Programs
    readiness_address: str
    """Where to answer health probers, if the configuration names a port."""
    heartbeat_s: float
    boot_id: str
    environment: Mapping[str, str]
    """The children's whole environment; its PATH also finds openssl."""


class StoppableClock:
    """The machine's clock, whose sleeps end early when the agent is told to stop."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the clock that the core takes

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if self._stopping.wait(max(seconds, 0.0)):
            raise Stopped


class Stopped(BaseException):
    """The agent was told to stop in the middle of a verb.

    No `Exception`, so that nobody who handles failures takes it for one. The verb is done again
    after the next start, as after a power cut.
    """


class SerialFile:
    """The second serial port: a character device on a VM, a plain file in a lab."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()

    def write(self, line: bytes) -> None:
        with self._guard, self._path.open("ab", buffering=0) as port:
            port.write(line)


def complain(message: str) -> None:
    """Say something to whoever reads the agent's standard error."""
    sys.stderr.write(f"hakube-agent: {message}\n")
    sys.stderr.flush()


def run(options: Options, stopping: threading.Event) -> None:
    """Run the agent until ``stopping`` is set."""
    make_folder(options.root)
    make_folder(options.data)
    server = MetadataServer(options.metadata)
    try:
        instance_id = _insist(server.instance_id, stopping)
        attributes = _insist(server.attributes, stopping, until=lambda a: CONFIG_KEY in a.values)
        _live(options, server, instance_id, attributes, stopping)
    except Stopped:
        return


def _live(
    options: Options,
    server: MetadataServer,
    instance_id: str,
    attributes: Attributes,
    stopping: threading.Event,
) -> None:
    config = attributes.values[CONFIG_KEY]
    root, data = FileStorage(options.root), FileStorage(options.data)
    keep_files(root, attributes.values)
    services = _services(options, config, root=root, data=data)
    identity = Identity(
        instance_id=instance_id, boot_id=options.boot_id, address=options.programs.address
    )
    ports = Ports(
        clock=StoppableClock(stopping),
        root=root,
        data=data,
        crypto=OpenSSL(root, command=_openssl(options.environment)),
        etcd=EtcdGateway(address=identity.address, credentials=_credentials(root, "etcd-client")),
        databases=EtcdTools(
            etcd=options.programs.etcd,
            address=identity.address,
            credentials=_credentials(root, "etcd-client"),
            data=data,
            environment=options.environment,
        ),
        services=services,
        peers=PeersOverTls(_credentials(root, "etcd")),
        serial=SerialFile(options.serial),
    )
    agent = Agent(identity=identity, ports=ports, config=config)
    readiness = parse_config(config).readiness_port
    try:
        if readiness:
            place = (options.readiness_address, readiness)
            _start(lambda: _say_readiness(place, services.apiserver_ready, stopping))
        agent.boot()
        _start(lambda: _beat(agent, options.heartbeat_s, stopping))
        _work(agent, server, attributes, stopping)
    finally:
        services.close()


def _services(
    options: Options, config: str, *, root: FileStorage, data: FileStorage
) -> ChildProcesses:
    found = parse_config(config)
    reach = ReachListener(
        address=options.programs.address,
        name_and_uid=(found.replica, found.uid),
        credentials=_credentials(root, "etcd"),
    )
    return ChildProcesses(
        options.programs,
        root=root,
        data=data,
        reach=reach,
        environment=dict(options.environment),
    )


def _credentials(root: FileStorage, leaf: str) -> Credentials:
    return Credentials(
        authority=root.path(pki("etcd-ca.crt")),
        certificate=root.path(pki(f"{leaf}.crt")),
        key=root.path(pki(f"{leaf}.key")),
    )


def _openssl(environment: Mapping[str, str]) -> str:
    found = shutil.which("openssl", path=environment.get("PATH", ""))
    if found is None:
        sys.exit("hakube-agent: there is no openssl command; install the package openssl")
    return found


def _work(
    agent: Agent, server: MetadataServer, first: Attributes, stopping: threading.Event
) -> None:
    """Obey requests as they come, one at a time, and tend the replica in between."""
    inbox: queue.SimpleQueue[Mapping[str, str]] = queue.SimpleQueue()
    inbox.put(first.values)
    _start(lambda: _watch(server, first.etag, inbox, stopping))
    while not stopping.is_set():
        try:
            _turn(agent, inbox)
        except Exception as error:  # noqa: BLE001 - whatever one job ran into, the replica lives on
            complain(f"{type(error).__name__}: {error}")
            stopping.wait(RETRY_S)


def _turn(agent: Agent, inbox: "queue.SimpleQueue[Mapping[str, str]]") -> None:
    try:
        attributes = inbox.get(timeout=TEND_S)
    except queue.Empty:
        agent.tend()
    else:
        agent.obey(attributes)


def _watch(
    server: MetadataServer,
    etag: str,
    inbox: "queue.SimpleQueue[Mapping[str, str]]",
    stopping: threading.Event,
) -> None:
    while not stopping.is_set():
        try:
            found = server.attributes(after=etag)
        except MetadataError as error:
            complain(str(error))
            stopping.wait(RETRY_S)
            continue
        if found.etag != etag:
            etag = found.etag
            inbox.put(found.values)


def _beat(agent: Agent, pause_s: float, stopping: threading.Event) -> None:
    while not stopping.wait(pause_s):
        try:
            agent.heartbeat()
        except Exception as error:  # noqa: BLE001 - a heartbeat that fails once must not be the last
            complain(f"no heartbeat: {error}")


def _say_readiness(
    place: tuple[str, int], ask: Callable[[], bool], stopping: threading.Event
) -> None:
    """Keep the readiness port open; one that is taken is tried again, and keeps nobody waiting."""
    port = ReadinessPort(place, ask)
    while not stopping.is_set():
        try:
            port.open()
        except OSError as error:
            complain(f"no readiness port: {error}")
            stopping.wait(RETRY_S)
            continue
        stopping.wait()
        port.close()


def _start(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def _insist(
    question: Callable[[], T],
    stopping: threading.Event,
    *,
    until: Callable[[T], bool] = lambda _: True,
) -> T:
    """Ask the metadata server until it answers as wanted: at boot it may be late."""
    while True:
        try:
            answer = question()
        except MetadataError as error:
            complain(str(error))
        else:
            if until(answer):
                return answer
        if stopping.wait(RETRY_S):
            raise Stopped
