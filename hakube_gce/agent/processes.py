"""etcd and the API server as the agent's own child processes, for labs without an init system.

Command lines for etcd 3.4 and newer. Everything listens on this master's own address with client
certificates required; keys are named by file, never put on a command line.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hakube_gce.agent.disk import ETCD_FOLDER
from hakube_gce.agent.files import FileStorage, make_folder
from hakube_gce.agent.keys import pki
from hakube_gce.agent.peers import ReachListener
from hakube_gce.agent.ports import CLIENT_PORT, PEER_PORT, EtcdLaunch, EtcdState
from hakube_gce.agent.supervise import Child, ChildState
from hakube_gce.agent.wire import Credentials, Reply, WireError, ask

QUOTA_BYTES = 4 << 30
"""What kube-up gave etcd; etcd's own default is half of it."""
READY_TIMEOUT_S = 2.0
_STATES = {
    ChildState.STOPPED: EtcdState.STOPPED,
    ChildState.RUNNING: EtcdState.RUNNING,
    ChildState.CRASHED: EtcdState.CRASHED,
    ChildState.FINISHED: EtcdState.REMOVED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """What is run, and where it listens."""

    etcd: Path
    apiserver: tuple[str, ...]
    """Command with placeholders ``{address} {port} {etcd} {cert} {key} {client_ca} {etcd_ca}
    {etcd_cert} {etcd_key}``."""
    address: str
    api_port: int
    client_addresses: tuple[str, ...] = ()
    """Further addresses for etcd's clients; on a VM of its own, 127.0.0.1."""


def etcd_command(
    programs: Programs,
    launch: EtcdLaunch,
    *,
    root: FileStorage,
    data: FileStorage,
    alone: bool = False,
) -> tuple[str, ...]:
    """Return etcd's command line; ``alone`` makes it forget all other members."""
    own = f"https://{programs.address}"
    clients = [own, *(f"https://{address}" for address in programs.client_addresses)]
    cluster = ",".join(f"{name}={url}" for name, url in sorted(launch.initial_cluster.items()))
    certificate, key = str(root.path(pki("etcd.crt"))), str(root.path(pki("etcd.key")))
    authority = str(root.path(pki("etcd-ca.crt")))
    return (
        str(programs.etcd),
        f"--name={launch.name}",
        f"--data-dir={data.path(ETCD_FOLDER)}",
        f"--listen-peer-urls={own}:{PEER_PORT}",
        f"--initial-advertise-peer-urls={own}:{PEER_PORT}",
        f"--listen-client-urls={','.join(f'{url}:{CLIENT_PORT}' for url in clients)}",
        f"--advertise-client-urls={own}:{CLIENT_PORT}",
        f"--initial-cluster={cluster}",
        f"--initial-cluster-state={launch.state}",
        f"--initial-cluster-token={launch.token}",
        f"--cert-file={certificate}",
        f"--key-file={key}",
        f"--trusted-ca-file={authority}",
        "--client-cert-auth",
        f"--peer-cert-file={certificate}",
        f"--peer-key-file={key}",
        f"--peer-trusted-ca-file={authority}",
        "--peer-client-cert-auth",
        "--strict-reconfig-check",
        f"--quota-backend-bytes={QUOTA_BYTES}",
        "--auto-compaction-mode=periodic",
        "--auto-compaction-retention=1h",
        "--logger=zap",
        "--log-outputs=stderr",
        *(("--force-new-cluster",) if alone else ()),
    )


def apiserver_command(programs: Programs, *, root: FileStorage) -> tuple[str, ...]:
    """Return the API server's command line, its placeholders filled in."""
    values = {
        "{address}": programs.address,
        "{port}": str(programs.api_port),
        "{etcd}": f"https://{programs.address}:{CLIENT_PORT}",
        "{cert}": str(root.path(pki("apiserver.crt"))),
        "{key}": str(root.path(pki("apiserver.key"))),
        "{client_ca}": str(root.path(pki("cluster-ca.crt"))),
        "{etcd_ca}": str(root.path(pki("etcd-ca.crt"))),
        "{etcd_cert}": str(root.path(pki("etcd-client.crt"))),
        "{etcd_key}": str(root.path(pki("etcd-client.key"))),
    }
    return tuple(_filled(word, values) for word in programs.apiserver)


def _filled(word: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        word = word.replace(placeholder, value)
    return word


class ChildProcesses:
    """etcd, the API server and the reachability listener of one agent."""

    def __init__(
        self,
        programs: Programs,
        *,
        root: FileStorage,
        data: FileStorage,
        reach: ReachListener,
        environment: dict[str, str],
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            programs: What to run.
            root: The boot disk's folder.
            data: The data disk's folder.
            reach: Answers on the peer port until etcd does.
            environment: The whole environment of the children.
        """
        self._programs = programs
        self._root = root
        self._data = data
        self._reach = reach
        self._etcd = Child(
            log=root.path("log/etcd.log"),
            environment=environment,
            # Exit statuses differ: 3.4.23 and 3.5.16 end with 0 on the data of a removed member,
            # 3.5.30 with 1. All of them say so.
            is_final=lambda words: "permanently removed" in words,
        )
        self._apiserver = Child(log=root.path("log/apiserver.log"), environment=environment)
        self._kind = ""

    def start_etcd(self, launch: EtcdLaunch, *, alone: bool = False) -> None:
        make_folder(self._data.path(ETCD_FOLDER))
        command = etcd_command(
            self._programs, launch, root=self._root, data=self._data, alone=alone
        )
        self._etcd.start(command)

    def stop_etcd(self) -> None:
        self._etcd.stop()

    def etcd_state(self) -> EtcdState:
        return _STATES[self._etcd.state]

    def start_apiserver(self) -> None:
        self._apiserver.start(apiserver_command(self._programs, root=self._root))

    def stop_apiserver(self) -> None:
        self._apiserver.stop()

    def apiserver_ready(self) -> bool:
        if self._apiserver.state is not ChildState.RUNNING:
            return False
        try:
            return self._ask_apiserver("/readyz").status == 200
        except WireError:
            return False

    def apiserver_kind(self) -> str:
        """Return ``hollow`` or ``real`` as the API server's own ``/version`` says."""
        if not self._kind and self._apiserver.state is ChildState.RUNNING:
            try:
                version = json.loads(self._ask_apiserver("/version").body)
            except (WireError, ValueError):
                return "hollow"
            self._kind = "hollow" if "hollow" in json.dumps(version).lower() else "real"
        return self._kind or "hollow"

    def open_reach(self, peer_urls: Sequence[str]) -> None:
        self._reach.open(peer_urls)

    def close_reach(self) -> None:
        self._reach.close()

    def pids(self) -> tuple[int, ...]:
        """Return the process ids of what runs now."""
        return tuple(pid for pid in (self._etcd.pid, self._apiserver.pid) if pid)

    def close(self) -> None:
        """End everything."""
        self._reach.close()
        self._apiserver.stop()
        self._etcd.stop()

    def _ask_apiserver(self, path: str) -> Reply:
        credentials = Credentials(authority=self._root.path(pki("cluster-ca.crt")))
        return ask(
            self._programs.address,
            self._programs.api_port,
            path,
            credentials=credentials,
            timeout_s=READY_TIMEOUT_S,
        )
