"""The environment and .env, understood: one frozen value, or every problem at once.

Pure: mappings come in, a `Settings` or a `SettingsError` goes out. It reads no file, does not
look whether a zone or a folder exists, and never touches the process environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from hakube_gce import names
from hakube_gce import setting_kinds as kinds
from hakube_gce import settings_table as table
from hakube_gce.errors import SettingsError
from hakube_gce.intents import Command, Switches, wish
from hakube_gce.model import Intent
from hakube_gce.setting_sources import DEFAULT, Reader
from hakube_gce.settings_table import Variable

LAB_PROJECT = "hakube-lab"
"""Project of a cluster that runs on this machine, when none is named."""

LONGEST_PREFIX = 64 - len("hakube-agent:-master-000")
"""A certificate's common name has 64 characters at most (X.520), and the longest one of ours is
``hakube-agent:<prefix>-master-<3 hex>``."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inheritable:
    """A variable that replicas take from the cluster, as this run would set it."""

    name: str
    value: str
    """As it would be written in the environment."""
    explicit: bool
    """Somebody set it; otherwise it is our default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the variables say."""

    project: str
    zone: str
    prefix: str
    """The cluster's name."""
    provider: str
    """gce or emulator."""
    intent: Intent | None
    """What the command wishes for; None for commands that change no cluster."""
    multizone: bool
    master_zones: tuple[str, ...]
    """One entry a master wanted there; empty when nobody says."""
    same_zone: bool
    """Several masters in one zone are agreed to."""
    even_masters: bool
    strict: bool
    snapshots: int
    """How many of a cluster's snapshots are kept."""
    network: str
    subnetwork: str
    """Empty: Compute Engine's choice."""
    machine_type: str
    data_disk_size_gb: int
    boot_disk_size_gb: int
    disk_type: str
    image: str
    """``projects/P/global/images/family/F`` or ``projects/P/global/images/I``."""
    service_cidr: str
    dns_domain: str
    initialization_timeout_s: int
    endpoint_mode: str
    load_balancer: str
    kubeconfig_files: tuple[str, ...]
    """At least one; kubectl's rule for several is the kubeconfig writer's to follow."""
    home: str
    """Absolute path of our own folder."""
    compute_endpoint: str
    """Base URL without a slash at its end; empty: Google's, or the provider's emulator."""
    runtime: str
    """records, process, or empty: what suits the machine."""
    latency: str
    """none, realistic, or a profile's absolute path."""
    binaries: str
    """Absolute path of a folder, or empty."""
    no_color: bool
    warnings: tuple[str, ...]
    """To be said once, before anything is done."""
    sources: Mapping[str, str]
    """Variable → environment, default, or the path of a .env (``: NAME`` follows for an alias)."""

    @property
    def region(self) -> str:
        return self.zone.rpartition("-")[0]

    @property
    def anonymous(self) -> bool:
        """Whether the Compute API is not Google's: credentials must never be sent there."""
        if not self.compute_endpoint:
            return self.provider == "emulator"
        host = urlsplit(self.compute_endpoint).hostname or ""
        return host != "googleapis.com" and not host.endswith(".googleapis.com")

    def inheritable(self) -> tuple[Inheritable, ...]:
        """Return what a replica takes from its cluster, for the first master to remember."""
        values: tuple[tuple[Variable[object], str], ...] = (
            (table.MULTIZONE, _boolean(self.multizone)),
            (table.QUORUM_READ, "true"),
            (table.NETWORK, self.network),
            (table.SUBNETWORK, self.subnetwork),
            (table.MASTER_SIZE, self.machine_type),
            (table.MASTER_DISK_SIZE, f"{self.data_disk_size_gb}GB"),
            (table.MASTER_ROOT_DISK_SIZE, f"{self.boot_disk_size_gb}GB"),
            (table.MASTER_IMAGE, self.image),
            (table.SERVICE_RANGE, self.service_cidr),
            (table.DNS_DOMAIN, self.dns_domain),
            (table.ENDPOINT_MODE, self.endpoint_mode),
            (table.LOAD_BALANCER, self.load_balancer),
        )
        second = {
            table.QUORUM_READ.name: table.QUORUM_READS.name,
            table.MASTER_IMAGE.name: table.MASTER_IMAGE_PROJECT.name,
        }
        return tuple(
            Inheritable(
                name=name,
                value=value,
                explicit={self.sources[name], self.sources[second.get(name, name)]} != {DEFAULT},
            )
            for name, value in ((variable.name, value) for variable, value in values)
        )

    @classmethod
    def parse(
        cls,
        environment: Mapping[str, str],
        *,
        command: Command = Command.OTHER,
        dotenv: Mapping[str, str] = _NOTHING,
        dotenv_path: str = "",
        named: str = "",
    ) -> "Settings":
        """Understand all variables.

        Args:
            environment: The process environment; it wins over ``dotenv``.
            command: Whose settings they are: decides what the mode switches mean.
            dotenv: What a .env file says.
            dotenv_path: Where that file is, for messages.
            named: The survivor or snapshot that the command line names.

        Raises:
            SettingsError: With every problem there is.
        """
        reader = Reader(environment=environment, dotenv=dotenv, dotenv_path=dotenv_path)
        settings = _read(reader, command, named)
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings


