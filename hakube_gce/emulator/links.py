"""References to resources: canonical links out, anything Google's clients send in.

Links always name www.googleapis.com, whatever port the lab listens on: some clients strip exactly
that. Pure text work; whether a resource exists is not asked here.
"""

import re

from hakube_gce.emulator.calls import Call
from hakube_gce.emulator.refusals import invalid

ROOT = "https://www.googleapis.com/compute/v1/"
_HEAD = re.compile(r"(?:https?://[^/]+)?/?(?:compute/[a-z0-9]+/)?")
_SHORT = re.compile(
    r"projects/[^/]+/(?:global|zones/[^/]+|regions/[^/]+)/[a-zA-Z]+/(?:family/)?[^/]+", re.ASCII
)


def link(path: str) -> str:
    """Return the canonical link of a short path.

    >>> link("projects/p/global/networks/default")
    'https://www.googleapis.com/compute/v1/projects/p/global/networks/default'
    """
    return ROOT + path


def short(reference: str) -> str:
    """Strip scheme, host and version from a link; a short path stays as it is.

    >>> short("http://127.0.0.1:9/compute/v1/projects/p/zones/z/disks/d")
    'projects/p/zones/z/disks/d'
    """
    head = _HEAD.match(reference)
    return reference[head.end() :] if head else reference


def last(reference: str) -> str:
    """Return the last part of a link or path."""
    return reference.rsplit("/", 1)[-1]


def zone_of(path: str) -> str:
    """Return the zone a short path or link lies in, or an empty text."""
    found = re.search(r"/zones/([^/]+)", path)
    return found[1] if found else ""


def region_of(path: str) -> str:
    """Return the region a regional short path or link names, or an empty text."""
    found = re.search(r"/regions/([^/]+)", path)
    return found[1] if found else ""


def resolve(reference: object, call: Call, field: str) -> str:
    """Return the short path a request's reference means.

    Takes a full link of any host, ``projects/…``, or a path within the project (``zones/…``,
    ``regions/…``, ``global/…``).

    Raises:
        Refusal: 400 when it is none of these.
    """
    if isinstance(reference, str):
        path = short(reference)
        if path.startswith(("zones/", "regions/", "global/")):
            path = f"projects/{call.project}/{path}"
        if _SHORT.fullmatch(path):
            return path
    raise invalid(field, reference, "The URL is malformed.")
