"""Instances: their life from insert to delete.

PROVISIONING → RUNNING → STOPPING → TERMINATED → STAGING → RUNNING …; a deletion is STOPPING until
the VM is gone. The machine itself goes down as soon as a stop or a deletion is accepted: the
emulator models no graceful shutdown [K]. An ephemeral external address is drawn when the VM comes
up and lost when it goes down.
"""

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.catalog import MACHINE_TYPES
from hakube_gce.emulator.handlers import ZONE, Route, change
from hakube_gce.emulator.links import last, link, resolve, short, zone_of
from hakube_gce.emulator.machines import BOOTS
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.quotas import check as check_quota
from hakube_gce.emulator.refusals import Refusal, invalid, not_emulated, not_ready, required
from hakube_gce.emulator.resources import attachments, disks
from hakube_gce.emulator.resources.interfaces import (
    new_interface,
    with_ephemeral,
    without_ephemeral,
)
from hakube_gce.emulator.resources.kinds import Kind, label_fields
from hakube_gce.emulator.resources.metadata import metadata_fields
from hakube_gce.emulator.traffic import MEMBERS
from hakube_gce.emulator.world import World, check_place, fingerprint

_TAKEN_AS_GIVEN = (
    "canIpForward",
    "confidentialInstanceConfig",
    "deletionProtection",
    "description",
    "displayDevice",
    "hostname",
    "minCpuPlatform",
    "reservationAffinity",
    "serviceAccounts",
    "shieldedInstanceConfig",
)


def insert(world: World, call: Call) -> Accepted:
    """Take on an instance's insert: its record, its disks, its interfaces.

    Raises:
        Refusal: something about it cannot be.
        OperationFailed: a quota is used up.
    """
    check_place(call)
    if "sourceInstanceTemplate" in call.query or "sourceMachineImage" in call.query:
        raise not_emulated("instances.insert with a source template")
    path, body = world.named(call, "instances"), call.body
    if not body.get("networkInterfaces"):
        raise required("resource.networkInterfaces")
    # The record first: a taken name is the answer whatever else is wrong. Then what it holds.
    world.create(path, "compute#instance", {"disks": [], "networkInterfaces": []})
    world.store.change(path, **_fields(world, call))
    interfaces = [
        new_interface(world, call, w, n) for n, w in enumerate(body["networkInterfaces"])
    ]
    world.store.change(path, networkInterfaces=interfaces)
    world.store.change(path, disks=attachments.attach_all(world, call, path))
    check_quota(world, call, "INSTANCES", path)
    check_quota(world, call, "CPUS", path)
    return Accepted(target=path)


def _fields(world: World, call: Call) -> Json:
    body = call.body
    return {
        **{key: body[key] for key in _TAKEN_AS_GIVEN if key in body},
        "status": "PROVISIONING",
        "machineType": link(_machine_type(call)),
        "cpuPlatform": "Unknown CPU Platform",
        "scheduling": scheduling_fields(body.get("scheduling", {}), "resource"),
        "tags": tags(body.get("tags", {})),
        "metadata": metadata_fields(body.get("metadata", {})),
        "startRestricted": False,
        "lastStartTimestamp": world.timestamp(),
        **label_fields(body.get("labels")),
    }


def scheduling_fields(wanted: Json, field: str) -> Json:
    """Return when and where an instance runs, as it shows that.

    Raises:
        Refusal: 400 for one that may be taken away at any time and is to restart by itself.
    """
    spot = wanted.get("provisioningModel") == "SPOT"
    fleeting = spot or wanted.get("preemptible", False)
    shown = {
        "automaticRestart": not fleeting,
        "onHostMaintenance": "TERMINATE" if fleeting else "MIGRATE",
        "preemptible": fleeting,
        "provisioningModel": "SPOT" if spot else "STANDARD",
        **wanted,
    }
    if fleeting and (shown["automaticRestart"] or shown["onHostMaintenance"] == "MIGRATE"):
        why = "A preemptible instance neither restarts by itself nor migrates."  # [K] text
        raise invalid(f"{field}.scheduling", wanted, why)
    return shown


def _machine_type(call: Call) -> str:
    reference = call.body.get("machineType")
    if not reference:
        raise required("resource.machineType")
    path, zone = resolve(reference, call, "resource.machineType"), call.parameters["zone"]
    if zone_of(path) != zone or last(path) not in MACHINE_TYPES:
        why = f"Machine type with name '{last(path)}' does not exist in zone '{zone}'."
        raise invalid("resource.machineType", link(path), why)
    return path


def tags(wanted: Json) -> Json:
    """Return network tags as an instance shows them."""
    items = sorted(set(wanted.get("items", [])))
    shown = {"fingerprint": fingerprint(items)}
    return {"items": items, **shown} if items else shown


def _complete_insert(world: World, operation: Operation) -> None:
    record = world.store.get(operation.target)
    if record is None or record["status"] != "PROVISIONING":
        return  # deleted before it ever ran
    for disk in record["disks"]:
        disks.make_ready(world, short(disk["source"]))
    _come_up(world, operation.target)


