"""Our three entries in the text of a kubeconfig: merged, found, removed; the rest is left alone.

Pure. The law: whatever is not ours keeps its bytes. If each of the three lists held an entry of
somebody else, removing what was merged gives back the very same text (``current-context`` aside,
when it was switched). A list that only ever held our entry is left as ``[]``. Every result is
parsed again and compared with what was meant; when they differ, or the shape is not understood,
the text is refused and nothing is returned.
"""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode

from hakube_gce.yaml_surgery import (
    Unusable,
    append_item,
    compose,
    items_of,
    plain_value,
    remove_item,
    replace_item,
    set_scalar,
    value_of,
)

_SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}
"""Name of each list, and of the mapping inside its items."""

_CURRENT = "current-context"

_EMPTY = """\
apiVersion: v1
kind: Config
preferences: {}
clusters: []
contexts: []
users: []
current-context: ""
"""
"""What kubectl makes of nothing, but in the order in which people look for things."""

_OURS = {
    # what we decide ourselves; other fields of these two were added by somebody and stay
    "clusters": frozenset(
        {
            "server",
            "certificate-authority",
            "certificate-authority-data",
            "insecure-skip-tls-verify",
        }
    ),
    "contexts": frozenset({"cluster", "user"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A cluster, a user and a context of one name."""

    name: str
    """``<project>_<prefix>``."""
    server: str
    """``https://IP``, with the port when it is not 443."""
    certificate_authority: str
    """PEM; empty when the entry found was made by another program and embeds none."""
    client_certificate: str
    """PEM; empty likewise."""
    client_key: str = field(repr=False)
    """PEM; empty likewise."""


def with_entry(text: str, entry: Entry, *, set_current: bool) -> str:
    """Return the text with the entry merged in; equal to ``text`` when it is there already.

    Raises:
        Unusable: The text is broken, or of a shape that is not understood.
    """
    before = compose(text)
    if before is None:
        return with_entry(_begun(text), entry, set_current=set_current)
    wanted = {s: _item(s, entry, _find(before, s, entry.name)) for s in _SECTIONS}
    current = entry.name if set_current else current_context(text)
    with _no_lines():
        after = text
        for section, item in wanted.items():
            after = _merge(after, section, entry.name, item)
        if current_context(text) != current:
            after = set_scalar(after, _CURRENT, current)
        _verify(before, after, entry.name, wanted, current)
    return after


def with_current(text: str, name: str) -> str:
    """Return the text with ``current-context`` set; entries are not looked at.

    Raises:
        Unusable: The text is broken, or of a shape that is not understood.
    """
    before = compose(text)
    if before is None or current_context(text) == name:
        return text
    with _no_lines():
        after = set_scalar(text, _CURRENT, name)
        _verify(before, after, None, {}, name)
    return after


def without_entry(text: str, name: str) -> str:
    """Return the text without the entry, and with no current context when that was ours.

    The user ``<name>-basic-auth``, which the original scripts wrote beside it, goes too.

    Raises:
        Unusable: The text is broken, or of a shape that is not understood.
    """
    before = compose(text)
    if before is None:
        return text
    current = current_context(text)
    for section in _SECTIONS:
        items_of(before, section)
    with _no_lines():
        after = text
        for section in _SECTIONS:
            after = _without(after, section, name)
        after = _without(after, "users", _basic_auth(name))
        if current == name:
            current = ""
            after = set_scalar(after, _CURRENT, current)
        _verify(before, after, name, {}, current)
    return after


def parts_of(text: str, name: str) -> dict[str, dict[str, Any]]:
    """Return what a text holds by that name: list name → inner mapping.

    Raises:
        Unusable: The text is broken.
    """
    root = compose(text)
    found = {section: _find(root, section, name) for section in _SECTIONS}
    return {section: _body(section, item) for section, item in found.items() if item is not None}


def current_context(text: str) -> str:
    """Return the current context, or "" when there is none.

    Raises:
        Unusable: The text is broken.
    """
    value = value_of(compose(text), _CURRENT)
    content = plain_value(value) if value is not None else None
    return content if isinstance(content, str) else ""


def entry_of(name: str, parts: dict[str, dict[str, Any]]) -> Entry | None:
    """Make an entry of the parts found, or None when no cluster of that name was among them."""
    if "clusters" not in parts:
        return None
    cluster, user = parts["clusters"], parts.get("users", {})
    server = cluster.get("server")
    return Entry(
        name=name,
        server=server if isinstance(server, str) else "",
        certificate_authority=_decoded(cluster.get("certificate-authority-data")),
        client_certificate=_decoded(user.get("client-certificate-data")),
        client_key=_decoded(user.get("client-key-data")),
    )


# ---------------------------------------------------------------------------------- building


def _item(section: str, entry: Entry, existing: dict[str, Any] | None) -> dict[str, Any]:
    """Build an item in kubectl's own order of keys, keeping fields that are not ours to decide."""
    kept: dict[str, Any] = {}
    if section in _OURS and existing is not None:
        body = _body(section, existing)
        kept = {key: value for key, value in body.items() if key not in _OURS[section]}
    match section:
        case "clusters":
            ca = _encoded(entry.certificate_authority)
            ours = {"certificate-authority-data": ca, "server": entry.server}
            return {"cluster": {**kept, **ours}, "name": entry.name}
        case "contexts":
            return {
                "context": {"cluster": entry.name, **kept, "user": entry.name},
                "name": entry.name,
            }
        case _:
            credential = {
                "client-certificate-data": _encoded(entry.client_certificate),
                "client-key-data": _encoded(entry.client_key),
            }
            return {"name": entry.name, "user": credential}


def _begun(text: str) -> str:
    """Return an empty file's comments with an empty kubeconfig below."""
    return text + ("" if not text or text.endswith("\n") else "\n") + _EMPTY


def _merge(text: str, section: str, name: str, item: dict[str, Any]) -> str:
    places = _places(text, section, name)
    if not places:
        return append_item(text, section, item)
    # from behind, so that the first one's position stays true
    for position in reversed(places[1:]):
        text = remove_item(text, section, position)
    existing = items_of(compose(text), section)[places[0]]
    if plain_value(existing) == item:
        return text
    return replace_item(text, section, places[0], item)


def _without(text: str, section: str, name: str) -> str:
    for position in reversed(_places(text, section, name)):
        text = remove_item(text, section, position)
    return text


# ---------------------------------------------------------------------------------- looking


def _places(text: str, section: str, name: str) -> list[int]:
    items = items_of(compose(text), section)
    return [position for position, item in enumerate(items) if _name(item) == name]


def _find(root: MappingNode | None, section: str, name: str) -> dict[str, Any] | None:
    item = next((i for i in items_of(root, section) if _name(i) == name), None)
    value = plain_value(item) if item is not None else None
    return value if isinstance(value, dict) else None


def _body(section: str, item: dict[str, Any]) -> dict[str, Any]:
    body = item.get(_SECTIONS[section])
    return body if isinstance(body, dict) else {}


def _name(item: Node) -> str | None:
    name = value_of(item, "name") if isinstance(item, MappingNode) else None
    return str(name.value) if isinstance(name, ScalarNode) else None


def _basic_auth(name: str) -> str:
    return f"{name}-basic-auth"


def _encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()


def _decoded(data: object) -> str:
    try:
        return base64.b64decode(data, validate=True).decode() if isinstance(data, str) else ""
    except (binascii.Error, ValueError):
        return ""


# ---------------------------------------------------------------------------------- proving


@contextmanager
def _no_lines() -> Iterator[None]:
    """Pass a refusal on without its line: it counts in a text that was changed half-way."""
    try:
        yield
    except Unusable as error:
        raise Unusable(
            f"it is written in a way that is not understood ({error.reason})"
        ) from error


def _verify(
    before: MappingNode,
    text: str,
    name: str | None,
    wanted: dict[str, dict[str, Any]],
    current: str,
) -> None:
    """Prove that nothing but our own entries changed, and those to what was meant."""
    after = compose(text)
    for section in _SECTIONS if name is not None else ():
        ours = [plain_value(i) for i in items_of(after, section) if _name(i) == name]
        if ours != ([wanted[section]] if section in wanted else []):
            raise Unusable(f"the change of {section} would not come out as meant")
    if current_context(text) != current:
        raise Unusable(f"the change of {_CURRENT} would not come out as meant")
    if _others(before, name) != _others(after, name):
        raise Unusable("other entries would have changed")


def _others(root: MappingNode | None, name: str | None) -> list[object]:
    """Return everything that is not ours, in order, as values that can be compared."""
    ours = () if name is None else (name, _basic_auth(name))
    shapes: list[object] = []
    for key, value in root.value if root is not None else ():
        if key.value in _SECTIONS:
            rest = [i for i in items_of(root, key.value) if _name(i) not in ours]
            shapes += [(key.value, _shape(item)) for item in rest]
        elif key.value != _CURRENT:
            shapes.append((_shape(key), _shape(value)))
    return shapes


def _shape(node: Node) -> object:
    if isinstance(node, ScalarNode):
        return node.tag, node.value
    if isinstance(node, MappingNode):
        return node.tag, tuple((_shape(k), _shape(v)) for k, v in node.value)
    return node.tag, tuple(_shape(item) for item in node.value)
