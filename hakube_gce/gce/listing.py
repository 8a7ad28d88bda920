"""Lists, page by page, together with what Compute Engine could not list.

A zone that does not answer leaves a hole in a list. A hole is reported, never taken for absence:
whoever believes that an unreachable master is gone adds a second one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from hakube_gce.gce.calls import CALL_TIMEOUT_S, Persistence
from hakube_gce.gce.paths import last, region_of, short

_NOTHING_HERE = "NO_RESULTS_ON_PAGE"
"""The one warning of a list that is no warning."""


class Pager(Protocol):
    """What the library's list methods return."""

    @property
    def pages(self) -> Iterator[Any]: ...


class ListMethod(Protocol):
    """A list method of one of the library's clients."""

    def __call__(
        self, request: Any = ..., *, retry: None = ..., timeout: float = ...
    ) -> Pager: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """Messages of one kind, and the scopes in which there may be more."""

    items: tuple[Any, ...]
    unreadable: tuple[str, ...] = ()


def read_pages(
    persistence: Persistence, method: ListMethod, fields: Mapping[str, Any], *, about: str
) -> Iterator[Any]:
    """Yield every page of a list; each page is repeated by itself.

    Args:
        persistence: Repeats what may be repeated.
        method: The client's method.
        fields: The request's fields besides the project.
        about: Short path of the collection, for errors.
    """
    token = ""
    while True:
        request = {"project": persistence.project, **fields}
        if token:
            request["page_token"] = token
        page = persistence.carry(partial(_first_page, method, request), about=about)
        yield page
        token = page.next_page_token
        if not token:
            return


def _first_page(method: ListMethod, request: Mapping[str, Any]) -> Any:
    # Only the first page of the library's pager: it would fetch the others without our repetition.
    return next(method(request=request, retry=None, timeout=CALL_TIMEOUT_S).pages)


def read_list(
    persistence: Persistence, method: ListMethod, fields: Mapping[str, Any], *, about: str
) -> Listing:
    """Read a whole list of one scope."""
    items: list[Any] = []
    holes: list[str] = []
    for page in read_pages(persistence, method, fields, about=about):
        items.extend(page.items)
        holes.extend(_holes(page, about))
    return Listing(tuple(items), tuple(dict.fromkeys(holes)))


def read_region(
    persistence: Persistence, method: ListMethod, field: str, *, region: str, about: str
) -> Listing:
    """Read what a region's zones hold of one kind, from the project-wide list.

    Args:
        persistence: Repeats what may be repeated.
        method: The client's ``aggregated_list``.
        field: Where a scope's items are, e.g. ``instances``.
        region: The region.
        about: Name of the collection, for errors.
    """
    items: list[Any] = []
    holes: list[str] = []
    for page in read_pages(persistence, method, {}, about=about):
        for scope, scoped in page.items.items():
            if _lies_in(scope, region):
                items.extend(getattr(scoped, field))
                holes.extend(_holes(scoped, scope))
        holes.extend(_holes(page, about))
        holes.extend(_unreachable(page, region))
    return Listing(tuple(items), tuple(dict.fromkeys(holes)))


def _lies_in(scope: str, region: str) -> bool:
    kind, _, name = short(scope).partition("/")
    return kind == "zones" and region_of(name) == region


def _holes(message: Any, scope: str) -> list[str]:
    code = message.warning.code
    return [f"{scope}: {code}"] if code and code != _NOTHING_HERE else []


def _unreachable(page: Any, region: str) -> list[str]:
    scopes = (short(url) for url in page.unreachables)
    return [
        f"{scope}: UNREACHABLE"
        for scope in scopes
        if _lies_in(scope, region) or scope == f"regions/{region}" or last(scope) == scope
    ]