def _come_up(world: World, path: str) -> None:
    record = world.need(path)
    interfaces = with_ephemeral(world, record["networkInterfaces"])
    world.store.change(
        path,
        status="RUNNING",
        networkInterfaces=interfaces,
        cpuPlatform="Intel Broadwell",
        lastStartTimestamp=world.timestamp(),
    )


def _go_down(world: World, path: str) -> None:
    record = world.need(path)
    interfaces = without_ephemeral(world, path, record["networkInterfaces"])
    world.store.change(
        path,
        status="TERMINATED",
        networkInterfaces=interfaces,
        lastStopTimestamp=world.timestamp(),
    )


def lose_power(world: World, path: str) -> None:
    """Take a running VM's power away: no operation, no shutdown, TERMINATED at once [K].

    Raises:
        Refusal: 404, or 400 when it is not running.
    """
    if world.need(path)["status"] != "RUNNING":
        raise not_ready(path)
    _go_down(world, path)


def gain_power(world: World, path: str) -> None:
    """Switch a VM on at once, without an operation.

    Raises:
        Refusal: 404, or 400 when it is not off.
    """
    if world.need(path)["status"] != "TERMINATED":
        raise not_ready(path)
    _come_up(world, path)


def cycle_power(world: World, path: str) -> None:
    """Take a running VM's power away and give it back: it keeps its addresses.

    Raises:
        Refusal: 404, or 400 when it is not running.
    """
    record = world.need(path)
    if record["status"] != "RUNNING":
        raise not_ready(path)
    world.store.change(path, **{BOOTS: int(record.get(BOOTS, 0)) + 1})


def _delete(world: World, call: Call) -> Accepted:
    path = INSTANCES.path(call)
    record = world.need(path)
    if world.pending(path, "delete"):
        raise not_ready(path)
    if record.get("deletionProtection"):
        text = f"Resource cannot be deleted if it's protected against deletion. '{path}'"  # [K]
        raise Refusal(400, "invalidResourceUsage", text)
    world.store.change(path, status="STOPPING")
    return Accepted(target=path)


def _complete_delete(world: World, operation: Operation) -> None:
    vanish(world, operation.target)


def vanish(world: World, path: str) -> None:
    """Let an instance be gone, with the disks that go with it, if it is still there."""
    record = world.store.get(path)
    if record is None:
        return  # its managed group was deleted meanwhile
    world.store.remove(path)
    for disk in record["disks"]:
        if disk["autoDelete"]:
            world.store.remove(short(disk["source"]))
    for group, other in world.store.of_kind("compute#instanceGroup"):
        if path in other[MEMBERS]:
            left = [member for member in other[MEMBERS] if member != path]
            world.store.change(group, **{MEMBERS: left})


def _stop(world: World, call: Call) -> Accepted:
    path = INSTANCES.path(call)
    if world.settled(path)["status"] not in {"RUNNING", "TERMINATED"}:
        raise not_ready(path)
    if world.need(path)["status"] == "RUNNING":
        world.store.change(path, status="STOPPING")
    return Accepted(target=path)


def _complete_stop(world: World, operation: Operation) -> None:
    if _is_still(world, operation, "STOPPING"):
        _go_down(world, operation.target)


def _start(world: World, call: Call) -> Accepted:
    path = INSTANCES.path(call)
    if world.settled(path)["status"] not in {"RUNNING", "TERMINATED"}:
        raise not_ready(path)
    if world.need(path)["status"] == "TERMINATED":
        world.store.change(path, status="STAGING")
    return Accepted(target=path)


def _complete_start(world: World, operation: Operation) -> None:
    if _is_still(world, operation, "STAGING"):
        _come_up(world, operation.target)


def _is_still(world: World, operation: Operation, status: str) -> bool:
    """Tell whether nothing (a deletion, lost power) has overtaken an operation."""
    record = world.store.get(operation.target) or {}
    deleting = world.pending(operation.target, "delete")
    return record.get("status") == status and not deleting


def _reset(world: World, call: Call) -> Accepted:
    path = INSTANCES.path(call)
    if world.settled(path)["status"] != "RUNNING":
        raise not_ready(path)
    return Accepted(target=path)


def _complete_reset(world: World, operation: Operation) -> None:
    if _is_still(world, operation, "RUNNING"):
        cycle_power(world, operation.target)


INSTANCES = Kind(
    kind="compute#instance",
    service="instances",
    collection="instances",
    parameter="instance",
    parent=ZONE,
)
_INSTANCE = INSTANCES.template

ROUTES: tuple[Route, ...] = (
    INSTANCES.get(),
    INSTANCES.list(),
    INSTANCES.aggregated_list(),
    INSTANCES.set_labels(),
    change("instances.insert", f"POST {ZONE}/instances", insert, _complete_insert),
    change("instances.delete", f"DELETE {_INSTANCE}", _delete, _complete_delete),
    change("instances.start", f"POST {_INSTANCE}/start", _start, _complete_start),
    change("instances.stop", f"POST {_INSTANCE}/stop", _stop, _complete_stop),
    change("instances.reset", f"POST {_INSTANCE}/reset", _reset, _complete_reset),
)
