"""Disks as an instance holds them: attached at insert, made on the way when asked to."""

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import ZONE, Route, change
from hakube_gce.emulator.links import link, resolve, zone_of
from hakube_gce.emulator.refusals import in_use, invalid, required
from hakube_gce.emulator.resources import disks
from hakube_gce.emulator.world import World, check_place


def attach_all(world: World, call: Call, instance: str) -> list[Json]:
    """Return the attached disks of a new instance, its boot disk first.

    Raises:
        Refusal: no boot disk, a disk of another zone, one that is missing or attached elsewhere.
    """
    wanted = call.body.get("disks") or []
    if not wanted or not wanted[0].get("boot"):
        raise invalid("resource.disks", len(wanted), "The first disk must be the boot disk.")
    attached = [_attach(world, call, instance, disk, n) for n, disk in enumerate(wanted)]
    devices = [disk["deviceName"] for disk in attached]
    for number, device in enumerate(devices):
        if device in devices[:number]:
            raise invalid(f"resource.disks[{number}].deviceName", device, "Must be unique.")
    return attached


def _attach(world: World, call: Call, instance: str, wanted: Json, number: int) -> Json:
    path = _source(world, call, instance, wanted, number)
    size_gb = world.need(path)["sizeGb"]
    return {
        "kind": "compute#attachedDisk",
        "index": number,
        "type": wanted.get("type", "PERSISTENT"),
        "mode": wanted.get("mode", "READ_WRITE"),
        "interface": wanted.get("interface", "SCSI"),
        "boot": bool(wanted.get("boot")),
        "autoDelete": bool(wanted.get("autoDelete")),
        "deviceName": wanted.get("deviceName") or f"persistent-disk-{number}",
        "source": link(path),
        "diskSizeGb": size_gb,
    }


def _source(world: World, call: Call, instance: str, wanted: Json, number: int) -> str:
    if wanted.get("source"):
        return _existing(world, call, wanted["source"], f"resource.disks[{number}].source")
    given = wanted.get("initializeParams")
    if not given:
        raise required(f"resource.disks[{number}].source")
    # A disk made on the way is called like its VM; further ones get the number as well [K].
    name = instance.rsplit("/", 1)[1]
    path = (
        f"{call.parent}/disks/{given.get('diskName') or (f'{name}-{number}' if number else name)}"
    )
    body = {
        "sizeGb": given.get("diskSizeGb"),
        "type": given.get("diskType"),
        "sourceImage": given.get("sourceImage"),
        "sourceSnapshot": given.get("sourceSnapshot"),
        "labels": given.get("labels"),
        "description": given.get("description"),
    }
    disks.create(world, call, path, body)
    return path


def _existing(world: World, call: Call, reference: object, field: str) -> str:
    path = resolve(reference, call, field)
    world.settled(path)
    if zone_of(path) != call.parameters["zone"]:
        raise invalid(field, link(path), "Disk must be in the same zone as the instance.")
    for user in disks.users(world, path):
        raise in_use("disk", path, user)
    return path


def _set_auto_delete(world: World, call: Call) -> Accepted:
    check_place(call)
    path = call.path("instances", "instance")
    attached = world.settled(path)["disks"]
    device, wanted = call.query.get("deviceName"), call.query.get("autoDelete")
    if wanted not in {"true", "false"}:
        raise required("autoDelete")
    if device not in [disk["deviceName"] for disk in attached]:
        raise invalid("deviceName", device, "No disk of this device name is attached.")
    changed = [
        {**disk, "autoDelete": wanted == "true"} if disk["deviceName"] == device else disk
        for disk in attached
    ]
    world.store.change(path, disks=changed)
    return Accepted(target=path)


ROUTES: tuple[Route, ...] = (
    change(
        "instances.setDiskAutoDelete",
        f"POST {ZONE}/instances/{{instance}}/setDiskAutoDelete",
        _set_auto_delete,
    ),
)
