"""Firewall rules: records alone, no packet is ever judged by one."""

from hakube_gce.emulator.calls import Accepted, Call
from hakube_gce.emulator.handlers import GLOBAL, Route, change
from hakube_gce.emulator.links import link
from hakube_gce.emulator.refusals import required
from hakube_gce.emulator.resources.kinds import Kind
from hakube_gce.emulator.resources.references import find_network
from hakube_gce.emulator.world import World


def _insert(world: World, call: Call) -> Accepted:
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


_FIREWALLS = Kind(
    kind="compute#firewall",
    service="firewalls",
    collection="firewalls",
    parameter="firewall",
    parent=GLOBAL,
)

ROUTES: tuple[Route, ...] = (
    _FIREWALLS.get(),
    _FIREWALLS.list(),
    change("firewalls.insert", f"POST {GLOBAL}/firewalls", _insert),
    _FIREWALLS.delete(_nobody),
)
