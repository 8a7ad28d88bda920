"""The operator's certificate authority: three authorities, four leaves per replica, one admin.

The operator decides every field of a certificate; of a certificate request nothing but the public
key is taken, and only once the request has proved possession of its private key. So a master that
was taken over cannot ask for a name that is not its own.

Pure: time and serial numbers' randomness are passed in. Private keys are drawn by the cryptography
library itself: an injected source that came from a test by mistake would make keys anybody can
guess. Nothing here stores, sends or prints anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from hakube_gce.cluster_keys import (
    AUTHORITIES,
    UID,
    Authority,
    ClusterKeys,
    load_certificate,
    load_key,
)
from hakube_gce.errors import KeysError
from hakube_gce.leaves import Leaf, LeafShape, ReplicaNames, distinguished_name, shape_of
from hakube_gce.names import LONGEST_PREFIX_WITH_NODES

Randomness = Callable[[int], bytes]
"""Returns that many random bytes; ``os.urandom`` in production."""

AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=398)
NODE_LIFE = timedelta(hours=25)
_BACKDATE = timedelta(hours=1)
"""A master's clock may run behind the operator's while it boots."""

_CURVE = ec.SECP256R1()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredential:
    """A client certificate and its key, both PEM."""

    certificate: str
    key: str = field(repr=False)


# ------------------------------------------------------------------------------------- authorities


def new_cluster_keys(
    prefix: str, uid: str, *, now: datetime, randomness: Randomness
) -> ClusterKeys:
    """Draw all keys of a new cluster.

    Args:
        prefix: The instance prefix, part of the authorities' names.
        uid: The cluster's uid, written into the authorities so that keys of two clusters of the
            same name can be told apart.
        now: UTC; certificates are valid from one hour earlier.
        randomness: Source of serial numbers.
    """
    if not UID.fullmatch(uid):
        raise KeysError(f"cluster uid {uid!r} is not 16 hexadecimal digits")
    made = {name: _new_authority(name, prefix, uid, now, randomness) for name in AUTHORITIES}
    return ClusterKeys(
        uid=uid,
        cluster=made["cluster"],
        etcd=made["etcd"],
        front_proxy=made["front-proxy"],
        # SEC 1, not PKCS#8: the apiserver's key reader (client-go keyutil) takes an EC key in that
        # form alone. ES256 tokens then.
        service_account_key=_pem(_new_key(), PrivateFormat.TraditionalOpenSSL),
    )


def _new_authority(
    name: str, prefix: str, uid: str, now: datetime, randomness: Randomness
) -> Authority:
    key = _new_key()
    subject = distinguished_name(f"{prefix}-{name}-ca", unit=uid)
    certificate = (
        _builder(subject, subject, key.public_key(), randomness)
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + AUTHORITY_LIFE)
        # path length 0: these authorities sign leaves and no further authorities
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate=_certificate_pem(certificate), key=_pem(key, PrivateFormat.PKCS8))


# ------------------------------------------------------------------------------------------ leaves


def issue_leaves(
    keys: ClusterKeys,
    requests: Mapping[str, str],
    names: ReplicaNames,
    *,
    now: datetime,
    randomness: Randomness,
) -> dict[str, str]:
    """Issue all leaves of a replica: leaf name → PEM certificate.

    Args:
        keys: The cluster's keys.
        requests: Leaf name → PEM certificate request; exactly the names of `Leaf`.
        names: Whatever stands in the certificates.
        now: UTC.
        randomness: Source of serial numbers.

    Raises:
        KeysError: A request is missing, unknown or unsound, or an authority is expired.
    """
    if set(requests) != set(Leaf):
        raise KeysError(
            f"{names.name} asked for certificates {sorted(requests)}, expected {sorted(Leaf)}"
        )
    return {
        leaf.value: _issue(
            keys,
            shape_of(leaf, names),
            requested_key(requests[leaf], what=f"{names.name}'s request for {leaf}"),
            now=now,
            randomness=randomness,
        )
        for leaf in Leaf
    }


def reissue_leaves(
    keys: ClusterKeys,
    current: Mapping[str, str],
    names: ReplicaNames,
    *,
    now: datetime,
    randomness: Randomness,
) -> dict[str, str]:
    """Issue a replica's leaves again for the keys it has: leaf name → PEM certificate.

    Nothing but the public key is taken from a current certificate, and only when our own
    authority has signed it: it stands in metadata, where others may have written.

    Raises:
        KeysError: A certificate is missing, or not one of ours.
    """
    if set(current) != set(Leaf):
        raise KeysError(f"{names.name} has certificates {sorted(current)}, not {sorted(Leaf)}")
    return {
        leaf.value: _issue(
            keys,
            shape := shape_of(leaf, names),
            _known_key(current[leaf], keys.authority(shape.authority).certificate, names, leaf),
            now=now,
            randomness=randomness,
        )
        for leaf in Leaf
    }


def _known_key(
    certificate: str, authority: str, names: ReplicaNames, leaf: Leaf
) -> ec.EllipticCurvePublicKey:
    what = f"{names.name}'s current certificate {leaf}"
    key = load_certificate(certificate, what=what).public_key()
    if not signed_by(certificate, authority) or not isinstance(key, ec.EllipticCurvePublicKey):
        raise KeysError(f"{what} was not issued by this cluster")
    return key


def admin_credential(
    keys: ClusterKeys, *, now: datetime, randomness: Randomness
) -> ClientCredential:
    """Make the client certificate of the kubeconfig: cluster admin, 398 days."""
    key = _new_key()
    shape = LeafShape(
        authority="cluster",
        # Kubernetes reads groups from O and the user from CN; system:masters is bound to
        # cluster-admin even when no RBAC object exists
        subject=distinguished_name("kubernetes-admin", organization="system:masters"),
        usages=(ExtendedKeyUsageOID.CLIENT_AUTH,),
    )
    issued = _issue(keys, shape, key.public_key(), now=now, randomness=randomness)
    return ClientCredential(certificate=issued, key=_pem(key, PrivateFormat.PKCS8))


def issue_node(
    keys: ClusterKeys, request: str, name: str, *, now: datetime, randomness: Randomness
) -> str:
    """Issue a kubelet's first certificate, for the node of that name and no other.

    With it the kubelet asks the API for its own and renews that by itself; so it lives a day.

    Raises:
        KeysError: The request is unsound, or the name too long.
    """
    shape = LeafShape(
        authority="cluster",
        subject=distinguished_name(
            f"system:node:{name}",
            organization="system:nodes",
            longest_prefix=LONGEST_PREFIX_WITH_NODES,
        ),
        usages=(ExtendedKeyUsageOID.CLIENT_AUTH,),
    )
    key = requested_key(request, what=f"{name}'s request")
    return _issue(keys, shape, key, now=now, randomness=randomness, life=NODE_LIFE)


def expires(certificate: str) -> datetime:
    """Return the end of a PEM certificate's validity, UTC."""
    return load_certificate(certificate, what="certificate").not_valid_after_utc


