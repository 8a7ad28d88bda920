"""One look at an API server's ``/readyz``, the way Compute Engine's HTTPS health checks look.

The certificate is not verified, because Google's health checks do not verify either
(https://cloud.google.com/load-balancing/docs/health-check-concepts): this tells that somebody
answers, not who. Never to be used where identity matters.
"""

import socket
import ssl
import time

_REQUEST = (
    b"GET /readyz HTTP/1.1\r\nHost: %s\r\nUser-Agent: GoogleHC/1.0\r\nConnection: close\r\n\r\n"
)


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
            wire.sendall(_REQUEST % address.encode())
            return _status_line(wire, deadline).split(b" ")[1:2] == [b"200"]
    except OSError:  # refused, timed out, not TLS: in every case nobody is ready
        return False


def _status_line(wire: ssl.SSLSocket, deadline: float) -> bytes:
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
