"""Lists as Google gives them: filtered, in pages, and aggregated over every zone and region.

``items`` is left out when there are none. Page tokens name the last item given, so that a list
that changes between two pages neither repeats nor skips what stayed.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from hakube_gce.emulator import filters
from hakube_gce.emulator.calls import Call, Json
from hakube_gce.emulator.catalog import REGIONS, ZONES
from hakube_gce.emulator.links import link
from hakube_gce.emulator.refusals import Refusal, invalid

_PAGE = 500
T = TypeVar("T")


def page(call: Call, kind: str, path: str, items: Iterable[Json]) -> Json:
    """Return one page of a list.

    Args:
        call: The request; its query decides filter, order, page size and token.
        kind: Kind of the items, e.g. ``compute#disk``.
        path: Short path of the collection.
        items: All that stands in it, as Google shows them.
    """
    chosen, token = _cut(call, list(items), lambda item: str(item["name"]), lambda item: item)
    answer: Json = {"kind": f"{kind}List", "id": path, "selfLink": link(path)}
    if chosen:
        answer["items"] = chosen
    return {**answer, "nextPageToken": token} if token else answer


def aggregated(
    call: Call, kind: str, name: str, items: Mapping[str, list[Json]], unreachable: Iterable[str]
) -> Json:
    """Return an aggregated list over all scopes of a kind.

    Args:
        call: The request.
        kind: Kind of the items.
        name: Collection, e.g. ``disks``: the key inside each scope.
        items: Scope (``zones/Z``, ``regions/R``, ``global``) → what stands there.
        unreachable: Scopes that cannot be read now.
    """
    away = sorted(set(unreachable) & set(items))
    if away and call.query.get("returnPartialSuccess") != "true":
        raise unreachable_scope(away[0])
    flat = [(scope, item) for scope, found in items.items() if scope not in away for item in found]
    chosen, token = _cut(call, flat, lambda e: f"{e[0]} {e[1]['name']}", lambda e: e[1])
    scopes: dict[str, Json] = {scope: _warning(scope) for scope in sorted(items)}
    for scope in {scope for scope, _ in chosen}:
        scopes[scope] = {name: [item for where, item in chosen if where == scope]}
    path = f"projects/{call.project}/aggregated/{name}"
    answer: Json = {"kind": f"{kind}AggregatedList", "id": path, "selfLink": link(path)}
    answer["items"] = {**scopes, **{scope: _unreachable(scope) for scope in away}}
    if away:
        answer["unreachables"] = away
    return {**answer, "nextPageToken": token} if token else answer


def zonal_scopes() -> dict[str, list[Json]]:
    """Return every zone's scope, empty."""
    return {f"zones/{zone}": [] for zone in ZONES}


def regional_scopes() -> dict[str, list[Json]]:
    """Return every region's scope, empty."""
    return {f"regions/{region}": [] for region in REGIONS}


def unreachable_scope(scope: str) -> Refusal:
    """Return the refusal of whatever needs a scope that cannot be reached [K]."""
    return Refusal(503, "backendError", f"The scope '{scope}' is unreachable.")


def _warning(scope: str) -> Json:
    text = f"There are no results for scope '{scope}' on this page."
    data = [{"key": "scope", "value": scope}]
    return {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": text, "data": data}}


def _unreachable(scope: str) -> Json:
    text = f"The scope '{scope}' is unreachable."
    data = [{"key": "scope", "value": scope}]
    return {"warning": {"code": "UNREACHABLE", "message": text, "data": data}}


def _cut(
    call: Call,
    entries: list[T],
    key: Callable[[T], str],
    record: Callable[[T], Json],
) -> tuple[list[T], str]:
    fits = filters.parse(call.query.get("filter", ""))
    entries = sorted((entry for entry in entries if fits(record(entry))), key=key)
    order = call.query.get("orderBy", "")
    if order == "creationTimestamp desc":
        entries.sort(key=lambda entry: str(record(entry).get("creationTimestamp")), reverse=True)
    elif order not in {"", "name"}:
        raise invalid("orderBy", order, "Must be 'name' or 'creationTimestamp desc'.")
    start = _after(call.query.get("pageToken", ""), [key(entry) for entry in entries])
    end = start + _size(call)
    token = _token(key(entries[end - 1])) if end < len(entries) else ""
    return entries[start:end], token


def _size(call: Call) -> int:
    text = call.query.get("maxResults", str(_PAGE))
    if not text.isdecimal() or int(text) > _PAGE:
        raise invalid("maxResults", text, f"Must be between 0 and {_PAGE}, inclusive.")
    return int(text) or _PAGE  # 0 means the default [K]


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _after(token: str, keys: list[str]) -> int:
    if not token:
        return 0
    try:
        last = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid("pageToken", token, "The page token is malformed.") from error
    if last in keys:
        return keys.index(last) + 1
    return sum(key < last for key in keys)
