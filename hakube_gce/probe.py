"""Looks at the cluster IP as a client would: a new TLS connection, verified, and ``GET /readyz``.

Two kinds, behind one port. The TLS probe dials. In a lab whose VMs are mere records nothing
listens, so there the emulator is asked whether a client would be served.
"""

import http.client
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_READY = b"GET /readyz HTTP/1.1\r\nHost: kubernetes\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsProbe:
    """Dials the masters' API; never without verifying the certificate."""

    port: int
    authority: Callable[[], str]
    """Gives the cluster CA, PEM; empty while it is not known, and then nothing is ready."""

    def ready(self, address: str, *, server_name: str, timeout_s: float) -> bool:
        """Tell whether the API answers 200 under a certificate for ``server_name``."""
        authority = self.authority()
        if not authority:
            return False
        try:
            context = ssl.create_default_context(cadata=authority)
            with (
                socket.create_connection((address, self.port), timeout=timeout_s) as plain,
                context.wrap_socket(plain, server_hostname=server_name) as tls,
            ):
                tls.sendall(_READY)
                return tls.recv(64).split(b" ")[1:2] == [b"200"]
        except (
            OSError
        ):  # refused, timed out, reset, not the right certificate: not ready, whichever
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabProbe:
    """Asks an emulator of records whether an address would answer."""

    endpoint: str
    token: str

    def ready(self, address: str, *, server_name: str, timeout_s: float) -> bool:  # noqa: ARG002 - the port's shape; records have no certificates on a wire
        """Tell whether a client that dials the address would be served."""
        target = urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(
            target.hostname or "", target.port, timeout=timeout_s
        )
        try:
            connection.request(
                "GET",
                f"/hakube/v1/serving?address={quote(address)}",
                headers={"X-Hakube-Token": self.token},
            )
            answer = connection.getresponse()
            return answer.status == 200 and json.load(answer).get("serving") is True
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()
