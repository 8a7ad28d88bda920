"""Children of the agent: kept, told apart, and never outliving it; files; the reach listener."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hakube_gce.agent.files import FileStorage
from hakube_gce.agent.keys import pki
from hakube_gce.agent.peers import PeersOverTls, ReachListener
from hakube_gce.agent.ports import PeerError
from hakube_gce.agent.supervise import Child, ChildState
from hakube_gce.agent.wire import Credentials, WireError, ask
from hakube_gce.clock import SystemClock
from hakube_gce.emulator.addresses import Claim
from tests.fakes.agent_operator import Operator, key_pem
from tests.process.waiting import until

pytestmark = pytest.mark.process
SLEEPER = (sys.executable, "-c", "import threading; threading.Event().wait()")
CHECKOUT = Path(__file__).resolve().parents[2]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    child = Child(log=tmp_path / "log", pause_s=0.05)
    child.start(SLEEPER)
    until(lambda: child.pid, "it runs")
    first = child.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: child.pid not in (0, first), "it runs again")
    assert child.state is ChildState.RUNNING
    child.stop()
    assert (child.pid, child.state) == (0, ChildState.STOPPED)


def test_a_child_whose_last_words_are_final_is_left_alone(tmp_path: Path) -> None:
    child = Child(log=tmp_path / "log", pause_s=0.01, is_final=lambda words: "farewell" in words)
    child.start((sys.executable, "-c", "print('once'); print('farewell')"))
    until(lambda: child.state is ChildState.FINISHED, "it is finished")
    assert (tmp_path / "log").read_text() == "once\nfarewell\n"
    child.stop()


def test_last_words_of_an_earlier_life_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("farewell\n")
    child = Child(log=tmp_path / "log", pause_s=0.01, is_final=lambda words: "farewell" in words)
    child.start((sys.executable, "-c", "print('hello')"))
    until(lambda: (tmp_path / "log").read_text().count("hello") > 2, "it was started again")
    child.stop()


def test_a_program_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    child = Child(log=tmp_path / "log", pause_s=0.01)
    child.start((str(tmp_path / "nothing"),))
    until((tmp_path / "log").exists, "it was tried")
    until(lambda: (tmp_path / "log").read_text().count("does not start") > 1, "it was tried again")
    assert child.state is ChildState.CRASHED
    child.stop()


def test_a_child_that_does_not_want_to_stop_is_stopped(tmp_path: Path) -> None:
    stubborn = (
        "import signal, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('ready', flush=True); threading.Event().wait()"
    )
    child = Child(log=tmp_path / "log")
    child.start((sys.executable, "-c", stubborn))
    until(lambda: (tmp_path / "log").exists() and (tmp_path / "log").read_text(), "it is ready")
    pid = child.pid
    child.stop(timeout_s=0.1)
    assert not is_alive(pid)


def test_a_child_gets_a_made_environment_and_no_input(tmp_path: Path) -> None:
    child = Child(log=tmp_path / "log", environment={"ONLY": "this", "LC_CTYPE": "C.UTF-8"})
    child.start(
        (sys.executable, "-c", "import os, sys; print(sorted(os.environ), sys.stdin.read())")
    )
    until(lambda: child.state is ChildState.CRASHED, "it has ended")
    assert (tmp_path / "log").read_text().splitlines()[0] == "['LC_CTYPE', 'ONLY'] "
    child.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_child_does_not_outlive_an_agent_that_is_killed(tmp_path: Path) -> None:
    parent = (
        "import sys, threading; from pathlib import Path;"
        "from hakube_gce.agent.supervise import Child;"
        f"child = Child(log=Path({str(tmp_path / 'log')!r})); child.start({SLEEPER!r});"
        "pause = threading.Event()\n"
        "while not child.pid: pause.wait(0.01)\n"
        "print(child.pid, flush=True); pause.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, cwd=CHECKOUT
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_alive(pid)
        process.kill()
    until(lambda: not is_alive(pid), "the child is gone too")


def test_files_are_whole_private_and_in_private_folders(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        storage = FileStorage(tmp_path / "root")
        assert storage.read("pki/x.key") is None
        storage.write("pki/x.key", b"one")
        storage.write("pki/x.key", b"two")
    finally:
        os.umask(before)
    assert storage.read("pki/x.key") == b"two"
    assert storage.exists("pki")
    assert [f.name for f in (tmp_path / "root" / "pki").iterdir()] == ["x.key"]
    for path, mode in (("root", 0o700), ("root/pki", 0o700), ("root/pki/x.key", 0o600)):
        assert stat.S_IMODE((tmp_path / path).stat().st_mode) == mode


# ------------------------------------------------------------------------------------ reach


class Ends:
    """Certificates of several masters of one cluster, and of a stranger."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._operator = Operator(now=SystemClock().now())

    def credentials(
        self, name: str, address: str, *, operator: Operator | None = None
    ) -> Credentials:
        signer = operator or self._operator
        key = ec.generate_private_key(ec.SECP256R1())
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        pem = request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        storage = FileStorage(self._folder / name)
        storage.write(pki("etcd.key"), key_pem(key).encode())
        storage.write(
            pki("etcd.crt"), signer.issue("etcd", pem, name=name, address=address).encode()
        )
        storage.write(
            pki("etcd-ca.crt"), self._operator.authorities["etcd"].certificate_pem.encode()
        )
        return Credentials(
            authority=storage.path(pki("etcd-ca.crt")),
            certificate=storage.path(pki("etcd.crt")),
            key=storage.path(pki("etcd.key")),
        )


