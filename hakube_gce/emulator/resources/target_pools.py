"""Target pools: VMs of several zones directly, judged by a legacy HTTP check or by nothing.

A pool keeps the name of a VM that was deleted, and a new one of that name is in it at once [K].
"""

from collections.abc import Iterable

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.catalog import ZONES
from hakube_gce.emulator.handlers import REGION, Read, Route, change
from hakube_gce.emulator.links import link, region_of, resolve, zone_of
from hakube_gce.emulator.refusals import Refusal, in_use, invalid
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.traffic import internal_ip, rules_of
from hakube_gce.emulator.world import World, check_place


def _insert(world: World, call: Call) -> Accepted:
    check_place(call)
    path, body = world.named(call, "targetPools"), call.body
    for field in ("backupPool", "failoverRatio"):
        if body.get(field):
            text = f"this emulator has target pools without '{field}' only"
            raise Refusal(501, "notImplemented", text)
    wanted = body.get("instances") or []
    checks = [_check(world, call, r, "resource.healthChecks[0]") for r in _checks_of(body)]
    fields = {
        "description": body.get("description", ""),
        "sessionAffinity": body.get("sessionAffinity", "NONE"),
        "instances": [_instance(world, call, path, reference) for reference in wanted] or None,
        "healthChecks": _at_most_one(checks) or None,
    }
    world.create(path, "compute#targetPool", fields)
    return Accepted(target=path)


# ------------------------------------------------------------------------------------- instances


def _instance(world: World, call: Call, pool: str, reference: object) -> str:
    field = "resource.instances[0]"
    path = resolve(reference, call, field)
    if ZONES.get(zone_of(path)) != region_of(pool):
        raise invalid(field, reference, "The instance must be in the region of the target pool.")
    world.settled(path)
    return link(path)


def _add(world: World, call: Call) -> Accepted:
    path = _POOLS.path(call)
    present = world.settled(path).get("instances", [])
    wanted = [_instance(world, call, path, e.get("instance")) for e in _entries(call)]
    # Adding what is there already succeeds for a pool [K].
    world.store.change(path, instances=list(dict.fromkeys([*present, *wanted])))
    return Accepted(target=path)


def _remove(world: World, call: Call) -> Accepted:
    path = _POOLS.path(call)
    present = world.settled(path).get("instances", [])
    field = "resource.instances[0].instance"
    gone = [link(resolve(e.get("instance"), call, field)) for e in _entries(call)]
    left = [reference for reference in present if reference not in gone]
    world.store.change(path, instances=left or None)
    return Accepted(target=path)


def _entries(call: Call) -> list[Json]:
    return list(call.body.get("instances") or [])


# ---------------------------------------------------------------------------------------- health


def _checks_of(body: Json) -> Iterable[object]:
    return body.get("healthChecks") or []


def _check(world: World, call: Call, reference: object, field: str) -> str:
    path = resolve(reference, call, field)
    if "/global/httpHealthChecks/" not in path:
        raise invalid(field, reference, "A target pool takes a legacy HTTP health check only.")
    world.settled(path)
    return link(path)


def _at_most_one(checks: list[str]) -> list[str]:
    if len(checks) > 1:
        raise invalid("resource.healthChecks", len(checks), "At most one is allowed.")
    return checks


def _add_check(world: World, call: Call) -> Accepted:
    path = _POOLS.path(call)
    present = world.settled(path).get("healthChecks", [])
    wanted = [_check(world, call, r, _CHECK_FIELD) for r in _references(call)]
    every = _at_most_one(list(dict.fromkeys([*present, *wanted])))
    world.store.change(path, healthChecks=every or None)
    return Accepted(target=path)


def _remove_check(world: World, call: Call) -> Accepted:
    path = _POOLS.path(call)
    present = world.settled(path).get("healthChecks", [])
    gone = [link(resolve(r, call, _CHECK_FIELD)) for r in _references(call)]
    left = [reference for reference in present if reference not in gone]
    world.store.change(path, healthChecks=left or None)
    return Accepted(target=path)


_CHECK_FIELD = "resource.healthChecks[0].healthCheck"


def _references(call: Call) -> list[object]:
    return [entry.get("healthCheck") for entry in call.body.get("healthChecks") or []]


def _get_health(world: World, call: Call) -> Json:
    """Return the health of one member; empty before any rule refers to the pool."""
    path = _POOLS.path(call)
    pool, field = world.need(path), "resource.instance"
    instance = resolve(call.body.get("instance"), call, field)
    if link(instance) not in pool.get("instances", []):
        raise invalid(field, link(instance), "Not an instance of this target pool.")
    # without a check nobody is ever found unhealthy
    good = not pool.get("healthChecks") or world.health(path, instance)
    statuses = [_status(world, instance, rule, good=good) for _, rule in rules_of(world, path)]
    answer: Json = {"kind": "compute#targetPoolInstanceHealth"}
    return {**answer, "healthStatus": statuses} if statuses else answer


def _status(world: World, instance: str, rule: Json, *, good: bool) -> Json:
    return {
        "instance": link(instance),
        "ipAddress": internal_ip(world.need(instance)),
        "healthState": "HEALTHY" if good else "UNHEALTHY",
        "forwardingRule": rule["selfLink"],
        "forwardingRuleIp": rule["IPAddress"],
    }


def _refuse_used(world: World, path: str) -> None:
    for rule, _ in rules_of(world, path):
        raise in_use("target_pool", path, rule)


_POOLS = Kind(
    kind="compute#targetPool",
    service="targetPools",
    collection="targetPools",
    parameter="target_pool",
    parent=REGION,
)
_POOL = _POOLS.template

ROUTES: tuple[Route, ...] = (
    _POOLS.get(),
    _POOLS.list(),
    _POOLS.aggregated_list(),
    change("targetPools.insert", f"POST {REGION}/targetPools", _insert),
    _POOLS.delete(_refuse_used),
    change("targetPools.addInstance", f"POST {_POOL}/addInstance", _add),
    change("targetPools.removeInstance", f"POST {_POOL}/removeInstance", _remove),
    change("targetPools.addHealthCheck", f"POST {_POOL}/addHealthCheck", _add_check),
    change("targetPools.removeHealthCheck", f"POST {_POOL}/removeHealthCheck", _remove_check),
    Read(
        method="targetPools.getHealth",
        verb="POST",
        template=f"{_POOL}/getHealth",
        answer=_get_health,
    ),
)
