"""Regional backend services of an external passthrough load balancer."""

from typing import Final

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.catalog import ZONES
from hakube_gce.emulator.handlers import REGION, Read, Route, change
from hakube_gce.emulator.links import link, region_of, resolve, short, zone_of
from hakube_gce.emulator.refusals import Refusal, in_use, invalid, required
from hakube_gce.emulator.resources.groups import refuse_twice_balanced
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.traffic import internal_ip, members, rules_of
from hakube_gce.emulator.world import World, check_fingerprint, check_place, fingerprint

_SETTABLE: Final = (
    "backends",
    "connectionDraining",
    "connectionTrackingPolicy",
    "description",
    "failoverPolicy",
    "healthChecks",
    "loadBalancingScheme",
    "logConfig",
    "protocol",
    "sessionAffinity",
    "timeoutSec",
)
_DEFAULTS: Final = {
    "description": "",
    "protocol": "TCP",
    "loadBalancingScheme": "EXTERNAL",
    "sessionAffinity": "NONE",
    "timeoutSec": 30,
    "connectionDraining": {"drainingTimeoutSec": 0},
}


def _insert(world: World, call: Call) -> Accepted:
    check_place(call)
    path = world.named(call, "backendServices")
    fields = _checked(world, call, path, {**_DEFAULTS, **_settable(call.body)})
    world.create(path, "compute#backendService", fields)
    return Accepted(target=path)


def _patch(world: World, call: Call) -> Accepted:
    return _write(
        world, call, {**_settable(world.need(SERVICES.path(call))), **_settable(call.body)}
    )


def _update(world: World, call: Call) -> Accepted:
    return _write(world, call, {**_DEFAULTS, **_settable(call.body)})


def _write(world: World, call: Call, wanted: Json) -> Accepted:
    """Change a service if the request has seen its current contents.

    ``update`` must carry the fingerprint; a patch without one is taken, as Google's documentation
    of PATCH allows [K].
    """
    path = SERVICES.path(call)
    record = world.settled(path)
    if call.body.get("fingerprint") or call.method.endswith(".update"):
        given = call.body.get("fingerprint")
        check_fingerprint(given, record["fingerprint"], "backend service")
    if wanted.get("loadBalancingScheme") != record["loadBalancingScheme"]:
        why = "The load balancing scheme cannot be changed."
        raise invalid("resource.loadBalancingScheme", wanted.get("loadBalancingScheme"), why)
    world.store.change(path, **dict.fromkeys(_SETTABLE))
    world.store.change(path, **_checked(world, call, path, wanted))
    return Accepted(target=path)


def _settable(body: Json) -> Json:
    return {key: body[key] for key in _SETTABLE if key in body}


def _checked(world: World, call: Call, path: str, wanted: Json) -> Json:
    if wanted["loadBalancingScheme"] != "EXTERNAL":
        text = "this emulator has backend services of the scheme EXTERNAL only"
        raise Refusal(501, "notImplemented", text)
    if wanted["protocol"] not in {"TCP", "UDP", "UNSPECIFIED"}:
        why = "Must be TCP, UDP or UNSPECIFIED."
        raise invalid("resource.protocol", wanted["protocol"], why)
    backends = wanted.get("backends") or []
    fields = {
        **wanted,
        "healthChecks": [_health_check(world, call, wanted.get("healthChecks") or [])],
        "backends": [_backend(world, call, path, b, n) for n, b in enumerate(backends)],
    }
    groups = [backend["group"] for backend in fields["backends"]]
    for number, group in enumerate(groups):
        if group in groups[:number]:
            raise invalid(f"resource.backends[{number}].group", group, "Duplicate backend.")
    _refuse_twice_balanced(world, [short(group) for group in groups])
    if not groups:
        del fields["backends"]
    return {**fields, "fingerprint": fingerprint(fields)}


def _refuse_twice_balanced(world: World, groups: list[str]) -> None:
    seen: dict[str, str] = {}
    for group in groups:
        for instance in members(world, group):
            refuse_twice_balanced(world, instance, group)
            if instance in seen:
                raise in_use("instance", instance, seen[instance])
            seen[instance] = group


def _health_check(world: World, call: Call, references: list[str]) -> str:
    if not references:
        raise required("resource.healthChecks")
    if len(references) > 1:
        raise invalid("resource.healthChecks", len(references), "Exactly one is allowed.")
    path = resolve(references[0], call, "resource.healthChecks[0]")
    if region_of(path) != call.parameters["region"]:
        why = "The health check must be in the region of the backend service."
        raise invalid("resource.healthChecks[0]", references[0], why)
    world.settled(path)
    return link(path)


def _backend(world: World, call: Call, service: str, wanted: Json, number: int) -> Json:
    field = f"resource.backends[{number}].group"
    group = resolve(wanted.get("group"), call, field)
    world.settled(group)
    if ZONES.get(zone_of(group)) != region_of(service):
        why = "The instance group must be in a zone of the backend service's region."
        raise invalid(field, link(group), why)
    mode = wanted.get("balancingMode", "CONNECTION")
    if mode != "CONNECTION":
        why = "Must be CONNECTION for a passthrough load balancer."
        raise invalid(f"resource.backends[{number}].balancingMode", mode, why)
    shown = {"group": link(group), "balancingMode": mode}
    return shown | {k: wanted[k] for k in ("description", "failover") if k in wanted}


def _get_health(world: World, call: Call) -> Json:
    """Return the health of one group's instances; empty before any rule refers to the service."""
    path = SERVICES.path(call)
    service = world.need(path)
    group = resolve(call.body.get("group"), call, "resource.group")
    if link(group) not in [backend["group"] for backend in service.get("backends", [])]:
        raise invalid("resource.group", link(group), "Not a backend of this service.")
    statuses = [
        _status(world, path, instance, rule)
        for instance in members(world, group)
        for _, rule in rules_of(world, path)
    ]
    answer: Json = {"kind": "compute#backendServiceGroupHealth"}
    return {**answer, "healthStatus": statuses} if statuses else answer


def _status(world: World, service: str, instance: str, rule: Json) -> Json:
    return {
        "instance": link(instance),
        "ipAddress": internal_ip(world.need(instance)),
        "port": 80,
        "healthState": "HEALTHY" if world.health(service, instance) else "UNHEALTHY",
        "forwardingRule": rule["selfLink"],
        "forwardingRuleIp": rule["IPAddress"],
    }


def _refuse_used(world: World, path: str) -> None:
    for rule, _ in rules_of(world, path):
        raise in_use("backend_service", path, rule)


SERVICES = Kind(
    kind="compute#backendService",
    service="regionBackendServices",
    collection="backendServices",
    parameter="backend_service",
    parent=REGION,
)
_SERVICE = SERVICES.template

ROUTES: tuple[Route, ...] = (
    SERVICES.get(),
    SERVICES.list(),
    change("regionBackendServices.insert", f"POST {REGION}/backendServices", _insert),
    change("regionBackendServices.patch", f"PATCH {_SERVICE}", _patch),
    change("regionBackendServices.update", f"PUT {_SERVICE}", _update),
    SERVICES.delete(_refuse_used),
    Read(
        method="regionBackendServices.getHealth",
        verb="POST",
        template=f"{_SERVICE}/getHealth",
        answer=_get_health,
    ),
)
