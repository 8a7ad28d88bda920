"""The file a lab's records survive in.

Written whole and renamed into place before a change is answered; not synced to the disk: a lab may
lose its last moments when the machine loses power. What did not change since the last time is not
encoded again, so that a change in a lab of a thousand nodes costs little more than the writing.
"""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.refusals import EmulatorError
from hakube_gce.emulator.store import Store

SCHEMA = 1
T = TypeVar("T")


@dataclass(slots=True)
class _Encoded(Generic[T]):
    """Values as they were encoded last: who holds the very same value need not encode it."""

    encode: Callable[[str, T], bytes]
    texts: dict[str, tuple[T, bytes]] = field(default_factory=dict)

    def of(self, values: Mapping[str, T]) -> list[bytes]:
        """Return each value, encoded, in order."""
        known, self.texts = self.texts, {}
        for path, value in values.items():
            found = known.get(path)
            if found is None or found[0] is not value:
                found = (value, self.encode(path, value))
            self.texts[path] = found
        return [text for _, text in self.texts.values()]


class StateFile:
    """One lab's file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records = _Encoded[Json](_encode_record)
        self._operations = _Encoded[Operation](_encode_operation)

    def save(self, store: Store) -> None:
        """Write the whole store."""
        head = b'{"schema":%d,"counters":%b,"records":{' % (SCHEMA, _encode(store.counters))
        records = b",".join(self._records.of(store.records))
        operations = b",".join(self._operations.of(store.operations))
        write_private(self._path, head, records, b'},"operations":[', operations, b"]}")

    def load(self) -> Store:
        """Read the store; one that was never written is empty.

        Raises:
            EmulatorError: the file is damaged or of another schema.
        """
        return load(self._path)


def load(path: Path) -> Store:
    """Read a store from a file; see `StateFile.load`."""
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


def write_private(path: Path, *content: bytes) -> None:
    """Put a file in place in one step, readable by its owner only."""
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}."
    )  # 0600 from birth
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _encode_record(path: str, record: Json) -> bytes:
    return _encode(path) + b":" + _encode(record)


def _encode_operation(_path: str, operation: Operation) -> bytes:
    return _encode(operation.to_json())


def _encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
