"""What becomes of an object that a client sends: checked, completed, merged, never stored here.

Pure; time and ids are passed in. Follows Kubernetes where a client would notice: which names are
valid, which fields the server owns, what a stale resourceVersion means. Field ownership of
server-side apply is not tracked, and immutable objects are not enforced.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from hakube_gce.emulator.hollow_kinds import CONFIG_MAPS, NAMESPACES, Kind, Object
from hakube_gce.emulator.hollow_protobuf import MAGIC, NotUnderstood, decode
from hakube_gce.emulator.hollow_refusals import Refusal, bad_request, invalid, unsupported_media

_MAX_DATA_BYTES = 1 << 20
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_NAMES = {True: re.compile(rf"{_LABEL}(?:\.{_LABEL})*"), False: re.compile(_LABEL)}
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_CLIENTS_OWN = ("name", "namespace", "labels", "annotations", "finalizers", "ownerReferences")


def parse(body: bytes, content_type: str) -> Object:
    """Read an object from a request's body: JSON, or protobuf for the kinds kubectl sends so.

    Raises:
        Refusal: It is neither, or no object.
    """
    if body.startswith(MAGIC) or "protobuf" in content_type:
        try:
            return decode(body)
        except NotUnderstood as error:
            raise unsupported_media(str(error)) from error
    try:
        found = json.loads(body)
    except ValueError as error:
        if "yaml" in content_type:
            raise unsupported_media("YAML that is not JSON is not read here") from error
        raise bad_request(f"the body is not JSON: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("metadata", {}), dict):
        raise bad_request("the body is not an object")
    return found


def new(kind: Kind, sent: Object, *, namespace: str, uid: str, time: str) -> Object:
    """Complete an object that a client wants created.

    Args:
        kind: What the path says it is.
        sent: The client's words.
        namespace: The path's namespace; empty where there is none.
        uid: A fresh UUID; a generated name is drawn from it.
        time: RFC 3339, UTC.

    Raises:
        Refusal: The object is of another kind or place, or not valid.
    """
    meta = sent.get("metadata", {})
    name = meta.get("name") or _generated(meta.get("generateName", ""), uid)
    thing = _shaped(kind, sent, name=name, namespace=namespace)
    thing["metadata"] |= {"uid": uid, "creationTimestamp": time}
    if kind is NAMESPACES:
        thing |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    return thing


def changed(kind: Kind, sent: Object, current: Object) -> Object:
    """Return what ``current`` becomes when a client sends a whole new version of it.

    Raises:
        Refusal: The object is of another kind, name or place, or not valid.
    """
    was = current["metadata"]
    thing = _shaped(kind, sent, name=was["name"], namespace=was.get("namespace", ""))
    thing["metadata"] |= {k: was[k] for k in ("uid", "creationTimestamp")}
    if kind is NAMESPACES:  # its phase and finalizers are the server's business
        thing |= {k: current[k] for k in ("spec", "status")}
    return thing


def merged(current: Any, patch: Any) -> Any:
    """Apply an RFC 7386 merge patch: what strategic merge is, too, for objects without lists.

    >>> merged({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": 4}})
    {'b': {'c': 4, 'd': 3}}
    """
    if not isinstance(patch, dict):
        return patch
    found = dict(current) if isinstance(current, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        elif not name.startswith("$"):  # $setElementOrder and its like direct the merging of lists
            found[name] = merged(found.get(name), value)
    return found


def demanded_revision(sent: Object) -> str:
    """Return the resourceVersion that a client's object is based on, or nothing."""
    return str(sent.get("metadata", {}).get("resourceVersion") or "")


def unknown_fields(kind: Kind, sent: Object) -> list[str]:
    """Return top-level fields that the kind does not have, for strict validation."""
    return sorted(sent.keys() - kind.fields - {"apiVersion", "kind", "metadata"})


def _shaped(kind: Kind, sent: Object, *, name: str, namespace: str) -> Object:
    """Return the object with the kind's own fields only, in the place the path names."""
    said = (sent.get("apiVersion", "v1"), sent.get("kind", kind.kind))
    if said != ("v1", kind.kind):
        raise bad_request(f"the object is a {said[0]} {said[1]}, the path is for v1 {kind.kind}")
    meta = sent.get("metadata", {})
    for field, wanted in (("name", name), ("namespace", namespace)):
        if meta.get(field, wanted) not in {wanted, ""}:
            raise bad_request(
                f"the {field} of the provided object ({meta[field]}) does not match the {field} "
                f"sent on the request ({wanted})"
            )
    _check_name(kind, name)
    thing = {k: v for k, v in sent.items() if k in kind.fields}
    if kind is CONFIG_MAPS:
        _check_data(kind, name, thing)
    kept = {k: v for k, v in meta.items() if k in _CLIENTS_OWN and v}
    placed = {"name": name} | ({"namespace": namespace} if namespace else {})
    _check_texts(kind, name, kept)
    return {"apiVersion": "v1", "kind": kind.kind, "metadata": kept | placed} | thing


def _check_name(kind: Kind, name: str) -> None:
    if not name:
        raise invalid(kind, "", "metadata.name: Required value: name or generateName is required")
    if len(name) > 253 or not _NAMES[kind.namespaced].fullmatch(name):
        raise invalid(
            kind,
            name,
            f'metadata.name: Invalid value: "{name}": lower case letters, digits, "-" and "." '
            "only, beginning and ending with a letter or digit",
        )


def _check_texts(kind: Kind, name: str, meta: Mapping[str, Any]) -> None:
    for field in ("labels", "annotations"):
        pairs = meta.get(field, {})
        if not isinstance(pairs, dict) or not all(isinstance(v, str) for v in pairs.values()):
            raise _not_texts(kind, name, f"metadata.{field}")


def _check_data(kind: Kind, name: str, thing: Mapping[str, Any]) -> None:
    size = 0
    for field in ("data", "binaryData"):
        pairs = thing.get(field) or {}
        if not isinstance(pairs, dict) or not all(isinstance(v, str) for v in pairs.values()):
            raise _not_texts(kind, name, field)
        for key, value in pairs.items():
            if not _KEY.fullmatch(key):
                raise invalid(
                    kind,
                    name,
                    f'{field}[{key}]: Invalid value: a key is of letters, digits, "-._"',
                )
            size += len(value.encode() if field == "data" else _bytes(kind, name, key, value))
    if size > _MAX_DATA_BYTES:
        raise invalid(kind, name, f"[]: Too long: must have at most {_MAX_DATA_BYTES} bytes")


def _bytes(kind: Kind, name: str, key: str, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise invalid(kind, name, f"binaryData[{key}]: Invalid value: not base64") from error


def _not_texts(kind: Kind, name: str, field: str) -> Refusal:
    return bad_request(f"{kind.kind} {name!r}: {field} must map texts to texts")


def _generated(stem: str, uid: str) -> str:
    return stem + uid.replace("-", "")[:5] if stem else ""
