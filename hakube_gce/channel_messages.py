"""The channel's messages as text and values: what is written, what is read, what is believed.

Pure, and to the letter of ``docs/CHANNEL.md``. Everything read here was written by a VM: it is
parsed without trust, and a line that is not wholly as the protocol says counts as not written. Who
listens, waits and decides is the channel.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from hakube_gce.errors import KeysError
from hakube_gce.ports import Hello
from hakube_gce.timestamps import rfc3339

SCHEMA = 1
REQUEST_KEY = "hakube-request"

Line = Mapping[str, object]
"""One parsed line of a serial port; nothing in it is believed yet."""

_LINE_MAX = 1 << 17
"""Characters. Longer than any line of ours (a hello has about 6 KiB), shorter than what hurts."""


def canonical(line: Line) -> bytes:
    """Return the bytes a line's signature covers: the object without ``sig``."""
    bare = {key: value for key, value in line.items() if key != "sig"}
    return json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def parse_lines(text: str) -> list[Line]:
    r"""Return the lines of ours in what a serial port printed; all else is skipped.

    >>> parse_lines('garbage\n{"hakube":1,"type":"heartbeat"}\n{"hakube":1,"ty')
    [{'hakube': 1, 'type': 'heartbeat'}]
    """
    # not splitlines: that would also split at characters which may stand inside a JSON string
    parsed = (_parse(line.rstrip("\r")) for line in text.split("\n"))
    return [line for line in parsed if line is not None]


def is_signed(line: Line, key: ec.EllipticCurvePublicKey) -> bool:
    """Tell whether a line carries a good signature of this key."""
    signature = line.get("sig")
    if not isinstance(signature, str):
        return False
    try:
        key.verify(
            base64.b64decode(signature, validate=True),
            canonical(line),
            ec.ECDSA(hashes.SHA256()),
        )
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _parse(line: str) -> Line | None:
    if not line.startswith("{") or len(line) > _LINE_MAX:
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.get("hakube") != SCHEMA:
        return None
    return value


# ------------------------------------------------------------------------------------------- hello


def hello_of(line: Line, *, instance_id: str, nonce: str) -> Hello | None:
    """Return a line as a hello of this VM's, or None when it is not one or does not prove itself.

    The signature is checked with the key in the agent's own request: whoever signed has that key.
    That it is the key of *this* VM follows from the nonce, which only this VM was given.
    """
    if (line.get("type"), line.get("instance_id"), line.get("nonce")) != (
        "hello",
        instance_id,
        nonce,
    ):
        return None
    requests, sealing = line.get("requests"), line.get("sealing_certificate")
    if not isinstance(requests, dict) or not isinstance(sealing, str):
        return None
    if not all(isinstance(pem, str) for pem in requests.values()):
        return None
    key = _request_key(requests.get("agent", ""))
    if key is None or not is_signed(line, key):
        return None
    return Hello(
        instance_id=instance_id, nonce=nonce, requests=dict(requests), sealing_certificate=sealing
    )


def _request_key(pem: str) -> ec.EllipticCurvePublicKey | None:
    try:
        key = x509.load_pem_x509_csr(pem.encode()).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) else None


# -------------------------------------------------------------------------------------- down again


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One job for one agent."""

    id: str
    """32 hexadecimal digits."""
    verb: str
    instance_id: str
    epoch: int
    """Of the lock this run holds; an agent that has seen a higher one refuses."""
    expires: datetime
    """By the API's clock, which is also what VMs set theirs by."""
    args: Mapping[str, object]


def request_text(request: Request) -> str:
    """Write the ``hakube-request`` metadata value."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "id": request.id,
            "verb": request.verb,
            "instance_id": request.instance_id,
            "epoch": request.epoch,
            "expires": rfc3339(request.expires),
            "args": dict(request.args),
        }
    )


def certificates_text(authorities: Mapping[str, str], leaves: Mapping[str, str]) -> str:
    """Write the ``hakube-certificates`` metadata value; public certificates only.

    Args:
        authorities: Authority name → PEM certificate.
        leaves: Leaf name → PEM certificate.

    Raises:
        KeysError: Something in them is not a certificate: metadata can be read by every process on
            the VM and by every viewer of the project.
    """
    for name, pem in (*authorities.items(), *leaves.items()):
        if "PRIVATE KEY" in pem or not pem.startswith("-----BEGIN CERTIFICATE-----"):
            raise KeysError(f"{name} is not a certificate and does not go into metadata")
    return json.dumps({"schema": SCHEMA, "authorities": dict(authorities), "leaves": dict(leaves)})
