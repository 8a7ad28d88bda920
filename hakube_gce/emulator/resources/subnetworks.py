"""Subnetworks: a network's ranges in a region, primary and secondary.

No two ranges of a network overlap, as at Google; what addresses VMs really carry is the runtime's
business.
"""

import ipaddress
import re
from collections.abc import Iterator

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import REGION, Route, change
from hakube_gce.emulator.links import last, link, region_of, short
from hakube_gce.emulator.refusals import NAME_PATTERN, in_use, invalid, required
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.resources.references import find_network
from hakube_gce.emulator.world import World, check_place, fingerprint

_LONGEST_PREFIX = 29
_AUTOMATIC = ipaddress.IPv4Network("10.128.0.0/9")
"""What a network of automatic mode keeps for subnetworks of its own making."""


def create(world: World, path: str, body: Json, network: str) -> None:
    """Put a subnetwork of a network; ``body`` is an insert's, its ranges judged."""
    fields = {
        "description": body.get("description", ""),
        "network": link(network),
        "ipCidrRange": body["ipCidrRange"],
        "gatewayAddress": _gateway(body["ipCidrRange"]),
        "privateIpGoogleAccess": body.get("privateIpGoogleAccess", False),
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
        "secondaryIpRanges": body.get("secondaryIpRanges") or None,
    }
    world.create(path, "compute#subnetwork", {**fields, "fingerprint": fingerprint(fields)})


def of_network(world: World, network: str) -> Iterator[tuple[str, Json]]:
    """Yield the subnetworks of a network."""
    for path, subnet in world.store.of_kind("compute#subnetwork", network.split("/")[1]):
        if subnet["network"] == link(network):
            yield path, subnet


def cidr(text: object, field: str) -> ipaddress.IPv4Network:
    """Return a range as Google takes it.

    Raises:
        Refusal: 400 for no range, one with host bits, or one smaller than a /29.
    """
    try:
        found = ipaddress.IPv4Network(str(text))
    except ValueError as error:
        raise invalid(field, text, str(error)) from error
    if "/" not in str(text) or found.prefixlen > _LONGEST_PREFIX:
        raise invalid(field, text, f"Must be a range of prefix length {_LONGEST_PREFIX} or less.")
    return found


def _gateway(text: str) -> str:
    return str(ipaddress.IPv4Network(text)[1])


def _insert(world: World, call: Call) -> Accepted:
    check_place(call)
    if not call.body.get("network"):
        raise required("resource.network")
    network = find_network(world, call, call.body["network"], "resource.network")
    path, body = world.named(call, "subnetworks"), call.body
    if not body.get("ipCidrRange"):
        raise required("resource.ipCidrRange")
    # Overlaps within the request itself count as well: each range is judged beside those before.
    judged: list[ipaddress.IPv4Network] = []
    for field, text in _ranges_asked(body):
        wanted = cidr(text, field)
        _refuse_overlap(world, network, wanted, field)
        if any(wanted.overlaps(other) for other in judged):
            raise invalid(field, text, "The range overlaps another one of this request.")
        judged.append(wanted)
    create(world, path, body, network)
    return Accepted(target=path)


def _ranges_asked(body: Json) -> Iterator[tuple[str, object]]:
    yield "resource.ipCidrRange", body["ipCidrRange"]
    names = []
    for number, secondary in enumerate(body.get("secondaryIpRanges") or []):
        field, name = f"resource.secondaryIpRanges[{number}]", str(secondary.get("rangeName"))
        if not re.fullmatch(NAME_PATTERN, name, re.ASCII) or name in names:
            why = f"Must be unique and a match of regex '{NAME_PATTERN}'"
            raise invalid(f"{field}.rangeName", name, why)
        names.append(name)
        yield f"{field}.ipCidrRange", secondary.get("ipCidrRange")


def _refuse_overlap(
    world: World, network: str, wanted: ipaddress.IPv4Network, field: str, *, except_for: str = ""
) -> None:
    for path, subnet in of_network(world, network):
        taken = [subnet] if path != except_for else []
        taken += subnet.get("secondaryIpRanges", [])
        if any(wanted.overlaps(ipaddress.IPv4Network(r["ipCidrRange"])) for r in taken):
            where = f"existing subnetwork '{last(path)}' in region '{region_of(path)}'"
            raise invalid(field, wanted, f"Invalid IPCidrRange: {wanted} conflicts with {where}.")
    automatic = world.need(network)["autoCreateSubnetworks"]
    if automatic and not except_for and wanted.overlaps(_AUTOMATIC):
        why = (
            f"Extended subnetworks in auto subnet mode networks cannot overlap with {_AUTOMATIC}."
        )
        raise invalid(field, wanted, why)


def _expand(world: World, call: Call) -> Accepted:
    """Make the primary range larger, at once and for good."""
    path, field = _SUBNETWORKS.path(call), "ipCidrRange"
    record = world.settled(path)
    wanted = cidr(call.body.get(field), field)
    now = ipaddress.IPv4Network(record["ipCidrRange"])
    if wanted == now or not now.subnet_of(wanted):
        raise invalid(field, wanted, f"Must be larger than the current range {now} and hold it.")
    network = short(record["network"])
    _refuse_overlap(world, network, wanted, field, except_for=path)
    world.store.change(path, ipCidrRange=str(wanted), gatewayAddress=_gateway(str(wanted)))
    return Accepted(target=path)


def _refuse_used(world: World, path: str) -> None:
    for user, instance in world.store.of_kind("compute#instance"):
        if any(i.get("subnetwork") == link(path) for i in instance["networkInterfaces"]):
            raise in_use("subnetwork", path, user)


_SUBNETWORKS = Kind(
    kind="compute#subnetwork",
    service="subnetworks",
    collection="subnetworks",
    parameter="subnetwork",
    parent=REGION,
)

ROUTES: tuple[Route, ...] = (
    _SUBNETWORKS.get(),
    _SUBNETWORKS.list(),
    _SUBNETWORKS.aggregated_list(),
    change("subnetworks.insert", f"POST {REGION}/subnetworks", _insert),
    _SUBNETWORKS.delete(_refuse_used),
    change(
        "subnetworks.expandIpCidrRange",
        f"POST {_SUBNETWORKS.template}/expandIpCidrRange",
        _expand,
    ),
)
