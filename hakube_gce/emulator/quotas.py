"""Quotas: how much of a few kinds a project may hold in a region, and how much it holds now.

An insert that would go over the limit is accepted and its operation fails, as at Google [K].
"""

from collections.abc import Iterable

from hakube_gce.emulator.calls import Call, Json
from hakube_gce.emulator.refusals import quota_exceeded
from hakube_gce.emulator.usage import place
from hakube_gce.emulator.world import World


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
    """Return how much of a metric a project holds in a region; an empty one means all of them."""
    used = world.store.used
    if region:
        return used.get((project, region, metric), 0)
    return sum(amount for (p, _, m), amount in used.items() if (p, m) == (project, metric))


def check(world: World, call: Call, metric: str, path: str) -> None:
    """Refuse what was just put at ``path`` if it goes over a limit.

    Raises:
        OperationFailed: QUOTA_EXCEEDED; the lab undoes the request and fails its operation.
    """
    # Forwarding rules are counted per project, everything else per region.
    region = "" if metric == "FORWARDING_RULES" else place(path)[1]
    if usage(world, call.project, region, metric) > world.limit(metric):
        scope = f"region {region}" if region else f"project {call.project}"
        raise quota_exceeded(metric, world.limit(metric), scope)
