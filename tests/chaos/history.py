"""What clients did and what they were told, as values and as JSON lines.

Times are of one monotonic clock, in nanoseconds. It judges nothing: what a history proves is
decided in `linear`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["get", "put", "cas"]
Outcome = Literal["ok", "fail", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request of one client, from its sending to its answer."""

    client: str
    kind: Kind
    key: str
    wrote: str | None = None
    """What a put or a compare-and-swap was to write."""
    expected: str | None = None
    """What a compare-and-swap compares with."""
    saw: str | None = None
    """What a get found, or a compare-and-swap that did not swap; None is "no such key"."""
    swapped: bool = False
    """A compare-and-swap that was told that it wrote."""
    invoked_ns: int
    returned_ns: int
    outcome: Outcome
    """``fail`` for certain never took effect; ``unknown`` may have, or still may at any time."""


def write_lines(history: Iterable[Operation], path: Path) -> None:
    """Write a history, one operation a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(operation)) + "\n" for operation in history)


def read_lines(path: Path) -> list[Operation]:
    """Read a history; fails loudly on a line that is none."""
    with path.open(encoding="utf-8") as file:
        return [Operation(**json.loads(line)) for line in file]


def by_key(history: Iterable[Operation]) -> dict[str, list[Operation]]:
    """Sort a history's operations by key: keys are registers of their own."""
    found: dict[str, list[Operation]] = {}
    for operation in history:
        found.setdefault(operation.key, []).append(operation)
    return found


def acknowledged_writes(history: Sequence[Operation]) -> Iterator[Operation]:
    """Yield what clients were told is written."""
    for operation in history:
        if operation.outcome == "ok" and (operation.kind == "put" or operation.swapped):
            yield operation
