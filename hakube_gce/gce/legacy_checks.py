"""Legacy HTTP health checks, the only ones that target pools take.

The Compute API has them (``httpHealthChecks``, of the whole project) and Google's library leaves
them out. So the four calls we need are written here, in the shape of the library's clients and
over its own session: same credentials, same connections, and its own exceptions.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import requests
from google.api_core import exceptions as api
from google.protobuf import json_format

from hakube_gce.gce.library import compute

Json = dict[str, Any]
Ask = Callable[[str, str, Mapping[str, str], Json | None, float], Json]
"""Sends verb, path below ``compute/v1/``, query and body; gives the answer or raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpHealthCheck:
    """A check, with the fields that we set or read."""

    name: str
    port: int
    request_path: str
    interval_s: int
    timeout_s: int
    description: str = ""

    def as_json(self) -> Json:
        return {
            "name": self.name,
            "description": self.description,
            "port": self.port,
            "requestPath": self.request_path,
            "checkIntervalSec": self.interval_s,
            "timeoutSec": self.timeout_s,
            "healthyThreshold": 2,
            "unhealthyThreshold": 2,
        }

    @classmethod
    def from_json(cls, found: Json) -> Self:
        return cls(
            name=str(found.get("name", "")),
            port=int(found.get("port", 80)),
            request_path=str(found.get("requestPath", "/")),
            interval_s=int(found.get("checkIntervalSec", 5)),
            timeout_s=int(found.get("timeoutSec", 5)),
            description=str(found.get("description", "")),
        )


@dataclass(frozen=True, slots=True)
class _Warning:
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    items: tuple[HttpHealthCheck, ...]
    next_page_token: str
    warning: _Warning


@dataclass(frozen=True, slots=True)
class _Pager:
    page: _Page

    @property
    def pages(self) -> Iterator[_Page]:
        return iter((self.page,))


@dataclass(frozen=True, slots=True)
class HttpHealthChecksClient:
    """Reads, makes and deletes them. ``retry`` is always None: repeating is the caller's."""

    ask: Ask

    def get(
        self, request: Any = None, *, retry: None = None, timeout: float = 30.0
    ) -> HttpHealthCheck:
        del retry
        return HttpHealthCheck.from_json(self.ask("GET", _path(request), {}, None, timeout))

    def list(self, request: Any = None, *, retry: None = None, timeout: float = 30.0) -> _Pager:
        """Read one page."""
        del retry
        query = {"pageToken": request["page_token"]} if request.get("page_token") else {}
        found = self.ask("GET", _path(request), query, None, timeout)
        page = _Page(
            items=tuple(map(HttpHealthCheck.from_json, found.get("items", ()))),
            next_page_token=str(found.get("nextPageToken", "")),
            warning=_Warning(str(found.get("warning", {}).get("code", ""))),
        )
        return _Pager(page)

    def insert_unary(
        self, request: Any = None, *, retry: None = None, timeout: float = 30.0
    ) -> compute.Operation:
        del retry
        body = request["http_health_check_resource"].as_json()
        return _operation(self.ask("POST", _path(request), _id(request), body, timeout))

    def delete_unary(
        self, request: Any = None, *, retry: None = None, timeout: float = 30.0
    ) -> compute.Operation:
        del retry
        return _operation(self.ask("DELETE", _path(request), _id(request), None, timeout))


def _path(request: Mapping[str, Any]) -> str:
    collection = f"projects/{request['project']}/global/httpHealthChecks"
    name = request.get("http_health_check")
    return f"{collection}/{name}" if name else collection


def _id(request: Mapping[str, Any]) -> dict[str, str]:
    return {"requestId": request["request_id"]} if request.get("request_id") else {}


def _operation(answer: Json) -> compute.Operation:
    known = compute.Operation.pb()()
    json_format.ParseDict(answer, known, ignore_unknown_fields=True)
    wrapped: compute.Operation = compute.Operation.wrap(known)
    return wrapped


def over_session(session: requests.Session, host: str) -> Ask:
    """Ask through a session of the library's, as its own transports do."""

    def ask(
        verb: str, path: str, query: Mapping[str, str], body: Json | None, timeout_s: float
    ) -> Json:
        response = session.request(
            verb,
            f"{host}/compute/v1/{path}",
            params=dict(query),
            headers={"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body),
            timeout=timeout_s,
        )
        if response.status_code >= 400:
            raise api.from_http_response(response)  # type: ignore[no-untyped-call]  # not typed there
        return _content(response)

    return ask


def _content(response: requests.Response) -> Json:
    try:
        answer = response.json()
    except ValueError as error:
        raise json_format.ParseError(str(error)) from error
    if not isinstance(answer, dict):
        msg = f"an object was expected, not {type(answer).__name__}"
        raise json_format.ParseError(msg)
    return answer
