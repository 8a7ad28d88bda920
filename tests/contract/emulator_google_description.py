"""What Google's own client library says about the Compute API: routes, bodies, messages.

The library's transports know verb, path and body field of every method through a private function
of generated code; it is read here and nowhere else. Run as a program, this rewrites the two
tables the emulator ships: ``python -m tests.contract.emulator_google_description``.
"""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.cloud import compute_v1
from google.cloud.compute_v1 import services
from google.cloud.compute_v1.types import compute
from google.protobuf.descriptor import Descriptor, FieldDescriptor

import hakube_gce.emulator

PACKAGE = Path(hakube_gce.emulator.__file__).parent
METHODS_FILE = PACKAGE / "google_methods.txt"
BODIES_FILE = PACKAGE / "google_bodies.json"
HEADER = (
    "# Every method of Google's Compute API v1 as google-cloud-compute describes it, and "
    "the legacy health checks, which it leaves out: id, verb, path."
)
LEGACY = {"insert": "POST", "list": "GET", "delete": "DELETE", "get": "GET"} | {
    "patch": "PATCH",
    "update": "PUT",
}
"""Methods of httpHealthChecks, from Google's reference: target pools take no other checks."""
LEGACY_CHECK = {
    "checkIntervalSec": "integer",
    "creationTimestamp": "string",
    "description": "string",
    "healthyThreshold": "integer",
    "host": "string",
    "id": "integer",
    "kind": "string",
    "name": "string",
    "port": "integer",
    "requestPath": "string",
    "selfLink": "string",
    "timeoutSec": "integer",
    "unhealthyThreshold": "integer",
}
"""Fields of an HttpHealthCheck, from the same place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of Google's API."""

    id: str
    verb: str
    template: str
    body: str
    """Field of the request message that is sent as body; empty for none."""
    request: str
    """Name of the request message."""
    response: str
    """Name of the message that is answered."""


@cache
def methods() -> dict[str, Method]:
    """Return every method of the API by its id."""
    every = [*_methods(), *_legacy_methods()]
    return {method.id: method for method in sorted(every, key=lambda method: method.id)}


def _methods() -> Iterator[Method]:
    for module in pkgutil.iter_modules(services.__path__):
        base = importlib.import_module(f"{services.__name__}.{module.name}.transports.rest_base")
        rest = importlib.import_module(f"{services.__name__}.{module.name}.transports.rest")
        (name,) = [n for n in vars(base) if n.startswith("_Base") and n.endswith("RestTransport")]
        described = vars(base)[name]
        implemented = vars(rest)[name.removeprefix("_Base")]
        for stub, description in vars(described).items():
            if stub.startswith("_Base") and inspect.isclass(description):
                call = vars(implemented)[stub.replace("_Base", "_", 1)].__call__
                yield _method(module.name, stub.removeprefix("_Base"), description, call)


def _legacy_methods() -> Iterator[Method]:
    collection = "projects/{project}/global/httpHealthChecks"
    for name, verb in LEGACY.items():
        of_all = name in {"insert", "list"}
        yield Method(
            id=f"httpHealthChecks.{name}",
            verb=verb,
            template=collection if of_all else f"{collection}/{{http_health_check}}",
            body="http_health_check_resource" if verb in {"POST", "PATCH", "PUT"} else "",
            request="",
            response={"list": "HttpHealthCheckList", "get": "HttpHealthCheck"}.get(
                name, "Operation"
            ),
        )


def _method(service: str, name: str, description: Any, call: Any) -> Method:
    (option,) = description._get_http_options()  # noqa: SLF001 - see the module's docstring
    signature = inspect.signature(call)
    return Method(
        id=f"{_camel(service)}.{name[0].lower()}{name[1:]}",
        verb=option["method"].upper(),
        template=option["uri"].removeprefix("/compute/v1/"),
        body=option.get("body", ""),
        request=_class_name(signature.parameters["request"].annotation),
        response=_class_name(signature.return_annotation),
    )


def _class_name(annotation: Any) -> str:
    name = annotation.__name__ if inspect.isclass(annotation) else str(annotation)
    return name.rsplit(".", 1)[-1]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.title() for part in others)


def descriptor(message: str) -> Descriptor:
    """Return the description of a message by its name."""
    kind = getattr(compute, message)
    described: Descriptor = kind.pb(kind()).DESCRIPTOR
    return described


def body_message(method: Method) -> str:
    """Return the name of the message a method takes as its body; empty for none."""
    if not method.body:
        return ""
    if not method.request:
        return "HttpHealthCheck"
    field = descriptor(method.request).fields_by_name[method.body]
    assert field.message_type is not None
    return field.message_type.name


def bodies(ids: list[str]) -> dict[str, Any]:
    """Return the bodies of some methods, and every message they are made of."""
    tops = {name: body_message(methods()[name]) for name in ids}
    tops = {name: top for name, top in sorted(tops.items()) if top}
    found: dict[str, dict[str, str]] = {}
    for top in tops.values():
        if top == "HttpHealthCheck":
            found[top] = LEGACY_CHECK
        else:
            _add(descriptor(top), found)
    return {"bodies": tops, "messages": dict(sorted(found.items()))}


def _add(message: Descriptor, found: dict[str, dict[str, str]]) -> None:
    if message.name in found:
        return
    found[message.name] = {field.json_name: _type(field) for field in message.fields}
    for field in message.fields:
        inner = _value(field)
        if inner is not None and inner.message_type:
            _add(inner.message_type, found)


def _value(field: FieldDescriptor) -> FieldDescriptor | None:
    """Return the field that holds the value: of a map, the one in its entries."""
    if field.message_type and field.message_type.GetOptions().map_entry:
        inner: FieldDescriptor = field.message_type.fields_by_name["value"]
        return inner
    return field


_SCALARS = {
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_STRING: "string",
    FieldDescriptor.CPPTYPE_FLOAT: "number",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
}


def _type(field: FieldDescriptor) -> str:
    value = _value(field)
    assert value is not None
    name = value.message_type.name if value.message_type else ""
    kind = name or _SCALARS.get(value.cpp_type, "integer")
    if value is not field:
        return f"map {kind}"
    return f"list {kind}" if field.is_repeated else kind


def methods_text() -> str:
    """Return the table of methods as the emulator ships it."""
    lines = [f"{method.id} {method.verb} {method.template}" for method in methods().values()]
    return "\n".join([HEADER, *lines, ""])


def bodies_text() -> str:
    """Return the table of bodies as the emulator ships it."""
    from hakube_gce.emulator.routes import ROUTES  # noqa: PLC0415 - it reads the files made here

    ids = sorted(route.method for route in ROUTES)
    return json.dumps(bodies(ids), indent=0, separators=(",", ":"), sort_keys=True) + "\n"


if __name__ == "__main__":
    assert compute_v1.__name__
    METHODS_FILE.write_text(methods_text(), encoding="ascii")
    BODIES_FILE.write_text(bodies_text(), encoding="ascii")
