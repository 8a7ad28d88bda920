"""Regional external addresses.

``status`` and ``users`` are computed: an address is in use exactly when an access config or a
forwarding rule carries it. Labels cannot be given at insert, only set afterwards, so the insert
itself is the only mutual exclusion at birth; ``setLabels`` with its fingerprint is the one
afterwards.
"""

from hakube_gce.emulator import holdings
from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.catalog import ZONES
from hakube_gce.emulator.handlers import REGION, Route, change
from hakube_gce.emulator.links import link, region_of, zone_of
from hakube_gce.emulator.quotas import check as check_quota
from hakube_gce.emulator.refusals import Refusal, in_use, invalid
from hakube_gce.emulator.resources.kinds import Kind, label_fields
from hakube_gce.emulator.world import World, check_place, public


def users(world: World, project: str, region: str, address: str) -> list[str]:
    """Return the short paths of what carries an external address in a region."""
    holders = world.store.holders(holdings.external(address))
    here = [path for path in holders if path.startswith(f"projects/{project}/")]
    instances = [path for path in here if ZONES.get(zone_of(path)) == region]
    rules = [path for path in here if region_of(path) == region and "/forwardingRules/" in path]
    return instances + rules


def find_reserved(world: World, project: str, region: str, address: str) -> Json | None:
    """Return the static address record that holds a dotted quad in a region."""
    found = world.store.under(f"projects/{project}/regions/{region}/addresses")
    return next((record for _, record in found if record["address"] == address), None)


def _show(world: World, path: str, record: Json) -> Json:
    found = [link(p) for p in _users(world, path, record)]
    shown = {**public(record), "status": "RESERVED"}
    if world.pending(path, "insert") and not found:
        shown["status"] = "RESERVING"
    return {**shown, "status": "IN_USE", "users": found} if found else shown


def _users(world: World, path: str, record: Json) -> list[str]:
    return users(world, path.split("/")[1], region_of(path), record["address"])


def _insert(world: World, call: Call) -> Accepted:
    check_place(call)
    body, path = call.body, world.named(call, "addresses")
    if body.get("labels"):
        # "These can only be added or modified by the setLabels method": Google on this field.
        raise invalid("resource.labels", body["labels"], "Labels can only be set by setLabels.")
    if body.get("addressType", "EXTERNAL") != "EXTERNAL":
        raise Refusal(501, "notImplemented", "this emulator has external addresses only")
    fields = {
        "address": _chosen(world, call, body.get("address", "")),
        "addressType": "EXTERNAL",
        "description": body.get("description", ""),
        "networkTier": body.get("networkTier", "PREMIUM"),
        **label_fields(None),
    }
    world.create(path, "compute#address", fields)
    check_quota(world, call, "STATIC_ADDRESSES", path)
    return Accepted(target=path)


def _chosen(world: World, call: Call, wanted: str) -> str:
    """Return a free address, or the ephemeral one in use that is to become static."""
    if not wanted:
        return world.free_external_ip()
    region = call.parameters["region"]
    if find_reserved(world, call.project, region, wanted):
        raise invalid("resource.address", wanted, "Specified IP address is already reserved.")
    if not users(world, call.project, region, wanted):
        why = "Specified IP address is not in use by a resource of this region."
        raise invalid("resource.address", wanted, why)
    return wanted


def _refuse_used(world: World, path: str) -> None:
    for user in _users(world, path, world.need(path)):
        raise in_use("address", path, user)


_ADDRESSES = Kind(
    kind="compute#address",
    service="addresses",
    collection="addresses",
    parameter="address",
    parent=REGION,
    show=_show,
)

ROUTES: tuple[Route, ...] = (
    _ADDRESSES.get(),
    _ADDRESSES.list(),
    _ADDRESSES.aggregated_list(),
    change("addresses.insert", f"POST {REGION}/addresses", _insert),
    _ADDRESSES.delete(_refuse_used),
    _ADDRESSES.set_labels(f"{REGION}/addresses/{{resource}}"),
)
