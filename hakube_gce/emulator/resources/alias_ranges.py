"""Alias ranges of network interfaces: parts of a subnetwork's range that are one VM's own.

Drawn from the subnetwork's secondary range of a name, or from its primary one. ``/24`` asks for
any free part of that size, ``10.64.3.0/24`` for that very one.
"""

import functools
import ipaddress
import itertools
import re
from collections.abc import Iterable, Iterator

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.links import link
from hakube_gce.emulator.refusals import Refusal, invalid
from hakube_gce.emulator.world import World

_SIZE = re.compile(r"/([0-9]{1,2})", re.ASCII)
Span = tuple[int, int]
"""First and last address, as numbers."""


def new(world: World, subnetwork: str, wanted: list[Json], field: str) -> list[Json]:
    """Return alias ranges as an interface shows them.

    Raises:
        Refusal: 400 for a range of no such name, outside of it, in use, or when none is free.
    """
    taken = list(_taken(world, subnetwork))
    shown = []
    for number, alias in enumerate(wanted):
        where = f"{field}.aliasIpRanges[{number}]"
        name = alias.get("subnetworkRangeName", "")
        pool = _pool(world, subnetwork, name, where)
        chosen = _chosen(str(alias.get("ipCidrRange", "")), pool, taken, where)
        taken.append(_span(chosen))
        named = {"subnetworkRangeName": name} if name else {}
        shown.append({"ipCidrRange": chosen, **named})
    return shown


def _taken(world: World, subnetwork: str) -> Iterator[Span]:
    for _, instance in world.store.of_kind("compute#instance"):
        for interface in instance["networkInterfaces"]:
            if interface.get("subnetwork") == link(subnetwork):
                for alias in interface.get("aliasIpRanges", []):
                    yield _span(alias["ipCidrRange"])


def _pool(world: World, subnetwork: str, name: str, field: str) -> str:
    record = world.need(subnetwork)
    if not name:
        return str(record["ipCidrRange"])
    for secondary in record.get("secondaryIpRanges", []):
        if secondary["rangeName"] == name:
            return str(secondary["ipCidrRange"])
    raise invalid(f"{field}.subnetworkRangeName", name, "The subnetwork has no such range.")


def _chosen(text: str, pool: str, taken: Iterable[Span], field: str) -> str:
    size = _SIZE.fullmatch(text)
    if size:
        return _first_free(int(size[1]), pool, taken, field)
    try:
        first, last = _span(str(ipaddress.IPv4Network(text)))
    except ValueError as error:
        raise invalid(f"{field}.ipCidrRange", text, str(error)) from error
    low, high = _span(pool)
    if not low <= first <= last <= high:
        raise invalid(f"{field}.ipCidrRange", text, f"It is not within the range {pool}.")
    if any(first <= end and begin <= last for begin, end in taken):
        raise invalid(f"{field}.ipCidrRange", text, "It is in use by another interface.")
    return str(ipaddress.IPv4Network(text))


def _first_free(prefix: int, pool: str, taken: Iterable[Span], field: str) -> str:
    low, high = _span(pool)
    size = 1 << (32 - prefix) if prefix <= 32 else high
    place = low
    for begin, end in itertools.chain(sorted(taken), [(high + 1, high + 1)]):
        if end < place:
            continue
        if place + size <= begin or begin > high:
            break
        # The next part of this size that begins behind what is taken.
        place = low + -(-(end + 1 - low) // size) * size
    if place + size - 1 > high:
        text = f"IP space of '{pool}' is exhausted: no /{prefix} is free ({field})."  # [K] text
        raise Refusal(400, "invalid", text)
    return f"{ipaddress.IPv4Address(place)}/{prefix}"


@functools.lru_cache(maxsize=1 << 14)
def _span(text: str) -> Span:
    found = ipaddress.IPv4Network(text)
    return int(found[0]), int(found[-1])
