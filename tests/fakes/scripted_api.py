"""A loopback HTTP server that answers from a script, and remembers what it was asked.

For what no emulator can be made to do on purpose: break a connection after a request arrived,
answer with somebody else's page, forget an operation. A request beyond the end of the script gets
418, so a test never passes by asking too often; answers left over are an error at close.
"""

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of the script."""

    status: int = 200
    body: object = field(default_factory=dict)
    """JSON, or bytes sent as they are."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """Read the request, then reset the connection without an answer."""
    truncated: bool = False
    """Announce more than is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def request_id(self) -> str:
        return self.query.get("requestId", "")


CUT = Answer(cut=True)


def refusal(status: int, reason: str, message: str = "no", **headers: str) -> Answer:
    """Compute Engine's way of refusing a request; header names with _ for -."""
    error = {
        "code": status,
        "message": message,
        "errors": [{"message": message, "domain": "global", "reason": reason}],
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body={"error": error}, headers=named)


def operation(status: str = "DONE", **fields: object) -> Answer:
    """An operation named ``op-1``."""
    return Answer(body={"kind": "compute#operation", "name": "op-1", "status": status, **fields})


class ScriptedApi:
    """The running server."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._script: deque[Answer] = deque()
        self._asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def asked(self) -> tuple[Asked, ...]:
        with self._guard:
            return tuple(self._asked)

    def will(self, *answers: Answer) -> None:
        """Append to the script."""
        with self._guard:
            self._script.extend(answers)

    def forget(self) -> None:
        """Drop what is left of the script, where a test scripts a storm and not a number."""
        with self._guard:
            self._script.clear()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        with self._guard:
            assert not self._script, f"{len(self._script)} answers were never asked for"

    def _next(self, asked: Asked) -> Answer:
        with self._guard:
            self._asked.append(asked)
            if self._script:
                return self._script.popleft()
        return Answer(status=418, body={"error": {"code": 418, "message": "beyond the script"}})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one write per answer: two would meet the delayed-ACK pause

            def do_GET(self) -> None:
                self._answer()

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Say nothing."""

            def _answer(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length", "0"))
                text = self.rfile.read(length)
                answer = scripted._next(
                    Asked(
                        method=self.command,
                        path=parts.path.partition("/compute/v1/")[2],
                        query=dict(parse_qsl(parts.query)),
                        headers=dict(self.headers.items()),
                        body=json.loads(text) if text else None,
                    )
                )
                if answer.cut:
                    self._reset()
                else:
                    self._send(answer)

            def _reset(self) -> None:
                # Linger of zero: the peer gets a reset instead of an orderly end.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.connection.close()

            def _send(self, answer: Answer) -> None:
                content = (
                    answer.body
                    if isinstance(answer.body, bytes)
                    else json.dumps(answer.body).encode()
                )
                if "Date" in answer.headers:  # send_response would add its own
                    self.send_response_only(answer.status)
                else:
                    self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                length = len(content) + (100 if answer.truncated else 0)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()
                self.close_connection = self.close_connection or answer.truncated

        return Handler


@contextmanager
def scripted_api() -> Iterator[ScriptedApi]:
    """Run a server for one test."""
    api = ScriptedApi()
    api.start()
    try:
        yield api
    finally:
        api.close()
