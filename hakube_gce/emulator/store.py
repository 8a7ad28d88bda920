"""Every record of a lab, in memory.

Records and operations are values: putting a new one replaces the old one, and nothing changes one
in place. So a snapshot is two shallow copies, and a refused request is undone by putting them
back. The file they survive in is `state_file`'s.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from hakube_gce.emulator import holdings, usage
from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.operations import Operation

_OPERATIONS_KEPT = 500
_SYSTEM_OPERATIONS_KEPT = 100
"""Of those that managed groups began: a thousand nodes must not push out what clients wait for."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a store held at one moment."""

    records: dict[str, Json]
    operations: dict[str, Operation]
    counters: dict[str, int]


@dataclass(slots=True)
class Store:
    """Records by short path, operations by theirs, and counters."""

    records: dict[str, Json] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    unfinished: dict[str, Operation] = field(init=False)
    """Those of the operations that are under way: every request asks for them."""
    _by_target: dict[str, dict[str, Operation]] = field(init=False)
    """The same, by what they are about."""
    _kinds: dict[str, dict[str, Json]] = field(init=False)
    """The records once more, by kind: a lab of a thousand nodes is asked for its few disks."""
    _holders: dict[str, dict[str, None]] = field(init=False)
    """What is held (see `holdings`) → paths of the records that hold it, in a stable order."""
    used: Counter[usage.Account] = field(init=False)
    """How much of each quota is used."""

    def __post_init__(self) -> None:
        self.unfinished, self._by_target = {}, {}
        for operation in self.operations.values():
            if not operation.done:
                self._note_unfinished(operation)
        self._kinds, self._holders, self.used = {}, {}, Counter()
        for path, record in self.records.items():
            self._file(path, record)

    def _note_unfinished(self, operation: Operation) -> None:
        self.unfinished[operation.path] = operation
        self._by_target.setdefault(operation.target, {})[operation.path] = operation

    def _file(self, path: str, record: Json) -> None:
        self._kinds.setdefault(record.get("kind", ""), {})[path] = record
        for held in holdings.of(record):
            self._holders.setdefault(held, {})[path] = None
        for account, amount in usage.of(path, record):
            self.used[account] += amount

    def _unfile(self, path: str, record: Json, *, kept: frozenset[str] = frozenset()) -> None:
        for account, amount in usage.of(path, record):
            self.used[account] -= amount
        for name in holdings.of(record) - kept:
            del self._holders[name][path]
            if not self._holders[name]:
                del self._holders[name]

    def get(self, path: str) -> Json | None:
        return self.records.get(path)

    def put(self, path: str, record: Json) -> None:
        before = self.records.get(path)
        if before is not None:
            self._unfile(path, before, kept=holdings.of(record))
        self.records[path] = record
        self._file(path, record)

    def change(self, path: str, **fields: object) -> Json:
        """Replace some fields of a record; None removes a field."""
        merged = {**self.records[path], **fields}
        changed = {key: value for key, value in merged.items() if value is not None}
        self.put(path, changed)
        return changed

    def remove(self, path: str) -> None:
        gone = self.records.pop(path, None)
        if gone is not None:
            del self._kinds[gone.get("kind", "")][path]
            self._unfile(path, gone)

    def holders(self, held: str) -> tuple[str, ...]:
        """Return the paths of the records that hold something; see `holdings`."""
        return tuple(self._holders.get(held, ()))

    def put_operation(self, operation: Operation) -> None:
        self.operations[operation.path] = operation
        if not operation.done:
            self._note_unfinished(operation)
        elif self.unfinished.pop(operation.path, None) is not None:
            about = self._by_target[operation.target]
            del about[operation.path]
            if not about:
                del self._by_target[operation.target]

    def unfinished_about(self, target: str) -> tuple[Operation, ...]:
        """Return the operations under way that are about a resource."""
        return tuple(self._by_target.get(target, {}).values())

    def under(self, collection: str) -> Iterator[tuple[str, Json]]:
        """Yield the direct children of a collection, e.g. ``projects/p/zones/z/disks``."""
        head = f"{collection}/"
        for path in [p for p in self.records if p.startswith(head) and "/" not in p[len(head) :]]:
            yield path, self.records[path]

    def of_kind(self, kind: str, project: str = "") -> Iterator[tuple[str, Json]]:
        """Yield all records of a kind (``compute#disk``), of one project or of all."""
        head = f"projects/{project}/" if project else ""
        for path, record in list(self._kinds.get(kind, {}).items()):
            if path.startswith(head):
                yield path, record

    def count(self, counter: str, *, start: int = 0) -> int:
        """Return the next number of a counter."""
        self.counters[counter] = self.counters.get(counter, start - 1) + 1
        return self.counters[counter]

    def snapshot(self) -> Snapshot:
        return Snapshot(dict(self.records), dict(self.operations), dict(self.counters))

    def restore(self, snapshot: Snapshot) -> None:
        self.records = dict(snapshot.records)
        self.operations = dict(snapshot.operations)
        self.counters = dict(snapshot.counters)
        self.__post_init__()

    def forget_old_operations(self) -> None:
        """Drop the oldest finished operations, as Google does in time."""
        if len(self.operations) <= _SYSTEM_OPERATIONS_KEPT:
            return
        for system, kept in ((False, _OPERATIONS_KEPT), (True, _SYSTEM_OPERATIONS_KEPT)):
            done = [p for p, o in self.operations.items() if o.done and o.system is system]
            for path in done[:-kept]:
                del self.operations[path]
