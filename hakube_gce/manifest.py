"""A manifest of Kubernetes objects, as an operator gives it: read, and where each goes. Pure.

Only what is needed to send each object is looked at; what it means is the API server's to judge.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

MOST_BYTES = 4 << 20
_MOST_JSON = 4 * MOST_BYTES
_DEEPEST = 200
"""Far deeper than any schema, and far less than what a JSON reader's stack takes."""

_UNREADABLE = (
    yaml.YAMLError,
    RecursionError,
    # PyYAML lets through what converting a scalar raises: 2024-13-01, 0x_, !!bool maybe
    ValueError,
    LookupError,
    AttributeError,
)


class BadManifest(ValueError):
    """A manifest that cannot be applied whole, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestObject:
    """One object to be as the manifest says."""

    api_version: str
    kind: str
    name: str
    namespace: str
    """Empty: none was named."""
    body: Mapping[str, Any] = field(repr=False)
    """All of it. It may hold a Secret, and so is never shown."""

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


def read_manifest(text: str) -> tuple[ManifestObject, ...]:
    """Read all objects of a manifest, in its order; those of a List one by one.

    Raises:
        BadManifest: It is no YAML, holds nothing, or something that is no object.
    """
    if len(text) > MOST_BYTES:
        raise BadManifest(f"is larger than {MOST_BYTES >> 20} MiB")
    try:
        documents = list(yaml.safe_load_all(text))
    except _UNREADABLE as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise BadManifest(f"is no YAML{where}") from None
    found = tuple(_object(each) for document in documents for each in _flat(document))
    if not found:
        raise BadManifest("holds no object")
    _check_that_json_can_say(found)
    return found


def path_of(thing: ManifestObject, resources: Sequence[Mapping[str, Any]]) -> str | None:
    """Give where an object stands in the API; None when the API server has no such kind.

    Args:
        thing: The object.
        resources: What the API server lists of the object's group and version.
    """
    for resource in resources:
        if resource.get("kind") == thing.kind and "/" not in str(resource.get("name", "/")):
            place = resource["name"]
            if resource.get("namespaced"):
                place = f"namespaces/{thing.namespace or 'default'}/{place}"
            return f"{group_path(thing.api_version)}/{place}/{thing.name}"
    return None


def group_path(api_version: str) -> str:
    """Give where a group and version stands.

    >>> group_path("v1"), group_path("apps/v1")
    ('/api/v1', '/apis/apps/v1')
    """
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _flat(document: object) -> Iterator[object]:
    if document is None:
        return
    if isinstance(document, dict) and document.get("kind") == "List":
        items = document.get("items") or ()
        yield from items if isinstance(items, list) else [items]
    else:
        yield document


def _object(found: object) -> ManifestObject:
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        raise BadManifest("holds something that is no Kubernetes object")
    metadata = found["metadata"]
    thing = ManifestObject(
        api_version=_word(found.get("apiVersion"), _API_VERSION, "apiVersion"),
        kind=_word(found.get("kind"), _KIND, "kind"),
        name=_word(metadata.get("name"), _NAME, "metadata.name"),
        namespace=_word(metadata.get("namespace") or "x", _NAME, "metadata.namespace"),
        body=found,
    )
    return thing if metadata.get("namespace") else replace(thing, namespace="")


def _check_that_json_can_say(things: Sequence[ManifestObject]) -> None:
    """Refuse what is no JSON, or is too much of it: a few lines of aliases can say gigabytes."""
    known: dict[int, _Extent] = {}
    size = 0
    for thing in things:
        extent = _extent_of(thing, known)
        size += extent.letters
        if extent.levels > _DEEPEST:
            raise BadManifest(f"is nested deeper than {_DEEPEST} levels, in {thing}")
        if size > _MOST_JSON:
            raise BadManifest(f"is larger than {_MOST_JSON >> 20} MiB, written out")
        _check_words(thing)


def _check_words(thing: ManifestObject) -> None:
    try:
        json.dumps(thing.body, allow_nan=False)
    except (TypeError, ValueError):
        raise BadManifest(f"holds what JSON cannot say, in {thing}") from None


def _extent_of(thing: ManifestObject, known: dict[int, "_Extent"]) -> "_Extent":
    try:
        return _extent(thing.body, known)
    except RecursionError:
        raise BadManifest(f"is nested deeper than {_DEEPEST} levels, in {thing}") from None


@dataclass(frozen=True, slots=True)
class _Extent:
    letters: int
    levels: int


_ENDLESS = _Extent(letters=_MOST_JSON + 1, levels=1)


def _extent(value: object, known: dict[int, _Extent]) -> _Extent:
    """Measure a value written out, looking once at what aliases name many times."""
    if not isinstance(value, dict | list):
        return _Extent(letters=len(str(value)), levels=0)
    if id(value) not in known:
        known[id(value)] = _ENDLESS  # until it is measured: who holds itself never ends
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        within = [_extent(part, known) for part in parts]
        known[id(value)] = _Extent(
            letters=sum(part.letters + 1 for part in within),
            levels=1 + max((part.levels for part in within), default=0),
        )
    return known[id(value)]


_API_VERSION = re.compile(r"(?:[a-z0-9][-.a-z0-9]{0,252}/)?[a-z0-9]{1,63}", re.ASCII)
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][-.:_A-Za-z0-9]{0,252}", re.ASCII)
"""Roles have colons; a slash, which would lead elsewhere in the API, nothing has."""


def _word(value: object, form: re.Pattern[str], what: str) -> str:
    if isinstance(value, str) and form.fullmatch(value):
        return value
    raise BadManifest(f"holds an object whose {what} is missing or malformed")