def days_left(certificate: str, now: datetime) -> float:
    """Return how many days a PEM certificate is still valid; negative when it is expired."""
    return (expires(certificate) - now) / timedelta(days=1)


def signed_by(certificate: str, authority: str) -> bool:
    """Tell whether a PEM certificate was issued by the authority; its times are not looked at."""
    leaf = load_certificate(certificate, what="certificate")
    issuer = load_certificate(authority, what="authority")
    try:
        leaf.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _issue(
    keys: ClusterKeys,
    shape: LeafShape,
    public_key: ec.EllipticCurvePublicKey,
    *,
    now: datetime,
    randomness: Randomness,
    life: timedelta = LEAF_LIFE,
) -> str:
    authority = keys.authority(shape.authority)
    issuer = load_certificate(authority.certificate, what=f"{shape.authority}-ca.crt")
    if issuer.not_valid_after_utc <= now:
        raise KeysError(
            f"the {shape.authority} authority expired at {issuer.not_valid_after_utc:%Y-%m-%d}: "
            "no certificate of it is accepted any more"
        )
    start = now - _BACKDATE
    builder = (
        _builder(shape.subject, issuer.subject, public_key, randomness)
        .not_valid_before(start)
        # a leaf that outlived its authority would be reported valid and be refused all the same
        .not_valid_after(min(start + life, issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(shape.usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_issuer_key(issuer), critical=False)
    )
    if shape.alternatives:
        alternatives = x509.SubjectAlternativeName(shape.alternatives)
        builder = builder.add_extension(alternatives, critical=False)
    key = load_key(authority.key, what=f"{shape.authority}-ca.key")
    return _certificate_pem(builder.sign(key, hashes.SHA256()))


def requested_key(pem: str, *, what: str) -> ec.EllipticCurvePublicKey:
    """Take the one thing that is taken from a request, once it proved possession of its key.

    Raises:
        KeysError: It does not parse, or does not prove that.
    """
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        key = request.public_key()
        possession_proved = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeysError(f"{what} does not parse: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeysError(f"{what} holds no P-256 key")
    if not possession_proved:
        raise KeysError(
            f"{what} is not signed with its own key: the sender need not have that key"
        )
    return key


# ------------------------------------------------------------------------------------ small pieces


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    randomness: Randomness,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial_number(randomness))
    )


def serial_number(randomness: Randomness) -> int:
    """Draw a positive serial number of at most 20 octets, which is what RFC 5280 allows."""
    return (int.from_bytes(randomness(20)) >> 1) or 1


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier.value)


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(_CURVE)


def _pem(key: ec.EllipticCurvePrivateKey, form: PrivateFormat) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def _certificate_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