def _read(reader: Reader, command: Command, named: str) -> Settings:
    master_zones = _master_zones(reader)
    zone = _zone(reader, master_zones)
    prefix = _prefix(reader, zone)
    provider, endpoint = reader.read(table.PROVIDER), _optional(reader, table.COMPUTE_ENDPOINT)
    warnings = _quorum_read(reader)
    # The type cannot be chosen: reading it refuses every other.
    disk_type = reader.read(table.MASTER_DISK_TYPE)
    wished = wish(command, _switches(reader, _named(reader, named)), zone=zone, prefix=prefix)
    reader.problems += wished.problems
    reader.refused_names()
    warnings += [*wished.notes, *reader.unknown_names(), *reader.ignored_names()]
    return Settings(
        project=_project(reader, provider, endpoint),
        zone=zone,
        prefix=prefix,
        provider=provider,
        intent=wished.intent,
        multizone=reader.read(table.MULTIZONE),
        master_zones=master_zones,
        same_zone=reader.read(table.SAME_ZONE),
        even_masters=reader.read(table.EVEN_MASTERS),
        strict=reader.read(table.STRICT),
        snapshots=reader.read(table.SNAPSHOTS),
        network=reader.read(table.NETWORK),
        subnetwork=_optional(reader, table.SUBNETWORK),
        machine_type=reader.read(table.MASTER_SIZE),
        data_disk_size_gb=reader.read(table.MASTER_DISK_SIZE),
        boot_disk_size_gb=reader.read(table.MASTER_ROOT_DISK_SIZE),
        disk_type=disk_type,
        image=_image(reader),
        service_cidr=reader.read(table.SERVICE_RANGE),
        dns_domain=reader.read(table.DNS_DOMAIN),
        initialization_timeout_s=reader.read(table.INITIALIZATION_TIMEOUT),
        endpoint_mode=reader.read(table.ENDPOINT_MODE),
        load_balancer=reader.read(table.LOAD_BALANCER),
        kubeconfig_files=_kubeconfig_files(reader),
        home=_absolute(reader, reader.read(table.HOME)),
        compute_endpoint=endpoint,
        runtime=_optional(reader, table.RUNTIME),
        latency=_absolute(reader, reader.read(table.LATENCY)),
        binaries=_absolute(reader, _optional(reader, table.BINARIES)),
        no_color=reader.read(table.NO_COLOR),
        warnings=tuple(warnings),
        sources=MappingProxyType(reader.sources),
    )


def _named(reader: Reader, named: str) -> str:
    """Check a name from the command line as strictly as one from a variable."""
    try:
        return kinds.resource_name(named) if named else ""
    except ValueError as error:
        reader.problems.append(f"{named[:80]!a} on the command line {error}")
        return ""


def _switches(reader: Reader, named: str) -> Switches:
    return Switches(
        replicate=reader.read(table.REPLICATE),
        use_existing=reader.read(table.USE_EXISTING),
        delete_nodes=reader.read_if_set(table.DELETE_NODES),
        replica_name=_optional(reader, table.REPLICA_NAME),
        confirmation=_optional(reader, table.CONFIRM_TEARDOWN),
        confirm_restore=_optional(reader, table.CONFIRM_RESTORE),
        confirm_recover=_optional(reader, table.CONFIRM_RECOVER),
        named=named,
    )


def _optional(reader: Reader, variable: Variable[str]) -> str:
    return reader.read_if_set(variable) or ""


