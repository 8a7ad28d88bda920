"""Which set variables look like a slip of the finger for one of ours.

The original ignored what it did not know, and a KUBE_DELETE_NODE=false (one letter short) tore
the cluster down. Pure; it names, and leaves to `settings` what a name means.
"""

import functools
import re
from collections.abc import Iterable

CLOSE = 2
"""Slips (a letter more, less, other, or two exchanged) that still count as one name."""

_INJECTED = re.compile(
    r".*_SERVICE_HOST|.*_SERVICE_PORT(_.*)?|.*_PORT_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?"
    r"|KUBERNETES_PORT(_.*)?",
    re.ASCII,
)
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://.*", re.ASCII)


def is_injected(name: str, value: str) -> bool:
    """Tell whether Kubernetes put the variable into a pod, for a service of that name."""
    if name.endswith("_PORT") and _SERVICE_URL.fullmatch(value):
        return True
    return _INJECTED.fullmatch(name) is not None


def closest(name: str, known: Iterable[str], *, slips: int = CLOSE) -> str:
    """Return the known name that ``name`` was probably meant to be, or an empty string.

    >>> closest("KUBE_DELETE_NODE", ["KUBE_DELETE_NODES", "KUBE_GCE_ZONE"])
    'KUBE_DELETE_NODES'
    >>> closest("kubeDeleteNodes", ["KUBE_DELETE_NODES"])
    'KUBE_DELETE_NODES'
    """
    best = min(
        ((_distance(name, other, slips), other) for other in known), default=(slips + 1, "")
    )
    return best[1] if best[0] <= slips else ""


def _distance(name: str, other: str, slips: int) -> int:
    """Count slips up to ``slips`` and one; case and underscores alone are none at all."""
    if _squeezed(name) == _squeezed(other):
        return 0
    upper = name.upper()
    # Each slip changes the length by one at most, and the set of letters by two.
    if abs(len(upper) - len(other)) > slips or len(set(upper) ^ set(other)) > 2 * slips:
        return slips + 1
    return edit_distance(upper, other)


@functools.lru_cache(maxsize=4096)
def _squeezed(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def edit_distance(a: str, b: str) -> int:
    """Count insertions, deletions, replacements and exchanges of neighbours between two words.

    >>> [edit_distance("ZONE", w) for w in ("ZONE", "ZONES", "ZNOE", "ROME")]
    [0, 1, 1, 2]
    """
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b, start=1):
            cost = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, rows[i - 2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]
