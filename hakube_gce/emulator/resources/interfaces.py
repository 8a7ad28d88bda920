"""Network interfaces of instances and the external addresses on them."""

from hakube_gce.emulator import holdings
from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.catalog import ZONES
from hakube_gce.emulator.handlers import ZONE, Route, change
from hakube_gce.emulator.links import last, link, region_of, resolve, short
from hakube_gce.emulator.refusals import (
    Refusal,
    address_in_use,
    invalid,
    not_ready,
    required,
)
from hakube_gce.emulator.resources import alias_ranges
from hakube_gce.emulator.resources.addresses import find_reserved, users
from hakube_gce.emulator.resources.references import find_network
from hakube_gce.emulator.world import World, check_place, fingerprint

_DEFAULT_NAME = "External NAT"


def region_of_call(call: Call) -> str:
    """Return the region around the zone a request names."""
    return ZONES[call.parameters["zone"]]


def new_interface(world: World, call: Call, wanted: Json, number: int) -> Json:
    """Return a network interface as an instance shows it.

    An ephemeral external address is drawn when the VM comes up, not here.
    """
    field = f"resource.networkInterfaces[{number}]"
    network, subnetwork = _networks(world, call, wanted, field)
    configs = wanted.get("accessConfigs", [])
    if len(configs) > 1:
        raise invalid(f"{field}.accessConfigs", len(configs), "At most one access config allowed.")
    interface: Json = {
        "kind": "compute#networkInterface",
        "name": f"nic{number}",
        "network": link(network),
        "networkIP": _internal_ip(world, wanted.get("networkIP", ""), field),
        "stackType": "IPV4_ONLY",
    }
    if subnetwork:
        interface["subnetwork"] = link(subnetwork)
    if wanted.get("aliasIpRanges"):
        aliases = alias_ranges.new(world, subnetwork, wanted["aliasIpRanges"], field)
        interface["aliasIpRanges"] = aliases
    if configs:
        interface["accessConfigs"] = [
            new_access_config(world, call, configs[0], f"{field}.accessConfigs[0]")
        ]
    return {**interface, "fingerprint": fingerprint(interface)}


def _networks(world: World, call: Call, wanted: Json, field: str) -> tuple[str, str]:
    if wanted.get("subnetwork"):
        path = resolve(wanted["subnetwork"], call, f"{field}.subnetwork")
        subnet = world.store.get(path)
        if subnet is None or region_of(path) != region_of_call(call):
            why = "The referenced subnetwork resource cannot be found."
            raise invalid(f"{field}.subnetwork", link(path), why)
        return short(subnet["network"]), path
    network = find_network(world, call, wanted.get("network"), f"{field}.network")
    here = f"projects/{call.project}/regions/{region_of_call(call)}/subnetworks/{last(network)}"
    own = network.split("/")[1] == call.project
    if own and world.store.get(here) is not None:
        return network, here
    why = "A subnetwork is required: the network has none of its own name in this region."
    if not own:
        why = "A subnetwork is required: the network is another project's."  # [K]
    raise invalid(f"{field}.subnetwork", "", why)


def _internal_ip(world: World, wanted: str, field: str) -> str:
    if not wanted:
        return world.free_internal_ip()
    if not world.is_internal(wanted):
        raise invalid(f"{field}.networkIP", wanted, "Requested address is not in the subnetwork.")
    if world.store.holders(holdings.internal(wanted)):
        raise address_in_use(f"{field}.networkIP", wanted)
    return wanted


def new_access_config(world: World, call: Call, wanted: Json, field: str) -> Json:
    """Return an access config as an interface shows it; without ``natIP`` when it is ephemeral.

    Raises:
        Refusal: the address is not reserved in this region (400), or is in use (400).
    """
    if wanted.get("type", "ONE_TO_ONE_NAT") != "ONE_TO_ONE_NAT":
        raise invalid(f"{field}.type", wanted["type"], "Must be ONE_TO_ONE_NAT.")
    config: Json = {
        "kind": "compute#accessConfig",
        "type": "ONE_TO_ONE_NAT",
        "name": wanted.get("name") or _DEFAULT_NAME,
        "networkTier": wanted.get("networkTier", "PREMIUM"),
    }
    if wanted.get("natIP"):
        config["natIP"] = _static(world, call, wanted["natIP"], f"{field}.natIP")
    return config


