"""From a request to the hollow API server to its answer: paths, verbs, formats, watches.

Knows no sockets; everything that reads or writes an object is the registry's. What Kubernetes
offers and this does not (subresources, dry runs, deleting collections, streaming lists) is refused
in words, never half done.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from hakube_gce.clock import SystemClock
from hakube_gce.emulator import hollow_discovery, hollow_objects
from hakube_gce.emulator.hollow_kinds import KINDS, Object, as_list, as_table, select
from hakube_gce.emulator.hollow_refusals import (
    Refusal,
    bad_request,
    expired,
    invalid,
    no_such_page,
    not_acceptable,
    not_allowed,
    unavailable,
)
from hakube_gce.emulator.hollow_registry import Place, Registry
from hakube_gce.emulator.hollow_store import Change, Conflict, StoreUnavailable, Watch

_READY_TIMEOUT_S = 2.0
"""As the real server's (https://github.com/kubernetes/kubernetes/pull/111399)."""
_WATCH_TIMEOUT_S = 1800.0
_HEALTH = ("/readyz", "/healthz", "/livez")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = ""
    content_type: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """An answer that goes on: one line per event, until `stop` or the end of its time."""

    lines: Iterator[bytes]
    stop: Callable[[], None]
    timeout_s: float


class Desk:
    """Answers requests out of a registry."""

    def __init__(self, registry: Registry, *, clock: SystemClock, address: str) -> None:
        """Answer as the server that clients reach at ``address`` (host:port)."""
        self._registry = registry
        self._clock = clock
        self._address = address
        self._leaving = threading.Event()

    def leave(self) -> None:
        """Stop being ready, so that health checks notice before the server is gone."""
        self._leaving.set()

    def open_to_all(self, request: Request) -> Answer | None:
        """Answer what nobody has to be somebody for: health and version; None for all else."""
        if request.path == "/version":
            return _json(HTTPStatus.OK, hollow_discovery.VERSION)
        if request.path not in _HEALTH:
            return None
        return self._livez() if request.path == "/livez" else self._health(request.path)

    def answer(self, request: Request) -> Answer | Following:
        """Carry out a request; what goes wrong becomes an answer, too."""
        try:
            return self._answer(request)
        except Refusal as refusal:
            return as_answer(refusal)
        except StoreUnavailable as error:
            return as_answer(unavailable(str(error)))

    def _livez(self) -> Answer:
        # that the process lives; unlike the real one's, which looks at etcd here as well
        return _text(HTTPStatus.OK, "ok")

    def _health(self, path: str) -> Answer:
        if self._leaving.is_set() and path == "/readyz":
            return _failed(path, "shutdown", "shutting down")
        try:
            self._registry.check(timeout_s=_READY_TIMEOUT_S)
        except StoreUnavailable as error:
            return _failed(path, "etcd", str(error))
        return _text(HTTPStatus.OK, "ok")

    def _answer(self, request: Request) -> Answer | Following:
        document = hollow_discovery.document(request.path, address=self._address)
        if document is not None:
            if request.method != "GET":
                raise not_allowed(request.method, request.path)
            return _json(HTTPStatus.OK, document)
        place = find_place(request.path)
        verb = _verb(request, place)
        if verb not in place.kind.verbs:
            raise not_allowed(verb, place.kind.plural)
        self._registry.furnish()
        if verb in {"get", "list", "watch"}:
            return self._read(verb, request, place)
        if request.query.get("dryRun"):
            raise bad_request("dry runs are not supported here")
        return self._write(verb, request, place)

    def _read(self, verb: str, request: Request, place: Place) -> Answer | Following:
        as_tables = _wants_tables(request.accept)
        if verb == "get":
            thing = self._registry.get(place)
            return _json(HTTPStatus.OK, self._table(place, [thing]) if as_tables else thing)
        fits = _selection(request)
        if verb == "watch":
            return self._watch(request, place, fits, as_tables=as_tables)
        things, revision = self._registry.list(place)
        chosen = [thing for thing in things if fits(thing)]
        if as_tables:
            return _json(HTTPStatus.OK, as_table(place.kind, chosen, revision, self._clock.now()))
        return _json(HTTPStatus.OK, as_list(place.kind, chosen, revision))

    def _write(self, verb: str, request: Request, place: Place) -> Answer:
        if verb == "delete":
            options = hollow_objects.parse(request.body or b"{}", request.content_type)
            return _json(HTTPStatus.OK, self._registry.delete(place, options))
        sent = hollow_objects.parse(request.body, request.content_type)
        unknown = hollow_objects.unknown_fields(place.kind, sent)
        if unknown and request.query.get("fieldValidation") == "Strict":
            raise bad_request(f'strict decoding error: unknown field "{unknown[0]}"')
        status = HTTPStatus.CREATED if verb == "create" else HTTPStatus.OK
        if verb == "create":
            thing = self._registry.create(place, sent)
        elif verb == "update":
            thing = self._registry.replace(place, sent)
        else:
            content_type = request.content_type.split(";")[0]
            thing, is_new = self._registry.patch(place, sent, content_type)
            status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
        shown = self._table(place, [thing]) if _wants_tables(request.accept) else thing
        return _json(status, shown)

    def _watch(
        self, request: Request, place: Place, fits: Callable[[Object], bool], *, as_tables: bool
    ) -> Following:
        if request.query.get("sendInitialEvents"):
            raise invalid(place.kind, "", "sendInitialEvents: Forbidden: not supported here")
        revision = request.query.get("resourceVersion", "")
        first: list[Object] = []
        if revision in {"", "0"}:
            things, after = self._registry.list(place)
            first = [{"type": "ADDED", "object": thing} for thing in things if fits(thing)]
        elif revision.isdigit():
            after = int(revision)
        else:
            raise bad_request(f"resourceVersion: {revision!r} is no number")
        following = self._registry.watch(place, after=after)
        events = _events(first, following, fits)
        if as_tables:
            events = (self._as_table_event(place, event) for event in events)
        return Following(
            lines=(json.dumps(event).encode() + b"\n" for event in events),
            stop=following.stop,
            timeout_s=_watch_timeout(request),
        )

    def _as_table_event(self, place: Place, event: Object) -> Object:
        if event["type"] == "ERROR":
            return event
        return event | {"object": self._table(place, [event["object"]])}

    def _table(self, place: Place, things: list[Object]) -> Object:
        revision = int(things[0]["metadata"]["resourceVersion"])
        return as_table(place.kind, things, revision, self._clock.now())


