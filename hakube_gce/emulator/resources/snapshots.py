"""Disk snapshots: what a disk held at one moment, as a global resource that outlives the disk.

The moment is when the request is accepted; until its operation completes the snapshot is
CREATING and no disk can be made from it [K]. The bytes are the runtime's business. They are the
bytes as they stand: a file that was being written is half written, as after a power cut.
"""

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import GLOBAL, ZONE, Route, change
from hakube_gce.emulator.links import link, short, zone_of
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.refusals import not_ready, required
from hakube_gce.emulator.resources.kinds import Kind, label_fields
from hakube_gce.emulator.world import World, check_place


def _create(world: World, call: Call) -> Accepted:
    check_place(call)
    disk_path = call.path("disks", "disk")
    disk = world.settled(disk_path)
    name = call.body.get("name")
    if not isinstance(name, str) or not name:
        raise required("resource.name")
    path = f"projects/{call.project}/global/snapshots/{name}"
    fields = {
        "status": "CREATING",
        "description": call.body.get("description"),
        "sourceDisk": link(disk_path),
        "sourceDiskId": disk["id"],
        "diskSizeGb": disk["sizeGb"],
        "snapshotType": "STANDARD",
        "storageBytes": "0",
        "storageBytesStatus": "UPDATING",
        "storageLocations": call.body.get("storageLocations") or [_near(disk_path)],
        **label_fields(call.body.get("labels")),
    }
    world.create(path, "compute#snapshot", fields)
    # Google's operation is the disk's; which snapshot it makes stands in the arguments.
    return Accepted(target=disk_path, arguments={"snapshot": path})


def _near(disk_path: str) -> str:
    """Return the multi-region a snapshot lands in when none is named [K]."""
    head = zone_of(disk_path).partition("-")[0]
    return {"europe": "eu", "us": "us", "northamerica": "us"}.get(head, "asia")


def _complete(world: World, operation: Operation) -> None:
    path = operation.arguments["snapshot"]
    if world.store.get(path) is not None:
        world.store.change(path, status="READY", storageBytesStatus="UP_TO_DATE")


def _refuse_unready(world: World, path: str) -> None:
    if world.need(path)["status"] != "READY":
        raise not_ready(path)


def source(world: World, path: str) -> Json:
    """Return a snapshot that a disk may be made from.

    Raises:
        Refusal: 404, or 400 resourceNotReady while it is being made.
    """
    record = world.settled(short(path))
    if record["status"] != "READY":
        raise not_ready(path)
    return record


_SNAPSHOTS = Kind(
    kind="compute#snapshot",
    service="snapshots",
    collection="snapshots",
    parameter="snapshot",
    parent=GLOBAL,
)

ROUTES: tuple[Route, ...] = (
    _SNAPSHOTS.get(),
    _SNAPSHOTS.list(),
    _SNAPSHOTS.delete(_refuse_unready),
    _SNAPSHOTS.set_labels(f"{GLOBAL}/snapshots/{{resource}}"),
    change(
        "disks.createSnapshot", f"POST {ZONE}/disks/{{disk}}/createSnapshot", _create, _complete
    ),
)
