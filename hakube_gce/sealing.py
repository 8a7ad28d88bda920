"""Envelopes: the only way the cluster's keys travel, in either direction.

PKCS#7 EnvelopedData, AES-256-CBC, one RSA recipient; the openssl command on a master opens what is
sealed here and the other way round. Inside, beside the keys, stand the request, the VM and the
time the envelope was made for, so that one taken from an old request is worth nothing in a new
one.

An envelope hides; it does not prove who sealed it. Down to a master that is the right to write
metadata, which is root there already; up from a master it is the signature on the answer that
carries it, which the channel has checked before anything is opened here.
"""

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from hakube_gce.cluster_keys import ClusterKeys, from_files, load_certificate, to_files
from hakube_gce.errors import KeysError
from hakube_gce.pki import Randomness, serial_number
from hakube_gce.timestamps import parse_rfc3339, rfc3339

SCHEMA = 1
RSA_BITS = 3072
_RECIPIENT_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What an envelope is made for, and good for nothing else."""

    request_id: str
    instance_id: str
    """The receiver's, or the sender's when a master seals to the operator."""
    expires: datetime
    """UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A key made to open envelopes and for nothing else."""

    certificate: str
    """PEM, self-signed."""
    key: rsa.RSAPrivateKey = field(repr=False)


def new_recipient(name: str, *, now: datetime, randomness: Randomness) -> Recipient:
    """Draw a recipient that lives for one request.

    Args:
        name: Common name of the certificate, for people; at most 64 characters.
        now: UTC.
        randomness: Source of the serial number.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial_number(randomness))
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _RECIPIENT_LIFE)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return Recipient(certificate=pem, key=key)


def seal(keys: ClusterKeys, recipient_certificate: str, binding: Binding) -> str:
    """Seal the cluster's keys to a recipient; base64 of DER.

    Raises:
        KeysError: The recipient's certificate does not parse, does not sign itself, or its key is
            not RSA of at least 3072 bits.
    """
    letter = {
        "schema": SCHEMA,
        "request_id": binding.request_id,
        "instance_id": binding.instance_id,
        "expires": rfc3339(binding.expires),
        "keys": to_files(keys),
    }
    sealed = (
        pkcs7.PKCS7EnvelopeBuilder()
        .set_data(json.dumps(letter).encode("ascii"))
        .add_recipient(_check_recipient(recipient_certificate))
        .set_content_encryption_algorithm(AES256)
        # Binary: without it line ends would be rewritten
        .encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    )
    return base64.b64encode(sealed).decode("ascii")


def unseal(
    sealed: str,
    recipient: Recipient,
    *,
    request_id: str,
    instance_id: str,
    uid: str,
    now: datetime,
) -> ClusterKeys:
    """Open an envelope, and refuse one that was made for something else.

    Args:
        sealed: Base64 of DER.
        recipient: Whose key opens it.
        request_id: The request that asked for it.
        instance_id: The VM that sealed it.
        uid: The cluster whose keys are expected.
        now: UTC.

    Raises:
        KeysError: It does not open, is not bound as expected, or its keys do not fit one another.
    """
    letter = _open(sealed, recipient)
    if letter.get("schema") != SCHEMA:
        raise KeysError(
            f"an envelope of schema {letter.get('schema')!r} came, this program knows {SCHEMA}",
            hint="use the version of this program that made the master",
        )
    _check_binding(letter, {"request_id": request_id, "instance_id": instance_id}, now)
    keys = letter.get("keys")
    if not isinstance(keys, dict):
        raise KeysError("an envelope without keys came")
    return from_files(keys, uid=uid)


def _open(sealed: str, recipient: Recipient) -> dict[str, object]:
    certificate = load_certificate(recipient.certificate, what="the recipient's certificate")
    try:
        der = base64.b64decode(sealed, validate=True)
        text = pkcs7.pkcs7_decrypt_der(der, certificate, recipient.key, [])
        letter = json.loads(text)
    except (binascii.Error, ValueError, UnsupportedAlgorithm, RecursionError):
        # one message for every cause: which step failed would tell a forger how far he got, and
        # the library's text could quote what it decrypted
        raise KeysError(
            "an envelope could not be opened: it is damaged, or sealed to another key"
        ) from None
    if not isinstance(letter, dict):
        raise KeysError("an envelope came whose content is no JSON object")
    return letter


def _check_binding(letter: dict[str, object], expected: dict[str, str], now: datetime) -> None:
    for name, wanted in expected.items():
        if letter.get(name) != wanted:
            raise KeysError(
                f"an envelope came whose {name} is {letter.get(name)!r}, expected {wanted!r}: "
                "it was made for something else and was not used"
            )
    expires = parse_rfc3339(letter.get("expires"))
    if expires is None or expires <= now:
        raise KeysError(f"an envelope came that expired ({letter.get('expires')!r})")


def _check_recipient(pem: str) -> x509.Certificate:
    certificate = load_certificate(pem, what="the sealing certificate")
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < RSA_BITS:
        raise KeysError(f"the sealing certificate's key is not RSA of at least {RSA_BITS} bits")
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise KeysError("the sealing certificate is not signed with its own key") from error
    return certificate
