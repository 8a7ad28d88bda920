"""Routes of a network: records alone, no packet follows one.

The ways that Google makes for every network (to its subnetworks, and to the internet) are not
here: only what somebody inserted. So a network without routes of its own lists none, unlike at
Google, where those with names ``default-route-…`` would stand.
"""

import ipaddress

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import GLOBAL, Route, change
from hakube_gce.emulator.links import link, resolve, short
from hakube_gce.emulator.refusals import invalid, not_emulated, required
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.resources.references import find_network
from hakube_gce.emulator.world import World, public

_NEXT_HOPS = ("nextHopGateway", "nextHopInstance", "nextHopIp")
_OTHER_HOPS = ("nextHopIlb", "nextHopInterconnectAttachment", "nextHopNetwork", "nextHopVpnTunnel")
_INTERNET = "global/gateways/default-internet-gateway"


def _insert(world: World, call: Call) -> Accepted:
    path, body = world.named(call, "routes"), call.body
    if any(body.get(hop) for hop in _OTHER_HOPS):
        raise not_emulated("routes.insert with such a next hop")
    hops = {hop: body[hop] for hop in _NEXT_HOPS if body.get(hop)}
    if len(hops) != 1:
        raise invalid("resource.nextHop", sorted(hops), "Exactly one next hop must be given.")
    if not body.get("destRange"):
        raise required("resource.destRange")
    fields = {
        **_next_hop(world, call, hops),
        "network": link(find_network(world, call, body.get("network"), "resource.network")),
        "destRange": _destination(body["destRange"]),
        "priority": body.get("priority", 1000),
        "tags": sorted(set(body.get("tags") or [])) or None,
        "description": body.get("description", ""),
        "routeType": "STATIC",
    }
    world.create(path, "compute#route", fields)
    return Accepted(target=path)


def _destination(text: object) -> str:
    try:
        return str(ipaddress.IPv4Network(str(text)))
    except ValueError as error:
        raise invalid("resource.destRange", text, str(error)) from error


def _next_hop(world: World, call: Call, hops: Json) -> Json:
    if "nextHopGateway" in hops:
        if not str(hops["nextHopGateway"]).endswith(_INTERNET):
            why = "The only gateway is default-internet-gateway."
            raise invalid("resource.nextHopGateway", hops["nextHopGateway"], why)
        return {"nextHopGateway": link(f"projects/{call.project}/{_INTERNET}")}
    if "nextHopInstance" in hops:
        path = resolve(hops["nextHopInstance"], call, "resource.nextHopInstance")
        world.need(path)
        return {"nextHopInstance": link(path)}
    return hops


def _show(world: World, _path: str, record: Json) -> Json:
    """Show a route that leads nowhere with a warning: it outlives the instance it leads to."""
    hop = record.get("nextHopInstance")
    if hop is None:
        return public(record)
    instance = world.store.get(short(hop))
    if instance is None:
        code, why = "NEXT_HOP_INSTANCE_NOT_FOUND", f"The instance '{short(hop)}' was not found."
    elif not instance.get("canIpForward"):
        code, why = "NEXT_HOP_CANNOT_IP_FORWARD", f"'{short(hop)}' may not forward IP packets."
    else:
        return public(record)
    return {**public(record), "warnings": [{"code": code, "message": why}]}


def _nobody(_world: World, _path: str) -> None:
    """A route is used by nothing."""


_ROUTES = Kind(
    kind="compute#route",
    service="routes",
    collection="routes",
    parameter="route",
    parent=GLOBAL,
    show=_show,
)

ROUTES: tuple[Route, ...] = (
    _ROUTES.get(),
    _ROUTES.list(),
    change("routes.insert", f"POST {GLOBAL}/routes", _insert),
    _ROUTES.delete(_nobody),
)
