"""What a variable's text may be: one strict reading per kind of value.

Each parser takes text that is already ASCII, printable and of bearable length, and returns the
value or raises `ValueError` with the reason alone: whose value it was is the caller's to say.
Patterns fit the whole text or nothing. Nothing here knows a variable's name, or looks at the
machine.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from hakube_gce import names

T_co = TypeVar("T_co", covariant=True)

_ZONE = re.compile(r"[a-z]+(?:-[a-z]+)*[0-9]+-[a-z][a-z0-9]*", re.ASCII)
_REGION = re.compile(r"[a-z]+(?:-[a-z]+)*[0-9]+", re.ASCII)
_PROJECT = re.compile(r"(?:[a-z0-9][-a-z0-9.]*:)?[a-z](?:[-a-z0-9]{0,28}[a-z0-9])?", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,6})(?:([GT])(?:i?B)?)?", re.ASCII | re.IGNORECASE)
_DOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_IMAGE = re.compile(r"(?:projects/[^/]+/global/images/)?(?:family/)?([^/]+)", re.ASCII)

_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no"})

SMALLEST_DISK_GB = 10
LARGEST_DISK_GB = 65536
"""Compute Engine's bounds for pd-ssd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T_co]):
    """A kind of value: how it is read and how it is described to people."""

    says: str
    parse: Callable[[str], T_co]
    max_length: int = 253
    trimmed: bool = False
    """Blanks and line ends around the text mean nothing."""
    ascii_only: bool = True
    """Paths may hold what a file system holds; names may not."""


def boolean(text: str) -> bool:
    """Read a switch; what the original took for "not exactly true" is refused instead.

    >>> [boolean(t) for t in ("true", "False", "no", "1")]
    [True, False, False, True]
    """
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("is neither true nor false (true, false, 1, 0, yes, no)")


def any_text(text: str) -> str:
    """Take whatever is written."""
    return text


def is_set(text: str) -> bool:
    """Read a variable whose mere presence counts, as no-color.org asks for."""
    return bool(text)


def zone(text: str) -> str:
    """Read a zone's name; whether there is such a zone is for Compute Engine to say."""
    if _ZONE.fullmatch(text):
        return text
    if _REGION.fullmatch(text):
        raise ValueError("is a region; a zone has a letter after it")
    raise ValueError("is not the name of a zone")


def resource_name(text: str) -> str:
    """Read a name of Compute Engine's: a network, a machine type, a VM."""
    if names.RESOURCE_NAME.fullmatch(text):
        return text
    raise ValueError(
        "is not a resource name (lower-case letters, digits and dashes, a letter first, no dash "
        "last, 63 at most)"
    )


def project(text: str) -> str:
    """Read a project id; one that belongs to a domain has it before a colon."""
    if _PROJECT.fullmatch(text):
        return text
    raise ValueError("is not a project id (lower-case letters, digits and dashes, 30 at most)")


def size_gb(text: str) -> int:
    """Read a disk's size; like gcloud, a unit of GB means GiB.

    >>> [size_gb(t) for t in ("20", "20GB", "20gib", "1TB")]
    [20, 20, 20, 1024]
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError("is not a size (a number, then nothing, GB or TB)")
    number, unit = found.groups()
    size = int(number) * (1024 if unit in {"T", "t"} else 1)
    if not SMALLEST_DISK_GB <= size <= LARGEST_DISK_GB:
        raise ValueError(f"is outside {SMALLEST_DISK_GB}GB to {LARGEST_DISK_GB}GB")
    return size


def seconds(text: str) -> int:
    """Read a time limit, a day at most."""
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or not 1 <= int(text) <= 86400:
        raise ValueError("is not a number of seconds from 1 to 86400")
    return int(text)


def count(text: str) -> int:
    """Read a number of things, a hundred at most."""
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= 100:
        raise ValueError("is not a number from 1 to 100")
    return int(text)


def image(text: str) -> str:
    """Read an image's name, ``family/NAME`` or full path; see `Settings.image` for the project."""
    found = _IMAGE.fullmatch(text)
    if found is None or not names.RESOURCE_NAME.fullmatch(found.group(1)):
        raise ValueError("is neither an image name, family/NAME nor projects/P/global/images/…")
    if text.startswith("projects/"):
        project(text.split("/")[1])
    if found.group(1).startswith("cos-"):
        raise ValueError(
            "is Container-Optimized OS, which has no Python; Debian or Ubuntu LTS run"
        )
    return text


def service_range(text: str) -> str:
    """Read the range of service addresses; the API takes the first, DNS the tenth."""
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        raise ValueError("is not an IPv4 range") from None
    if "/" not in text or not 12 <= network.prefixlen <= 28:
        raise ValueError("is not a range of /12 to /28")
    if text != str(network):
        raise ValueError(f"has bits set behind its mask; the range is {network}")
    return text


def domain(text: str) -> str:
    """Read a DNS domain of any number of labels."""
    if all(_DOMAIN.fullmatch(label) for label in text.split(".")):
        return text
    raise ValueError("is not a DNS domain in lower case")


def path(text: str) -> str:
    """Read a path that means the same from every folder."""
    if text.startswith(("/", "~/")):
        return text
    raise ValueError("is not an absolute path (or one that begins with ~/)")


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
        raise ValueError("carries a user name or password; the endpoint takes none")
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


def latency(text: str) -> str:
    """Read the emulator's latency: a word, or where a profile stands."""
    if text in {"none", "realistic"}:
        return text
    try:
        return path(text)
    except ValueError:
        raise ValueError("is neither none, realistic nor the absolute path of a profile") from None


def one_of(*words: str, **not_yet: str) -> Callable[[str], str]:
    """Make a parser of exact words; ``not_yet`` maps others (``_`` for ``-``) to their reason."""
    missing = {word.replace("_", "-"): reason for word, reason in not_yet.items()}

    def parse(text: str) -> str:
        if text in words:
            return text
        if text in missing:
            raise ValueError(f"is not available yet: {missing[text]}")
        raise ValueError(f"is none of {', '.join(words)}")

    return parse


BOOLEAN = Kind(says="true or false", parse=boolean, max_length=16, trimmed=True)
PRESENCE = Kind(says="anything but nothing", parse=is_set)
TEXT = Kind(says="text", parse=any_text)
ZONE = Kind(says="a zone", parse=zone, max_length=63)
NAME = Kind(says="a resource name", parse=resource_name, max_length=63)
PROJECT = Kind(says="a project id", parse=project, max_length=100)
SIZE = Kind(says="a size in GB", parse=size_gb, max_length=16)
COUNT = Kind(says="a number from 1 to 100", parse=count)
SECONDS = Kind(says="seconds", parse=seconds, max_length=16)
IMAGE = Kind(says="an image", parse=image)
RANGE = Kind(says="an IPv4 range", parse=service_range, max_length=32)
DOMAIN = Kind(says="a DNS domain", parse=domain)
PATH = Kind(says="an absolute path", parse=path, max_length=4096, ascii_only=False)
ENV_FILE = Kind(says="a path, or off", parse=any_text, max_length=4096, ascii_only=False)
PATH_LIST = Kind(
    says="paths with colons between", parse=any_text, max_length=32768, ascii_only=False
)
ENDPOINT = Kind(says="a URL", parse=endpoint, max_length=1024)
LATENCY = Kind(says="none, realistic or a path", parse=latency, max_length=4096, ascii_only=False)
