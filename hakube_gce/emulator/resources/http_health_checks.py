"""Legacy HTTP health checks: global, and all that target pools take. Probing is done elsewhere."""

from typing import Final

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import GLOBAL, Route, change
from hakube_gce.emulator.links import short
from hakube_gce.emulator.refusals import in_use, invalid
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.world import World

_BOUNDS: Final = {
    "port": (80, 65535),
    "checkIntervalSec": (5, 300),
    "timeoutSec": (5, 300),
    "healthyThreshold": (2, 10),
    "unhealthyThreshold": (2, 10),
}
"""Field → its default and its largest value; the smallest is 1 everywhere."""


def _insert(world: World, call: Call) -> Accepted:
    path, body = world.named(call, "httpHealthChecks"), call.body
    fields: Json = {key: _number(body, key) for key in _BOUNDS}
    if fields["timeoutSec"] > fields["checkIntervalSec"]:
        why = "The timeout must not exceed the check interval."
        raise invalid("resource.timeoutSec", fields["timeoutSec"], why)
    if not str(body.get("requestPath", "/")).startswith("/"):
        raise invalid("resource.requestPath", body["requestPath"], "Must begin with a slash.")
    fields |= {
        "description": body.get("description", ""),
        "host": body.get("host", ""),
        "requestPath": body.get("requestPath", "/"),
    }
    world.create(path, "compute#httpHealthCheck", fields)
    return Accepted(target=path)


def _number(body: Json, key: str) -> int:
    default, largest = _BOUNDS[key]
    value = body.get(key, default)
    if not isinstance(value, int) or not 1 <= value <= largest:
        why = f"Must be between 1 and {largest}, inclusive."
        raise invalid(f"resource.{key}", value, why)
    return value


def _refuse_used(world: World, path: str) -> None:
    for pool, record in world.store.of_kind("compute#targetPool", path.split("/")[1]):
        if path in [short(check) for check in record.get("healthChecks", [])]:
            raise in_use("http_health_check", path, pool)


_CHECKS = Kind(
    kind="compute#httpHealthCheck",
    service="httpHealthChecks",
    collection="httpHealthChecks",
    parameter="http_health_check",
    parent=GLOBAL,
)

ROUTES: tuple[Route, ...] = (
    _CHECKS.get(),
    _CHECKS.list(),
    change("httpHealthChecks.insert", f"POST {GLOBAL}/httpHealthChecks", _insert),
    _CHECKS.delete(_refuse_used),
)
