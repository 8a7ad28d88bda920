"""Snapshots of this cluster: what their labels say, which are ours, which is the newest. Pure.

A snapshot outlives everything else of a cluster, its address included. So what has to be known of
it, when nothing else is left, stands on it: the mark, etcd's revision, whose disk it was.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hakube_gce import marks
from hakube_gce.model import Observed
from hakube_gce.resources import DiskSnapshot
from hakube_gce.timestamps import parse_rfc3339

_FACTS = {
    "revision": "hakube-revision",
    "total_keys": "hakube-keys",
    "size_bytes": "hakube-size",
    "hash": "hakube-hash",
    "replica": "hakube-replica",
}
_NUMBERS = ("revision", "total_keys", "size_bytes")
_LONGEST_PREFIX = 63 - len("-snapshot-20261121062000-abc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a snapshot says of the database that it holds."""

    revision: int = 0
    total_keys: int = 0
    size_bytes: int = 0
    hash: str = ""
    replica: str = ""


def name(prefix: str, operation_id: str, now: datetime) -> str:
    """Name a new snapshot; a long prefix is cut, because the mark tells whose it is.

    >>> name("kubernetes", "abcdef012345", datetime(2026, 11, 21, 6, 20, tzinfo=UTC))
    'kubernetes-snapshot-20261121062000-abc'
    """
    head = prefix[:_LONGEST_PREFIX].rstrip("-")
    return f"{head}-snapshot-{now.astimezone(UTC):%Y%m%d%H%M%S}-{operation_id[:3]}"


def labels(facts: Facts) -> dict[str, str]:
    """Write facts as labels."""
    return {label: str(getattr(facts, field)) for field, label in _FACTS.items()}


def facts_of(snapshot: DiskSnapshot) -> Facts:
    """Read facts back; what is missing or damaged is empty."""
    said = {field: snapshot.labels.get(label, "") for field, label in _FACTS.items()}
    numbers = {f: int(t) if (t := said[f]).isascii() and t.isdigit() else 0 for f in _NUMBERS}
    return Facts(hash=said["hash"], replica=said["replica"], **numbers)


def description(inherited: Mapping[str, str]) -> str:
    """Write what the cluster's masters are like, for whoever restores without any master left."""
    return json.dumps({"inherited": dict(inherited)}, sort_keys=True)


def inherited_of(snapshot: DiskSnapshot) -> dict[str, str]:
    """Read what the cluster's masters were like; nothing when the description says it not."""
    try:
        kept = json.loads(snapshot.description)["inherited"]
    except (ValueError, KeyError, TypeError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {k: v for k, v in kept.items() if isinstance(k, str) and isinstance(v, str)}


def is_ready(snapshot: DiskSnapshot) -> bool:
    """Tell whether a disk can be made from it."""
    return snapshot.status == "READY"


def uid_of(snapshot: DiskSnapshot) -> str:
    """Give the uid of the cluster that a snapshot is of."""
    mark = marks.mark_from_labels(snapshot.labels)
    return mark.uid if mark else ""


def taken_at(snapshot: DiskSnapshot) -> datetime:
    """Give the moment it was taken; one that does not say is older than all."""
    return parse_rfc3339(snapshot.created) or datetime(1970, 1, 1, tzinfo=UTC)


def newest_first(found: Sequence[DiskSnapshot]) -> tuple[DiskSnapshot, ...]:
    """Sort snapshots."""
    return tuple(sorted(found, key=lambda s: (taken_at(s), s.name), reverse=True))


def named(seen: Observed, wanted: str) -> DiskSnapshot | None:
    """Find one of the snapshots that were made of a cluster of this name."""
    return next((s for s in seen.snapshots if s.name == wanted), None)


def of_this_cluster(seen: Observed, uid: str = "") -> tuple[DiskSnapshot, ...]:
    """List the very cluster's snapshots, the newest first; not those of one of its name before."""
    wanted = uid or seen.uid
    return newest_first([s for s in seen.snapshots if wanted and uid_of(s) == wanted])


def to_restore(seen: Observed, wanted: str) -> DiskSnapshot | None:
    """Choose the snapshot to restore: the one that was named, else the newest that is ready.

    With the cluster's address still there, one of this very cluster; else of any of its name.
    """
    if wanted:
        return named(seen, wanted)
    found = of_this_cluster(seen) if seen.uid else newest_first(seen.snapshots)
    return next((s for s in found if is_ready(s)), None)


def age(snapshot: DiskSnapshot, now: datetime) -> str:
    """Say how old a snapshot is.

    >>> old = DiskSnapshot(name="s", id="1", status="READY", created="2026-11-20T06:20:00Z",
    ...                    disk="d", zone="z", disk_size_gb=20)
    >>> age(old, datetime(2026, 11, 21, 8, 20, tzinfo=UTC))
    '26 h'
    """
    minutes = max(0, round((now - taken_at(snapshot)).total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 4320 else f"{minutes // 1440} days"


def summary(snapshot: DiskSnapshot) -> str:
    """Say in one line what a snapshot holds."""
    facts = facts_of(snapshot)
    return (
        f"{snapshot.name}: taken {taken_at(snapshot):%Y-%m-%d %H:%M:%S} UTC of "
        f"{facts.replica or snapshot.disk}, revision {facts.revision}, {facts.total_keys} keys, "
        f"{facts.size_bytes} bytes"
    )


def as_object(snapshot: DiskSnapshot) -> dict[str, object]:
    """Give a snapshot as JSON."""
    facts = facts_of(snapshot)
    return {
        "name": snapshot.name,
        "created": taken_at(snapshot).isoformat(),
        "status": snapshot.status,
        "uid": uid_of(snapshot),
        "replica": facts.replica or None,
        "revision": facts.revision,
        "total_keys": facts.total_keys,
        "size_bytes": facts.size_bytes,
        "hash": facts.hash or None,
    }
