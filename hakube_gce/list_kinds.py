"""What a variable's text may be, where it lists things: zones, labels, scopes. Pure.

The rules are those of `setting_kinds`: the text fits whole or not at all, and a `ValueError` holds
the reason alone.
"""

import re
from collections.abc import Callable

from hakube_gce import address_kinds as addresses
from hakube_gce import setting_kinds as kinds
from hakube_gce.access_scopes import SCOPES, URL_START
from hakube_gce.setting_kinds import Kind

MOST_MASTERS = 7
"""More voters make every write slower and lose no less: etcd's own advice."""

MOST_API_NAMES = 4
MOST_LABELS = 16
LONGEST_LABELS = 400
"""What a cluster remembers of itself must fit into a snapshot's description (2048 characters)."""

Pairs = tuple[tuple[str, str], ...]

_LABEL_KEY = re.compile(r"[a-z][-a-z0-9_]{0,62}", re.ASCII)
_LABEL_VALUE = re.compile(r"[-a-z0-9_]{0,63}", re.ASCII)
NOT_THE_USERS = ("hakube", "goog")
"""How keys of labels begin that this program, or Google's own tools, write."""

_NODE_LABEL_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)
_NODE_LABEL_PREFIX = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_SCOPE_URL = re.compile(re.escape(URL_START) + r"[a-z0-9._/-]{1,100}", re.ASCII)


def zones_of_a_region(text: str) -> tuple[str, ...]:
    """Read zones with commas between, all of one region.

    >>> zones_of_a_region("europe-west1-b,europe-west1-c")
    ('europe-west1-b', 'europe-west1-c')
    """
    found = _zones(text.split(","))
    regions = sorted({zone.rpartition("-")[0] for zone in found})
    if len(regions) > 1:
        raise ValueError(f"names zones of {len(regions)} regions ({', '.join(regions)})")
    if len(found) > MOST_MASTERS:
        raise ValueError(f"names {len(found)} masters, and {MOST_MASTERS} are the most")
    return found


def zones_with_blanks(text: str) -> tuple[str, ...]:
    """Read zones with blanks between, of any region."""
    return _zones(text.split(" "))


def _zones(words: list[str]) -> tuple[str, ...]:
    found = []
    for word in filter(None, words):
        try:
            found.append(kinds.zone(word))
        except ValueError as reason:
            raise ValueError(f"lists {word[:40]!a}, which {reason}") from None
    if not found:
        raise ValueError("names no zone")
    return tuple(found)


def labels(text: str) -> Pairs:
    """Read labels for Compute Engine; what it would refuse is shown in the form it takes.

    >>> labels("team=dev,owner=john_doe")
    (('owner', 'john_doe'), ('team', 'dev'))
    """
    found = _pairs(text)
    wrong = [f"{k}={v}" for k, v in found if not _is_label(k, v)]
    if wrong:
        legal = ",".join(f"{_legal_key(k)}={_legal(v)}" for k, v in found)
        raise ValueError(
            f"holds {', '.join(f'{each[:40]!a}' for each in wrong[:3])}: a label has lower-case "
            f"letters, digits, _ and -, a letter first, 63 at most; legal would be {legal[:200]}"
        )
    if kept := [key for key, _value in found if key.startswith(NOT_THE_USERS)]:
        begins = " or ".join(NOT_THE_USERS)
        raise ValueError(f"says {kept[0]}; labels that begin with {begins} are not yours to set")
    if len(found) > MOST_LABELS:
        raise ValueError(f"holds {len(found)} labels, and {MOST_LABELS} are the most")
    return tuple(sorted(found))


def node_labels(text: str) -> Pairs:
    """Read labels for Kubernetes' nodes, as kubelet's --node-labels takes them."""
    found = _pairs(text)
    for key, value in found:
        prefix, slash, name = key.rpartition("/")
        fits = _NODE_LABEL_NAME.fullmatch(name) and not (value and not _is_node_value(value))
        if not fits or (slash and not _NODE_LABEL_PREFIX.fullmatch(prefix)):
            raise ValueError(f"holds {f'{key}={value}'[:40]!a}, which is no label of a node")
    return tuple(sorted(found))


def scopes(text: str) -> tuple[str, ...]:
    """Read access scopes: gcloud's short names, or whole URLs.

    >>> scopes("monitoring,storage-ro")[1]
    'https://www.googleapis.com/auth/devstorage.read_only'
    """
    found: list[str] = []
    for word in text.split(","):
        if word in SCOPES:
            found += SCOPES[word]
        elif _SCOPE_URL.fullmatch(word):
            found.append(word)
        else:
            raise ValueError(f"lists {word[:40]!a}, which is no access scope")
    return tuple(dict.fromkeys(found))


def api_names(text: str) -> tuple[str, ...]:
    """Read host names and IPv4 addresses with commas between, for certificates.

    >>> api_names("api.example.com,10.1.2.3")
    ('10.1.2.3', 'api.example.com')
    """
    found = text.split(",")
    for name in found:
        try:
            addresses.host(name)
        except ValueError as reason:
            raise ValueError(f"lists {name[:40]!a}, which {reason}") from None
    if len(set(found)) > MOST_API_NAMES:
        raise ValueError(f"lists {len(set(found))} names, and {MOST_API_NAMES} are the most")
    return tuple(sorted(set(found)))


def written(pairs: Pairs) -> str:
    """Write pairs as they are read."""
    return ",".join(f"{key}={value}" for key, value in pairs)


def _pairs(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for item in text.split(","):
        key, sign, value = item.partition("=")
        if not sign:
            raise ValueError(f"holds {item[:40]!a}, which is not NAME=VALUE")
        if key in dict(found):
            raise ValueError(f"says {key[:40]!a} twice")
        found.append((key, value))
    return found


def _is_label(key: str, value: str) -> bool:
    return bool(_LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value))


def _is_node_value(value: str) -> bool:
    return _NODE_LABEL_NAME.fullmatch(value) is not None


def _legal(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "_", text.strip().lower())[:63]


def _legal_key(text: str) -> str:
    return re.sub(r"^[^a-z]*", "", _legal(text)) or "label"


def _kind(says: str, parse: Callable[[str], Pairs]) -> Kind[Pairs]:
    return Kind(says=says, parse=parse, max_length=LONGEST_LABELS)


ZONES_OF_A_REGION = Kind(says="zones of a region", parse=zones_of_a_region, max_length=512)
ZONES = Kind(says="zones", parse=zones_with_blanks, max_length=1024)
LABELS = _kind("labels", labels)
NODE_LABELS = _kind("labels of nodes", node_labels)
API_NAMES = Kind(says="host names", parse=api_names, max_length=128)
SCOPES_OF_ACCESS = Kind(says="access scopes", parse=scopes, max_length=2048)
