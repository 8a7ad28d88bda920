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
from hakube_gce.errors import SettingsError
from hakube_gce.intents import Command, Switches, wish
from hakube_gce.model import Intent
from hakube_gce.setting_sources import DEFAULT, Reader
from hakube_gce.variables import access, cluster, etcd, masters, network, ours
from hakube_gce.variables.row import Variable

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
            (cluster.MULTIZONE, _boolean(self.multizone)),
            (etcd.QUORUM_READ, "true"),
            (network.NETWORK, self.network),
            (network.SUBNETWORK, self.subnetwork),
            (masters.MASTER_SIZE, self.machine_type),
            (masters.MASTER_DISK_SIZE, f"{self.data_disk_size_gb}GB"),
            (masters.MASTER_ROOT_DISK_SIZE, f"{self.boot_disk_size_gb}GB"),
            (masters.MASTER_IMAGE, self.image),
            (network.SERVICE_RANGE, self.service_cidr),
            (network.DNS_DOMAIN, self.dns_domain),
            (ours.ENDPOINT_MODE, self.endpoint_mode),
            (ours.LOAD_BALANCER, self.load_balancer),
        )
        second = {
            etcd.QUORUM_READ.name: etcd.QUORUM_READS.name,
            masters.MASTER_IMAGE.name: masters.MASTER_IMAGE_PROJECT.name,
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
    zone = reader.read(cluster.ZONE)
    prefix = _prefix(reader, zone)
    provider, endpoint = reader.read(cluster.PROVIDER), _optional(reader, ours.COMPUTE_ENDPOINT)
    warnings = _quorum_read(reader)
    # The type cannot be chosen: reading it refuses every other.
    disk_type = reader.read(masters.MASTER_DISK_TYPE)
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
        multizone=reader.read(cluster.MULTIZONE),
        strict=reader.read(ours.STRICT),
        snapshots=reader.read(ours.SNAPSHOTS),
        network=reader.read(network.NETWORK),
        subnetwork=_optional(reader, network.SUBNETWORK),
        machine_type=reader.read(masters.MASTER_SIZE),
        data_disk_size_gb=reader.read(masters.MASTER_DISK_SIZE),
        boot_disk_size_gb=reader.read(masters.MASTER_ROOT_DISK_SIZE),
        disk_type=disk_type,
        image=_image(reader),
        service_cidr=reader.read(network.SERVICE_RANGE),
        dns_domain=reader.read(network.DNS_DOMAIN),
        initialization_timeout_s=reader.read(masters.INITIALIZATION_TIMEOUT),
        endpoint_mode=reader.read(ours.ENDPOINT_MODE),
        load_balancer=reader.read(ours.LOAD_BALANCER),
        kubeconfig_files=_kubeconfig_files(reader),
        home=_absolute(reader, reader.read(ours.HOME)),
        compute_endpoint=endpoint,
        runtime=_optional(reader, ours.RUNTIME),
        latency=_absolute(reader, reader.read(ours.LATENCY)),
        binaries=_absolute(reader, _optional(reader, ours.BINARIES)),
        no_color=reader.read(ours.NO_COLOR),
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
        replicate=reader.read(cluster.REPLICATE),
        use_existing=reader.read(cluster.USE_EXISTING),
        delete_nodes=reader.read_if_set(cluster.DELETE_NODES),
        replica_name=_optional(reader, cluster.REPLICA_NAME),
        confirmation=_optional(reader, ours.CONFIRM_TEARDOWN),
        confirm_restore=_optional(reader, ours.CONFIRM_RESTORE),
        confirm_recover=_optional(reader, ours.CONFIRM_RECOVER),
        named=named,
    )


def _optional(reader: Reader, variable: Variable[str]) -> str:
    return reader.read_if_set(variable) or ""


def _prefix(reader: Reader, zone: str) -> str:
    """Read the cluster's name, short enough for the longest name made from it."""
    prefix = reader.read(cluster.PREFIX)
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
            cluster.PREFIX,
            cluster.PREFIX.name,
            prefix,
            f"is too long: {longest} would have over 63 letters",
        )
    elif len(prefix) > LONGEST_PREFIX:
        reader.problem(
            cluster.PREFIX,
            cluster.PREFIX.name,
            prefix,
            f"is too long for the names in certificates: at most {LONGEST_PREFIX} letters",
        )
    return prefix


def _project(reader: Reader, provider: str, endpoint: str) -> str:
    project = _optional(reader, cluster.PROJECT)
    if reader.is_set(cluster.PROJECT):
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
    image, project = reader.read(masters.MASTER_IMAGE), reader.read(masters.MASTER_IMAGE_PROJECT)
    return image if image.startswith("projects/") else f"projects/{project}/global/images/{image}"


def _quorum_read(reader: Reader) -> list[str]:
    """Read both spellings, and return what there is to say about them."""
    one, other = reader.read_if_set(etcd.QUORUM_READ), reader.read_if_set(etcd.QUORUM_READS)
    both = f"{etcd.QUORUM_READ.name} and {etcd.QUORUM_READS.name}"
    if one is not None and other is not None and one != other:
        reader.problems.append(f"{both} say the opposite of each other; unset one")
    if False in {one, other}:
        return [f"{both}: false changes nothing, reads are always linearizable now"]
    return []


def _kubeconfig_files(reader: Reader) -> tuple[str, ...]:
    files = tuple(
        _absolute(reader, file) for file in reader.read(access.KUBECONFIG).split(":") if file
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
