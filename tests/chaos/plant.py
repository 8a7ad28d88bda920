"""Plants violations into a recorded history, to see the checker find every one.

What is planted is certain to be wrong: a value that one acknowledged write alone made, seen again
after another acknowledged write that began when the first had returned. Where it is planted is
chosen from a seed.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.chaos.history import Operation, acknowledged_writes, by_key
from tests.chaos.linear import is_linearizable, steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One key's history with a lie in it."""

    kind: str
    """``stale read`` or ``lost write``."""
    history: tuple[Operation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How many lies were planted, by kind, and how many of them the checker found."""

    planted: dict[str, int]
    found: int

    @property
    def total(self) -> int:
        return sum(self.planted.values())


def search_for_planted(history: Sequence[Operation], *, count: int, seed: int) -> Found:
    """Plant so many violations, one at a time, and look for each."""
    chosen = plant(history, count=count, seed=seed)
    found = sum(not is_linearizable(steps(lie.history)) for lie in chosen)
    return Found(planted=dict(Counter(lie.kind for lie in chosen)), found=found)


def plant(history: Sequence[Operation], *, count: int, seed: int) -> list[Planted]:
    """Return histories with one violation each; half of each kind, if there are the places."""
    chance = random.Random(seed)  # noqa: S311 - a choice of places, no secret
    found: list[Planted] = []
    for kind, wanted in (("stale read", count - count // 2), ("lost write", count // 2)):
        places = [p for ops in by_key(history).values() for p in _places(ops)]
        for place in chance.sample(places, min(wanted, len(places))):
            found.append(place.lie(kind))  # noqa: PERF401 - two nested comprehensions read worse
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a key's history can be made wrong."""

    operations: tuple[Operation, ...]
    old: str
    """Written, acknowledged, and only then overwritten by what follows."""
    new: str
    read: Operation
    """Began after the new value was acknowledged, and saw it."""

    def lie(self, kind: str) -> Planted:
        def told(operation: Operation) -> Operation:
            stale = operation is self.read
            lost = kind == "lost write" and _read(operation) == self.new
            return replace(operation, saw=self.old) if stale or lost else operation

        return Planted(kind=kind, history=tuple(map(told, self.operations)))


def _places(operations: Sequence[Operation]) -> Iterator[_Place]:
    times = Counter(o.wrote for o in operations)
    writes = [w for w in acknowledged_writes(operations) if times[w.wrote] == 1]
    writes.sort(key=lambda w: w.returned_ns)
    made = {w.wrote: w for w in writes}
    for read in operations:
        new = made.get(_read(read))
        if new is None or read.kind != "get" or read.invoked_ns <= new.returned_ns:
            continue
        old = next((w for w in reversed(writes) if w.returned_ns < new.invoked_ns), None)
        if old is not None and old.wrote is not None and new.wrote is not None:
            yield _Place(operations=tuple(operations), old=old.wrote, new=new.wrote, read=read)


def _read(operation: Operation) -> str | None:
    reading = operation.kind == "get" or (operation.kind == "cas" and not operation.swapped)
    return operation.saw if reading and operation.outcome == "ok" else None
