"""What a variable's text may be, where it is about networks: ranges, domains, URLs. Pure.

The rules are those of `setting_kinds`: the text fits whole or not at all, and a `ValueError` holds
the reason alone.
"""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from hakube_gce.setting_kinds import Kind

_DOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


def ip_range(widest: int, narrowest: int) -> Callable[[str], str]:
    """Make a parser of IPv4 ranges between two prefix lengths."""

    def parse(text: str) -> str:
        try:
            network = ipaddress.IPv4Network(text, strict=False)
        except ValueError:
            raise ValueError("is not an IPv4 range") from None
        if "/" not in text or not widest <= network.prefixlen <= narrowest:
            raise ValueError(f"is not a range of /{widest} to /{narrowest}")
        if text != str(network):
            raise ValueError(f"has bits set behind its mask; the range is {network}")
        return text

    return parse


def prefix_length(text: str) -> int:
    """Read the size of one node's range of pods.

    >>> prefix_length("/24")
    24
    """
    found = re.fullmatch(r"/([0-9]{2})", text, re.ASCII)
    if found is None or not 16 <= int(found.group(1)) <= 30:
        raise ValueError("is not a prefix length from /16 to /30")
    return int(found.group(1))


def domain(text: str) -> str:
    """Read a DNS domain of any number of labels."""
    if all(_DOMAIN.fullmatch(label) for label in text.split(".")):
        return text
    raise ValueError("is not a DNS domain in lower case")


def host(text: str) -> str:
    """Read a DNS name or an IPv4 address.

    >>> host("api.example.com"), host("10.1.2.3")
    ('api.example.com', '10.1.2.3')
    """
    if re.fullmatch(r"[0-9.]+", text, re.ASCII):
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            raise ValueError("is not an IPv4 address") from None
    if len(text) > 253:
        raise ValueError("is longer than a DNS name may be")
    return domain(text)


def endpoint(text: str) -> str:
    """Read the base URL of a Compute API; without TLS on this machine only."""
    url = urlsplit(text)
    try:
        host, _port = url.hostname or "", url.port
    except ValueError:
        raise ValueError("has no valid port") from None
    if url.scheme not in {"http", "https"} or not host or url.query or url.fragment:
        raise ValueError("is not an http or https URL of a host")
    if "@" in url.netloc:
        raise ValueError("carries a user name or password; it takes none")
    if url.scheme == "http" and not is_loopback(host):
        raise ValueError("is plain http to another machine; use https")
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """Tell whether a URL's host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


SERVICE_RANGE = Kind(says="an IPv4 range", parse=ip_range(12, 28), max_length=32)
"""The API takes the first address, DNS the tenth."""
POD_RANGE = Kind(says="an IPv4 range", parse=ip_range(8, 24), max_length=32)
SUBNET_RANGE = Kind(says="an IPv4 range", parse=ip_range(8, 29), max_length=32)
PREFIX_LENGTH = Kind(says="a prefix length", parse=prefix_length, max_length=8)
DOMAIN = Kind(says="a DNS domain", parse=domain)
ENDPOINT = Kind(says="a URL", parse=endpoint, max_length=1024)