def _prefix(reader: Reader, zone: str) -> str:
    """Read the cluster's name, short enough for the longest name made from it."""
    prefix = reader.read(table.PREFIX)
    longest = max(
        (
            names.group(prefix, zone),
            names.data_disk(f"{names.master(prefix)}-000"),
            f"{prefix}-minion-template",
        ),
        key=len,
    )
    if len(longest) > 63:
        reader.problem(
            table.PREFIX,
            table.PREFIX.name,
            prefix,
            f"is too long: {longest} would have over 63 letters",
        )
    elif len(prefix) > LONGEST_PREFIX:
        reader.problem(
            table.PREFIX,
            table.PREFIX.name,
            prefix,
            f"is too long for the names in certificates: at most {LONGEST_PREFIX} letters",
        )
    return prefix


def _master_zones(reader: Reader) -> tuple[str, ...]:
    """Read the zones of several masters, all of one region."""
    text, share = _optional(reader, table.MASTER_ZONES), reader.read(table.SAME_ZONE)
    zones = tuple(zone.strip() for zone in text.split(",")) if text else ()
    wrong = ""
    if not all(_is_zone(zone) for zone in zones):
        wrong = "is not a list of zones with commas between"
    elif len({zone.rpartition("-")[0] for zone in zones}) > 1:
        wrong = "names zones of several regions: one cluster, one region"
    elif len(set(zones)) < len(zones) and not share:
        wrong = (
            "names a zone twice, and its loss would take two masters; HAKUBE_SAME_ZONE=true agrees"
        )
    if wrong:
        reader.problem(table.MASTER_ZONES, table.MASTER_ZONES.name, text, wrong)
        return ()
    return zones


def _is_zone(text: str) -> bool:
    try:
        return kinds.zone(text) == text
    except ValueError:
        return False


def _zone(reader: Reader, master_zones: tuple[str, ...]) -> str:
    """Read the zone of the command; the first of several masters' unless it is named."""
    zone = reader.read(table.ZONE)
    if not master_zones or not reader.is_set(table.ZONE):
        return master_zones[0] if master_zones else zone
    if zone.rpartition("-")[0] != master_zones[0].rpartition("-")[0]:
        reader.problems.append(
            f"KUBE_GCE_ZONE={zone} and KUBE_MASTER_ZONES={','.join(master_zones)} are of two "
            "regions; unset KUBE_GCE_ZONE, or name zones of its region"
        )
    return zone


def _project(reader: Reader, provider: str, endpoint: str) -> str:
    project = _optional(reader, table.PROJECT)
    if reader.is_set(table.PROJECT):
        return project
    if provider == "emulator" or kinds.is_loopback(urlsplit(endpoint).hostname or ""):
        return LAB_PROJECT
    reader.problems.append(
        "PROJECT is not set: which Google Cloud project? For example PROJECT=my-project; or, "
        "without any account, a cluster on this machine: KUBERNETES_PROVIDER=emulator"
    )
    return ""


def _image(reader: Reader) -> str:
    """Join image and project to the path that the API takes."""
    image, project = reader.read(table.MASTER_IMAGE), reader.read(table.MASTER_IMAGE_PROJECT)
    return image if image.startswith("projects/") else f"projects/{project}/global/images/{image}"


def _quorum_read(reader: Reader) -> list[str]:
    """Read both spellings, and return what there is to say about them."""
    one, other = reader.read_if_set(table.QUORUM_READ), reader.read_if_set(table.QUORUM_READS)
    both = f"{table.QUORUM_READ.name} and {table.QUORUM_READS.name}"
    if one is not None and other is not None and one != other:
        reader.problems.append(f"{both} say the opposite of each other; unset one")
    if False in {one, other}:
        return [f"{both}: false changes nothing, reads are always linearizable now"]
    return []


def _kubeconfig_files(reader: Reader) -> tuple[str, ...]:
    files = tuple(
        _absolute(reader, file) for file in reader.read(table.KUBECONFIG).split(":") if file
    )
    if not files:
        reader.problems.append("KUBECONFIG=':': names no file; for example KUBECONFIG=/tmp/config")
    return files


def _absolute(reader: Reader, path: str) -> str:
    """Put the user's home folder in the place of a leading ~."""
    if not path.startswith("~/"):
        return path
    home = reader.environment.get("HOME", "").rstrip("/")
    problem = "HOME is not set, or not to an absolute path; set it, or HAKUBE_HOME and KUBECONFIG"
    if not home.startswith("/") and problem not in reader.problems:
        reader.problems.append(problem)
    return f"{home}{path[1:]}"


def _boolean(value: bool) -> str:
    return "true" if value else "false"
