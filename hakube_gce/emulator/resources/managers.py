"""Managed instance groups: what a client wishes of one, and how far it is.

What a wish leads to, `managed` does. A manager and its instance group share a name; whoever
deletes the manager deletes the group and every instance in it.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import ZONE, Read, Route, change, get
from hakube_gce.emulator.links import link, resolve
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.refusals import in_use, invalid, not_emulated, required
from hakube_gce.emulator.resources import instances
from hakube_gce.emulator.resources.groups import services_with
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.traffic import MEMBERS
from hakube_gce.emulator.world import World, check_place, fingerprint, public

KIND = "compute#instanceGroupManager"
NAMES = "@names"
"""Record field: names of the instances that are to be, in the order they were thought of."""
LEAVING = "@leaving"
"""Record field: names of instances that are being deleted and not made again."""
FAILURE = "@failure"
"""Record field: why the last attempt to make an instance failed."""
ATTEMPTS = "@attempts"
"""Record field: the failed attempts of late, the youngest last, as listErrors tells them."""
_BASE = re.compile(r"[a-z](?:[-a-z0-9]{0,56}[a-z0-9])?", re.ASCII)
_LARGEST = 1000
"""A zonal managed group holds a thousand VMs at most; Google's documentation says so."""
_NOT_HERE = ("allInstancesConfig", "autoHealingPolicies", "distributionPolicy", "statefulPolicy",
             "targetPools", "namedPorts", "standbyPolicy", "resourcePolicies")  # fmt: skip
_ACTIONS = (
    "abandoning",
    "creating",
    "creatingWithoutRetries",
    "deleting",
    "none",
    "recreating",
    "refreshing",
    "restarting",
    "verifying",
)


def group_of(manager: str) -> str:
    """Return the path of the instance group of a manager."""
    return manager.replace("/instanceGroupManagers/", "/instanceGroups/")


def instance_path(manager: str, name: str) -> str:
    """Return the path of an instance of a manager's zone."""
    return f"{manager.rsplit('/', 2)[0]}/instances/{name}"


def project_number(project: str) -> str:
    """Return the number that stands for a project where Google names it so."""
    return str(int(hashlib.sha256(project.encode()).hexdigest()[:10], 16))


def _insert(world: World, call: Call) -> Accepted:
    check_place(call)
    path, body = world.named(call, "instanceGroupManagers"), call.body
    for field in _NOT_HERE:
        if body.get(field):
            raise not_emulated(f"instanceGroupManagers.insert with '{field}'")
    if body.get("listManagedInstancesResults", "PAGELESS") != "PAGELESS":
        raise not_emulated("instanceGroupManagers.insert with listManagedInstancesResults")
    template = _template(world, call)
    size = body.get("targetSize")
    if size is None:
        raise required("resource.targetSize")
    name = path.rsplit("/", 1)[1]
    fields = {
        "description": body.get("description", ""),
        "baseInstanceName": _base(body.get("baseInstanceName") or name),
        "instanceTemplate": link(template),
        "instanceGroup": link(group_of(path)),
        "targetSize": _size(size, "resource.targetSize"),
        "listManagedInstancesResults": "PAGELESS",
        "updatePolicy": {"minimalAction": "REPLACE", "type": "OPPORTUNISTIC"},
        "fingerprint": fingerprint([link(template), size]),
        NAMES: [],
        LEAVING: [],
    }
    world.create(path, KIND, fields)
    _create_group(world, group_of(path), name)
    return Accepted(target=path)


def _create_group(world: World, path: str, manager: str) -> None:
    text = (
        f"This instance group is controlled by Instance Group Manager '{manager}'. "
        "To modify instances in this group, use the Instance Group Manager API."
    )
    fields = {"description": text, "fingerprint": fingerprint([]), MEMBERS: []}
    world.create(path, "compute#instanceGroup", fields)


def _template(world: World, call: Call) -> str:
    versions = call.body.get("versions") or []
    if len(versions) > 1:
        raise not_emulated("instanceGroupManagers.insert with several versions")
    of_version = versions[0].get("instanceTemplate") if versions else None
    reference = call.body.get("instanceTemplate") or of_version
    if not reference:
        raise required("resource.instanceTemplate")
    path = resolve(reference, call, "resource.instanceTemplate")
    world.settled(path)  # 404 when there is none
    return path


def _base(name: str) -> str:
    # Four characters and a hyphen come after it, and a name has 63 characters at most.
    if not _BASE.fullmatch(name):
        raise invalid("resource.baseInstanceName", name, f"Must be a match of '{_BASE.pattern}'")
    return name


