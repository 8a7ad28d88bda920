"""Every record of a lab, and the file they survive in.

Records and operations are values: putting a new one replaces the old one, and nothing changes one
in place. So a snapshot is two shallow copies, and a refused request is undone by putting them
back. The file is written whole and renamed into place before a change is answered; it is not
synced to the disk: a lab may lose its last moments when the machine loses power.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.refusals import EmulatorError

SCHEMA = 1
_OPERATIONS_KEPT = 500


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
    _kinds: dict[str, dict[str, Json]] = field(init=False)
    """The records once more, by kind: a lab of a thousand nodes is asked for its few disks."""

    def __post_init__(self) -> None:
        self.unfinished = {path: o for path, o in self.operations.items() if not o.done}
        self._kinds = {}
        for path, record in self.records.items():
            self._file(path, record)

    def _file(self, path: str, record: Json) -> None:
        self._kinds.setdefault(record.get("kind", ""), {})[path] = record

    def get(self, path: str) -> Json | None:
        return self.records.get(path)

    def put(self, path: str, record: Json) -> None:
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

    def put_operation(self, operation: Operation) -> None:
        self.operations[operation.path] = operation
        if operation.done:
            self.unfinished.pop(operation.path, None)
        else:
            self.unfinished[operation.path] = operation

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
        if len(self.operations) <= _OPERATIONS_KEPT:
            return
        done = [path for path, operation in self.operations.items() if operation.done]
        for path in done[:-_OPERATIONS_KEPT]:
            del self.operations[path]

    def to_json(self) -> Json:
        return {
            "schema": SCHEMA,
            "counters": self.counters,
            "records": self.records,
            "operations": [operation.to_json() for operation in self.operations.values()],
        }


def load(path: Path) -> Store:
    """Read a store; one that was never written is empty.

    Raises:
        EmulatorError: the file is damaged or of another schema.
    """
    hint = "end this lab with: hakube emulator destroy"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Store()
    try:
        saved = json.loads(text)
        if saved["schema"] != SCHEMA:
            raise EmulatorError(f"{path} is of schema {saved['schema']}, not {SCHEMA}", hint=hint)
        operations = [Operation(**fields) for fields in saved["operations"]]
        return Store(
            records=saved["records"],
            operations={operation.path: operation for operation in operations},
            counters=saved["counters"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise EmulatorError(f"{path} is damaged: {error}", hint=hint) from error


def write_private(path: Path, text: str) -> None:
    """Put a file in place in one step, readable by its owner only."""
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}."
    )  # 0600 from birth
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def save(store: Store, path: Path) -> None:
    """Write the whole store to its file."""
    write_private(path, json.dumps(store.to_json(), separators=(",", ":")))
