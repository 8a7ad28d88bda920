"""The agent's cryptography in process, for VMs that are only records.

The same formats as the agent's OpenSSL commands make and take, so that an operator cannot tell
the difference. Not for production: keys pass through this process's memory, and all simulated VMs
share one RSA key.
"""

import datetime as dt
import functools
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from hakube_gce.agent.keys import pki
from hakube_gce.agent.ports import Clock, CryptoError, Storage

CENTURY = dt.timedelta(days=36525)


class RecordsCrypto:
    """One simulated VM's keys, in its root disk's files."""

    def __init__(self, root: Storage, clock: Clock) -> None:
        self._root = root
        self._clock = clock

    def make_keys(self, leaves: Sequence[str], *, subject: str) -> None:
        for leaf in leaves:
            if not self._root.exists(pki(f"{leaf}.key")):
                self._root.write(pki(f"{leaf}.key"), _pem(ec.generate_private_key(ec.SECP256R1())))
        if not self._root.exists(pki("sealing.crt")):
            key = _sealing_key()
            self._root.write(pki("sealing.key"), _pem(key))
            certificate = _self_signed(key, f"hakube-sealing:{subject}", self._clock.now())
            self._root.write(pki("sealing.crt"), certificate)

    def certificate_request(self, leaf: str) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, leaf)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name)
        signed = request.sign(_ec_key(self._read(f"{leaf}.key")), hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def sealing_certificate(self) -> str:
        return self._read("sealing.crt").decode("ascii")

    def sign(self, payload: bytes) -> bytes:
        return _ec_key(self._read("agent.key")).sign(payload, ec.ECDSA(hashes.SHA256()))

    def unseal(self, envelope: bytes) -> bytes:
        certificate = x509.load_pem_x509_certificate(self._read("sealing.crt"))
        key = _rsa_key(self._read("sealing.key"))
        try:
            return pkcs7.pkcs7_decrypt_der(envelope, certificate, key, [])
        except ValueError as error:
            raise CryptoError(str(error)) from error

    def seal(self, secret: bytes, recipient: str) -> bytes:
        try:
            certificate = x509.load_pem_x509_certificate(recipient.encode())
            builder = pkcs7.PKCS7EnvelopeBuilder().set_data(secret).add_recipient(certificate)
        except (ValueError, TypeError) as error:
            raise CryptoError(str(error)) from error
        return builder.set_content_encryption_algorithm(AES256).encrypt(
            serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary]
        )

    def leaf_problem(self, leaf: str, certificate: str, authority: str) -> str:
        try:
            found = x509.load_pem_x509_certificate(certificate.encode())
            issuer = x509.load_pem_x509_certificate(authority.encode())
        except ValueError as error:
            return f"not a certificate: {error}"
        own = _ec_key(self._read(f"{leaf}.key")).public_key()
        if found.public_key() != own:
            return "it holds another key"
        try:
            found.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            return "it was not issued by its authority"
        if not found.not_valid_before_utc <= self._clock.now() < found.not_valid_after_utc:
            return "it is not valid now"
        return ""

    def expires(self, certificate: str) -> dt.datetime:
        return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc

    def _read(self, name: str) -> bytes:
        content = self._root.read(pki(name))
        if content is None:
            msg = f"no {name}"
            raise CryptoError(msg)
        return content


@functools.cache
def _sealing_key() -> rsa.RSAPrivateKey:
    # Made once per process and shared by all simulated VMs: an RSA-3072 key takes about 0.3 s, and
    # between records there is nobody to keep a secret from.
    return rsa.generate_private_key(public_exponent=65537, key_size=3072)


def _self_signed(key: rsa.RSAPrivateKey, common_name: str, now: dt.datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + CENTURY)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@functools.lru_cache(maxsize=256)
def _ec_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it ourselves
    return key


@functools.lru_cache(maxsize=16)
def _rsa_key(pem: bytes) -> rsa.RSAPrivateKey:
    # Skips primality tests, some 0.1 s: it is our own key.
    key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - we wrote it ourselves
    return key
