"""Request bodies against Google's own descriptions: a misspelt field is refused, not ignored.

The table is made from the client library's descriptions by a program among the tests, which also
sees to it that it stays true. Names and types at every depth are checked here; what values mean
is the handlers' business.
"""

import functools
import json
from collections.abc import Mapping
from importlib import resources as package_files
from typing import Any

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.refusals import Refusal


def check(method: str, body: Json) -> Json:
    """Return a request's body without its nulls.

    Raises:
        Refusal: 400 for a field Google does not know or a value of the wrong type [K text].
    """
    top = _table()["bodies"].get(method)
    return _message(top, body, "") if top else body


@functools.cache
def _table() -> Mapping[str, Any]:
    file = package_files.files(__package__) / "google_bodies.json"
    table: Mapping[str, Any] = json.loads(file.read_text(encoding="ascii"))
    return table


def _message(name: str, value: object, where: str) -> Json:
    if not isinstance(value, dict):
        raise _refused(f"Invalid value at '{where}' ({name})")
    fields, checked = _table()["messages"][name], {}
    for key, inner in value.items():
        if key not in fields:
            at = f" at '{where}'" if where else ""
            raise _refused(f'Unknown name "{key}"{at}: Cannot find field')
        if inner is not None:
            checked[key] = _field(fields[key], inner, f"{where}.{key}" if where else key)
    return checked


def _field(kind: str, value: object, where: str) -> object:
    shape, _, inner = kind.rpartition(" ")
    if shape == "list":
        if not isinstance(value, list):
            raise _refused(f"Invalid value at '{where}' (list)")
        return [_value(inner, entry, f"{where}[{n}]") for n, entry in enumerate(value)]
    if shape == "map":
        if not isinstance(value, dict):
            raise _refused(f"Invalid value at '{where}' (map)")
        return {key: _value(inner, entry, f"{where}.{key}") for key, entry in value.items()}
    return _value(kind, value, where)


def _value(kind: str, value: object, where: str) -> object:
    if kind in _table()["messages"]:
        return _message(kind, value, where)
    if not _fits(kind, value):
        raise _refused(f"Invalid value at '{where}' ({kind}), {json.dumps(value)}")
    # 64-bit numbers travel as text, and Google takes either form for any number.
    return int(value) if kind == "integer" and isinstance(value, str) else value


def _fits(kind: str, value: object) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str)
    if isinstance(value, str):
        return value.removeprefix("-").isdecimal()
    whole = (int,) if kind == "integer" else (int, float)
    return isinstance(value, whole) and not isinstance(value, bool)


def _refused(what: str) -> Refusal:
    return Refusal(400, "invalid", f"Invalid JSON payload received. {what}.")
