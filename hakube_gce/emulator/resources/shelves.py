"""What is only read: zones, regions, machine types, images, projects."""

from collections.abc import Iterable

from hakube_gce.emulator import catalog
from hakube_gce.emulator.calls import Call, Json
from hakube_gce.emulator.handlers import GLOBAL, PROJECT, REGION, ZONE, Route, get
from hakube_gce.emulator.links import link
from hakube_gce.emulator.listing import aggregated, page, zonal_scopes
from hakube_gce.emulator.quotas import quotas
from hakube_gce.emulator.refusals import not_found
from hakube_gce.emulator.world import World, check_place

_REGION_METRICS = ("CPUS", "DISKS_TOTAL_GB", "STATIC_ADDRESSES", "IN_USE_ADDRESSES", "INSTANCES")


def _project(world: World, call: Call) -> Json:
    name = call.project
    return {
        "kind": "compute#project",
        "id": str(7_000_000_000 + sum(ord(c) << (n % 24) for n, c in enumerate(name))),
        "name": name,
        "selfLink": link(f"projects/{name}"),
        "commonInstanceMetadata": {"kind": "compute#metadata", "fingerprint": "AAAAAAAAAAA="},
        "quotas": quotas(world, name, "", ("FORWARDING_RULES",)),
        "defaultServiceAccount": "lab-compute@developer.gserviceaccount.com",
        "defaultNetworkTier": "PREMIUM",
        "xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
    }


def _zone(_: World, call: Call) -> Json:
    name = call.parameters["zone"]
    if name not in catalog.ZONES:
        raise not_found(call.parent)
    return catalog.zone(call.project, name)


def _zones(_: World, call: Call) -> Json:
    items = [catalog.zone(call.project, name) for name in catalog.ZONES]
    return page(call, "compute#zone", f"projects/{call.project}/zones", items)


def _region(world: World, call: Call) -> Json:
    name = call.parameters["region"]
    if name not in catalog.REGIONS:
        raise not_found(call.parent)
    return catalog.region(call.project, name, quotas(world, call.project, name, _REGION_METRICS))


def _regions(world: World, call: Call) -> Json:
    items = [
        catalog.region(call.project, name, quotas(world, call.project, name, _REGION_METRICS))
        for name in catalog.REGIONS
    ]
    return page(call, "compute#region", f"projects/{call.project}/regions", items)


def _machine_types_in(call: Call, zone: str) -> list[Json]:
    return [catalog.machine_type(call.project, zone, name) for name in catalog.MACHINE_TYPES]


def _machine_type(_: World, call: Call) -> Json:
    check_place(call)
    name = call.parameters["machine_type"]
    if name not in catalog.MACHINE_TYPES:
        raise not_found(f"{call.parent}/machineTypes/{name}")
    return catalog.machine_type(call.project, call.parameters["zone"], name)


def _machine_types(_: World, call: Call) -> Json:
    check_place(call)
    items = _machine_types_in(call, call.parameters["zone"])
    return page(call, "compute#machineType", f"{call.parent}/machineTypes", items)


def _all_machine_types(world: World, call: Call) -> Json:
    scopes = zonal_scopes()
    for scope in scopes:
        scopes[scope] = _machine_types_in(call, scope.removeprefix("zones/"))
    return aggregated(call, "compute#machineType", "machineTypes", scopes, world.unreachable)


def _image(_: World, call: Call) -> Json:
    return _found(catalog.images(call.project), "name", call.parameters["image"], call)


def _family(_: World, call: Call) -> Json:
    return _found(catalog.images(call.project), "family", call.parameters["family"], call)


def _found(images: Iterable[Json], key: str, wanted: str, call: Call) -> Json:
    image = next((image for image in images if image.get(key) == wanted), None)
    if image is None:
        middle = "family/" if key == "family" else ""
        raise not_found(f"projects/{call.project}/global/images/{middle}{wanted}")
    return image


def _images(_: World, call: Call) -> Json:
    path = f"projects/{call.project}/global/images"
    return page(call, "compute#image", path, catalog.images(call.project))


ROUTES: tuple[Route, ...] = (
    get("projects.get", PROJECT, _project),
    get("zones.get", ZONE, _zone),
    get("zones.list", f"{PROJECT}/zones", _zones),
    get("regions.get", REGION, _region),
    get("regions.list", f"{PROJECT}/regions", _regions),
    get("machineTypes.get", f"{ZONE}/machineTypes/{{machine_type}}", _machine_type),
    get("machineTypes.list", f"{ZONE}/machineTypes", _machine_types),
    get("machineTypes.aggregatedList", f"{PROJECT}/aggregated/machineTypes", _all_machine_types),
    get("images.get", f"{GLOBAL}/images/{{image}}", _image),
    get("images.getFromFamily", f"{GLOBAL}/images/family/{{family}}", _family),
    get("images.list", f"{GLOBAL}/images", _images),
)
