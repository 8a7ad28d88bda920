"""What a record holds that others may want to know the holder of: addresses and disks. Pure.

A lab of a thousand nodes is asked for each of its disks who uses it, and for each new VM which
addresses are free: the store keeps this the other way round, so that nobody has to look through
every instance.
"""

from collections.abc import Iterator

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.links import short


def external(address: str) -> str:
    """Return what holding an external address is called."""
    return f"external {address}"


def internal(address: str) -> str:
    """Return what holding an internal address is called."""
    return f"internal {address}"


def disk(path: str) -> str:
    """Return what having a disk attached is called."""
    return f"disk {path}"


def of(record: Json) -> frozenset[str]:
    """Return everything a record holds.

    >>> sorted(of({"kind": "compute#address", "address": "203.0.113.5"}))
    ['external 203.0.113.5']
    """
    match record.get("kind"):
        case "compute#address":
            return frozenset({external(record["address"])})
        case "compute#forwardingRule":
            return frozenset({external(record["IPAddress"])})
        case "compute#instance":
            return frozenset(_of_instance(record))
        case _:
            return frozenset()


def _of_instance(record: Json) -> Iterator[str]:
    for interface in record["networkInterfaces"]:
        yield internal(interface["networkIP"])
        for config in interface.get("accessConfigs", []):
            if config.get("natIP"):
                yield external(config["natIP"])
    for attached in record["disks"]:
        yield disk(short(attached["source"]))
