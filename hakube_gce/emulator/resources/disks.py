"""Zonal persistent disks: records only; what stands on one is the runtime's business."""

from hakube_gce.emulator import holdings
from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.catalog import DISK_TYPES, find_image
from hakube_gce.emulator.handlers import ZONE, Route, change
from hakube_gce.emulator.links import last, link, resolve, zone_of
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.quotas import check as check_quota
from hakube_gce.emulator.refusals import in_use, invalid, not_found
from hakube_gce.emulator.resources import snapshots
from hakube_gce.emulator.resources.kinds import Kind, label_fields
from hakube_gce.emulator.world import World, check_place, public

_DEFAULT_SIZE_GB = 500
_DEFAULT_TYPE = "pd-standard"


def users(world: World, path: str) -> list[str]:
    """Return the short paths of the instances that have a disk attached."""
    return list(world.store.holders(holdings.disk(path)))


def create(world: World, call: Call, path: str, wanted: Json) -> Json:
    """Put a new disk record; ``wanted`` is a disk's insert body.

    Raises:
        Refusal: bad size, type, image or labels, or the name is taken.
        OperationFailed: the quota is used up.
    """
    image = _image(call, wanted.get("sourceImage"))
    snapshot = _snapshot(world, call, wanted)
    source = image or snapshot
    smallest = int(source["diskSizeGb"]) if source else 1
    fields = {
        "sizeGb": str(_size_gb(wanted.get("sizeGb"), smallest, bool(source))),
        "type": link(_type(call, path, wanted.get("type"))),
        "status": "CREATING",
        "description": wanted.get("description"),
        "physicalBlockSizeBytes": "4096",
        "sourceImage": image["selfLink"] if image else None,
        "sourceImageId": image["id"] if image else None,
        "sourceSnapshot": snapshot["selfLink"] if snapshot else None,
        "sourceSnapshotId": snapshot["id"] if snapshot else None,
        **label_fields(wanted.get("labels")),
    }
    record = world.create(path, "compute#disk", fields)
    check_quota(world, call, "DISKS_TOTAL_GB", path)
    return record


def _image(call: Call, reference: object) -> Json | None:
    if not reference:
        return None
    path = _image_path(reference, call)
    image = find_image(path)
    if image is None:
        raise not_found(path)
    return image


def _snapshot(world: World, call: Call, wanted: Json) -> Json | None:
    reference = wanted.get("sourceSnapshot")
    if not reference:
        return None
    if wanted.get("sourceImage"):
        raise invalid("resource.sourceSnapshot", reference, "A disk has one source at most.")
    return snapshots.source(world, resolve(reference, call, "resource.sourceSnapshot"))


def _image_path(reference: object, call: Call) -> str:
    # gcloud names families by a zone's view: projects/P/zones/-/imageFamilyViews/FAMILY.
    return resolve(reference, call, "resource.sourceImage")


def _size_gb(wanted: object, smallest: int, has_source: bool) -> int:
    if wanted in (None, "", 0, "0"):
        return smallest if has_source else _DEFAULT_SIZE_GB
    try:
        size_gb = int(str(wanted))
    except ValueError:
        size_gb = 0
    if not smallest <= size_gb <= 65536:
        why = f"Disk size must be between {smallest} GB and 65536 GB."
        raise invalid("resource.sizeGb", wanted, why)
    return size_gb


def _type(call: Call, disk: str, reference: object) -> str:
    zone = zone_of(disk)
    path = resolve(reference or f"zones/{zone}/diskTypes/{_DEFAULT_TYPE}", call, "resource.type")
    if last(path) not in DISK_TYPES or zone_of(path) != zone:
        raise invalid("resource.type", reference, f"No such disk type in zone '{zone}'.")
    return path


def _show(world: World, path: str, record: Json) -> Json:
    found = [link(user) for user in users(world, path)]
    return {**public(record), "users": found} if found else public(record)


def _insert(world: World, call: Call) -> Accepted:
    check_place(call)
    path = world.named(call, "disks")
    body = {"sourceImage": call.query.get("sourceImage"), **call.body}
    create(world, call, path, body)
    return Accepted(target=path)


def _complete_insert(world: World, operation: Operation) -> None:
    make_ready(world, operation.target)


def make_ready(world: World, path: str) -> None:
    """Let a disk be used, if it is still there."""
    if world.store.get(path) is not None:
        world.store.change(path, status="READY")


def _refuse_used(world: World, path: str) -> None:
    for user in users(world, path):
        raise in_use("disk", path, user)


_DISKS = Kind(
    kind="compute#disk",
    service="disks",
    collection="disks",
    parameter="disk",
    parent=ZONE,
    show=_show,
)

ROUTES: tuple[Route, ...] = (
    _DISKS.get(),
    _DISKS.list(),
    _DISKS.aggregated_list(),
    change("disks.insert", f"POST {ZONE}/disks", _insert, _complete_insert),
    _DISKS.delete(_refuse_used),
    _DISKS.set_labels(f"{ZONE}/disks/{{resource}}"),
)
