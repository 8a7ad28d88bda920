"""The hollow API server's HTTPS side: connections, who is asking, and bytes in and out.

Client certificates are asked for and optional in TLS, as with the real one; everything but health
and version then takes one of the cluster's CA with the organisation ``system:masters``. One thread
per connection; TLS handshakes happen there, so that nobody holds up the others. What a request
means is decided elsewhere.
"""

import select
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from hakube_gce.emulator.hollow_answers import Answer, Desk, Following, Request, as_answer
from hakube_gce.emulator.hollow_refusals import Refusal, forbidden, too_large, unauthorized

_MASTERS = "system:masters"
_HANDSHAKE_TIMEOUT_S = 10.0
_IDLE_TIMEOUT_S = 90.0
_MAX_SWALLOWED_BYTES = 32 << 20
_MAX_BODY_BYTES = 3 << 20
"""What Kubernetes takes."""


class Server(socketserver.ThreadingTCPServer):
    """Listens; one thread per connection."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self,
        address: str,
        port: int,
        *,
        context: ssl.SSLContext,
        desk: Desk,
        before_handshake: Callable[[], None] = lambda: None,
    ) -> None:
        """Listen on an address and port.

        Raises:
            OSError: They are taken.
        """
        self.context = context
        self.desk = desk
        self.before_handshake = before_handshake
        super().__init__((address, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say what went wrong in a connection, unless it is only that the client went away."""
        error = sys.exception() if sys.version_info >= (3, 12) else sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # as it was given


def tls_context(*, certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    """Return what the server speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


def with_new_certificate(
    context: ssl.SSLContext, certificate: Path, key: Path
) -> Callable[[], None]:
    """Return what loads the certificate again once its file changed, as kube-apiserver does."""
    loaded_ns = certificate.stat().st_mtime_ns

    def look() -> None:
        nonlocal loaded_ns
        written_ns = certificate.stat().st_mtime_ns
        if written_ns != loaded_ns:
            context.load_cert_chain(certificate, key)
            loaded_ns = written_ns

    return look


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "hakube-hollow"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = _IDLE_TIMEOUT_S
    server: Server

    def setup(self) -> None:
        self.request.settimeout(_HANDSHAKE_TIMEOUT_S)
        self.server.before_handshake()
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.request.close()  # ours: the server knows and closes only what TLS was wrapped around

    def version_string(self) -> str:
        return self.server_version

    def log_message(self, *_: object) -> None:
        """Say nothing: a health check every few seconds would fill the disk."""

    def _serve(self) -> None:
        try:
            request = self._read()
            answer = self.server.desk.open_to_all(request)
            if answer is None:
                check_caller(self.request.getpeercert())
                self._send_any(self.server.desk.answer(request))
                return
        except Refusal as refusal:
            answer = as_answer(refusal)
        self._send(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _read(self) -> Request:
        url = urlsplit(self.path)
        return Request(
            method="GET" if self.command == "HEAD" else self.command,
            path=unquote(url.path),
            query={name: values[-1] for name, values in parse_qs(url.query).items()},
            accept=self.headers.get("Accept", ""),
            content_type=self.headers.get("Content-Type", ""),
            body=self._body(),
        )

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length") or "0"
        if "Transfer-Encoding" in self.headers or not length.isdigit():
            self.close_connection = True
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "BadRequest", "a body needs its length")
        if int(length) > _MAX_BODY_BYTES:
            self.close_connection = True
            self._swallow(min(int(length), _MAX_SWALLOWED_BYTES))
            raise too_large(f"the body is larger than {_MAX_BODY_BYTES} bytes")
        return self.rfile.read(int(length))

    def _swallow(self, length: int) -> None:
        # a client still sending would see its connection break instead of the answer
        while length > 0 and (taken := len(self.rfile.read(min(length, 1 << 16)))):
            length -= taken

    def _send_any(self, answer: Answer | Following) -> None:
        if isinstance(answer, Following):
            self._follow(answer)
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _follow(self, answer: Following) -> None:
        """Send events as they come, from a thread of their own; this one waits for the end.

        The two never use TLS at the same time, which it does not bear: this thread only asks the
        kernel whether the client has closed.
        """
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        ended, signal = socket.socketpair()
        with ended, signal:
            sender = threading.Thread(target=self._send_lines, args=(answer, signal), daemon=True)
            sender.start()
            select.select([self.connection, ended], [], [], answer.timeout_s)
            answer.stop()
            sender.join()

    def _send_lines(self, answer: Following, signal: socket.socket) -> None:
        with suppress(OSError):
            for line in answer.lines:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        with suppress(OSError):
            signal.send(b".")


def check_caller(certificate: Mapping[str, Any] | None) -> None:
    """Refuse a caller who is not an administrator of the cluster.

    Args:
        certificate: What `ssl.SSLSocket.getpeercert` says: verified against the cluster CA, or
            empty.

    Raises:
        Refusal: No certificate, or one of another organisation.
    """
    if not certificate:
        raise unauthorized()
    pairs = [pair for part in certificate.get("subject", ()) for pair in part]
    if ("organizationName", _MASTERS) not in pairs:
        user = dict(pairs).get("commonName", "")
        raise forbidden(f'User "{user}" may do nothing here: only the group {_MASTERS} may')
