"""One look at a master's readiness, the way Compute Engine's health checks look.

HTTPS checks ask the API server's ``/readyz``, legacy ones the agent's plain port.

The certificate is not verified, because Google's health checks do not verify either
(https://cloud.google.com/load-balancing/docs/health-check-concepts): this tells that somebody
answers, not who. Never to be used where identity matters.
"""

import socket
import ssl
import time

_REQUEST = b"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: GoogleHC/1.0\r\nConnection: close\r\n\r\n"


def is_ready(address: str, port: int, *, timeout_s: float = 0.5) -> bool:
    """Tell whether ``https://address:port/readyz`` answers 200 within the time, all in all."""
    deadline = time.monotonic() + timeout_s
    try:
        with (
            socket.create_connection((address, port), timeout=timeout_s) as plain,
            _context().wrap_socket(plain, do_handshake_on_connect=False) as wire,
        ):
            wire.settimeout(_left(deadline))
            wire.do_handshake()
            return _says_200(wire, address, "/readyz", deadline)
    except OSError:  # refused, timed out, not TLS: in every case nobody is ready
        return False


def is_ready_plainly(address: str, port: int, path: str, *, timeout_s: float = 2.0) -> bool:
    """Tell whether ``http://address:port/path`` answers 200 within the time, all in all."""
    deadline = time.monotonic() + timeout_s
    try:
        with socket.create_connection((address, port), timeout=timeout_s) as wire:
            return _says_200(wire, address, path, deadline)
    except OSError:
        return False


def _says_200(wire: socket.socket, address: str, path: str, deadline: float) -> bool:
    wire.sendall(_REQUEST % (path.encode(), address.encode()))
    return _status_line(wire, deadline).split(b" ")[1:2] == [b"200"]


def _status_line(wire: socket.socket, deadline: float) -> bytes:
    head = b""
    while b"\r\n" not in head and len(head) < 1024:
        wire.settimeout(_left(deadline))
        got = wire.recv(1024)
        if not got:
            return b""
        head += got
    return head.split(b"\r\n")[0]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