@pytest.fixture
def ends(tmp_path: Path) -> Ends:
    return Ends(tmp_path)


@pytest.fixture
def listener(ends: Ends) -> Callable[[str, str], ReachListener]:
    def make(name: str, address: str) -> ReachListener:
        return ReachListener(
            address=address,
            name_and_uid=(name, "uid"),
            credentials=ends.credentials(name, address),
        )

    return make


def test_a_newcomer_tells_who_it_is_and_whom_it_misses(
    held: Claim, ends: Ends, listener: Callable[[str, str], ReachListener]
) -> None:
    one, two, three = (held.addresses.internal_ip(i) for i in range(3))
    newcomer = listener("m2", two)
    peers = PeersOverTls(ends.credentials("m1", one))
    with pytest.raises(PeerError):
        peers.reach(f"https://{two}:2380")
    newcomer.open([f"https://{three}:2380"])
    try:
        reach = peers.reach(f"https://{two}:2380")
        assert (reach.replica, reach.uid, reach.reached) == ("m2", "uid", frozenset())
        assert set(reach.missed) == {f"https://{three}:2380"}
        assert not peers.answers(f"https://{two}:2380")  # it is no etcd
    finally:
        newcomer.close()
    with socket.socket() as port:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port.bind((two, 2380))


def test_strangers_are_not_answered_and_hold_nobody_up(
    held: Claim, ends: Ends, listener: Callable[[str, str], ReachListener]
) -> None:
    one, two = (held.addresses.internal_ip(i) for i in range(2))
    newcomer = listener("m2", two)
    newcomer.open([])
    stranger = ends.credentials("x", one, operator=Operator(now=SystemClock().now()))
    nobody = Credentials(authority=stranger.authority)
    try:
        with socket.create_connection((two, 2380)):  # connects and never shakes hands
            for caller in (stranger, nobody):
                with pytest.raises(WireError):
                    ask(two, 2380, "/hakube-reach", credentials=caller, timeout_s=3)
            friend = PeersOverTls(ends.credentials("m1", one))
            assert friend.reach(f"https://{two}:2380").replica == "m2"
    finally:
        newcomer.close()


def test_a_certificate_for_another_address_is_not_believed(held: Claim, ends: Ends) -> None:
    one, two = (held.addresses.internal_ip(i) for i in range(2))
    impostor = ReachListener(
        address=two, name_and_uid=("m2", "uid"), credentials=ends.credentials("m2", one)
    )
    impostor.open([])
    try:
        with pytest.raises(PeerError, match="certificate"):
            PeersOverTls(ends.credentials("m1", one)).reach(f"https://{two}:2380")
    finally:
        impostor.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:2380", "127.0.0.1:2380", "", "https://"])
def test_what_is_no_peer_url_is_not_dialled(url: str, ends: Ends) -> None:
    with pytest.raises(PeerError, match="no peer URL"):
        PeersOverTls(ends.credentials("m1", "127.0.0.1")).listed(url)