def _size(wanted: object, field: str) -> int:
    if not str(wanted).isdecimal() or int(str(wanted)) > _LARGEST:
        raise invalid(field, wanted, f"Must be between 0 and {_LARGEST}, inclusive.")
    return int(str(wanted))


def _resize(world: World, call: Call) -> Accepted:
    path = _MANAGERS.path(call)
    world.settled(path)
    if "size" not in call.query:
        raise required("size")
    world.store.change(path, targetSize=_size(call.query["size"], "size"))
    return Accepted(target=path)


def actions(world: World, path: str) -> Iterator[tuple[str, str]]:
    """Yield the names of a manager's instances, and what is being done about each."""
    record = world.need(path)
    removing = world.pending(path, "delete")
    for name in record[NAMES]:
        yield name, "deleting" if removing else _action(world, instance_path(path, name))
    for name in record[LEAVING]:
        yield name, "deleting"


def _action(world: World, instance: str) -> str:
    status = (world.store.get(instance) or {}).get("status", "")
    if status == "RUNNING":
        return "none"
    return "creating" if status in {"", "PROVISIONING"} else "recreating"


def _show(world: World, path: str, record: Json) -> Json:
    counted = Counter(action for _, action in actions(world, path))
    size = record["targetSize"]
    busy = world.pending(path, "insert") or world.pending(path, "delete")
    target = {"fixed": size, "calculated": size}
    return {
        **public(record),
        "currentActions": {action: counted[action] for action in _ACTIONS},
        "status": {
            "isStable": not busy and counted == Counter({"none": size} if size else {}),
            "stateful": {"hasStatefulConfig": False},
            "versionTarget": {"isReached": True},
        },
        "versions": [{"instanceTemplate": record["instanceTemplate"], "targetSize": target}],
    }


def _list_managed(world: World, call: Call) -> Json:
    """Return all instances at once: paging is off unless a group asks for it."""
    path = _MANAGERS.path(call)
    record = world.need(path)
    shown = [_managed(world, path, record, name, action) for name, action in actions(world, path)]
    return {"managedInstances": shown} if shown else {}


def _managed(world: World, path: str, record: Json, name: str, action: str) -> Json:
    instance_at = instance_path(path, name)
    instance = world.store.get(instance_at)
    shown: Json = {
        "instance": link(instance_at),
        "name": name,
        "currentAction": action.upper(),
        "version": {"instanceTemplate": record["instanceTemplate"]},
    }
    if instance is not None:
        shown |= {"id": instance["id"], "instanceStatus": instance["status"]}
    elif record.get(FAILURE):
        shown["lastAttempt"] = {"errors": {"errors": [record[FAILURE]]}}
    return shown


def _list_errors(world: World, call: Call) -> Json:
    for unsupported in ("filter", "orderBy"):  # the reference says so of this method
        if call.query.get(unsupported):
            raise not_emulated(f"instanceGroupManagers.listErrors with {unsupported}")
    attempts = world.need(_MANAGERS.path(call)).get(ATTEMPTS, [])
    return {"items": attempts} if attempts else {}


def _delete(world: World, call: Call) -> Accepted:
    path = _MANAGERS.path(call)
    record = world.settled(path)
    for service in services_with(world, group_of(path)):
        raise in_use("instance_group_manager", path, service)
    for name in record[NAMES]:
        if world.store.get(instance_path(path, name)) is not None:
            world.store.change(instance_path(path, name), status="STOPPING")
    return Accepted(target=path)


def _complete_delete(world: World, operation: Operation) -> None:
    path = operation.target
    record = world.need(path)
    # The group first: each instance would have to be taken out of it otherwise.
    world.store.remove(group_of(path))
    for name in [*record[NAMES], *record[LEAVING]]:
        instances.vanish(world, instance_path(path, name))
    world.store.remove(path)


_MANAGERS = Kind(
    kind=KIND,
    service="instanceGroupManagers",
    collection="instanceGroupManagers",
    parameter="instance_group_manager",
    parent=ZONE,
    show=_show,
)
_MANAGER = _MANAGERS.template

ROUTES: tuple[Route, ...] = (
    _MANAGERS.get(),
    _MANAGERS.list(),
    _MANAGERS.aggregated_list(),
    change("instanceGroupManagers.insert", f"POST {ZONE}/instanceGroupManagers", _insert),
    change("instanceGroupManagers.delete", f"DELETE {_MANAGER}", _delete, _complete_delete),
    change("instanceGroupManagers.resize", f"POST {_MANAGER}/resize", _resize),
    Read(
        method="instanceGroupManagers.listManagedInstances",
        verb="POST",
        template=f"{_MANAGER}/listManagedInstances",
        answer=_list_managed,
    ),
    get("instanceGroupManagers.listErrors", f"{_MANAGER}/listErrors", _list_errors),
)
