"""Networks, of automatic and of custom mode.

Every project starts with the ``default`` network and a subnetwork in every region, as at Google.
The ranges are Google's; the lab's VMs carry whatever addresses the runtime has, so ranges are not
enforced on them.
"""

from types import MappingProxyType
from typing import Final

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import GLOBAL, Route, change
from hakube_gce.emulator.links import last, link, short
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.refusals import in_use_late, invalid
from hakube_gce.emulator.resources import subnetworks
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.world import World, public

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

_USERS = ("compute#instance", "compute#firewall", "compute#route", "compute#subnetwork")


def ensure_default(world: World, project: str) -> None:
    """Give a project its default network, once."""
    network = f"projects/{project}/global/networks/default"
    if world.store.get(network) is None and not world.store.counters.get(f"project:{project}"):
        world.store.counters[f"project:{project}"] = 1
        world.create(network, "compute#network", _fields({"autoCreateSubnetworks": True}))
        _add_subnets(world, project, network)


def _fields(body: Json) -> Json:
    return {
        "description": body.get("description", ""),
        "autoCreateSubnetworks": body.get("autoCreateSubnetworks", True),
        "mtu": body.get("mtu", 1460),
        "routingConfig": {"routingMode": "REGIONAL", **body.get("routingConfig", {})},
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
    }


def _add_subnets(world: World, project: str, network: str) -> None:
    name = last(network)
    for region, number in _SECOND_NUMBER.items():
        path = f"projects/{project}/regions/{region}/subnetworks/{name}"
        subnetworks.create(world, path, {"ipCidrRange": f"10.{number}.0.0/20"}, network)


def _show(world: World, path: str, record: Json) -> Json:
    subnets = [subnet["selfLink"] for _, subnet in subnetworks.of_network(world, path)]
    # A network without any subnetwork has no such field.
    return {**public(record), **({"subnetworks": sorted(subnets)} if subnets else {})}


def _insert(world: World, call: Call) -> Accepted:
    path = world.named(call, "networks")
    if "IPv4Range" in call.body:
        raise invalid("resource.IPv4Range", call.body["IPv4Range"], "Legacy networks are gone.")
    record = world.create(path, "compute#network", _fields(call.body))
    if record["autoCreateSubnetworks"]:
        _add_subnets(world, call.project, path)
    return Accepted(target=path)


def _refuse_used(world: World, path: str) -> None:
    automatic = world.need(path)["autoCreateSubnetworks"]
    for kind in _USERS:
        for user, other in world.store.of_kind(kind):
            networks = [i["network"] for i in other.get("networkInterfaces", [])]
            # The subnetworks that came with the network go with it.
            own = automatic and kind == "compute#subnetwork" and last(user) == last(path)
            if link(path) in [other.get("network"), *networks] and not own:
                raise in_use_late("network", path, user)


def _remove(world: World, operation: Operation) -> None:
    for path, subnet in list(world.store.of_kind("compute#subnetwork")):
        if short(subnet["network"]) == operation.target:
            world.store.remove(path)
    world.store.remove(operation.target)


_NETWORKS = Kind(
    kind="compute#network",
    service="networks",
    collection="networks",
    parameter="network",
    parent=GLOBAL,
    show=_show,
)

ROUTES: tuple[Route, ...] = (
    _NETWORKS.get(),
    _NETWORKS.list(),
    change("networks.insert", f"POST {GLOBAL}/networks", _insert),
    _NETWORKS.delete(_refuse_used, _remove),
)
