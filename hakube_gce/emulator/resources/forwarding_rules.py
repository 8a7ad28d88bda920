"""Regional external forwarding rules: who answers on an address, and on which ports.

Several rules may share an address while their ports do not overlap. A rule in the making leads
nowhere; one that is being deleted leads nowhere either, but holds its address until its operation
is done.
"""

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import REGION, Route, change
from hakube_gce.emulator.links import link, region_of, resolve, short
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.quotas import check as check_quota
from hakube_gce.emulator.refusals import (
    Refusal,
    address_in_use,
    invalid,
    not_ready,
    required,
)
from hakube_gce.emulator.resources.addresses import find_reserved, users
from hakube_gce.emulator.resources.kinds import Kind, label_fields
from hakube_gce.emulator.traffic import port_range
from hakube_gce.emulator.world import World, check_place, fingerprint

_MOST_PORTS = 5


def _insert(world: World, call: Call) -> Accepted:
    check_place(call)
    path, body = world.named(call, "forwardingRules"), call.body
    if body.get("loadBalancingScheme", "EXTERNAL") != "EXTERNAL":
        text = "this emulator has forwarding rules of the scheme EXTERNAL only"
        raise Refusal(501, "notImplemented", text)
    if body.get("labels"):
        raise invalid("resource.labels", body["labels"], "Labels can only be set by setLabels.")
    fields = {
        "description": body.get("description", ""),
        "IPProtocol": body.get("IPProtocol", "TCP"),
        "loadBalancingScheme": "EXTERNAL",
        "networkTier": body.get("networkTier", "PREMIUM"),
        "ipVersion": body.get("ipVersion"),
        **_target(world, call),
        **_ports(body),
        **label_fields(None),
    }
    fields["IPAddress"] = _address(world, call, fields)
    world.create(path, "compute#forwardingRule", {**fields, "fingerprint": fingerprint(fields)})
    check_quota(world, call, "FORWARDING_RULES", path)
    return Accepted(target=path)


def _target(world: World, call: Call) -> Json:
    given = [key for key in ("backendService", "target") if call.body.get(key)]
    if len(given) != 1:
        raise required("resource.target")
    field = f"resource.{given[0]}"
    path = resolve(call.body[given[0]], call, field)
    collection = "backendServices" if given[0] == "backendService" else "targetPools"
    if region_of(path) != call.parameters["region"] or f"/{collection}/" not in path:
        why = f"Must be one of the {collection} of region '{call.parameters['region']}'."
        raise invalid(field, link(path), why)
    world.settled(path)
    return {given[0]: link(path)}


def _ports(body: Json) -> Json:
    given = [key for key in ("ports", "portRange", "allPorts") if body.get(key)]
    if len(given) > 1:
        raise invalid(f"resource.{given[1]}", body[given[1]], f"Excludes '{given[0]}'.")
    if not given or (given == ["allPorts"] and not body.get("backendService")):
        # A target pool's rule may leave its ports out: then it forwards all of them.
        if body.get("target"):
            return {"portRange": "1-65535"}
        raise required("resource.ports")
    if given == ["ports"] and (body.get("target") or len(body["ports"]) > _MOST_PORTS):
        why = f"At most {_MOST_PORTS} ports, and only with a backend service."
        raise invalid("resource.ports", body["ports"], why)
    if given == ["allPorts"]:
        return {"allPorts": True}
    try:
        low, high = port_range(body)
    except ValueError as error:
        raise invalid(f"resource.{given[0]}", body[given[0]], "Not a port.") from error
    if not 1 <= low <= high <= 65535:
        raise invalid(f"resource.{given[0]}", body[given[0]], "Must lie between 1 and 65535.")
    if given == ["ports"]:
        return {"ports": [str(port) for port in body["ports"]]}
    return {"portRange": f"{low}-{high}"}


def _address(world: World, call: Call, fields: Json) -> str:
    field, wanted = "resource.IPAddress", call.body.get("IPAddress", "")
    if not wanted:
        return world.free_external_ip()
    if "/" in wanted:
        path = resolve(wanted, call, field)
        if region_of(path) != call.parameters["region"]:
            raise invalid(field, wanted, "The address must be in the region of the rule.")
        wanted = world.need(path)["address"]
    region = call.parameters["region"]
    reserved = find_reserved(world, call.project, region, wanted)
    holders = users(world, call.project, region, wanted)
    if any(_conflicts(world, holder, fields) for holder in holders):
        raise address_in_use(field, wanted)
    if reserved is None and not holders:
        raise invalid(field, wanted, "Specified IP address was not found in this region.")
    if reserved is not None and world.pending(short(reserved["selfLink"])):
        raise not_ready(short(reserved["selfLink"]))
    return str(wanted)


def _conflicts(world: World, holder: str, fields: Json) -> bool:
    """Tell whether who holds the address leaves no room for another rule on it."""
    other = world.need(holder)
    if other["kind"] != "compute#forwardingRule":
        return True
    (low, high), (other_low, other_high) = port_range(fields), port_range(other)
    same_protocol = other["IPProtocol"] == fields["IPProtocol"]
    return same_protocol and low <= other_high and other_low <= high


def _complete_insert(world: World, operation: Operation) -> None:
    """From now on the rule leads somewhere, once the change has spread (latency profile)."""
    moment = world.clock.monotonic() + world.propagation_s
    if world.propagation_s and world.store.get(operation.target) is not None:
        world.propagating[operation.target] = moment


def _nobody(_world: World, _path: str) -> None:
    """A forwarding rule is used by nothing."""


_RULES = Kind(
    kind="compute#forwardingRule",
    service="forwardingRules",
    collection="forwardingRules",
    parameter="forwarding_rule",
    parent=REGION,
)

ROUTES: tuple[Route, ...] = (
    _RULES.get(),
    _RULES.list(),
    _RULES.aggregated_list(),
    change("forwardingRules.insert", f"POST {REGION}/forwardingRules", _insert, _complete_insert),
    _RULES.delete(_nobody),
    _RULES.set_labels(f"{REGION}/forwardingRules/{{resource}}"),
)
