"""With the emulator nothing leaves this machine, whatever the environment holds.

Two observers. An audit hook in every Python process of a lab of records sees names looked up as
well as connections, and stops what would leave. strace sees every process of a lab of real etcd,
whatever it is written in. The lab's operations take their time, for that is when the client
library's own poller would turn to Google; and that very mistake, planted, is seen by both.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.e2e.labs import ROOT, B, C, Lab
from tests.process.waiting import until

PROXY = ("127.66.66.66", 9)
"""Nobody is there: even broken code stays on this machine."""
DNS_PORT = 53
LATENCY_S = 0.3

HOOK = """
import json, os, sys
LOG = {log!r}
ADDRESSED = ("socket.connect", "socket.sendto", "socket.sendmsg")
NAMED = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")

def note(event, host, port):
    line = json.dumps([sys.orig_argv[1:4], event, host, port]) + "\\n"
    file = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line.encode())
    os.close(file)

def watch(event, args):
    if event not in ADDRESSED + NAMED:
        return
    where = args[1] if event in ADDRESSED else args[:2]
    if not isinstance(where, tuple):
        return  # a Unix socket
    host = where[0].decode() if isinstance(where[0], bytes) else str(where[0])
    note(event, host, where[1] if len(where) > 1 else None)
    if not host.startswith("127."):
        raise OSError("stopped by the test: " + host)

note("started", "", None)
sys.addaudithook(watch)
"""

TRAP = """
import sys
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1
client = compute_v1.AddressesClient(
    credentials=AnonymousCredentials(), client_options={"api_endpoint": sys.argv[1]}
)
client.transport._session.trust_env = False  # only the poller is to go astray
address = compute_v1.Address(name="planted", description="m")
operation = client.insert(project="hakube-lab", region="europe-west1", address_resource=address)
try:
    operation.result(timeout=2)
except Exception as error:
    print(type(error).__name__)
"""
"""What must never be written: the library's own poller forgets the endpoint and asks Google."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """One address that somebody dialled, or one name that somebody looked up."""

    host: str
    port: int | None

    def leaves(self) -> bool:
        """Tell whether it leads away from here: also by way of a proxy or of a name server."""
        if self.port == DNS_PORT or self.host == PROXY[0]:
            return True
        try:
            return not ip_address(self.host).is_loopback
        except ValueError:
            return True


def hostile(folder: Path) -> dict[str, str]:
    """Everything that might lead a program to Google, or through somebody."""
    key = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA"], capture_output=True, text=True, check=True
    )
    account = {
        "type": "service_account",
        "project_id": "somebody-elses",
        "private_key_id": "1",
        "private_key": key.stdout,
        "client_email": "robot@somebody-elses.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    (folder / "account.json").write_text(json.dumps(account))
    (folder / "slow.json").write_text(json.dumps({"everything_else": LATENCY_S}))
    proxy = f"http://{PROXY[0]}:{PROXY[1]}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {
        "HAKUBE_LATENCY": str(folder / "slow.json"),
        "GOOGLE_APPLICATION_CREDENTIALS": str(folder / "account.json"),
        "GOOGLE_CLOUD_PROJECT": "somebody-elses",
        "CLOUDSDK_CONFIG": str(folder),
        "CLOUDSDK_CORE_PROJECT": "somebody-elses",
        "CLOUDSDK_AUTH_ACCESS_TOKEN": "not-a-token",
        **dict.fromkeys(names, proxy),
        **dict.fromkeys(map(str.lower, names), proxy),
    }


