"""What each certificate says: the channel protocol's table of leaves, as values.

Pure. Every field is decided here, from what the operator knows about a replica; nothing of a
request is looked at. Signing is done elsewhere.
"""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hakube_gce.api_names import is_address
from hakube_gce.errors import KeysError
from hakube_gce.names import master

_COMMON_NAME_MAX = 64
"""X.520's bound, which the cryptography library and openssl hold to."""

_LOOPBACK = ipaddress.IPv4Address("127.0.0.1")


class Leaf(StrEnum):
    """The certificates a replica gets, by their names in the channel's protocol."""

    AGENT = "agent"
    ETCD = "etcd"
    ETCD_CLIENT = "etcd-client"
    APISERVER = "apiserver"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaNames:
    """What the operator knows about a replica and puts into its certificates."""

    name: str
    prefix: str
    internal_ip: str
    cluster_ip: str
    service_cidr: str
    dns_domain: str
    api_names: tuple[str, ...] = ()
    """Whatever else clients call the API: host names and addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafShape:
    """Every field of a leaf that is not its key, its time or its number."""

    authority: str
    subject: x509.Name
    usages: tuple[x509.ObjectIdentifier, ...]
    alternatives: tuple[x509.GeneralName, ...] = ()


def shape_of(leaf: Leaf, names: ReplicaNames) -> LeafShape:
    """Decide what a replica's leaf says.

    Raises:
        KeysError: A name is too long for a certificate, or an address is none.
    """
    own = (_ip(names.internal_ip), x509.IPAddress(_LOOPBACK))
    match leaf:
        case Leaf.AGENT:
            # code signing is no TLS purpose: this certificate opens no connection anywhere
            subject = distinguished_name(f"hakube-agent:{names.name}")
            return LeafShape(
                authority="cluster", subject=subject, usages=(ExtendedKeyUsageOID.CODE_SIGNING,)
            )
        case Leaf.ETCD:
            # IP names alone: with a DNS name etcd asks the resolver on every connection (measured
            # with 3.5), one thing more that can be down. A peer is server and client at once, and
            # etcd refuses it unless it may be both.
            return LeafShape(
                authority="etcd",
                subject=distinguished_name(f"etcd-{names.name}"),
                usages=(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
                alternatives=own,
            )
        case Leaf.ETCD_CLIENT:
            subject = distinguished_name("kube-apiserver-etcd-client")
            return LeafShape(
                authority="etcd", subject=subject, usages=(ExtendedKeyUsageOID.CLIENT_AUTH,)
            )
        case Leaf.APISERVER:
            return LeafShape(
                authority="cluster",
                subject=distinguished_name("kube-apiserver"),
                usages=(ExtendedKeyUsageOID.SERVER_AUTH,),
                alternatives=_apiserver_alternatives(names, own),
            )


def _apiserver_alternatives(
    names: ReplicaNames, own: tuple[x509.GeneralName, ...]
) -> tuple[x509.GeneralName, ...]:
    service = "kubernetes.default.svc"
    dns = (
        "kubernetes",
        "kubernetes.default",
        service,
        f"{service}.{names.dns_domain}",
        master(names.prefix),
        names.name,
    )
    alternatives = (
        _ip(names.cluster_ip),
        *own,
        _ip(service_ip(names.service_cidr)),
        *(x509.DNSName(name) for name in dns),
        *(_ip(name) if is_address(name) else x509.DNSName(name) for name in names.api_names),
    )
    # the first master's name is also the load balancer's; fromkeys drops repetitions, keeps order
    return tuple(dict.fromkeys(alternatives))


def service_ip(service_cidr: str) -> str:
    """Return the address of the ``kubernetes`` service: the first of the range.

    >>> service_ip("10.0.0.0/16")
    '10.0.0.1'
    """
    try:
        network = ipaddress.ip_network(service_cidr)
    except ValueError as error:
        raise KeysError(f"service range {service_cidr!r} is no network: {error}") from error
    if network.num_addresses < 4:
        raise KeysError(f"service range {service_cidr} is too small for one service")
    return str(network[1])


def distinguished_name(
    common_name: str, *, organization: str = "", unit: str = "", longest_prefix: int = 40
) -> x509.Name:
    """Build a subject.

    Args:
        common_name: Of its bearer.
        organization: A group, to Kubernetes.
        unit: The cluster's uid, in authorities.
        longest_prefix: How long the cluster's name may be, for the error.

    Raises:
        KeysError: The common name is longer than certificates allow.
    """
    if len(common_name) > _COMMON_NAME_MAX:
        raise KeysError(
            f"the certificate name {common_name!r} has {len(common_name)} characters, "
            f"{_COMMON_NAME_MAX} are allowed",
            hint=f"choose a shorter KUBE_GCE_INSTANCE_PREFIX: at most {longest_prefix} characters",
        )
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    if unit:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name(parts)


def _ip(address: str) -> x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError as error:
        raise KeysError(f"{address!r} is no IP address to put into a certificate") from error
