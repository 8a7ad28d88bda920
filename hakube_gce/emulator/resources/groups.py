"""Instance groups: a zone's backends. Who is in a managed one, its manager decides."""

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import ZONE, Read, Route, change
from hakube_gce.emulator.links import last, link, resolve, short, zone_of
from hakube_gce.emulator.listing import page
from hakube_gce.emulator.refusals import Refusal, in_use, invalid, required
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.resources.references import find_network
from hakube_gce.emulator.traffic import MEMBERS, members
from hakube_gce.emulator.world import World, check_place, fingerprint, public


def services_with(world: World, group: str) -> list[str]:
    """Return the short paths of the backend services a group is a backend of."""
    return [
        path
        for path, service in world.store.of_kind("compute#backendService", group.split("/")[1])
        if any(short(backend["group"]) == group for backend in service.get("backends", []))
    ]


def other_balanced_group(world: World, instance: str, group: str) -> str:
    """Return another load-balanced group that holds an instance, or an empty text."""
    for path, _ in world.store.of_kind("compute#instanceGroup", group.split("/")[1]):
        if path != group and instance in members(world, path) and services_with(world, path):
            return path
    return ""


def refuse_twice_balanced(world: World, instance: str, group: str) -> None:
    """An instance can be in at most one load-balanced group.

    Raises:
        Refusal: 400; Google documents the rule, the text is ours [K].
    """
    other = other_balanced_group(world, instance, group)
    if other:
        raise in_use("instance", instance, other)


def _insert(world: World, call: Call) -> Accepted:
    check_place(call)
    path, body = world.named(call, "instanceGroups"), call.body
    network = body.get("network")
    fields = {
        "description": body.get("description", ""),
        "network": link(find_network(world, call, network, "resource.network"))
        if network
        else None,
        "namedPorts": body.get("namedPorts"),
        "fingerprint": fingerprint(body.get("namedPorts", [])),
        MEMBERS: [],
    }
    world.create(path, "compute#instanceGroup", fields)
    return Accepted(target=path)


def _show(_world: World, _path: str, record: Json) -> Json:
    return {**public(record), "size": len(record[MEMBERS])}


def _wanted(world: World, call: Call) -> tuple[str, list[str]]:
    path = GROUPS.path(call)
    world.settled(path)
    if manager_of(world, path):
        why = "The group is managed: only its manager adds and removes instances."  # [K] text
        raise invalid("instanceGroup", path, why)
    references = call.body.get("instances") or []
    if not references:
        raise required("resource.instances")
    field = "resource.instances[0].instance"
    return path, [resolve(entry.get("instance"), call, field) for entry in references]


def _add(world: World, call: Call) -> Accepted:
    path, wanted = _wanted(world, call)
    for instance in wanted:
        _refuse_unfit(world, path, instance)
        present = list(members(world, path))
        world.store.change(path, **{MEMBERS: [*present, instance]})
    return Accepted(target=path)


def _refuse_unfit(world: World, group: str, instance: str) -> None:
    record, field = world.settled(instance), "resource.instances[0].instance"
    if zone_of(instance) != zone_of(group):
        raise invalid(field, link(instance), "The instance is not in the group's zone.")
    if instance in members(world, group):
        # [K] reason and text; that it is refused is what Google's documentation lets expect.
        text = f"The instance '{instance}' is already a member of '{group}'"
        raise Refusal(400, "memberAlreadyExists", text)
    network = record["networkInterfaces"][0]["network"]
    if world.need(group).get("network", network) != network:
        raise invalid(field, link(instance), f"The group is in network '{last(network)}'.")
    if services_with(world, group):
        refuse_twice_balanced(world, instance, group)
    # A group made without a network takes its first member's.
    subnetwork = record["networkInterfaces"][0].get("subnetwork")
    world.store.change(group, network=network, subnetwork=subnetwork)


def _remove(world: World, call: Call) -> Accepted:
    path, wanted = _wanted(world, call)
    for instance in wanted:
        if instance not in members(world, path):
            # [K] reason and text.
            text = f"The instance '{instance}' is not a member of '{path}'"
            raise Refusal(400, "memberNotFound", text)
    left = [member for member in members(world, path) if member not in wanted]
    world.store.change(path, **{MEMBERS: left})
    return Accepted(target=path)


def _list_instances(world: World, call: Call) -> Json:
    path = GROUPS.path(call)
    world.need(path)
    state = call.body.get("instanceState", "ALL")
    items = [
        {"name": last(member), "instance": link(member), "status": world.need(member)["status"]}
        for member in members(world, path)
    ]
    running = [item for item in items if state == "ALL" or item["status"] == "RUNNING"]
    answer = page(call, "compute#instanceGroupsListInstances", f"{path}/listInstances", running)
    shown = [{k: v for k, v in item.items() if k != "name"} for item in answer.get("items", [])]
    answer["kind"] = "compute#instanceGroupsListInstances"
    return {**answer, "items": shown} if shown else answer


def manager_of(world: World, group: str) -> str:
    """Return the path of the manager of a group, or an empty text for an unmanaged one."""
    path = group.replace("/instanceGroups/", "/instanceGroupManagers/")
    return path if world.store.get(path) is not None else ""


def _refuse_used(world: World, path: str) -> None:
    manager = manager_of(world, path)
    if manager:
        raise in_use("instance_group", path, manager)
    for service in services_with(world, path):
        raise in_use("instance_group", path, service)


GROUPS = Kind(
    kind="compute#instanceGroup",
    service="instanceGroups",
    collection="instanceGroups",
    parameter="instance_group",
    parent=ZONE,
    show=_show,
)
_GROUP = GROUPS.template

ROUTES: tuple[Route, ...] = (
    GROUPS.get(),
    GROUPS.list(),
    GROUPS.aggregated_list(),
    change("instanceGroups.insert", f"POST {ZONE}/instanceGroups", _insert),
    GROUPS.delete(_refuse_used),
    change("instanceGroups.addInstances", f"POST {_GROUP}/addInstances", _add),
    change("instanceGroups.removeInstances", f"POST {_GROUP}/removeInstances", _remove),
    Read(
        method="instanceGroups.listInstances",
        verb="POST",
        template=f"{_GROUP}/listInstances",
        answer=_list_instances,
    ),
)
