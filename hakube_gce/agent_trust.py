"""Whose signature counts as a replica's: from the certificates in its metadata to one public key.

Pure. The right to change an instance's metadata is root on that VM, so these certificates prove a
replica no better than the cloud does; what they do prevent is that one VM speaks for another, and,
where this machine knows the cluster's authority, that a look-alike cluster is believed.
"""

import json

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hakube_gce.cluster_keys import AUTHORITIES, load_certificate
from hakube_gce.errors import AnswerForged, KeysError
from hakube_gce.marks import CERTIFICATES_KEY
from hakube_gce.pki import signed_by


def agent_key(
    certificates: str, *, replica: str, cluster_ca: str
) -> ec.EllipticCurvePublicKey | None:
    """Return the key that signs a replica's lines, or None while it has no certificate.

    The certificate's end is deliberately not looked at: its key lives exactly as long as the VM,
    whose numeric id every line carries, and an operator must not go blind because nobody ran this
    program for a year.

    Args:
        certificates: The instance's ``hakube-certificates``.
        replica: Name of the replica.
        cluster_ca: PEM of the cluster's authority when it is known here, else empty: then the one
            in ``certificates`` is taken.

    Raises:
        AnswerForged: The certificate is not this replica's, or not of this cluster's authority.
    """
    if not certificates:
        return None
    authority, agent = _parse_certificates(certificates, replica)
    try:
        if cluster_ca and not _same_certificate(authority, cluster_ca):
            raise _forged(replica, "its cluster authority is not the one this machine knows")
        if not signed_by(agent, authority):
            raise _forged(replica, "its agent's certificate is not of the cluster's authority")
        certificate = load_certificate(agent, what="the agent's certificate")
    except KeysError as error:
        raise _forged(replica, error.message) from error
    key = certificate.public_key()
    if not _is_agents(certificate, replica) or not isinstance(key, ec.EllipticCurvePublicKey):
        raise _forged(replica, "its agent's certificate was issued for something else")
    return key


def _parse_certificates(text: str, replica: str) -> tuple[str, str]:
    try:
        value = json.loads(text)
        authority, agent = value["authorities"][AUTHORITIES[0]], value["leaves"]["agent"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _forged(replica, "they are not as this program writes them") from error
    if not isinstance(authority, str) or not isinstance(agent, str):
        raise _forged(replica, "they are not as this program writes them")
    return authority, agent


def _is_agents(certificate: x509.Certificate, replica: str) -> bool:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    return [name.value for name in names] == [f"hakube-agent:{replica}"] and (
        ExtendedKeyUsageOID.CODE_SIGNING in usage
    )


def _same_certificate(one: str, other: str) -> bool:
    what = "the cluster authority"
    return load_certificate(one, what=what) == load_certificate(other, what=what)


def _forged(replica: str, why: str) -> AnswerForged:
    return AnswerForged(
        f"the certificates in the metadata of {replica} cannot be trusted: {why}",
        replica=replica,
        hint=f"find out who changed the metadata key {CERTIFICATES_KEY} of {replica}; "
        "a replica in doubt is best removed and replaced",
    )
