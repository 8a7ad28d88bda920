"""The readiness port: plain HTTP that says whether this master can serve, and nothing else.

For legacy health checks, which know no TLS. It listens only where the cluster's configuration
names a port, and the firewall lets nobody but Google's probers in. Many of those ask at once, so
one look at the API server answers all who come within half a second.
"""

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/readyz"
FRESH_S = 0.5
REQUEST_TIMEOUT_S = 5.0


class Look:
    """Asks at most every half second."""

    def __init__(
        self, ask: Callable[[], bool], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Ask with ``ask``; nothing is asked yet."""
        self._ask = ask
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._seen_s = float("-inf")
        self._ready = False

    def ready(self) -> bool:
        """Tell whether the master can serve."""
        with self._guard:
            if self._monotonic() - self._seen_s >= FRESH_S:
                self._ready = self._ask()
                self._seen_s = self._monotonic()
            return self._ready


class ReadinessPort:
    """Listens from `open` to `close`."""

    def __init__(self, place: tuple[str, int], ask: Callable[[], bool]) -> None:
        """Answer on address and port by asking ``ask``."""
        self._place = place
        self._look = Look(ask)
        self._server: ThreadingHTTPServer | None = None

    def open(self) -> None:
        """Answer from now on, in the background.

        Raises:
            OSError: The port cannot be had.
        """
        server = _Server(self._place, self._look)
        self._server = server
        threading.Thread(target=server.serve_forever, name="readiness", daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, place: tuple[str, int], look: Look) -> None:
        self.look = look
        super().__init__(place, _Handler)

    def server_bind(self) -> None:
        """Bind without looking the host's name up: that could ask a name server."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a prober that hung up be: it asks again by itself."""


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    timeout = REQUEST_TIMEOUT_S
    server_version = "hakube-agent"
    sys_version = ""

    def do_GET(self) -> None:
        status = 404
        if self.path == PATH:
            status = 200 if self.server.look.ready() else 503
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    do_HEAD = do_GET  # noqa: N815 - the library calls it so

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: the serial port is no access log."""
