"""Other masters' peer ports, and the listener that answers on ours before etcd does.

Everything is TLS verified both ways with the etcd leaf: whoever answers holds a certificate of
the etcd authority for exactly the address that was dialled. That is the proof a membership change
waits for.
"""

import json
import socketserver
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from hakube_gce.agent.etcd import parse_members
from hakube_gce.agent.ports import PEER_PORT, Member, PeerError, Reach
from hakube_gce.agent.wire import Credentials, Reply, WireError, ask

DIAL_TIMEOUT_S = 2.0
REACH_TIMEOUT_S = 8.0
"""The newcomer dials everybody before it answers, at the same time, each within
`DIAL_TIMEOUT_S`."""
REACH_PATH = "/hakube-reach"


class PeersOverTls:
    """The peer ports of other masters."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def answers(self, peer_url: str) -> bool:
        return not self.problem(peer_url)

    def problem(self, peer_url: str) -> str:
        """Say why no live etcd answers at a peer URL; empty when one does."""
        try:
            found = json.loads(self._get(peer_url, "/version", DIAL_TIMEOUT_S).body)
        except (PeerError, ValueError) as error:
            return str(error)
        return "" if isinstance(found, dict) and "etcdserver" in found else "no etcd answers there"

    def listed(self, peer_url: str) -> tuple[Member, ...]:
        reply = self._get(peer_url, "/members", DIAL_TIMEOUT_S)
        try:
            return parse_members({"members": json.loads(reply.body)})
        except (ValueError, AttributeError, TypeError) as error:
            raise PeerError(f"{peer_url} sent no member list") from error

    def reach(self, peer_url: str) -> Reach:
        reply = self._get(peer_url, REACH_PATH, REACH_TIMEOUT_S)
        try:
            found = json.loads(reply.body)
            return Reach(
                replica=str(found["replica"]),
                uid=str(found["uid"]),
                reached=frozenset(found["reached"]),
                missed=dict(found["missed"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise PeerError(f"{peer_url} does not say whom it reaches") from error

    def _get(self, peer_url: str, path: str, timeout_s: float) -> Reply:
        parts = urlsplit(peer_url)
        if parts.scheme != "https" or not parts.hostname:
            raise PeerError(f"{peer_url!r} is no peer URL")
        try:
            reply = ask(
                parts.hostname,
                parts.port or PEER_PORT,
                path,
                credentials=self._credentials,
                timeout_s=timeout_s,
            )
        except WireError as error:
            raise PeerError(str(error)) from error
        if reply.status != 200:
            raise PeerError(f"{peer_url}{path} answered {reply.status}")
        return reply


class ReachListener:
    """Answers on the peer port until etcd takes it over: who we are and which peers answer us."""

    def __init__(
        self, *, address: str, name_and_uid: tuple[str, str], credentials: Credentials
    ) -> None:
        self._address = address
        self._name_and_uid = name_and_uid
        self._credentials = credentials
        self._peer_urls: tuple[str, ...] = ()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def open(self, peer_urls: Sequence[str]) -> None:
        """Listen, or go on listening; answer for these peers from now on.

        Raises:
            OSError: The port cannot be had.
        """
        self._peer_urls = tuple(peer_urls)
        if self._server is not None:
            return
        server = self._bound_server()
        server.daemon_threads = True
        # The handshake happens in each connection's own thread, so that a caller that never
        # shakes hands keeps nobody else waiting.
        server.socket = self._credentials.for_server().wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def _bound_server(self) -> ThreadingHTTPServer:
        where = (self._address, PEER_PORT)
        server = ThreadingHTTPServer(where, self._handler(), bind_and_activate=False)
        try:
            # Not its own server_bind: that asks the name server what our address is called.
            socketserver.TCPServer.server_bind(server)
            server.server_activate()
        except OSError:
            server.server_close()
            raise
        return server

    def close(self) -> None:
        """Give the port back; it is free when this returns."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None

    def answer(self) -> Mapping[str, object]:
        """Dial every peer and say which ones answered."""
        peers, urls = PeersOverTls(self._credentials), self._peer_urls
        with ThreadPoolExecutor(max_workers=max(1, len(urls))) as pool:
            problems = dict(zip(urls, pool.map(peers.problem, urls), strict=True))
        replica, uid = self._name_and_uid
        return {
            "replica": replica,
            "uid": uid,
            "reached": [url for url, problem in problems.items() if not problem],
            "missed": {url: problem for url, problem in problems.items() if problem},
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            """Knows one path."""

            timeout = REACH_TIMEOUT_S

            def do_GET(self) -> None:
                if self.path != REACH_PATH:
                    self.send_error(404)
                    return
                body = json.dumps(answer()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited
                """Keep quiet: probes and scanners are no news."""

        return Handler
