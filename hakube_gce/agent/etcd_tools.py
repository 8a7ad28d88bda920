"""etcd's own tools for whole databases: etcdctl, and etcdutl where the installed etcd has one.

They stand beside the etcd that runs here, else on PATH. What a tool can do is found out from its
own help, because distributions backport: 3.4 restores without bumping revisions, 3.5.10 and newer
can bump them. Keys are named by file, never put on a command line.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hakube_gce.agent.files import FileStorage, make_folder, sync_folder
from hakube_gce.agent.ports import CLIENT_PORT, DatabaseError, EtcdLaunch, Saved
from hakube_gce.agent.wire import Credentials

SAVE_TIMEOUT_S = 300.0
LOOK_TIMEOUT_S = 120.0
BUMP = 1_000_000_000
"""What etcd's own page on disaster recovery advises: no cluster writes so often in a week."""
_BUMPING = ("--bump-revision", "--mark-compacted")
_CHECKSUM_BYTES = 32
"""etcd ends a saved database, whose pages have a multiple of 512 bytes, with its SHA-256."""


class EtcdTools:
    """The databases of one master, by etcd's tools."""

    def __init__(
        self,
        *,
        etcd: Path,
        address: str,
        credentials: Credentials,
        data: FileStorage,
        environment: Mapping[str, str],
    ) -> None:
        """Prepare; nothing is looked for or run yet.

        Args:
            etcd: The etcd that runs here: its tools stand beside it.
            address: Where its clients reach it.
            credentials: The client certificate.
            data: The data disk's folder.
            environment: The tools' environment; its PATH is where else they may be.
        """
        self._etcd = etcd
        self._endpoint = f"https://{address}:{CLIENT_PORT}"
        self._credentials = credentials
        self._data = data
        self._environment = {**environment, "ETCDCTL_API": "3"}

    def save(self, name: str) -> None:
        path = self._data.path(name)
        make_folder(path.parent)
        draft = path.with_name(f".{path.name}")
        draft.unlink(missing_ok=True)
        self._run(
            *(self._tool("etcdctl"), "snapshot", "save", str(draft)),
            *("--endpoints", self._endpoint, "--cacert", str(self._credentials.authority)),
            *("--cert", str(self._credentials.certificate)),
            *("--key", str(self._credentials.key)),
            timeout_s=SAVE_TIMEOUT_S,
        )
        draft.chmod(0o600)
        draft.replace(path)
        sync_folder(path.parent)  # a snapshot of the disk that is taken next must hold it

    def verify(self, name: str) -> Saved:
        path = self._data.path(name)
        _check_sum(path)
        words = ("snapshot", "status", str(path), "-w", "json")
        said = self._run(self._status_tool(), *words, timeout_s=LOOK_TIMEOUT_S)
        try:
            found = json.loads(said)
            return Saved(
                name=path.name,
                revision=int(found["revision"]),
                total_keys=int(found["totalKey"]),
                size_bytes=path.stat().st_size,
                hash=f"{int(found['hash']):08x}",
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DatabaseError(f"{path.name}: its status is not readable: {said!r}") from error

    def restore(self, name: str, into: str, launch: EtcdLaunch) -> bool:
        bumps = self._can_bump()
        ((member, peer_url),) = launch.initial_cluster.items()
        self._run(
            *(self._status_tool(), "snapshot", "restore", str(self._data.path(name))),
            *("--data-dir", str(self._data.path(into)), "--name", member),
            *("--initial-cluster", f"{member}={peer_url}"),
            *("--initial-advertise-peer-urls", peer_url),
            *("--initial-cluster-token", launch.token),
            *((_BUMPING[0], str(BUMP), _BUMPING[1]) if bumps else ()),
            timeout_s=SAVE_TIMEOUT_S,
        )
        return bumps

    def _can_bump(self) -> bool:
        words = (self._status_tool(), "snapshot", "restore", "--help")
        text = self._run(*words, timeout_s=LOOK_TIMEOUT_S)
        return all(flag in text for flag in _BUMPING)

    def _status_tool(self) -> str:
        """Return the tool for files: etcdutl, since 3.5; before that etcdctl did it."""
        beside = self._etcd.with_name("etcdutl")
        return str(beside) if beside.is_file() else self._tool("etcdctl")

    def _tool(self, name: str) -> str:
        beside = self._etcd.with_name(name)
        if beside.is_file():
            return str(beside)
        found = shutil.which(name, path=self._environment.get("PATH", ""))
        if found is None:
            raise DatabaseError(f"there is no {name}, neither beside {self._etcd} nor on PATH")
        return found

    def _run(self, *command: str, timeout_s: float) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the agent's own command lines, no shell
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DatabaseError(f"{Path(command[0]).name} {command[2]}: {error}") from error
        if done.returncode != 0:
            words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            why = words[0] if words else f"it ended with {done.returncode}"
            raise DatabaseError(f"{Path(command[0]).name} {command[2]}: {why}")
        return done.stdout


def _check_sum(path: Path) -> None:
    """Refuse a file that is not what was saved: etcd's status ignores the checksum."""
    digest = hashlib.sha256()
    try:
        left = path.stat().st_size - _CHECKSUM_BYTES
        with path.open("rb") as file:
            while left > 0:
                block = file.read(min(left, 1 << 20))
                if not block:
                    break
                digest.update(block)
                left -= len(block)
            expected = file.read()
    except OSError as error:
        raise DatabaseError(f"{path.name} cannot be read: {error}") from error
    if left or digest.digest() != expected:
        raise DatabaseError(f"{path.name} is damaged: its checksum does not fit")
