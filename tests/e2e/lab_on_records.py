"""A lab of records served over HTTP, and the real program run against it, each in its own process.

Whoever runs tests here has imported everything once and has no threads; labs and commands are
forks of it. So a command costs what it does and no imports, it can be killed for real, and a lab
can be put back into an earlier state by copying its folder. Nothing of the program is replaced:
commands go through `hakube_gce.cli.main` with an environment of their own. Whoever kills does so
from outside: a `Fuse` on the command's screen, or the lab's clock on a scripted fault.
"""

import http.client
import json
import os
import random
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO, cast

from hakube_gce import cli, commands, gce
from hakube_gce.clock import SystemClock
from hakube_gce.emulator.client import AdminClient
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import profile
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from hakube_gce.emulator.runtimes.records_crypto import RecordsCrypto
from hakube_gce.emulator.runtimes.records_world import DiskFiles
from hakube_gce.emulator.server import serve
from tests.e2e.forks import Ended, Fuse, Running, forked

PROJECT = "acme-prod"
B, C, D = "europe-west1-b", "europe-west1-c", "europe-west1-d"
TOKEN = "only-tests-know-this"  # noqa: S105 - of labs that live for a test
DISK = "compute#disk"
LETHAL_DELAY_S = 3600.0
"""A fault with this delay does not wait: it kills the command that is waiting."""

assert callable(commands.change)  # imported here, so that no fork has to


def warm_up() -> None:
    """Do once, before anything is forked or timed, what every process would do again.

    Importing Google's library takes seconds, drawing the RSA key of the simulated VMs a tenth.
    """
    clock = SystemClock()
    rng = random.Random(1)  # noqa: S311 - spreads pauses, hides nothing
    gce.connect(PROJECT, endpoint="http://127.0.0.1:9", clock=clock, rng=rng).close()
    RecordsCrypto(DiskFiles(), clock).make_keys([], subject="nobody")


# ----------------------------------------------------------------------------------------- the lab


@dataclass(frozen=True, slots=True, kw_only=True)
class LethalClock:
    """The machine's clock, but who is made to wait for an hour is killed instead.

    The emulator waits on its clock only for a scripted delay; so a fault says which request is a
    command's last one, and whether it was heard.
    """

    victim: Path
    """File with the process id of the command that is to die."""
    clock: SystemClock = field(default_factory=SystemClock)

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds < LETHAL_DELAY_S:
            self.clock.sleep(seconds)
            return
        os.kill(int(self.victim.read_text(encoding="ascii")), signal.SIGKILL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedLab:
    """A lab in a process of its own, seen from outside."""

    folder: Path
    port: int
    pid: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def admin(self, verb: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Ask the lab's own API."""
        path, _, query = path.partition("?")
        asked = dict(pair.split("=") for pair in query.split("&") if pair)
        client = AdminClient(port=self.port, token=TOKEN)
        return client.ask(verb, path, asked, None if body is None else dict(body))

    def dump(self) -> dict[str, Any]:
        """Return every resource's record by its short path."""
        found: dict[str, Any] = self.admin("GET", "dump")["resources"]
        return found

    def calls(self) -> list[dict[str, Any]]:
        """Return the mutating requests that arrived, in order."""
        found: list[dict[str, Any]] = self.admin("GET", "calls")["calls"]
        return found

    def fault(self, **script: object) -> None:
        """Let something go wrong from now on."""
        self.admin("POST", "faults", script)

    def heal(self) -> None:
        """End all scripted trouble."""
        self.admin("DELETE", "faults")

    def kill(self, vm: str) -> None:
        """Cut a VM's power."""
        self.admin("POST", f"vms/{vm}/kill")

    def delete_by_hand(self, zone: str, vm: str) -> None:
        """Delete a VM as somebody does in the console: its data disk stays."""
        path = f"projects/{PROJECT}/zones/{zone}/instances/{vm}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("DELETE", f"/compute/v1/{path}")
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        connection.close()
        assert path not in self.dump()

    def serves(self, address: str) -> bool:
        """Tell whether a client that dials an address is served."""
        return bool(self.admin("GET", f"serving?address={address}")["serving"])

    def etcd(self) -> dict[str, dict[str, str]]:
        """Return the members that each data disk in the lab knows, with their roles."""
        world = json.loads((self.folder / "records/world.json").read_bytes())
        disks = {str(r["id"]): r["name"] for r in self.dump().values() if r["kind"] == DISK}
        return dict(memberships(world, disks))

    def disks_with_data(self) -> int:
        """Return how many disks anything stands on, whether or not a resource names them."""
        world = json.loads((self.folder / "records/world.json").read_bytes())
        return len(world["disks"])


def memberships(
    world: Mapping[str, Any], disks: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, str]]]:
    for disk_id, files in world["disks"].items():
        if files.get("etcd/member/wal", "torn") == "torn":
            continue
        wal = json.loads(files["etcd/member/wal"])
        known = world["clusters"][wal["cluster"]]["disks"][wal["member"]]
        roles = {m["name"]: "learner" if m["learner"] else "voter" for m in known["members"]}
        yield disks.get(disk_id, "a disk that no resource names"), roles


