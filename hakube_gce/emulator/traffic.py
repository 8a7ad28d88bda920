"""Where traffic to every external address goes, read off the records. Pure.

Windows are judged against us: an access config's or a forwarding rule's way that is being taken
away is gone when the request is accepted, and one that is being made leads somewhere only when its
operation is done.
"""

from collections.abc import Iterable, Iterator

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.links import short
from hakube_gce.emulator.runtime import Route
from hakube_gce.emulator.world import World, nat_ips

MEMBERS = "@members"
"""Record field of an instance group: short paths of its instances."""


def routes(world: World) -> list[Route]:
    """Return all routes of the lab, in a stable order."""
    ways = [*_access_configs(world), *_forwarding_rules(world)]
    return sorted(ways, key=lambda route: (route.address, route.port or 0))


def _access_configs(world: World) -> Iterator[Route]:
    for path, instance in world.store.of_kind("compute#instance"):
        up = instance["status"] == "RUNNING" and not world.pending(path, "addAccessConfig")
        backends = (internal_ip(instance),) if up else ()
        for address in nat_ips(instance):
            yield Route(address=address, port=None, backends=backends)


def _forwarding_rules(world: World) -> Iterator[Route]:
    for path, rule in world.store.of_kind("compute#forwardingRule"):
        target = short(rule.get("backendService") or rule["target"])
        backends = backends_of(world, target) if _leads(world, path) else ()
        drain = (world.store.get(target) or {}).get("connectionDraining", {})
        for port in ports(rule):
            yield Route(
                address=rule["IPAddress"],
                port=port,
                backends=backends,
                drain_s=float(drain.get("drainingTimeoutSec", 0)),
            )


def _leads(world: World, path: str) -> bool:
    changing = world.pending(path, "insert") or world.pending(path, "delete")
    ready = world.propagating.get(path, 0.0) <= world.clock.monotonic()
    return ready and not changing


def backends_of(world: World, target: str) -> tuple[str, ...]:
    """Return who takes new connections for a backend service or target pool: internal addresses.

    When no backend is healthy all of them get traffic, as Google's last resort has it; those that
    are not running are left out either way, since nobody would answer there.
    """
    running = [(p, i) for p, i in instances_of(world, target) if i["status"] == "RUNNING"]
    healthy = [(p, i) for p, i in running if world.health(target, p)]
    return tuple(sorted(internal_ip(instance) for _, instance in healthy or running))


def instances_of(world: World, target: str) -> list[tuple[str, Json]]:
    """Return the instances behind a backend service or target pool."""
    record = world.store.get(target) or {}
    if record.get("kind") == "compute#targetPool":
        paths = [short(reference) for reference in record.get("instances", [])]
    else:
        groups = [short(backend["group"]) for backend in record.get("backends", [])]
        paths = [path for group in groups for path in members(world, group)]
    found = [(path, world.store.get(path)) for path in paths]
    return [(path, instance) for path, instance in found if instance is not None]


def members(world: World, group: str) -> Iterable[str]:
    """Return the short paths of an instance group's instances."""
    record = world.store.get(group) or {}
    return tuple(record.get(MEMBERS, ()))


def rules_of(world: World, target: str) -> list[tuple[str, Json]]:
    """Return the forwarding rules that refer to a backend service or target pool."""
    return [
        (path, rule)
        for path, rule in world.store.of_kind("compute#forwardingRule")
        if short(rule.get("backendService") or rule["target"]) == target
    ]


def ports(rule: Json) -> tuple[int | None, ...]:
    """Return the ports a rule forwards; None stands for every port.

    >>> [ports(rule) for rule in ({"ports": ["443"]}, {"portRange": "1-2"}, {"allPorts": True})]
    [(443,), (1, 2), (None,)]
    """
    if rule.get("ports"):
        return tuple(int(port) for port in rule["ports"])
    low, high = port_range(rule)
    # The runtime forwards single ports; a wide range is as good as every port to a cluster.
    return tuple(range(low, high + 1)) if high - low < 16 else (None,)


def port_range(rule: Json) -> tuple[int, int]:
    """Return the lowest and highest port a rule forwards."""
    if rule.get("ports"):
        numbers = [int(port) for port in rule["ports"]]
        return min(numbers), max(numbers)
    text = rule.get("portRange") or "1-65535"
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def internal_ip(instance: Json) -> str:
    """Return an instance's internal address."""
    return str(instance["networkInterfaces"][0]["networkIP"])
