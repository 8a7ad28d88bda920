"""Quotas: how much of a few kinds a project may hold in a region, and how much it holds now.

An insert that would go over the limit is accepted and its operation fails, as at Google [K].
"""

import functools
from collections.abc import Iterable

from hakube_gce.emulator.calls import Call, Json
from hakube_gce.emulator.catalog import MACHINE_TYPES, ZONES
from hakube_gce.emulator.links import last, region_of, zone_of
from hakube_gce.emulator.refusals import quota_exceeded
from hakube_gce.emulator.world import World, nat_ips


def quotas(world: World, project: str, region: str, metrics: Iterable[str]) -> list[Json]:
    """Return Google's quota objects; an empty region counts the whole project."""
    return [
        {
            "metric": metric,
            "limit": float(world.limit(metric)),
            "usage": float(usage(world, project, region, metric)),
        }
        for metric in metrics
    ]


def usage(world: World, project: str, region: str, metric: str) -> float:
    """Return how much of a metric a project holds in a region."""

    def here(kind: str) -> list[Json]:
        found = world.store.of_kind(kind, project)
        return [record for path, record in found if region in ("", _region(path))]

    match metric:
        case "INSTANCES":
            return len(here("compute#instance"))
        case "CPUS":
            types = [last(instance["machineType"]) for instance in here("compute#instance")]
            return sum(MACHINE_TYPES[name][0] for name in types)
        case "DISKS_TOTAL_GB":
            return sum(int(disk["sizeGb"]) for disk in here("compute#disk"))
        case "STATIC_ADDRESSES":
            return len(here("compute#address"))
        case "IN_USE_ADDRESSES":
            return sum(len(nat_ips(instance)) for instance in here("compute#instance"))
        case _:
            return len(here("compute#forwardingRule"))


def check(world: World, call: Call, metric: str, path: str) -> None:
    """Refuse what was just put at ``path`` if it goes over a limit.

    Raises:
        OperationFailed: QUOTA_EXCEEDED; the lab undoes the request and fails its operation.
    """
    # Forwarding rules are counted per project, everything else per region.
    region = "" if metric == "FORWARDING_RULES" else _region(path)
    if usage(world, call.project, region, metric) > world.limit(metric):
        scope = f"region {region}" if region else f"project {call.project}"
        raise quota_exceeded(metric, world.limit(metric), scope)


@functools.lru_cache(maxsize=1 << 16)
def _region(path: str) -> str:
    return region_of(path) or ZONES.get(zone_of(path), "")
