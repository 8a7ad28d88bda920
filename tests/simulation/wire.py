"""Google's clients as the gateway uses them, over a function instead of HTTP.

What is left out is the library's transport: sockets, transcoding and parsing. Request messages are
made by the product and turned into JSON as the library would; answers come back as views; errors
are the library's own exceptions.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import requests
from google.api_core import exceptions as api
from google.protobuf import json_format

from hakube_gce.emulator.lab import AnswerLost
from hakube_gce.emulator.refusals import Refusal
from hakube_gce.emulator.routes import google_methods
from hakube_gce.gce.clients import Clients
from hakube_gce.gce.legacy_checks import Ask, HttpHealthChecksClient
from hakube_gce.gce.library import compute
from tests.simulation.messages import Json, View, view

LISTS = frozenset({"list", "aggregated_list", "list_instances"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request."""

    method: str
    """Google's method id, e.g. ``addresses.setLabels``."""
    verb: str
    path: str
    query: Mapping[str, str]
    body: Json

    @property
    def changes(self) -> bool:
        """Whether it is a mutation: those are the ones that carry a request id."""
        return "requestId" in self.query

    @property
    def waits(self) -> bool:
        return self.method.endswith("Operations.wait")


Send = Callable[[Request], Json]
"""Sends one request; raises `Refusal`, `AnswerLost`, or what the library would raise."""


@dataclass(frozen=True, slots=True)
class Service:
    """One of the library's clients."""

    name: str
    """As in method ids, e.g. ``regionHealthChecks``."""
    resource: str
    """Its message, e.g. ``HealthCheck``."""
    listed: str
    """What its lists are called, e.g. ``HealthCheck`` or ``RegionHealthCheck``."""
    send: Send

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self._call, name.removesuffix("_unary"))

    def _call(self, name: str, request: Mapping[str, Any], retry: None, timeout: float) -> Any:
        answer = _answered(self.send, _request(f"{self.name}.{_camel(name)}", request))
        if (self.name, name) == ("regionBackendServices", "get"):
            # the one answer that is changed and sent back: there it has to be the real thing
            return _real_backend_service(answer)
        found = view(self._answer_kind(name), answer)
        return SimpleNamespace(pages=iter([found])) if name in LISTS else found

    def _answer_kind(self, name: str) -> str:
        kinds = {
            "get": self.resource,
            "list": f"{self.listed}List",
            "aggregated_list": f"{self.listed}AggregatedList",
            "list_instances": "InstanceGroupsListInstances",
            "get_serial_port_output": "SerialPortOutput",
            "get_health": {
                "targetPools": "TargetPoolInstanceHealth",
                "regionBackendServices": "BackendServiceGroupHealth",
            }.get(self.name, ""),
        }
        return kinds.get(name, "Operation")


def _real_backend_service(answer: Json) -> compute.BackendService:
    known = compute.BackendService.pb()()
    json_format.ParseDict(answer, known, ignore_unknown_fields=True)
    return cast("compute.BackendService", compute.BackendService.wrap(known))


@dataclass(frozen=True, slots=True)
class Dates:
    """The Date header of the last answer: whole seconds of the cloud's clock."""

    now: Callable[[], datetime]

    def latest(self) -> datetime:
        return self.now().replace(microsecond=0)


def clients(send: Send, now: Callable[[], datetime]) -> Clients:
    """Build every client the gateway uses over one function."""

    def build(name: str, resource: str, listed: str = "") -> Any:
        return Service(name, resource, listed or resource, send)

    return Clients(
        zones=build("zones", "Zone"),
        addresses=build("addresses", "Address"),
        firewalls=build("firewalls", "Firewall"),
        disks=build("disks", "Disk"),
        snapshots=build("snapshots", "Snapshot"),
        instances=build("instances", "Instance"),
        instance_groups=build("instanceGroups", "InstanceGroup"),
        instance_templates=build("instanceTemplates", "InstanceTemplate"),
        instance_group_managers=build("instanceGroupManagers", "InstanceGroupManager"),
        routes=build("routes", "Route"),
        networks=build("networks", "Network"),
        subnetworks=build("subnetworks", "Subnetwork"),
        health_checks=build("regionHealthChecks", "HealthCheck"),
        backend_services=build("regionBackendServices", "BackendService"),
        forwarding_rules=build("forwardingRules", "ForwardingRule"),
        target_pools=build("targetPools", "TargetPool"),
        http_health_checks=HttpHealthChecksClient(_legacy(send)),
        operations={
            scope: build(f"{scope}Operations", "Operation")
            for scope in ("zone", "region", "global")
        },
        dates=cast("Any", Dates(now)),
        sessions=(),
    )


def _legacy(send: Send) -> Ask:
    """Send the legacy health checks' requests, which the product makes by itself."""

    def ask(
        verb: str, path: str, query: Mapping[str, str], body: Json | None, _timeout_s: float
    ) -> Json:
        of_all = path.endswith("/httpHealthChecks")
        name = {"POST": "insert", "DELETE": "delete"}.get(verb, "list" if of_all else "get")
        request = Request(
            method=f"httpHealthChecks.{name}",
            verb=verb,
            path=f"/compute/v1/{path}",
            query=query,
            body=body or {},
        )
        return _answered(send, request)

    return ask


# ---------------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class _Template:
    verb: str
    path: str
    parameters: frozenset[str] = field(default_factory=frozenset)


@functools.cache
def _templates() -> Mapping[str, _Template]:
    return {
        method: _Template(
            verb, path, frozenset(p[1:-1] for p in path.split("/") if p.startswith("{"))
        )
        for method, verb, path in google_methods()
    }


def _request(method: str, fields: Mapping[str, Any]) -> Request:
    template = _templates()[method]
    path = {k: v for k, v in fields.items() if k in template.parameters}
    bodies = [v for k, v in fields.items() if k.endswith("_resource")]
    query = {
        _camel(k): str(v)
        for k, v in fields.items()
        if k not in path and not k.endswith("_resource")
    }
    if "/aggregated/" in template.path:
        query["returnPartialSuccess"] = "true"  # as the session adds to every such request
    return Request(
        method=method,
        verb=template.verb,
        path="/compute/v1/" + template.path.format(**path),
        query=query,
        body=json_format.MessageToDict(type(bodies[0]).pb(bodies[0])) if bodies else {},
    )


@functools.cache
def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


# ----------------------------------------------------------------------------------- answers


def _answered(send: Send, request: Request) -> Json:
    try:
        return send(request)
    except Refusal as refusal:
        raise refused(refusal.status, refusal.reason, refusal.message) from refusal
    except AnswerLost as lost:
        raise reset() from lost


def refused(
    status: int, reason: str, message: str, headers: Mapping[str, str] | None = None
) -> api.GoogleAPICallError:
    """Return what the library raises for an answer that is an error."""
    detail = {"message": message, "domain": "global", "reason": reason}
    response = SimpleNamespace(headers=dict(headers or {}), status_code=status)
    error: api.GoogleAPICallError = api.from_http_status(  # type: ignore[no-untyped-call]  # nor typed there
        status, message, errors=[detail], response=response
    )
    return error


def reset() -> requests.ConnectionError:
    """Return what the library raises when a connection ends without an answer."""
    cause = ConnectionResetError(104, "Connection reset by peer")
    return requests.ConnectionError(cause)


__all__ = ["Json", "Request", "Send", "View", "clients", "refused", "reset"]
