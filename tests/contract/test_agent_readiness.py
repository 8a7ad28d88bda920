"""The agent's readiness port: what it says, to whom, and how often it looks."""

import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from hakube_gce.agent.job import parse_config
from hakube_gce.agent.readiness import FRESH_S, Look, ReadinessPort
from hakube_gce.emulator.readiness import is_ready_plainly


@dataclass(slots=True)
class ApiServer:
    """Ready or not; counts who asks."""

    ready: bool = True
    asked: int = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.ready


@dataclass(slots=True)
class Hand:
    """A clock's hand, moved by the test."""

    at_s: float = 0.0

    def __call__(self) -> float:
        return self.at_s


@dataclass(slots=True)
class Opened:
    """A readiness port that listens."""

    api: ApiServer
    port: int
    listens: ReadinessPort = field(repr=False)


@pytest.fixture
def opened() -> Iterator[Opened]:
    api = ApiServer()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    listens = ReadinessPort(("127.0.0.1", port), api)
    listens.open()
    yield Opened(api=api, port=port, listens=listens)
    listens.close()


def status(port: int, method: str, path: str) -> tuple[int, bytes]:
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        wire.request(method, path)
        answer = wire.getresponse()
        return answer.status, answer.read()
    finally:
        wire.close()


def test_it_says_ready_and_nothing_else(opened: Opened) -> None:
    assert status(opened.port, "GET", "/readyz") == (200, b"")
    assert status(opened.port, "HEAD", "/readyz")[0] == 200
    assert status(opened.port, "GET", "/")[0] == 404
    assert status(opened.port, "GET", "/readyz?verbose")[0] == 404
    assert status(opened.port, "POST", "/readyz")[0] == 501


def test_it_says_when_the_api_server_is_not_ready(opened: Opened) -> None:
    opened.api.ready = False
    assert status(opened.port, "GET", "/readyz") == (503, b"")


def test_a_prober_sees_what_it_says(opened: Opened) -> None:
    assert is_ready_plainly("127.0.0.1", opened.port, "/readyz")
    assert not is_ready_plainly("127.0.0.1", opened.port, "/healthz")
    opened.listens.close()
    assert not is_ready_plainly("127.0.0.1", opened.port, "/readyz")


def test_a_port_that_is_taken_is_an_error_not_a_silence(opened: Opened) -> None:
    second = ReadinessPort(("127.0.0.1", opened.port), opened.api)
    with pytest.raises(OSError, match="in use"):
        second.open()


def test_many_probers_cost_one_look() -> None:
    api, hand = ApiServer(), Hand()
    look = Look(api, hand)
    assert [look.ready() for _ in range(10)] == [True] * 10
    assert api.asked == 1
    api.ready = False
    hand.at_s += FRESH_S / 2
    assert look.ready(), "half a second has not gone by"
    hand.at_s += FRESH_S / 2
    assert not look.ready()
    assert api.asked == 2


@pytest.mark.parametrize("port", ["8777", -1, 65536, None])
def test_a_configuration_names_a_port_or_none(port: object) -> None:
    base = '{"schema": 1, "uid": "u", "replica": "r", "nonce": "n"'
    assert parse_config(base + "}").readiness_port == 0
    assert parse_config(base + ', "readiness_port": 8777}').readiness_port == 8777
    text = {None: "null", "8777": '"8777"'}.get(port, str(port))  # type: ignore[call-overload]  # any of the four
    with pytest.raises(ValueError, match="is no port"):
        parse_config(base + f', "readiness_port": {text}}}')
