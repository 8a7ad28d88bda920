"""Networks, subnetworks and firewall rules.

Every project starts with the ``default`` network and a subnetwork in every region, as at Google.
The ranges are Google's; the lab's VMs carry whatever addresses the runtime has, so ranges are not
enforced.
"""

import ipaddress
from types import MappingProxyType
from typing import Final

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import GLOBAL, REGION, Route, change
from hakube_gce.emulator.links import link, resolve, short
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.refusals import in_use, invalid, required
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.world import World, check_place, fingerprint, public

_SECOND_NUMBER: Final = MappingProxyType(
    {
        "asia-east1": 140,
        "asia-northeast1": 146,
        "asia-southeast1": 148,
        "australia-southeast1": 152,
        "europe-north1": 166,
        "europe-west1": 132,
        "europe-west2": 154,
        "europe-west3": 156,
        "europe-west4": 164,
        "us-central1": 128,
        "us-east1": 142,
        "us-west1": 138,
    }
)
"""Region → x of the range 10.x.0.0/20 that Google gives a network of automatic mode there."""


def ensure_default(world: World, project: str) -> None:
    """Give a project its default network, once."""
    network = f"projects/{project}/global/networks/default"
    if world.store.get(network) is None and not world.store.counters.get(f"project:{project}"):
        world.store.counters[f"project:{project}"] = 1
        world.create(network, "compute#network", _network_fields({"autoCreateSubnetworks": True}))
        _add_subnets(world, project, network)


def _network_fields(body: Json) -> Json:
    return {
        "description": body.get("description", ""),
        "autoCreateSubnetworks": body.get("autoCreateSubnetworks", True),
        "mtu": body.get("mtu", 1460),
        "routingConfig": {"routingMode": "REGIONAL"},
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
    }


def _add_subnets(world: World, project: str, network: str) -> None:
    name = network.rsplit("/", 1)[1]
    for region, number in _SECOND_NUMBER.items():
        path = f"projects/{project}/regions/{region}/subnetworks/{name}"
        _create_subnet(world, path, {"ipCidrRange": f"10.{number}.0.0/20"}, network)


def _create_subnet(world: World, path: str, body: Json, network: str) -> None:
    fields = {
        "description": body.get("description", ""),
        "network": link(network),
        "ipCidrRange": body["ipCidrRange"],
        "gatewayAddress": str(ipaddress.ip_network(body["ipCidrRange"])[1]),
        "privateIpGoogleAccess": body.get("privateIpGoogleAccess", False),
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
    }
    world.create(path, "compute#subnetwork", {**fields, "fingerprint": fingerprint(fields)})


def _show_network(world: World, path: str, record: Json) -> Json:
    project = path.split("/")[1]
    subnets = [
        subnet["selfLink"]
        for _, subnet in world.store.of_kind("compute#subnetwork", project)
        if short(subnet["network"]) == path
    ]
    return {**public(record), "subnetworks": sorted(subnets)}


def _insert_network(world: World, call: Call) -> Accepted:
    path = world.named(call, "networks")
    if "IPv4Range" in call.body:
        raise invalid("resource.IPv4Range", call.body["IPv4Range"], "Legacy networks are gone.")
    record = world.create(path, "compute#network", _network_fields(call.body))
    if record["autoCreateSubnetworks"]:
        _add_subnets(world, call.project, path)
    return Accepted(target=path)


def _insert_subnet(world: World, call: Call) -> Accepted:
    check_place(call)
    network = find_network(world, call, call.body.get("network"), "resource.network")
    cidr = call.body.get("ipCidrRange")
    try:
        ipaddress.ip_network(str(cidr))
    except ValueError as error:
        raise invalid("resource.ipCidrRange", cidr, str(error)) from error
    path = world.named(call, "subnetworks")
    _create_subnet(world, path, call.body, network)
    return Accepted(target=path)


