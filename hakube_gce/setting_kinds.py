"""What a variable's text may be: one strict reading per kind of value.

Each parser takes text that is already ASCII, printable and of bearable length, and returns the
value or raises `ValueError` with the reason alone: whose value it was is the caller's to say.
Patterns fit the whole text or nothing. Nothing here knows a variable's name, or looks at the
machine.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hakube_gce import names

T_co = TypeVar("T_co", covariant=True)

_ZONE = re.compile(r"[a-z]+(?:-[a-z]+)*[0-9]+-[a-z][a-z0-9]*", re.ASCII)
_REGION = re.compile(r"[a-z]+(?:-[a-z]+)*[0-9]+", re.ASCII)
_PROJECT = re.compile(r"(?:[a-z0-9][-a-z0-9.]*:)?[a-z](?:[-a-z0-9]{0,28}[a-z0-9])?", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,6})(?:([GT])(?:i?B)?)?", re.ASCII | re.IGNORECASE)
_ACCOUNT = re.compile(r"[a-z0-9][-a-z0-9.]{0,62}@[a-z0-9][-a-z0-9.]{0,150}", re.ASCII)
_CONTEXT = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._:@/]{0,252}", re.ASCII)
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


def whole(least: int, most: int) -> Kind[int]:
    """Make the kind of a whole number between two bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"is not a number from {least} to {most}")
        return int(text)

    return Kind(says=f"a number from {least} to {most}", parse=parse, max_length=16)


def group_size(text: str) -> int:
    """Read how many nodes a group may have; nought and less stand for the default."""
    if not re.fullmatch(r"-?[0-9]{1,6}", text, re.ASCII):
        raise ValueError("is not a whole number of at most six digits")
    return int(text)


def provisioning(text: str) -> str:
    """Read how VMs are provisioned; true and false are the original's words.

    >>> [provisioning(t) for t in ("false", "True", "spot")]
    ['standard', 'preemptible', 'spot']
    """
    if text.lower() == "spot":
        return "spot"
    try:
        return "preemptible" if boolean(text) else "standard"
    except ValueError:
        raise ValueError("is neither true, false nor spot") from None


def service_account(text: str) -> str:
    """Read a service account: Compute Engine's default one, or an address."""
    if text == "default" or _ACCOUNT.fullmatch(text):
        return text
    raise ValueError("is neither default nor a service account's address")


def context_name(text: str) -> str:
    """Read the name of a kubeconfig's context: one word, with what other tools put into theirs."""
    if _CONTEXT.fullmatch(text):
        return text
    raise ValueError(
        "is no name for a context (letters, digits and .-_:@/, a letter or digit first)"
    )


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
COUNT = whole(1, 100)
NODES = whole(0, 15000)
GROUP_SIZE = Kind(says="a number", parse=group_size, max_length=16)
PROVISIONING = Kind(says="true, false or spot", parse=provisioning, max_length=16, trimmed=True)
ACCOUNT = Kind(says="default, or a service account", parse=service_account)
CONTEXT = Kind(says="a context's name", parse=context_name)
SECONDS = Kind(says="seconds", parse=seconds, max_length=16)
IMAGE = Kind(says="an image", parse=image)
