"""What a record takes of its project's quotas. Pure.

The store adds it up as records come and go: counting a thousand instances anew for each of the
next thousand would take longer than all else.
"""

import functools
from collections.abc import Iterator

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.catalog import MACHINE_TYPES, ZONES
from hakube_gce.emulator.links import last, region_of, zone_of

Account = tuple[str, str, str]
"""Project, region, metric."""


def of(path: str, record: Json) -> Iterator[tuple[Account, int]]:
    """Yield the accounts that a record is on, and how much of each it takes.

    >>> dict(of("projects/p/zones/us-east1-b/disks/d", {"kind": "compute#disk", "sizeGb": "5"}))
    {('p', 'us-east1', 'DISKS_TOTAL_GB'): 5}
    """
    for metric, amount in _amounts(record):
        yield (*place(path), metric), amount


def _amounts(record: Json) -> Iterator[tuple[str, int]]:
    match record.get("kind"):
        case "compute#instance":
            yield "INSTANCES", 1
            # While it is being put together it has no type yet.
            kind = last(record.get("machineType", ""))
            yield "CPUS", MACHINE_TYPES.get(kind, (0, 0))[0]
            yield "IN_USE_ADDRESSES", _external(record)
        case "compute#disk":
            yield "DISKS_TOTAL_GB", int(record["sizeGb"])
        case "compute#address":
            yield "STATIC_ADDRESSES", 1
        case "compute#forwardingRule":
            yield "FORWARDING_RULES", 1
        case _:
            pass


def _external(instance: Json) -> int:
    interfaces = instance["networkInterfaces"]
    return sum(bool(c.get("natIP")) for i in interfaces for c in i.get("accessConfigs", []))


@functools.lru_cache(maxsize=1 << 16)
def place(path: str) -> tuple[str, str]:
    """Return the project and the region a path lies in; an empty region for what is global."""
    return path.split("/", 2)[1], region_of(path) or ZONES.get(zone_of(path), "")
