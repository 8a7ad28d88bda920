"""Traffic goes where it was told, drains as it was told, and nothing stays behind."""

import os
import socket
import socketserver
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from pathlib import Path

import pytest

from hakube_gce.emulator.addresses import Claim
from hakube_gce.emulator.balancer import Balancer
from hakube_gce.emulator.loop_thread import LoopThread
from hakube_gce.emulator.runtime import Route
from tests.process.waiting import until

PORT = 6443


class Conversation(socketserver.BaseRequestHandler):
    """Says which backend it is, then echoes until the client has said all; then says so."""

    def handle(self) -> None:
        self.request.sendall(f"{self.request.getsockname()[0]}\n".encode())
        with suppress(ConnectionError):
            while data := self.request.recv(65536):
                self.request.sendall(data)
            self.request.sendall(b"end\n")


class Backend(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128


@pytest.fixture
def backends(held: Claim) -> Iterator[tuple[str, ...]]:
    addresses = tuple(held.addresses.internal_ip(i) for i in range(3))
    servers = [Backend((address, PORT), Conversation) for address in addresses]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield addresses
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def balancer(loop: LoopThread) -> Iterator[Balancer]:
    balancer = Balancer(loop, api_port=PORT)
    yield balancer
    balancer.close()


@pytest.fixture
def front(held: Claim) -> str:
    return held.addresses.external_ip(0)


def rule(front: str, *backends: str, drain_s: float = 0.0, port: int | None = PORT) -> Route:
    return Route(address=front, port=port, backends=backends, drain_s=drain_s)


def dial(front: str, port: int = PORT) -> socket.socket:
    return socket.create_connection((front, port), timeout=20)


def line(wire: socket.socket) -> str:
    got = b""
    while not got.endswith(b"\n"):
        more = wire.recv(1)
        if not more:
            break
        got += more
    return got.decode().strip()


def is_cut(wire: socket.socket) -> bool:
    wire.settimeout(20)
    try:
        return wire.recv(1) == b""
    except ConnectionError:
        return True


def goes_on(wire: socket.socket) -> bool:
    wire.sendall(b"still there\n")
    return line(wire) == "still there"


def ends_soon(work: Future[None]) -> bool:
    return bool(wait([work], timeout=0.5).done)


def served_by(front: str, port: int = PORT) -> str:
    with dial(front, port) as wire:
        return line(wire)


def test_a_forwarding_rule_reaches_each_of_its_backends(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    balancer.route([rule(front, *backends)])
    assert {served_by(front) for _ in range(40)} == set(backends)


def test_an_access_config_carries_the_api_port(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    balancer.route([rule(front, backends[1], port=None)])
    assert served_by(front) == backends[1]
    assert balancer.ports(front) == (PORT,)


def test_a_rule_of_another_port_leads_to_the_api_port(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    balancer.route([rule(front, backends[0], port=7443)])
    assert served_by(front, 7443) == backends[0]


def test_an_address_nobody_stands_behind_refuses(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    balancer.route([rule(front)])
    with pytest.raises(ConnectionRefusedError):
        dial(front)
    balancer.route([rule(front, backends[0])])
    assert served_by(front) == backends[0]
    balancer.route([rule(front)])
    with pytest.raises(ConnectionRefusedError):
        dial(front)


def test_a_route_that_vanishes_refuses_and_cuts_at_once(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    balancer.route([rule(front, backends[0], drain_s=60)])
    with dial(front) as wire:
        line(wire)
        balancer.route([])
        with pytest.raises(ConnectionRefusedError):
            dial(front)
        assert is_cut(wire)


def test_other_routes_and_their_connections_do_not_notice(
    balancer: Balancer, backends: tuple[str, ...], front: str, held: Claim
) -> None:
    other = held.addresses.external_ip(1)
    balancer.route([rule(front, backends[0]), rule(other, backends[1])])
    with dial(front) as wire:
        line(wire)
        balancer.route([rule(front, backends[0])])
        assert goes_on(wire)


def test_a_backend_that_leaves_gets_no_new_connection_and_keeps_its_open_ones(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    balancer.route([rule(front, backends[0], drain_s=60)])
    with dial(front) as wire:
        line(wire)
        balancer.route([rule(front, backends[1], drain_s=60)])
        assert {served_by(front) for _ in range(10)} == {backends[1]}
        assert goes_on(wire)


def test_the_last_backend_drains_behind_a_closed_door(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    balancer.route([rule(front, backends[0], drain_s=60)])
    with dial(front) as wire:
        line(wire)
        balancer.route([rule(front, drain_s=60)])
        with pytest.raises(ConnectionRefusedError):
            dial(front)
        assert goes_on(wire)


def test_draining_ends(balancer: Balancer, backends: tuple[str, ...], front: str) -> None:
    balancer.route([rule(front, backends[0])])
    with dial(front) as wire:
        line(wire)
        balancer.route([rule(front, backends[1], drain_s=0.1)])
        assert is_cut(wire)


def test_without_drain_time_open_connections_are_cut(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    balancer.route([rule(front, *backends[:2])])
    wires = [dial(front) for _ in range(20)]
    served = {line(wire): wire for wire in wires}
    balancer.route([rule(front, backends[1])])
    assert is_cut(served[backends[0]])
    assert goes_on(served[backends[1]])
    for wire in wires:
        wire.close()


def test_a_backend_that_returns_in_time_keeps_its_connections(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    balancer.route([rule(front, backends[0])])
    with dial(front) as wire:
        line(wire)
        balancer.route([rule(front, drain_s=0.3)])
        balancer.route([rule(front, backends[0])])
        wire.settimeout(0.8)
        with pytest.raises(TimeoutError):
            wire.recv(1)
        wire.settimeout(20)
        assert goes_on(wire)


def test_half_a_connection_may_end_first(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    balancer.route([rule(front, backends[0])])
    with dial(front) as wire:
        line(wire)
        wire.shutdown(socket.SHUT_WR)
        assert line(wire) == "end"
        assert is_cut(wire)


def test_much_data_arrives_whole_though_the_client_reads_late(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    sent = os.urandom(1 << 20) * 96

    def send(wire: socket.socket) -> None:
        wire.sendall(sent)
        wire.shutdown(socket.SHUT_WR)

    balancer.route([rule(front, backends[0])])
    with dial(front) as wire, ThreadPoolExecutor(1) as pool:
        line(wire)
        sending = pool.submit(send, wire)
        assert not ends_soon(sending)  # the relay does not swallow what nobody takes
        got = b"".join(iter(lambda: wire.recv(1 << 20), b""))
        sending.result()
    assert got == sent + b"end\n"


def test_nobody_listening_at_the_backend_breaks_the_connection(
    balancer: Balancer, held: Claim, front: str
) -> None:
    balancer.route([rule(front, held.addresses.internal_ip(9))])
    with dial(front) as wire:
        assert is_cut(wire)


def test_a_place_that_is_taken_changes_nothing(
    balancer: Balancer, backends: tuple[str, ...], front: str, held: Claim
) -> None:
    taken = held.addresses.external_ip(1)
    balancer.route([rule(front, backends[0])])
    with closing(socket.create_server((taken, PORT))):
        third = held.addresses.external_ip(2)
        with pytest.raises(OSError, match=f"cannot open {taken}:{PORT}"):
            balancer.route([rule(third, backends[1]), rule(taken, backends[1])])
        with pytest.raises(ConnectionRefusedError):
            dial(third)
    assert served_by(front) == backends[0]


def test_a_thousand_short_connections_leave_no_file_open(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    balancer.route([rule(front, *backends)])
    served_by(front)
    before = open_files()
    with ThreadPoolExecutor(8) as pool:
        served = list(pool.map(lambda _: served_by(front), range(1000)))
    assert set(served) == set(backends)
    until(lambda: open_files() <= before, "every relayed connection is closed")


def test_routes_may_be_set_from_many_threads(
    balancer: Balancer, backends: tuple[str, ...], front: str
) -> None:
    sets = [[rule(front, backends[i % 3])] if i % 4 else [] for i in range(60)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(balancer.route, sets))
    balancer.route([rule(front, backends[2])])
    assert {served_by(front) for _ in range(5)} == {backends[2]}
