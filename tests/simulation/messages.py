"""JSON of the Compute API as messages that the gateway reads, without the cost of real ones.

A view has the fields that Google's description of its message has, under the library's names, and
their defaults; a field that the message does not have raises as the library does. Field for field
it says what the library's own parser would (`test_messages` compares them).
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from hakube_gce.gce.library import compute

Json = dict[str, Any]
Read = Callable[[Json], Any]
_WHOLE = {
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_UINT64,
}
_REAL = {FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE}


class View:
    """A message, read-only."""

    __slots__ = ("_shape", "content")

    def __init__(self, content: Json, shape: Mapping[str, Read]) -> None:
        self.content = content
        self._shape = shape

    def __getattr__(self, name: str) -> Any:
        try:
            read = self._shape[name]
        except KeyError:
            raise AttributeError(name) from None
        return read(self.content)


def view(kind: str, content: Json) -> View:
    """Return JSON as a message of a kind, e.g. ``Address``."""
    return View(content, _shape_of(getattr(compute, kind).pb().DESCRIPTOR))


@functools.cache
def _shape_of(descriptor: Any) -> Mapping[str, Read]:
    return {field.name: _reader(field) for field in descriptor.fields}


def _reader(field: Any) -> Read:
    key, inner = field.json_name, field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        return _map_reader(key, inner.fields_by_name["value"])
    value = _value_reader(field)
    if field.is_repeated:
        return lambda content: [value(entry) for entry in content.get(key, ())]
    if inner is not None:
        return lambda content: value(content.get(key, {}))
    default = _default(field)
    return lambda content: value(content[key]) if key in content else default


def _map_reader(key: str, field: Any) -> Read:
    value = _value_reader(field)
    return lambda content: {name: value(entry) for name, entry in content.get(key, {}).items()}


def _value_reader(field: Any) -> Callable[[Any], Any]:
    inner = field.message_type
    if inner is not None:
        # the shape is found when it is read: messages may hold messages of their own kind
        return lambda entry: View(entry, _shape_of(inner))
    if field.type == FieldDescriptor.TYPE_ENUM:
        # only operations have one that anybody reads; the other enumerations are texts
        return lambda entry: getattr(compute.Operation.Status, entry)
    if field.type in _WHOLE:
        return int
    if field.type in _REAL:
        return float
    return lambda entry: entry


def _default(field: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_ENUM:
        return compute.Operation.Status(0)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return False
    return 0 if field.type in _WHOLE | _REAL else ""
