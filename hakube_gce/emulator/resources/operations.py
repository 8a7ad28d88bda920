"""Reading operations. Waiting for one and deleting one need the lab and are done there."""

from collections.abc import Iterator

from hakube_gce.emulator.calls import Call, Json
from hakube_gce.emulator.handlers import GLOBAL, PROJECT, REGION, ZONE, Read, Route, get
from hakube_gce.emulator.listing import aggregated, page, regional_scopes, zonal_scopes
from hakube_gce.emulator.refusals import not_found
from hakube_gce.emulator.world import World, check_place


def find(world: World, call: Call) -> str:
    """Return the path of the operation a request names.

    Raises:
        Refusal: 404.
    """
    check_place(call)
    path = call.path("operations", "operation")
    if path not in world.store.operations:
        raise not_found(path)
    return path


def _get(world: World, call: Call) -> Json:
    return world.store.operations[find(world, call)].public()


def _list(world: World, call: Call) -> Json:
    check_place(call)
    items = [o.public() for o in world.store.operations.values() if o.parent == call.parent]
    return page(call, "compute#operation", f"{call.parent}/operations", items)


def _aggregated_list(world: World, call: Call) -> Json:
    scopes: dict[str, list[Json]] = {"global": [], **regional_scopes(), **zonal_scopes()}
    head = f"projects/{call.project}/"
    for operation in world.store.operations.values():
        if operation.path.startswith(head):
            scopes[operation.parent.removeprefix(head)].append(operation.public())
    return aggregated(call, "compute#operation", "operations", scopes, world.unreachable)


def wait(world: World, call: Call) -> Json:
    """Answer a wait that is over; the lab holds the request until then."""
    return _get(world, call)


def delete(world: World, call: Call) -> Json:
    """Forget an operation's record; what it stands for goes on."""
    path = find(world, call)
    if world.store.operations[path].done:
        del world.store.operations[path]
    return {}


def _routes() -> Iterator[Route]:
    for service, parent in (
        ("zoneOperations", ZONE),
        ("regionOperations", REGION),
        ("globalOperations", GLOBAL),
    ):
        template = f"{parent}/operations/{{operation}}"
        yield get(f"{service}.get", template, _get)
        yield get(f"{service}.list", f"{parent}/operations", _list)
        yield Read(method=f"{service}.wait", verb="POST", template=f"{template}/wait", answer=wait)
        yield Read(method=f"{service}.delete", verb="DELETE", template=template, answer=delete)


ROUTES: tuple[Route, ...] = (
    *_routes(),
    get(
        "globalOperations.aggregatedList",
        f"{PROJECT}/aggregated/operations",
        _aggregated_list,
    ),
)
