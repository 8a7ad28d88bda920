"""Resource paths: how Compute Engine names things, and how we show them.

Pure text. Whole URLs come in several hosts and versions (``www.googleapis.com``, an emulator's
own); only what follows the project means anything.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a resource lives: a zone, a region, or the project as a whole."""

    kind: Literal["zone", "region", "global"]
    name: str = ""

    @property
    def path(self) -> str:
        """The scope's short path.

        >>> Scope("zone", "europe-west1-b").path, Scope("global").path
        ('zones/europe-west1-b', 'global')
        """
        return "global" if self.kind == "global" else f"{self.kind}s/{self.name}"

    @property
    def fields(self) -> dict[str, str]:
        """What a request of this scope carries besides the project."""
        return {} if self.kind == "global" else {self.kind: self.name}


GLOBAL = Scope("global")


def zone(name: str) -> Scope:
    """A zone as a scope."""
    return Scope("zone", name)


def region(name: str) -> Scope:
    """A region as a scope."""
    return Scope("region", name)


def region_of(zone_name: str) -> str:
    """Name of the region a zone lies in.

    >>> region_of("europe-west1-b"), region_of("us-central1-ai1a")
    ('europe-west1', 'us-central1')
    """
    return zone_name.rpartition("-")[0]


def short(url: str) -> str:
    """Cut a resource URL or path down to what follows the project.

    >>> short("https://www.googleapis.com/compute/v1/projects/p/zones/z/instances/i")
    'zones/z/instances/i'
    >>> short("projects/p/global/networks/default")
    'global/networks/default'
    """
    _, found, tail = f"/{url}".partition("/projects/")
    return tail.partition("/")[2] if found else url


def last(url: str) -> str:
    """Last component of a resource URL or path: the resource's name.

    >>> last("https://www.googleapis.com/compute/v1/projects/p/zones/z")
    'z'
    """
    return url.rpartition("/")[2]


def zonal(url: str, collection: str) -> tuple[str, str] | None:
    """Split a zonal resource's URL into zone and name; None when it is of another collection.

    >>> zonal("projects/p/zones/z/instanceGroups/g", "instanceGroups")
    ('z', 'g')
    >>> zonal("projects/p/regions/r/networkEndpointGroups/n", "instanceGroups")
    """
    match short(url).split("/"):
        case ["zones", zone_name, kind, name] if kind == collection:
            return zone_name, name
    return None


def network_path(network: str, project: str) -> str:
    """Give the path of a network that is named alone; a path stays as it is."""
    return network if "/" in network else f"projects/{project}/global/networks/{network}"


def subnetwork_path(subnetwork: str, project: str, region_name: str) -> str:
    """Give the path of a subnetwork that is named alone; a path stays as it is."""
    if "/" in subnetwork:
        return subnetwork
    return f"projects/{project}/regions/{region_name}/subnetworks/{subnetwork}"