@contextmanager
def lab_on_records(folder: Path, *, latency: str = "none") -> Iterator[ServedLab]:
    """Serve the lab of a folder, which may hold one already, in a process of its own."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "token").write_text(TOKEN, encoding="ascii")
    heard, tell = os.pipe()
    stopped, stop = os.pipe()

    def work() -> int:
        os.close(heard)
        os.close(stop)
        lab = Lab(
            runtime=RecordsRuntime(home=folder / "records"),
            clock=LethalClock(victim=folder / "victim"),
            latency=profile(latency),
            home=folder,
        )
        with serve(lab, token=TOKEN) as server:
            os.write(tell, str(server.server_port).encode())
            os.close(tell)
            os.read(stopped, 1)
        return 0

    log = folder / "lab.log"
    pid = forked(work, stdout=log, stderr=log)
    os.close(tell)
    os.close(stopped)
    try:
        port = os.read(heard, 16)
        assert port, log.read_text(encoding="utf-8")
        yield ServedLab(folder=folder, port=int(port), pid=pid)
    finally:
        os.close(heard)
        os.write(stop, b"x")
        os.close(stop)
        os.waitpid(pid, 0)


# ---------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An operator's machine: a home, a kubeconfig, and what was exported once and for all."""

    folder: Path
    lab: ServedLab
    exported: Mapping[str, str] = field(default_factory=dict)
    stands_in: Path | None = None
    """The folder commands are run in, unless it is the test's own."""

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def environment(self, **variables: str) -> dict[str, str]:
        """Return a command's whole environment."""
        return {
            "HOME": "/nonexistent",
            "PATH": os.defpath,
            "PROJECT": PROJECT,
            "HAKUBE_HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            "HAKUBE_ENV_FILE": "off",
            "KUBE_CREATE_NODES": "false",  # but for tests of nodes
            "HAKUBE_COMPUTE_ENDPOINT": self.lab.endpoint,
            **self.exported,
            **variables,
        }

    def forget(self) -> None:
        """Become a fresh machine: keys, journal and kubeconfig are gone."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.kubeconfig.unlink(missing_ok=True)

    def begin(
        self, argv: Sequence[str], variables: Mapping[str, str], *, fuse: int = 0
    ) -> "Running":
        """Start a command; with a fuse it dies after so many finished steps."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        output = self.folder / f"output-{secrets.token_hex(4)}"
        environment = self.environment(**variables)

        def work() -> int:
            os.environ.clear()  # noqa: TID251 - a program begins with its environment
            os.environ.update(environment)  # noqa: TID251 - as above
            if self.stands_in is not None:
                os.chdir(self.stands_in)
            if fuse:
                sys.stdout = cast("TextIO", Fuse(sys.stdout, fuse))
            victim = self.lab.folder / "victim"
            victim.write_text(str(os.getpid()), encoding="ascii")
            return cli.main(list(argv))

        out, err = output.with_suffix(".out"), output.with_suffix(".err")
        pid = forked(work, stdout=out, stderr=err)
        return Running(pid=pid, out=out, err=err, began_s=time.monotonic())

    def run(self, *argv: str, **variables: str) -> Ended:
        """Run a command to its end."""
        return self.begin(argv, variables).wait()

    def up(self, zone: str, **variables: str) -> Ended:
        return self.run("up", KUBE_GCE_ZONE=zone, **variables)

    def replicate(self, zone: str, **variables: str) -> Ended:
        return self.up(zone, KUBE_REPLICATE_EXISTING_MASTER="true", **variables)

    def down(self, zone: str, **variables: str) -> Ended:
        return self.run("down", KUBE_GCE_ZONE=zone, **variables)

    def remove(self, zone: str, name: str = "", **variables: str) -> Ended:
        named = {"KUBE_REPLICA_NAME": name} if name else {}
        return self.down(zone, KUBE_DELETE_NODES="false", **named, **variables)

    def status(self) -> dict[str, Any]:
        """Return what ``hakube status`` says."""
        ended = self.run("status", "--output", "json", KUBE_GCE_ZONE=B)
        assert ended.status == 0, ended
        return ended.result()
