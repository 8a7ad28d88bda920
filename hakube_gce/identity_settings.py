"""Which cluster is meant, and where: project, zone, name, and the folder of its keys. Pure."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from hakube_gce import address_kinds as addresses
from hakube_gce import names
from hakube_gce.setting_sources import DEFAULT, Reader
from hakube_gce.variables import cluster, ours

LAB_PROJECT = "hakube-lab"
"""Project of a cluster that runs on this machine, when none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which cluster, and where."""

    project: str
    zone: str
    zone_is_chosen: bool
    """Somebody named it for this program: it is not gcloud's, and not the default."""
    prefix: str
    provider: str
    compute_endpoint: str
    master_zones: tuple[str, ...]


def read_identity(reader: Reader) -> Identity:
    """Read the variables that pick a cluster."""
    master_zones = reader.read_if_set(cluster.MASTER_ZONES) or ()
    _check_repeated(reader, master_zones)
    zone = _zone(reader, master_zones)
    prefix = _prefix(reader, zone)
    provider, endpoint = reader.read(cluster.PROVIDER), reader.text_of(ours.COMPUTE_ENDPOINT)
    return Identity(
        project=_project(reader, provider, endpoint),
        zone=zone,
        zone_is_chosen=bool(master_zones or reader.text(cluster.ZONE.name)[0]),
        prefix=prefix,
        provider=provider,
        compute_endpoint=endpoint,
        master_zones=master_zones,
    )


def _check_repeated(reader: Reader, zones: tuple[str, ...]) -> None:
    allowed = reader.read(cluster.SAME_ZONE)
    twice = sorted({zone for zone in zones if zones.count(zone) > 1})
    if twice and not allowed:
        reader.wrong(
            cluster.MASTER_ZONES,
            f"names {', '.join(twice)} more than once, and masters of one zone fail together; "
            "HAKUBE_SAME_ZONE=true if that is meant",
        )


def _zone(reader: Reader, master_zones: tuple[str, ...]) -> str:
    """Read the zone: the named one, else the first for masters, else gcloud's, else kube-up's."""
    zone, source = reader.read(cluster.ZONE), reader.sources[cluster.ZONE.name]
    if reader.text(cluster.ZONE.name)[0]:
        if master_zones and _region(zone) != _region(master_zones[0]):
            there = _region(master_zones[0])
            reader.wrong(cluster.ZONE, f"is in another region than KUBE_MASTER_ZONES ({there})")
        return zone
    if master_zones:
        whence = f"{reader.sources[cluster.MASTER_ZONES.name]}: {cluster.MASTER_ZONES.name}"
        reader.sources[cluster.ZONE.name] = whence
        reader.values[cluster.ZONE.name] = master_zones[0]
        return master_zones[0]
    if source != DEFAULT:
        reader.notes.append(f"KUBE_GCE_ZONE is not set; this is about {zone}, from {source}")
    elif reader.gcloud.region not in {"", _region(zone)}:
        reader.notes.append(
            f"KUBE_GCE_ZONE is not set; this is about {zone}, the default: gcloud is configured "
            f"for {_plain(reader.gcloud.region)} and no zone"
        )
    return zone


def _plain(text: str) -> str:
    """Write a region that nobody has checked."""
    return ascii(text[:40])[1:-1]


def _region(zone: str) -> str:
    return zone.rpartition("-")[0]


def _prefix(reader: Reader, zone: str) -> str:
    """Read the cluster's name, short enough for the longest name made from it.

    That is a firewall rule's, or in a zone of a long name a group's; what fits there fits into the
    64 characters of a certificate's common name (X.520), ``hakube-agent:<prefix>-master-<3 hex>``.
    """
    prefix = reader.read(cluster.PREFIX)
    longest = max(
        (
            names.group(prefix, zone),
            names.data_disk(f"{names.master(prefix)}-000"),
            f"{prefix}-minion-template",
            names.firewall_internal(prefix, "master"),
        ),
        key=len,
    )
    if len(longest) > 63:
        reader.wrong(cluster.PREFIX, f"is too long: {longest} would have over 63 letters")
    return prefix


def _project(reader: Reader, provider: str, endpoint: str) -> str:
    lab = provider == "emulator" or addresses.is_loopback(urlsplit(endpoint).hostname or "")
    if lab and not reader.gcloud.is_named:
        others = {k: v for k, v in reader.gcloud.values.items() if k != cluster.PROJECT.name}
        reader.gcloud = replace(reader.gcloud, values=others)
    project = reader.text_of(cluster.PROJECT)
    asked = [cluster.ZONE] if lab else [cluster.ZONE, cluster.PROJECT]
    if not all(reader.is_set(variable) for variable in asked):
        reader.notes += reader.gcloud.notes
    if reader.is_set(cluster.PROJECT):
        return project
    if lab:
        return reader.came_to(cluster.PROJECT, LAB_PROJECT)
    reader.problems.append(
        "PROJECT is not set, and gcloud is configured for none: which Google Cloud project? For "
        "example PROJECT=my-project; or, without any account, a cluster on this machine: "
        "KUBERNETES_PROVIDER=emulator"
    )
    return ""


def absolute(reader: Reader, path: str) -> str:
    """Put the user's home folder in the place of a leading ~."""
    if not path.startswith("~/"):
        return path
    home = reader.environment.get("HOME", "").rstrip("/")
    problem = "HOME is not set, or not to an absolute path; set it, or HAKUBE_HOME and KUBECONFIG"
    if not home.startswith("/") and problem not in reader.problems:
        reader.problems.append(problem)
    return f"{home}{path[1:]}"
