"""What a chaos client may say of a request: certainly not done, or nobody knows."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.chaos.gateway import Gateway, NoAnswer, NotDone
from tests.process.authority import Authority

HOST = "127.0.0.1"


class Member(socketserver.TCPServer):
    """Answers every request with the same bytes; without any, it hangs up."""

    def __init__(self, context: ssl.SSLContext, answer: bytes) -> None:
        super().__init__((HOST, 0), Conversation)
        self.context = context
        self.answer = answer
        self.heard = 0

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.server_address[1]}"


class Conversation(socketserver.BaseRequestHandler):
    """One connection."""

    server: Member

    def handle(self) -> None:
        with self.server.context.wrap_socket(self.request, server_side=True) as tls:
            heard = b""
            while not heard.endswith(b"}"):  # headers and body come in pieces
                heard += tls.recv(4096)
            self.server.heard += 1
            tls.sendall(self.server.answer)


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A client's and a server's."""
    authority = Authority(tmp_path_factory.mktemp("pki"), "etcd")
    pair = authority.issue("member", ips=(HOST,))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pair.certificate, pair.key)
    return ssl.create_default_context(cafile=authority.certificate), server


@contextmanager
def member(context: ssl.SSLContext, answer: bytes) -> Iterator[Member]:
    with Member(context, answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def put(url: str, client: ssl.SSLContext) -> None:
    gateway = Gateway(url, client)
    try:
        gateway.put("k", "v")
    finally:
        gateway.close()


def answered(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def test_what_was_never_sent_is_certainly_not_done(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    client, server = contexts
    with member(server, b"") as gone:
        url = gone.url
    with pytest.raises(NotDone, match="ConnectionRefused"):
        put(url, client)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        answered("503 Service Unavailable", '{"error": "etcdserver: request timed out"}'),
        answered("503 Service Unavailable", '{"error": "etcdserver: leader changed"}'),
        answered("200 OK", "no JSON"),
    ],
)
def test_what_was_sent_may_have_been_done(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], answer: bytes
) -> None:
    client, server = contexts
    with member(server, answer) as there, pytest.raises(NoAnswer):
        put(there.url, client)
    assert there.heard == 1, "it must not be sent twice"


def test_what_a_learner_turns_away_is_certainly_not_done(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    client, server = contexts
    words = '{"error": "etcdserver: rpc not supported for learner"}'
    with member(server, answered("400 Bad Request", words)) as learner, pytest.raises(NotDone):
        put(learner.url, client)


def test_a_swap_says_what_it_found(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    client, server = contexts
    body = '{"responses": [{"response_range": {"kvs": [{"key": "aw==", "value": "djI="}]}}]}'
    with member(server, answered("200 OK", body)) as there:
        gateway = Gateway(there.url, client)
        assert gateway.swap("k", "v1", "v3") == (False, "v2")
        gateway.close()
