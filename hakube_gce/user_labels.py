"""Labels that the user wants on everything: beside this program's own, which win. Pure.

They are written where a kind takes labels at birth, and once afterwards where it takes them only
by `setLabels`: nobody is corrected who changes them on a resource later.
"""

from collections.abc import Mapping

from hakube_gce import marks
from hakube_gce.list_kinds import NOT_THE_USERS, Pairs, labels, written


def beside(user: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Give a resource's labels."""
    return {**user, **ours}


def read(text: str) -> dict[str, str]:
    """Read what a cluster remembers of HAKUBE_LABELS; nothing of a text that is damaged.

    >>> read("owner=john_doe,team=dev"), read(""), read("Team=Dev")
    ({'owner': 'john_doe', 'team': 'dev'}, {}, {})
    """
    try:
        return dict(labels(text)) if text else {}
    except ValueError:
        return {}


def remembered_by(found: Mapping[str, str]) -> str:
    """Write the user's part of a resource's labels as HAKUBE_LABELS would be.

    >>> remembered_by({"team": "dev", "hakube-uid": "0", "goog-managed": "x"})
    'team=dev'
    """
    kept: Pairs = tuple(sorted(p for p in found.items() if not p[0].startswith(NOT_THE_USERS)))
    return written(kept)


def is_marked(found: Mapping[str, str]) -> bool:
    """Tell whether labels that come after birth have been written: our own came with them."""
    return marks.UID_LABEL in found
