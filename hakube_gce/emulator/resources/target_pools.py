"""Target pools, as the original scripts made them: no health check, all members serve."""

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.catalog import ZONES
from hakube_gce.emulator.handlers import REGION, Route, change
from hakube_gce.emulator.links import link, region_of, resolve, zone_of
from hakube_gce.emulator.refusals import Refusal, in_use, invalid
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.traffic import rules_of
from hakube_gce.emulator.world import World, check_place


def _insert(world: World, call: Call) -> Accepted:
    check_place(call)
    path, body = world.named(call, "targetPools"), call.body
    for field in ("healthChecks", "backupPool", "failoverRatio"):
        if body.get(field):
            text = f"this emulator has target pools without '{field}' only"
            raise Refusal(501, "notImplemented", text)
    wanted = body.get("instances") or []
    fields = {
        "description": body.get("description", ""),
        "sessionAffinity": body.get("sessionAffinity", "NONE"),
        "instances": [_instance(world, call, path, reference) for reference in wanted] or None,
    }
    world.create(path, "compute#targetPool", fields)
    return Accepted(target=path)


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

ROUTES: tuple[Route, ...] = (
    _POOLS.get(),
    _POOLS.list(),
    _POOLS.aggregated_list(),
    change("targetPools.insert", f"POST {REGION}/targetPools", _insert),
    _POOLS.delete(_refuse_used),
    change("targetPools.addInstance", f"POST {_POOLS.template}/addInstance", _add),
    change("targetPools.removeInstance", f"POST {_POOLS.template}/removeInstance", _remove),
)
