"""What Google has on its shelves: regions, zones, machine types, images, disk types.

A fixed excerpt, enough to place a cluster anywhere the originals' users did. Quotas are counted
by the `projects` resource, not here.
"""

from types import MappingProxyType

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.links import link

REGIONS = MappingProxyType(
    {
        "asia-east1": "abc",
        "asia-northeast1": "abc",
        "asia-southeast1": "abc",
        "australia-southeast1": "abc",
        "europe-north1": "abc",
        "europe-west1": "bcd",
        "europe-west2": "abc",
        "europe-west3": "abc",
        "europe-west4": "abc",
        "us-central1": "abcf",
        "us-east1": "bcd",
        "us-west1": "abc",
    }
)
"""Region → letters of its zones."""

ZONES = MappingProxyType(
    {f"{region}-{letter}": region for region, letters in REGIONS.items() for letter in letters}
)
"""Zone → region."""

MACHINE_TYPES = MappingProxyType(
    {
        "e2-micro": (2, 1024),
        "e2-small": (2, 2048),
        "e2-medium": (2, 4096),
        "f1-micro": (1, 614),
        "g1-small": (1, 1740),
        **{f"e2-standard-{n}": (n, n * 4096) for n in (2, 4, 8, 16, 32)},
        **{f"n1-standard-{n}": (n, n * 3840) for n in (1, 2, 4, 8, 16, 32)},
        **{f"n1-highmem-{n}": (n, n * 6656) for n in (2, 4, 8)},
        **{f"n2-standard-{n}": (n, n * 4096) for n in (2, 4, 8, 16, 32)},
        **{f"n2d-standard-{n}": (n, n * 4096) for n in (2, 4, 8, 16)},
    }
)
"""Machine type → (virtual CPUs, memory in MB)."""

DISK_TYPES = ("pd-balanced", "pd-extreme", "pd-ssd", "pd-standard")

_STAMP = "v20261104"
_IMAGES = (
    ("cos-cloud", "cos-stable", "cos-stable-125-19216-0-61", 10),
    ("cos-cloud", "", "cos-stable-60-9592-90-0", 10),
    ("cos-cloud", "", "cos-stable-63-10032-71-0", 10),
    ("debian-cloud", "debian-11", f"debian-11-bullseye-{_STAMP}", 10),
    ("debian-cloud", "debian-12", f"debian-12-bookworm-{_STAMP}", 10),
    ("debian-cloud", "debian-13", f"debian-13-trixie-{_STAMP}", 10),
    ("ubuntu-os-cloud", "ubuntu-2204-lts", f"ubuntu-2204-jammy-{_STAMP}", 10),
    ("ubuntu-os-cloud", "ubuntu-2404-lts-amd64", f"ubuntu-2404-noble-amd64-{_STAMP}", 10),
)
_BORN = "2026-11-04T00:00:00.000-08:00"


def zones_of(region: str) -> tuple[str, ...]:
    """Return the zones of a region."""
    return tuple(f"{region}-{letter}" for letter in REGIONS[region])


def zone(project: str, name: str) -> Json:
    """Return a zone as ``zones.get`` does."""
    base = f"projects/{project}/zones/{name}"
    return {
        "kind": "compute#zone",
        "id": str(2000 + sorted(ZONES).index(name)),
        "name": name,
        "description": name,
        "status": "UP",
        "region": link(f"projects/{project}/regions/{ZONES[name]}"),
        "selfLink": link(base),
        "supportsPzs": False,
    }


def region(project: str, name: str, quotas: list[Json]) -> Json:
    """Return a region as ``regions.get`` does."""
    return {
        "kind": "compute#region",
        "id": str(1000 + sorted(REGIONS).index(name)),
        "name": name,
        "description": name,
        "status": "UP",
        "zones": [link(f"projects/{project}/zones/{z}") for z in zones_of(name)],
        "quotas": quotas,
        "selfLink": link(f"projects/{project}/regions/{name}"),
    }


def machine_type(project: str, zone_name: str, name: str) -> Json:
    """Return a machine type as ``machineTypes.get`` does."""
    cpus, memory_mb = MACHINE_TYPES[name]
    return {
        "kind": "compute#machineType",
        "id": str(3000 + sorted(MACHINE_TYPES).index(name)),
        "name": name,
        "description": f"{cpus} vCPU, {memory_mb / 1024:g} GB RAM",
        "guestCpus": cpus,
        "memoryMb": memory_mb,
        "isSharedCpu": name in {"e2-micro", "e2-small", "e2-medium", "f1-micro", "g1-small"},
        "maximumPersistentDisks": 128,
        "maximumPersistentDisksSizeGb": "263168",
        "zone": zone_name,
        "selfLink": link(f"projects/{project}/zones/{zone_name}/machineTypes/{name}"),
    }


def images(project: str) -> list[Json]:
    """Return the images of one of Google's public image projects."""
    return [
        _image(number, owner, family, name, size_gb)
        for number, (owner, family, name, size_gb) in enumerate(_IMAGES)
        if owner == project
    ]


def _image(number: int, owner: str, family: str, name: str, size_gb: int) -> Json:
    image: Json = {
        "kind": "compute#image",
        "id": str(4000 + number),
        "name": name,
        "status": "READY",
        "sourceType": "RAW",
        "architecture": "X86_64",
        "diskSizeGb": str(size_gb),
        "archiveSizeBytes": str(size_gb << 27),
        "creationTimestamp": _BORN,
        "labelFingerprint": "42WmSpB8rSM=",
        "selfLink": link(f"projects/{owner}/global/images/{name}"),
    }
    return {**image, "family": family} if family else image


def find_image(path: str) -> Json | None:
    """Return the image that a short path means: by name, by family, or by gcloud's family view."""
    parts = path.split("/")
    owner, wanted = parts[1], parts[-1]
    by_family = "family" in parts or "imageFamilyViews" in parts
    key = "family" if by_family else "name"
    return next((image for image in images(owner) if image.get(key) == wanted), None)
