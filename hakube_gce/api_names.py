"""Names of the API beside the cluster's own, in every master's certificate. Pure.

They are decided when the cluster is founded, by the operator, and remembered; a replica's
certificate names no others, or which of two masters answers would decide whether a client believes
it.
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from hakube_gce import address_kinds, names

_LONGEST_HOST = 80
"""Characters of KUBE_SERVER's host: what a cluster remembers must fit into a description."""


def host_of(server: str) -> str:
    """Give the host of KUBE_SERVER when a certificate can name it; else nothing.

    >>> host_of("https://API.example.com:6443"), host_of("https://203.0.113.7/x"), host_of("")
    ('api.example.com', '203.0.113.7', '')
    """
    host = urlsplit(server).hostname or ""
    return host if len(host) <= _LONGEST_HOST and _can_be_named(host) else ""


def together(listed: Iterable[str], server: str) -> tuple[str, ...]:
    """Give all names that a cluster founded now has: those that are listed, and KUBE_SERVER's."""
    return tuple(sorted({*listed, *filter(None, [host_of(server)])}))


def read(text: str) -> tuple[str, ...]:
    """Read what a cluster remembers; what is no name is left out.

    >>> read("api.example.com,10.1.2.3,"), read("")
    (('api.example.com', '10.1.2.3'), ())
    """
    return tuple(name for name in text.split(",") if _can_be_named(name))


def is_address(name: str) -> bool:
    """Tell an address from a host name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def unnamed_note(server: str, named: Iterable[str], *, cluster_ip: str, prefix: str) -> str:
    """Say that KUBE_SERVER's host is in no master's certificate; nothing when it is in all."""
    host = urlsplit(server).hostname or ""
    if not host or host in {*named, cluster_ip, names.master(prefix), "kubernetes", "127.0.0.1"}:
        return ""
    return (
        f"KUBE_SERVER names {host}, and the masters' certificates do not: clients will refuse it "
        "unless something else proves that name. The names are chosen at founding "
        "(HAKUBE_API_NAMES, or KUBE_SERVER's host)"
    )


def _can_be_named(host: str) -> bool:
    if is_address(host):
        return True
    try:
        address_kinds.host(host)
    except ValueError:
        return False
    return True