def find_place(path: str) -> Place:
    """Return what a path below ``/api/v1`` names.

    >>> find_place("/api/v1/namespaces/default/configmaps/a").key
    '/registry/configmaps/default/a'
    >>> find_place("/api/v1/namespaces/default").key
    '/registry/namespaces/default'

    Raises:
        Refusal: Nothing that is served here.
    """
    match path.strip("/").split("/"):
        case ["api", "v1", "namespaces", namespace, plural, *name] if len(name) < 2:
            kind = KINDS.get(plural)
            if kind is not None and kind.namespaced:
                return Place(kind=kind, namespace=namespace, name="".join(name))
        case ["api", "v1", plural, *name] if len(name) < 2:
            kind = KINDS.get(plural)
            if kind is not None and not (kind.namespaced and name):
                return Place(kind=kind, name="".join(name))
    raise no_such_page()


def as_answer(refusal: Refusal) -> Answer:
    """Write a refusal as the Status object that clients know."""
    return _json(refusal.status, refusal.as_object())


def _verb(request: Request, place: Place) -> str:
    named = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    watching = request.query.get("watch", "") in {"1", "true"}
    unnamed = {"GET": "watch" if watching else "list", "POST": "create"}
    verbs = named if place.name else unnamed
    cluster_wide = place.kind.namespaced and not place.namespace
    if request.method not in verbs or (request.method == "POST" and cluster_wide):
        raise not_allowed(request.method, request.path)
    return verbs[request.method]


def _selection(request: Request) -> Callable[[Object], bool]:
    try:
        return select(
            request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
        )
    except ValueError as error:
        raise bad_request(str(error)) from error


def _events(
    first: list[Object], following: Watch, fits: Callable[[Object], bool]
) -> Iterator[Object]:
    yield from first
    try:
        for change in following:
            event = _event(change, fits)
            if event is not None:
                yield event
    except Conflict:
        yield {"type": "ERROR", "object": expired().as_object()}


def _event(change: Change, fits: Callable[[Object], bool]) -> Object | None:
    """Return what a watcher is told: an object that stops fitting is gone, for him."""
    before, after = change.before, change.after
    fitted = before is not None and fits(before.value)
    if after is not None and fits(after.value):
        kind, thing = ("MODIFIED" if fitted else "ADDED"), after.value
    elif before is not None and fitted:
        kind, thing = "DELETED", before.value
    else:
        return None
    meta = thing["metadata"] | {"resourceVersion": str(change.revision)}
    return {"type": kind, "object": thing | {"metadata": meta}}


def _watch_timeout(request: Request) -> float:
    wanted = request.query.get("timeoutSeconds", "")
    return min(float(wanted), _WATCH_TIMEOUT_S) if wanted.isdigit() else _WATCH_TIMEOUT_S


def _wants_tables(accept: str) -> bool:
    clauses = [clause.strip() for clause in accept.split(",") if clause.strip()]
    if any("as=Table" in c and "v=v1;" in c + ";" and "json" in c for c in clauses):
        return True
    readable = ("application/json", "application/*", "*/*", "application/yaml")
    if clauses and not any(clause.startswith(readable) for clause in clauses):
        raise not_acceptable()
    return False


def _failed(path: str, what: str, why: str) -> Answer:
    lines = ["[+]ping ok", f"[-]{what} failed: {why}", f"{path[1:]} check failed"]
    return _text(HTTPStatus.INTERNAL_SERVER_ERROR, "\n".join(lines) + "\n")


def _json(status: HTTPStatus, body: Mapping[str, Any]) -> Answer:
    return Answer(status=status, body=json.dumps(body).encode() + b"\n")


def _text(status: HTTPStatus, body: str) -> Answer:
    return Answer(status=status, body=body.encode(), content_type="text/plain; charset=utf-8")
