"""Regional health checks: their fields and defaults. Probing is done elsewhere."""

from typing import Final

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import REGION, Route, change
from hakube_gce.emulator.links import short
from hakube_gce.emulator.refusals import in_use, invalid, required
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.world import World, check_place

_DEFAULTS: Final = {
    "checkIntervalSec": 5,
    "timeoutSec": 5,
    "healthyThreshold": 2,
    "unhealthyThreshold": 2,
}
_PROTOCOLS: Final = {
    "HTTP": "httpHealthCheck",
    "HTTP2": "http2HealthCheck",
    "HTTPS": "httpsHealthCheck",
    "SSL": "sslHealthCheck",
    "TCP": "tcpHealthCheck",
}


def _insert(world: World, call: Call) -> Accepted:
    check_place(call)
    path, body = world.named(call, "healthChecks"), call.body
    kind = body.get("type")
    if not kind:
        raise required("resource.type")
    if kind not in _PROTOCOLS:
        raise invalid("resource.type", kind, f"Must be one of {', '.join(_PROTOCOLS)}.")
    block = _PROTOCOLS[kind]
    fields: Json = {key: _seconds(body, key) for key in _DEFAULTS}
    if fields["timeoutSec"] > fields["checkIntervalSec"]:
        why = "The timeout must not exceed the check interval."
        raise invalid("resource.timeoutSec", fields["timeoutSec"], why)
    fields |= {
        "type": kind,
        "description": body.get("description", ""),
        block: {"proxyHeader": "NONE", **body.get(block, {})},
        "logConfig": body.get("logConfig", {"enable": False}),
    }
    world.create(path, "compute#healthCheck", fields)
    return Accepted(target=path)


def _seconds(body: Json, key: str) -> int:
    value = body.get(key, _DEFAULTS[key])
    if not isinstance(value, int) or not 1 <= value <= 300:
        raise invalid(f"resource.{key}", value, "Must be between 1 and 300, inclusive.")
    return value


def _refuse_used(world: World, path: str) -> None:
    for service, record in world.store.of_kind("compute#backendService", path.split("/")[1]):
        if path in [short(check) for check in record.get("healthChecks", [])]:
            raise in_use("health_check", path, service)


_CHECKS = Kind(
    kind="compute#healthCheck",
    service="regionHealthChecks",
    collection="healthChecks",
    parameter="health_check",
    parent=REGION,
)

ROUTES: tuple[Route, ...] = (
    _CHECKS.get(),
    _CHECKS.list(),
    change("regionHealthChecks.insert", f"POST {REGION}/healthChecks", _insert),
    _CHECKS.delete(_refuse_used),
)