def _static(world: World, call: Call, address: str, field: str) -> str:
    region = region_of_call(call)
    reserved = find_reserved(world, call.project, region, address)
    if reserved is None:
        why = f"The specified external IP address '{address}' was not found in region '{region}'."
        raise invalid(field, address, why)
    if users(world, call.project, region, address):
        raise address_in_use(field, address)
    if world.pending(short(reserved["selfLink"])):
        raise not_ready(short(reserved["selfLink"]))
    return address


def with_ephemeral(world: World, interfaces: list[Json]) -> list[Json]:
    """Return interfaces whose access configs all have an address."""
    return [_with_address(world, interface) for interface in interfaces]


def _with_address(world: World, interface: Json) -> Json:
    if "accessConfigs" not in interface:
        return interface
    configs = [
        config if config.get("natIP") else {**config, "natIP": world.free_external_ip()}
        for config in interface["accessConfigs"]
    ]
    return {**interface, "accessConfigs": configs}


def without_ephemeral(world: World, path: str, interfaces: list[Json]) -> list[Json]:
    """Return interfaces as they are when the VM has gone down: static addresses stay [K]."""
    _, project, _, zone, *_ = path.split("/")
    kept = []
    for interface in interfaces:
        configs = [
            config
            if find_reserved(world, project, ZONES[zone], config.get("natIP", ""))
            else {key: value for key, value in config.items() if key != "natIP"}
            for config in interface.get("accessConfigs", [])
        ]
        kept.append({**interface, "accessConfigs": configs} if configs else interface)
    return kept


def _interface(world: World, call: Call) -> tuple[str, list[Json], int]:
    """Return the instance's path, its interfaces, and which one the request means."""
    check_place(call)
    path = call.path("instances", "instance")
    interfaces = world.settled(path)["networkInterfaces"]
    wanted = call.query.get("networkInterface")
    if not wanted:
        raise required("networkInterface")
    for number, interface in enumerate(interfaces):
        if interface["name"] == wanted:
            return path, interfaces, number
    raise invalid("networkInterface", wanted, "The network interface does not exist.")


def _add(world: World, call: Call) -> Accepted:
    path, interfaces, number = _interface(world, call)
    if interfaces[number].get("accessConfigs"):
        why = "At most one access config currently supported."
        raise invalid("networkInterface", interfaces[number]["name"], why)
    config = new_access_config(world, call, call.body, "resource")
    changed = {**interfaces[number], "accessConfigs": [config]}
    if world.need(path)["status"] == "RUNNING":
        changed = _with_address(world, changed)
    _put(world, path, interfaces, number, changed)
    return Accepted(target=path)


def _delete(world: World, call: Call) -> Accepted:
    path, interfaces, number = _interface(world, call)
    name = call.query.get("accessConfig")
    if not name:
        raise required("accessConfig")
    configs = interfaces[number].get("accessConfigs", [])
    if name not in [config["name"] for config in configs]:
        raise Refusal(
            400,
            "invalid",
            f"Invalid value for field 'accessConfig': '{name}'. "
            "The specified access config does not exist.",
        )
    if world.pending(path, "addAccessConfig") or world.pending(path, "deleteAccessConfig"):
        raise not_ready(path)
    changed = {key: v for key, v in interfaces[number].items() if key != "accessConfigs"}
    _put(world, path, interfaces, number, changed)
    return Accepted(target=path)


def _put(world: World, path: str, interfaces: list[Json], number: int, changed: Json) -> None:
    """Change one interface: on accept, so that two racing requests cannot both win [K]."""
    others = [changed if n == number else other for n, other in enumerate(interfaces)]
    world.store.change(path, networkInterfaces=others)


_INSTANCE = f"{ZONE}/instances/{{instance}}"

ROUTES: tuple[Route, ...] = (
    change("instances.addAccessConfig", f"POST {_INSTANCE}/addAccessConfig", _add),
    change("instances.deleteAccessConfig", f"POST {_INSTANCE}/deleteAccessConfig", _delete),
)
