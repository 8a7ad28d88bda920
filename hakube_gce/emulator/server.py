"""HTTP for a lab: the Compute API under Google's own paths, the admin API under ``/hakube/v1/``.

Loopback only. A request that a browser may have sent for a web page (an Origin, a foreign Host)
is refused. Each answer is one write: headers and body in two would cost a delayed
acknowledgement, about 40 ms, per call.
"""

import functools
import json
import logging
import queue
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from hakube_gce import __version__
from hakube_gce.emulator.admin import Admin
from hakube_gce.emulator.background import Background
from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.lab import AnswerLost, Lab
from hakube_gce.emulator.refusals import EmulatorError, Refusal

_LOG = logging.getLogger(__name__)
_LONGEST_BODY = 8 << 20
ADMIN_PREFIX = "/hakube/v1/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = f"hakube-emulator/{__version__}"
    sys_version = ""
    wbufsize = 1 << 20
    disable_nagle_algorithm = True
    server: "LabServer"

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the library calls them so

    def _serve(self) -> None:
        try:
            body = self._body()
            self._refuse_browsers()
            status, answer = 200, self._answer(body)
        except Refusal as refusal:
            status, answer = refusal.status, refusal.body()
        except AnswerLost:
            self.close_connection = True
            return
        except Exception as error:  # noqa: BLE001 - a bug must reach the client as an answer
            _LOG.exception("%s %s", self.command, self.path)
            failed = Refusal(500, "internalError", _what_failed(error))
            status, answer = failed.status, failed.body()
        self._send(status, answer)

    def _answer(self, body: Json) -> Json:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        path = unquote(url.path)
        if path.startswith(ADMIN_PREFIX):
            token = self.headers.get("X-Hakube-Token", "")
            verb = self.command
            return self.server.admin.answer(
                verb, path.removeprefix(ADMIN_PREFIX), query, body, token
            )
        return self.server.lab.answer(self.command, path, query, body)

    def _body(self) -> Json:
        """Read the body before judging: an unread one would be taken for the next request."""
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise Refusal(411, "required", "Content-Length is required.")
        given = self.headers.get("Content-Length") or "0"
        length = int(given) if given.isdecimal() else _LONGEST_BODY + 1
        if length > _LONGEST_BODY:
            self.close_connection = True
            raise Refusal(413, "uploadTooLarge", "The request is too large.")
        text = self.rfile.read(length)
        if len(text) < length:
            raise AnswerLost  # the client died while it sent: what it meant is not known
        try:
            body = json.loads(text) if text.strip() else {}
        except ValueError as error:
            raise Refusal(400, "parseError", f"Parse error: {error}") from error
        if not isinstance(body, dict):
            raise Refusal(400, "parseError", "Parse error: the body must be a JSON object.")
        return body

    def _refuse_browsers(self) -> None:
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        if "Origin" in self.headers or not (host in {"localhost", "::1"} or _is_loopback(host)):
            self.close_connection = True
            raise Refusal(
                403, "forbidden", "This emulator talks to programs on this machine only."
            )

    def _send(self, status: int, answer: Json) -> None:
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the lab's time: clients judge leases by this header."""
        del timestamp
        return format_datetime(self.server.lab.clock.now(), usegmt=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        _LOG.debug(format, *args)


def _what_failed(error: Exception) -> str:
    if isinstance(error, OSError):  # a full disk, or the lab's folder is gone
        return f"the lab cannot write down what changes: {error.strerror}"
    return f"emulator bug: {error!r}; see its log"


def _is_loopback(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdecimal() for part in parts)


class LabServer(socketserver.ThreadingMixIn, HTTPServer):
    """Serves one lab on a loopback port."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, lab: Lab, *, port: int = 0, token: str = "") -> None:
        self.lab = lab
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            hint = "choose another with --port, or leave it out"
            raise EmulatorError(f"port {port} cannot be used: {error}", hint=hint) from error
        # A queue, not an Event: a signal handler may put into it whatever it interrupts.
        self.stop_wanted: queue.SimpleQueue[None] = queue.SimpleQueue()
        stop = functools.partial(self.stop_wanted.put, None)
        self.admin = Admin(lab, port=self.server_port, token=token, stop=stop)

    def server_bind(self) -> None:
        """Bind without looking the host's name up: that could ask a name server."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def get_request(self) -> tuple[socket.socket, object]:
        """Remember each connection, so that closing can end those that are kept alive."""
        connection, client = super().get_request()
        with self._guard:
            self._connections.add(connection)
        return connection, client

    def close_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        with self._guard:
            self._connections = {c for c in self._connections if c is not request}
        super().close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Note a connection that broke; it is the client's business."""
        _LOG.debug("connection of %s to %s broke", client_address, request, exc_info=True)

    def hang_up(self) -> None:
        """Hear no more requests: what is being answered is still sent, then the threads end."""
        with self._guard:
            connections = list(self._connections)
        for connection in connections:
            with suppress(OSError):  # it may have ended by itself meanwhile
                connection.shutdown(socket.SHUT_RD)


@contextmanager
def serve(lab: Lab, *, port: int = 0, token: str = "") -> Iterator[LabServer]:
    """Serve a lab while the context lasts; its machines end with it.

    Args:
        lab: The lab, not yet resumed.
        port: Port on 127.0.0.1; 0 takes a free one.
        token: What the admin API asks for.

    Raises:
        EmulatorError: the port cannot be had.
    """
    background = Background(lab)
    # Each ending is tried whatever the others come to: one thread left would outlive the program.
    with LabServer(lab, port=port, token=token) as server, ExitStack() as endings:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="server")
        endings.callback(server.hang_up)
        endings.callback(lab.close)
        lab.resume()
        background.start()
        endings.callback(background.stop)
        thread.start()
        endings.callback(thread.join)
        endings.callback(server.shutdown)
        yield server
