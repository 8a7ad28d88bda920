"""Where requests may go when it is not to Google: a base URL, checked before anything is sent.

Pure. Plain http is for this machine alone: whoever can read the wire between could otherwise
change the cluster. Whether something listens there is not asked.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from hakube_gce.errors import SettingsError

_EXAMPLE = "for example http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A Compute API's base URL, without a path."""

    url: str
    loopback: bool
    """Requests stay on this machine: no proxy may be asked."""


def parse_endpoint(text: str) -> Endpoint:
    """Check a base URL.

    The suffix ``/compute/v1``, which gcloud's own override wants, is accepted and left away:

    >>> parse_endpoint("http://127.0.0.1:8080/compute/v1/")
    Endpoint(url='http://127.0.0.1:8080', loopback=True)

    Raises:
        SettingsError: Not a base URL, or plain http to another machine.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise _problem(text, f"is not a URL ({error})") from None
    host = parts.hostname or ""
    flaw = _flaw(parts, host)
    if flaw:
        raise _problem(text, flaw)
    shown = f"[{host}]" if ":" in host else host
    url = f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
    return Endpoint(url=url, loopback=_is_loopback(host))


def _flaw(parts: SplitResult, host: str) -> str:
    if parts.scheme not in {"http", "https"} or not host:
        return "is not an http or https URL with a host"
    if parts.username is not None or parts.query or parts.fragment:
        return "must have no user, query or fragment"
    if parts.path.rstrip("/") not in {"", "/compute/v1"}:
        return f"must have no path (it has {parts.path})"
    if parts.scheme == "http" and not _is_loopback(host):
        return f"is plain http to another machine ({host}): use https, or a loopback address"
    return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":  # RFC 6761: never leaves the machine
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _problem(text: str, flaw: str) -> SettingsError:
    return SettingsError([f"HAKUBE_COMPUTE_ENDPOINT={text!r} {flaw}; {_EXAMPLE}"])