def try_the_trap(lab: Lab, endpoint: str, *, proxies: bool) -> None:
    """Let the library's own poller loose on a lab."""
    environment = lab.environment()
    kept = {k: v for k, v in environment.items() if proxies or not k.upper().endswith("_PROXY")}
    ended = subprocess.run(
        [*lab.wrapper, sys.executable, "-c", TRAP, endpoint],
        env=kept,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Error" in ended.stdout, "the library's poller keeps to its endpoint now: good news"


# ---------------------------------------------------------------------------------- the audit hook


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A lab of records whose every Python process is watched from within."""

    lab: Lab
    log: Path

    def dialled(self) -> set[Dialled]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return {
            Dialled(host=host, port=port) for _, what, host, port in lines if what != "started"
        }

    def programs(self) -> set[str]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return {" ".join(argv) for argv, what, *_ in lines if what == "started"}


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[Audited]:
    hook, log = tmp_path / "hook", tmp_path / "audit.log"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK.format(log=str(log)))
    variables = {"PYTHONPATH": f"{hook}:{ROOT}", "HAKUBE_RUNTIME": "records"}
    lab = Lab(folder=tmp_path, variables=hostile(tmp_path) | variables)
    yield Audited(lab=lab, log=log)
    lab.destroy()


@pytest.mark.slow
def test_a_lab_of_records_dials_its_own_emulator_and_nobody_else(audited: Audited) -> None:
    audited.lab.up(B)
    audited.lab.replicate(C)
    endpoint = audited.lab.hakube("emulator", "status")["compute_endpoint"]
    assert audited.dialled() == {Dialled(host="127.0.0.1", port=int(endpoint.split(":")[-1]))}
    watched = " ".join(sorted(audited.programs()))
    assert "-m hakube_gce up" in watched
    assert "-m hakube_gce.emulator serve" in watched


@pytest.mark.parametrize(
    ("proxies", "host"), [(False, "compute.googleapis.com"), (True, PROXY[0])]
)
def test_the_hook_sees_the_librarys_own_poller(
    audited: Audited, *, proxies: bool, host: str
) -> None:
    endpoint = audited.lab.hakube("emulator", "start")["compute_endpoint"]
    assert not any(where.leaves() for where in audited.dialled())
    try_the_trap(audited.lab, endpoint, proxies=proxies)
    assert host in {where.host for where in audited.dialled() if where.leaves()}


# ------------------------------------------------------------------------------------------ strace

_PORT = re.compile(r"sin6?_port=htons\((\d+)\)")
_HOST = re.compile(r'(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')
STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg")


def read_trace(path: Path) -> set[Dialled]:
    """Read every internet address that a trace's processes dialled or sent to."""
    found = set()
    for line in path.read_text(errors="replace").splitlines():
        host, port = _HOST.search(line), _PORT.search(line)
        if host and port:
            plain = host[1].removeprefix("::ffff:")
            found.add(Dialled(host=plain, port=int(port[1])))
    return found


@pytest.fixture
def strace() -> Sequence[str]:
    probe = [*STRACE, "-o", "/dev/null", "true"]
    if shutil.which("strace") is None or subprocess.run(probe, check=False).returncode != 0:
        pytest.skip("no strace here, or it may not look: the audit hook alone has looked")
    return STRACE


@contextmanager
def traced_daemon(lab: Lab, strace: Sequence[str], trace: Path) -> Iterator[None]:
    """Start a lab's daemon and watch all its processes; the watcher lives as long as it does."""
    program = [sys.executable, "-I", "-m", "hakube_gce", "emulator", "start"]
    watcher = subprocess.Popen(
        [*strace, "-o", str(trace), *program],
        env=lab.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        running = lab.folder / "home/emulator/lab.json"
        until(running.exists, "the lab runs", timeout_s=60)
        yield
    finally:
        lab.destroy()
        watcher.wait(timeout=60)


@pytest.mark.process
def test_no_process_of_a_lab_dials_anything_but_loopback(
    tmp_path: Path, search_path: str, strace: Sequence[str]
) -> None:
    lab = Lab(folder=tmp_path, search_path=search_path, variables=hostile(tmp_path))
    wrapped = [*strace, "-o", str(tmp_path / "commands.trace"), "-A"]
    commands = Lab(
        folder=tmp_path, search_path=search_path, variables=lab.variables, wrapper=wrapped
    )
    with traced_daemon(lab, strace, tmp_path / "daemon.trace"):
        commands.up(B)
        commands.replicate(C)
        masters = {vm["internal_ip"] for vm in lab.vms().values()}
    seen = {name: read_trace(tmp_path / f"{name}.trace") for name in ("commands", "daemon")}
    assert [where for found in seen.values() for where in found if where.leaves()] == []
    hosts = {name: {where.host for where in found} for name, found in seen.items()}
    assert "127.0.0.1" in hosts["commands"]
    assert masters <= hosts["daemon"], "etcd's peers dial each other, or nothing was looked at"


def test_strace_sees_the_librarys_own_poller(tmp_path: Path, strace: Sequence[str]) -> None:
    variables = hostile(tmp_path) | {"HAKUBE_RUNTIME": "records"}
    lab = Lab(folder=tmp_path, variables=variables)
    wrapped = Lab(
        folder=tmp_path,
        variables=variables,
        wrapper=[*strace, "-o", str(tmp_path / "trap.trace")],
    )
    endpoint = lab.hakube("emulator", "start")["compute_endpoint"]
    try:
        try_the_trap(wrapped, endpoint, proxies=True)
    finally:
        lab.destroy()
    leaving = {where.host for where in read_trace(tmp_path / "trap.trace") if where.leaves()}
    assert leaving == {PROXY[0]}


def test_what_leads_away_is_recognised() -> None:
    here = [("127.0.0.1", 443), ("127.9.1.2", 2380), ("::1", 80)]
    away = [("8.8.8.8", 443), ("127.0.0.53", 53), PROXY, ("compute.googleapis.com", 443)]
    assert not any(Dialled(host=host, port=port).leaves() for host, port in here)
    assert all(Dialled(host=host, port=port).leaves() for host, port in away)