def find_network(world: World, call: Call, reference: object, field: str) -> str:
    """Return the network a request means; none given means ``default``.

    Raises:
        Refusal: 400 when it does not exist [K].
    """
    path = resolve(reference or "global/networks/default", call, field)
    if world.store.get(path) is None:
        raise invalid(field, link(path), "The referenced network resource cannot be found.")
    world.settled(path)
    return path


def _refuse_used_network(world: World, path: str) -> None:
    record = world.need(path)
    for kind in ("compute#instance", "compute#firewall", "compute#subnetwork"):
        for user, other in world.store.of_kind(kind, path.split("/")[1]):
            networks = [i["network"] for i in other.get("networkInterfaces", [])]
            own = kind == "compute#subnetwork" and record["autoCreateSubnetworks"]
            if link(path) in [other.get("network"), *networks] and not own:
                raise in_use("network", path, user)


def _remove_network(world: World, operation: Operation) -> None:
    for path, subnet in list(world.store.of_kind("compute#subnetwork")):
        if short(subnet["network"]) == operation.target:
            world.store.remove(path)
    world.store.remove(operation.target)


def _refuse_used_subnet(world: World, path: str) -> None:
    for user, instance in world.store.of_kind("compute#instance", path.split("/")[1]):
        if any(i.get("subnetwork") == link(path) for i in instance["networkInterfaces"]):
            raise in_use("subnetwork", path, user)


def _insert_firewall(world: World, call: Call) -> Accepted:
    path, body = world.named(call, "firewalls"), call.body
    if bool(body.get("allowed")) == bool(body.get("denied")):
        raise required("resource.allowed")
    network = find_network(world, call, body.get("network"), "resource.network")
    ingress = body.get("direction", "INGRESS") == "INGRESS"
    sources = [body.get(key) for key in ("sourceRanges", "sourceTags", "sourceServiceAccounts")]
    fields = {key: body[key] for key in _FIREWALL_FIELDS if body.get(key)}
    if ingress and not any(sources):
        fields["sourceRanges"] = ["0.0.0.0/0"]
    fields |= {
        "network": link(network),
        "description": body.get("description", ""),
        "direction": body.get("direction", "INGRESS"),
        "priority": body.get("priority", 1000),
        "disabled": body.get("disabled", False),
        "logConfig": {"enable": False},
    }
    world.create(path, "compute#firewall", fields)
    return Accepted(target=path)


_FIREWALL_FIELDS = (
    "allowed",
    "denied",
    "destinationRanges",
    "sourceRanges",
    "sourceServiceAccounts",
    "sourceTags",
    "targetServiceAccounts",
    "targetTags",
)


def _nobody(_world: World, _path: str) -> None:
    """A firewall rule is used by nothing."""


_NETWORKS = Kind(
    kind="compute#network",
    service="networks",
    collection="networks",
    parameter="network",
    parent=GLOBAL,
    show=_show_network,
)
_SUBNETWORKS = Kind(
    kind="compute#subnetwork",
    service="subnetworks",
    collection="subnetworks",
    parameter="subnetwork",
    parent=REGION,
)
_FIREWALLS = Kind(
    kind="compute#firewall",
    service="firewalls",
    collection="firewalls",
    parameter="firewall",
    parent=GLOBAL,
)

ROUTES: tuple[Route, ...] = (
    _NETWORKS.get(),
    _NETWORKS.list(),
    change("networks.insert", f"POST {GLOBAL}/networks", _insert_network),
    _NETWORKS.delete(_refuse_used_network, _remove_network),
    _SUBNETWORKS.get(),
    _SUBNETWORKS.list(),
    _SUBNETWORKS.aggregated_list(),
    change("subnetworks.insert", f"POST {REGION}/subnetworks", _insert_subnet),
    _SUBNETWORKS.delete(_refuse_used_subnet),
    _FIREWALLS.get(),
    _FIREWALLS.list(),
    change("firewalls.insert", f"POST {GLOBAL}/firewalls", _insert_firewall),
    _FIREWALLS.delete(_nobody),
)
