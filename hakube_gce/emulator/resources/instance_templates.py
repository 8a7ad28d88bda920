"""Instance templates: what managed groups make their instances from.

Judged when a template is inserted, as far as it can be without a zone; what a zone adds is judged
when an instance is made.
"""

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.catalog import DISK_TYPES, MACHINE_TYPES, find_image
from hakube_gce.emulator.handlers import GLOBAL, Route, change
from hakube_gce.emulator.links import link, resolve
from hakube_gce.emulator.refusals import in_use, invalid, not_emulated, not_found, required
from hakube_gce.emulator.resources.instances import scheduling_fields, tags
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.resources.metadata import metadata_fields
from hakube_gce.emulator.resources.references import find_network
from hakube_gce.emulator.world import World, check_labels

_FIELD = "resource.properties"


def _insert(world: World, call: Call) -> Accepted:
    path, properties = world.named(call, "instanceTemplates"), call.body.get("properties")
    if call.body.get("sourceInstance"):
        raise not_emulated("instanceTemplates.insert with a source instance")
    if not properties:
        raise required(_FIELD)
    fields = {
        "description": call.body.get("description", ""),
        "properties": _judged(world, call, properties),
    }
    world.create(path, "compute#instanceTemplate", fields)
    return Accepted(target=path)


def _judged(world: World, call: Call, properties: Json) -> Json:
    _check_machine_type(properties.get("machineType"))
    _check_disks(call, properties.get("disks") or [])
    scheduling_fields(properties.get("scheduling", {}), _FIELD)
    check_labels(properties.get("labels"), f"{_FIELD}.labels")
    return {
        **properties,
        "metadata": metadata_fields(properties.get("metadata", {})),
        "networkInterfaces": _interfaces(world, call, properties),
        "tags": {"items": tags(properties.get("tags", {})).get("items", [])},
    }


def _check_machine_type(name: object) -> None:
    if not name:
        raise required(f"{_FIELD}.machineType")
    if name not in MACHINE_TYPES:
        why = "Must be the name of a machine type, without a zone."
        raise invalid(f"{_FIELD}.machineType", name, why)


def _check_disks(call: Call, disks: list[Json]) -> None:
    if not disks or not disks[0].get("boot"):
        raise invalid(f"{_FIELD}.disks", len(disks), "The first disk must be the boot disk.")
    for number, disk in enumerate(disks):
        field, given = f"{_FIELD}.disks[{number}]", disk.get("initializeParams")
        if not given:
            raise required(f"{field}.initializeParams")
        image = given.get("sourceImage")
        if image and find_image(resolve(image, call, f"{field}.sourceImage")) is None:
            raise not_found(resolve(image, call, f"{field}.sourceImage"))
        if given.get("diskType", DISK_TYPES[0]) not in DISK_TYPES:
            why = "Must be the name of a disk type, without a zone."
            raise invalid(f"{field}.initializeParams.diskType", given["diskType"], why)


def _interfaces(world: World, call: Call, properties: Json) -> list[Json]:
    wanted = properties.get("networkInterfaces") or []
    if not wanted:
        raise required(f"{_FIELD}.networkInterfaces")
    shown = []
    for number, interface in enumerate(wanted):
        field = f"{_FIELD}.networkInterfaces[{number}]"
        links = {}
        if interface.get("subnetwork"):
            path = resolve(interface["subnetwork"], call, f"{field}.subnetwork")
            if world.store.get(path) is None:
                why = "The referenced subnetwork resource cannot be found."
                raise invalid(f"{field}.subnetwork", link(path), why)
            links = {"subnetwork": link(path), "network": world.need(path)["network"]}
        else:
            path = find_network(world, call, interface.get("network"), f"{field}.network")
            links = {"network": link(path)}
        shown.append({**interface, **links, "name": f"nic{number}"})
    return shown


def instance_body(template: Json, *, zone: str, name: str, added_metadata: Json) -> Json:
    """Return the insert body of an instance that is made from a template.

    Args:
        template: The template's record.
        zone: Where the instance is to be.
        name: What it is to be called.
        added_metadata: Metadata besides the template's.
    """
    properties = template["properties"]
    items = properties["metadata"].get("items", [])
    added = [{"key": key, "value": value} for key, value in added_metadata.items()]
    return {
        **properties,
        "name": name,
        "machineType": f"zones/{zone}/machineTypes/{properties['machineType']}",
        "disks": [_zonal(disk, zone) for disk in properties["disks"]],
        "metadata": {"items": sorted([*items, *added], key=lambda item: str(item["key"]))},
    }


def _zonal(disk: Json, zone: str) -> Json:
    given = disk["initializeParams"]
    kind = (
        {"diskType": f"zones/{zone}/diskTypes/{given['diskType']}"} if "diskType" in given else {}
    )
    return {**disk, "initializeParams": {**given, **kind}}


def users(world: World, template: str) -> list[str]:
    """Return the paths of the managed groups that make instances from a template."""
    managers = world.store.of_kind("compute#instanceGroupManager", template.split("/")[1])
    return [path for path, manager in managers if manager["instanceTemplate"] == link(template)]


def _refuse_used(world: World, path: str) -> None:
    for user in users(world, path):
        raise in_use("instance_template", path, user)


_TEMPLATES = Kind(
    kind="compute#instanceTemplate",
    service="instanceTemplates",
    collection="instanceTemplates",
    parameter="instance_template",
    parent=GLOBAL,
)

ROUTES: tuple[Route, ...] = (
    _TEMPLATES.get(),
    _TEMPLATES.list(),
    change("instanceTemplates.insert", f"POST {GLOBAL}/instanceTemplates", _insert),
    _TEMPLATES.delete(_refuse_used),
)
