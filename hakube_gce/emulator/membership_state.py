"""What the members of the modelled etcd keep on their disks, and what etcd says when it refuses.

Values and small functions; `membership` moves them. Messages and gRPC codes are etcd's own.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

HEALTH_INTERVAL_S = 5.0
"""A voter connected for less than this counts as unhealthy (etcd's HealthInterval)."""


class EtcdRefused(Exception):
    """What etcd would have answered instead."""

    def __init__(self, code: int, message: str) -> None:
        """Carry the gRPC code and etcd's message."""
        super().__init__(message)
        self.code = code
        self.message = message


class JoinFailed(Exception):
    """An etcd process that would have ended right after its start; the text is its last line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """A member as the replicated membership has it."""

    id: int
    name: str
    """Empty until it has started for the first time."""
    peer_url: str
    learner: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicated:
    """What one member's disk holds: the outcome of the log up to an index."""

    applied_index: int = 0
    term: int = 0
    revision: int = 1
    members: tuple[MemberRecord, ...] = ()
    removed: frozenset[int] = frozenset()
    keys: Mapping[str, str] = field(default_factory=dict)

    def voters(self) -> tuple[MemberRecord, ...]:
        """Return those with a vote."""
        return tuple(m for m in self.members if not m.learner)

    def member(self, member_id: int) -> MemberRecord | None:
        """Return the member with this id."""
        return next((m for m in self.members if m.id == member_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Where etcd versions and configurations differ; the defaults are the strictest."""

    strict_reconfiguration: bool = True
    """``--strict-reconfig-check``."""
    health_interval_s: float = HEALTH_INTERVAL_S
    """0 switches the five-second rule off; a voter that is down stays unhealthy."""
    adds_while_quorum_holds: bool = False
    """3.5.30 and 3.6.11 accept an addition when a quorum stands with the newcomer counted as
    down."""
    catch_up_s: float = 0.0
    """How long a learner needs after its start until it is in sync."""


def member_hash(*parts: str) -> int:
    """Return a 64-bit id; never 0."""
    return int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:8], "big") or 1


def dump_disk(disk: Replicated) -> dict[str, Any]:
    """Return a disk fit for JSON."""
    members: Sequence[dict[str, Any]] = [
        {"id": m.id, "name": m.name, "peer_url": m.peer_url, "learner": m.learner}
        for m in disk.members
    ]
    return {
        "applied_index": disk.applied_index,
        "term": disk.term,
        "revision": disk.revision,
        "members": members,
        "removed": sorted(disk.removed),
        "keys": dict(disk.keys),
    }


def load_disk(content: Mapping[str, Any]) -> Replicated:
    """Return a disk from what `dump_disk` returned."""
    return Replicated(
        applied_index=content["applied_index"],
        term=content["term"],
        revision=content["revision"],
        members=tuple(MemberRecord(**m) for m in content["members"]),
        removed=frozenset(content["removed"]),
        keys=content["keys"],
    )
