"""One HTTPS question to one address, verified both ways, with a time limit.

A connection per question: new certificates are picked up by themselves, and nothing has to be kept
open. Verification is never switched off.
"""

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 4 << 20


class WireError(Exception):
    """No answer: not reachable, not trusted, or not in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Whom to trust and what to show, as files."""

    authority: Path
    certificate: Path | None = None
    key: Path | None = None

    def for_client(self) -> ssl.SSLContext:
        """Return a context that verifies servers, by address, against the authority alone."""
        context = ssl.create_default_context(cafile=str(self.authority))
        self._show(context)
        return context

    def for_server(self) -> ssl.SSLContext:
        """Return a context that takes only clients with a certificate of the authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.authority))
        context.verify_mode = ssl.CERT_REQUIRED
        self._show(context)
        return context

    def _show(self, context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            context.load_cert_chain(str(self.certificate), str(self.key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    body: bytes


def ask(
    address: str,
    port: int,
    path: str,
    *,
    credentials: Credentials,
    timeout_s: float,
    body: bytes | None = None,
) -> Reply:
    """GET a path, or POST a JSON body to it.

    Args:
        address: IP address; the server's certificate must be for it.
        port: TCP port.
        path: Path and query.
        credentials: Whom to trust and what to show.
        timeout_s: Limit for connecting and for each wait on the wire.
        body: JSON to post.

    Raises:
        WireError: No whole answer came.
    """
    try:
        context = credentials.for_client()
        connection = http.client.HTTPSConnection(address, port, timeout=timeout_s, context=context)
        try:
            method = "GET" if body is None else "POST"
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return Reply(status=response.status, body=response.read(MAX_BYTES))
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        msg = f"{address}:{port}: {str(error) or type(error).__name__}"
        raise WireError(msg) from error
