"""Reads the two objects that kubectl sends as protobuf when it creates them.

Pure, and only what a create needs: metadata and data. Field numbers are Kubernetes' published ones
(k8s.io/api/core/v1/generated.proto, k8s.io/apimachinery/pkg/runtime/generated.proto). Everything
else is refused, never guessed; clients can always send JSON.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

MAGIC = b"k8s\x00"

_Fields = list[tuple[int, bytes | int]]
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class NotUnderstood(ValueError):
    """The bytes are not an object of a kind that is read here."""


def decode(message: bytes) -> dict[str, Any]:
    """Return the JSON form of an object in Kubernetes' protobuf envelope.

    Raises:
        NotUnderstood: It is none, it is damaged, or of another kind.
    """
    if not message.startswith(MAGIC):
        msg = "no Kubernetes protobuf object"
        raise NotUnderstood(msg)
    envelope = _fields(message[len(MAGIC) :])
    type_meta = _fields(_bytes(envelope, 1))
    version, kind = _text(type_meta, 1), _text(type_meta, 2)
    reader = _READERS.get((version, kind))
    if reader is None:
        msg = f"{version} {kind} is not read as protobuf here; send JSON"
        raise NotUnderstood(msg)
    return {"apiVersion": version, "kind": kind} | reader(_fields(_bytes(envelope, 2)))


def _config_map(fields: _Fields) -> dict[str, Any]:
    binary = {
        key: base64.b64encode(value).decode() for key, value in _map(fields, 3, bytes).items()
    }
    found: dict[str, Any] = {"metadata": _metadata(fields)}
    found |= _present("data", _map(fields, 2, _utf8)) | _present("binaryData", binary)
    return found | ({"immutable": True} if any(f == (4, 1) for f in fields) else {})


def _namespace(fields: _Fields) -> dict[str, Any]:
    return {"metadata": _metadata(fields)}


_READERS: Mapping[tuple[str, str], Callable[[_Fields], dict[str, Any]]] = {
    ("v1", "ConfigMap"): _config_map,
    ("v1", "Namespace"): _namespace,
}


def _metadata(fields: _Fields) -> dict[str, Any]:
    meta = _fields(_bytes(fields, 1))
    named = (("name", 1), ("generateName", 2), ("namespace", 3))
    found: dict[str, Any] = {}
    for name, number in named:
        found |= _present(name, _text(meta, number))
    found |= _present("labels", _map(meta, 11, _utf8))
    return found | _present("annotations", _map(meta, 12, _utf8))


def _present(name: str, value: object) -> dict[str, Any]:
    return {name: value} if value else {}


def _map(fields: _Fields, number: int, read: Callable[[bytes], Any]) -> dict[str, Any]:
    entries = [_fields(value) for n, value in fields if n == number and isinstance(value, bytes)]
    return {_text(entry, 1): read(_bytes(entry, 2)) for entry in entries}


def _text(fields: _Fields, number: int) -> str:
    return _utf8(_bytes(fields, number))


def _bytes(fields: _Fields, number: int) -> bytes:
    found = [value for n, value in fields if n == number and isinstance(value, bytes)]
    return found[-1] if found else b""


def _utf8(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise NotUnderstood(str(error)) from error


def _fields(message: bytes) -> _Fields:
    try:
        return list(_each_field(message))
    except IndexError as error:
        msg = "the protobuf object ends in the middle"
        raise NotUnderstood(msg) from error


def _each_field(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire)
        if wire == _BYTES:
            size, at = _varint(message, at)
        if size is None:
            msg = f"wire type {wire} is not in use"
            raise NotUnderstood(msg)
        if at + size > len(message):
            raise IndexError
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
