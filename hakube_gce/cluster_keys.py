"""The secrets of one cluster as one value: three authorities and the service-account key.

Pure. The value shows nothing of itself: no repr, no format, no JSON of it holds a key, so that a
log line or a failing assertion cannot leak one. It checks that its parts belong together; where it
is kept and how it travels is decided elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from hakube_gce.errors import KeysError

AUTHORITIES = ("cluster", "etcd", "front-proxy")
"""Names of the authorities, as the channel's protocol spells them."""

UID = re.compile(r"[0-9a-f]{16}", re.ASCII)
"""A cluster's uid; use with ``fullmatch``."""

_SERVICE_ACCOUNT = "service-account.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority: its certificate, and the key that signs for it."""

    certificate: str
    """PEM."""
    key: str = field(repr=False)
    """PEM, PKCS#8, unencrypted."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ClusterKeys:
    """What the masters of a cluster share and the operator signs with."""

    uid: str
    cluster: Authority
    etcd: Authority
    front_proxy: Authority
    service_account_key: str
    """PEM, SEC 1 ("EC PRIVATE KEY")."""

    def __repr__(self) -> str:
        """Name the cluster, show no key."""
        return f"ClusterKeys(uid={self.uid!r}, keys not shown)"

    def authority(self, name: str) -> Authority:
        """Return the authority of one of the names in `AUTHORITIES`."""
        return {"cluster": self.cluster, "etcd": self.etcd, "front-proxy": self.front_proxy}[name]

    def authorities(self) -> dict[str, str]:
        """Return the public part: authority name → PEM certificate."""
        return {name: self.authority(name).certificate for name in AUTHORITIES}


def to_files(keys: ClusterKeys) -> dict[str, str]:
    """Lay the keys out under the file names an envelope and the key store use. Secret."""
    files = {_SERVICE_ACCOUNT: keys.service_account_key}
    for name in AUTHORITIES:
        files[f"{name}-ca.key"] = keys.authority(name).key
        files[f"{name}-ca.crt"] = keys.authority(name).certificate
    return files


def from_files(files: Mapping[str, object], *, uid: str) -> ClusterKeys:
    """Read keys back, and prove that they are whole, fit one another and belong to the cluster.

    Raises:
        KeysError: A part is missing or damaged, a key is not its certificate's, or the authorities
            are those of another cluster.
    """
    parts = {name: _authority(files, f"{name}-ca") for name in AUTHORITIES}
    keys = ClusterKeys(
        uid=uid,
        cluster=parts["cluster"],
        etcd=parts["etcd"],
        front_proxy=parts["front-proxy"],
        service_account_key=_string(files, _SERVICE_ACCOUNT),
    )
    for name in AUTHORITIES:
        _check_authority(name, keys.authority(name), uid)
    load_key(keys.service_account_key, what=_SERVICE_ACCOUNT)
    return keys


def load_key(pem: str, *, what: str) -> ec.EllipticCurvePrivateKey:
    """Parse a P-256 private key. ``what`` names it in the error; the key itself is never shown.

    Raises:
        KeysError: It does not parse, or is of another kind.
    """
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # the library's message is not passed on: it could quote the input
        raise KeysError(f"{what} does not parse as a private key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeysError(f"{what} is no P-256 key")
    return key


def load_certificate(pem: str, *, what: str) -> x509.Certificate:
    """Parse a PEM certificate.

    Raises:
        KeysError: It does not parse.
    """
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeysError(f"{what} does not parse as a certificate: {error}") from error


def _check_authority(name: str, authority: Authority, uid: str) -> None:
    certificate = load_certificate(authority.certificate, what=f"{name}-ca.crt")
    key = load_key(authority.key, what=f"{name}-ca.key")
    if certificate.public_key() != key.public_key():
        raise KeysError(f"{name}-ca.key is not the key of {name}-ca.crt")
    common_names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not common_names or not str(common_names[0].value).endswith(f"-{name}-ca"):
        raise KeysError(f"{name}-ca.crt is not the {name} authority")
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    if [unit.value for unit in units] != [uid]:
        found = ", ".join(str(unit.value) for unit in units) or "none"
        raise KeysError(f"{name}-ca.crt belongs to the cluster with uid {found}, not {uid}")


def _authority(files: Mapping[str, object], stem: str) -> Authority:
    return Authority(certificate=_string(files, f"{stem}.crt"), key=_string(files, f"{stem}.key"))


def _string(files: Mapping[str, object], name: str) -> str:
    value = files.get(name)
    if not isinstance(value, str) or not value:
        raise KeysError(f"{name} is missing")
    return value
