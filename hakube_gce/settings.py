"""Environment, .env and gcloud's configuration, understood: one frozen value, or every problem.

Pure: mappings come in, a `Settings` or a `SettingsError` goes out. It reads no file, does not
look whether a zone or a folder exists, and never touches the process environment. What belongs
together is read by a module of its own (`…_settings`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import urlsplit

from hakube_gce import api_names, setting_names, sizes
from hakube_gce.access_settings import (
    KubeconfigSettings,
    ReadinessSettings,
    read_files,
    read_kubeconfig,
    read_readiness,
)
from hakube_gce.errors import SettingsError
from hakube_gce.identity_settings import absolute, read_identity
from hakube_gce.intents import Command, wish
from hakube_gce.list_kinds import Pairs
from hakube_gce.model import Intent, Verb
from hakube_gce.names import LONGEST_PREFIX_WITH_NODES
from hakube_gce.network_settings import NetworkSettings, read_network
from hakube_gce.node_settings import NodeSettings, image_path, read_nodes
from hakube_gce.setting_sources import Gcloud, Reader
from hakube_gce.switch_settings import read_quorum_reads, read_switches
from hakube_gce.variables import access, cluster, masters, network, ours

_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_GCLOUD = Gcloud()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the variables say."""

    project: str
    zone: str
    zone_is_chosen: bool
    """Somebody named it for this program: it is not gcloud's, and not the default."""
    prefix: str
    """The cluster's name."""
    provider: str
    """gce or emulator."""
    intent: Intent | None
    """What the command wishes for; None for commands that change no cluster."""
    multizone: bool
    automatic_cleanup: bool
    e2e_zones: tuple[str, ...]
    master_zones: tuple[str, ...]
    """A master in each, of one region; the same one twice only with HAKUBE_SAME_ZONE."""
    same_zone: bool
    """Several masters in one zone are agreed to."""
    even_masters: bool
    """An even number of masters is agreed to."""
    strict: bool
    labels: Pairs
    """For everything that is made, beside our own; sorted."""
    api_names: tuple[str, ...]
    """What the API's certificates of a cluster founded now name beside its own; sorted."""
    snapshots: int
    """How many of a cluster's snapshots are kept."""
    machine_type: str
    data_disk_size_gb: int
    boot_disk_size_gb: int
    disk_type: str
    image: str
    """``projects/P/global/images/family/F`` or ``projects/P/global/images/I``."""
    master_provisioning: str
    """standard, preemptible or spot."""
    dns_domain: str
    endpoint_mode: str
    load_balancer: str
    nodes: NodeSettings
    networking: NetworkSettings
    kubeconfig_files: tuple[str, ...]
    """At least one; kubectl's rule for several is the kubeconfig writer's to follow."""
    kubeconfig: KubeconfigSettings
    readiness: ReadinessSettings
    home: str
    """Absolute path of our own folder."""
    compute_endpoint: str
    """Base URL without a slash at its end; empty: Google's, or the provider's emulator."""
    runtime: str
    """records, process, or empty: what suits the machine."""
    latency: str
    """none, realistic, or a profile's absolute path."""
    cni_manifest: str
    """Absolute path of a file, or empty."""
    binaries: str
    """Absolute path of a folder, or empty."""
    no_color: bool
    warnings: tuple[str, ...]
    """To be said once, before anything is done."""
    values: Mapping[str, str]
    """Variable → its value as it would be written; what the default came to, where unset."""
    sources: Mapping[str, str]
    """Variable → environment, the path of a .env, gcloud (with the path of its file) or default;
    ``: NAME`` follows where another variable stood in for it."""

    @property
    def region(self) -> str:
        return self.zone.rpartition("-")[0]

    @property
    def network(self) -> str:
        return self.networking.name

    @property
    def service_cidr(self) -> str:
        return self.networking.service_range

    @property
    def anonymous(self) -> bool:
        """Whether the Compute API is not Google's: credentials must never be sent there."""
        if not self.compute_endpoint:
            return self.provider == "emulator"
        host = urlsplit(self.compute_endpoint).hostname or ""
        return host != "googleapis.com" and not host.endswith(".googleapis.com")

    @classmethod
    def parse(
        cls,
        environment: Mapping[str, str],
        *,
        command: Command = Command.OTHER,
        dotenv: Mapping[str, str] = _NOTHING,
        dotenv_path: str = "",
        gcloud: Gcloud = _NO_GCLOUD,
        named: str = "",
    ) -> "Settings":
        """Understand all variables.

        Args:
            environment: The process environment; it wins over ``dotenv``.
            command: Whose settings they are: decides what the mode switches mean.
            dotenv: What a .env file says; it wins over ``gcloud``.
            dotenv_path: Where that file is, for messages.
            gcloud: What gcloud is configured for.
            named: The survivor or snapshot that the command line names.

        Raises:
            SettingsError: With every problem there is.
        """
        reader = Reader(
            environment=environment, dotenv=dotenv, dotenv_path=dotenv_path, gcloud=gcloud
        )
        settings = read(reader, command, named)
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings


def _makes_nodes(intent: Intent | None, nodes: NodeSettings) -> bool:
    making = intent is not None and intent.verb in {Verb.CREATE, Verb.ADD_NODES}
    return making and nodes.wanted > 0


def read(reader: Reader, command: Command, named: str = "") -> Settings:
    """Read all variables; what is wrong with them stands in the reader's problems afterwards."""
    identity = read_identity(reader)
    read_quorum_reads(reader)
    switches = read_switches(reader, named, masters=len(identity.master_zones))
    wished = wish(command, switches, zone=identity.zone, prefix=identity.prefix)
    reader.problems += wished.problems
    reader.notes += wished.notes
    nodes = read_nodes(reader)
    if _makes_nodes(wished.intent, nodes) and len(identity.prefix) > LONGEST_PREFIX_WITH_NODES:
        reader.notes.append(
            f"KUBE_GCE_INSTANCE_PREFIX={identity.prefix} has {len(identity.prefix)} characters: "
            f"with more than {LONGEST_PREFIX_WITH_NODES} the names of nodes do not fit into "
            "certificates, so nodes are made that cannot join"
        )
    found = Settings(
        project=identity.project,
        zone=identity.zone,
        zone_is_chosen=identity.zone_is_chosen,
        prefix=identity.prefix,
        provider=identity.provider,
        intent=wished.intent,
        multizone=reader.read(cluster.MULTIZONE),
        automatic_cleanup=reader.read(cluster.CLEANUP),
        e2e_zones=reader.read_if_set(cluster.E2E_ZONES) or (),
        master_zones=identity.master_zones,
        same_zone=reader.read(cluster.SAME_ZONE),
        even_masters=reader.read(cluster.EVEN_MASTERS),
        strict=reader.read(ours.STRICT),
        labels=reader.read_if_set(ours.LABELS) or (),
        api_names=api_names.together(
            reader.read_if_set(ours.API_NAMES) or (), reader.text_of(access.KUBE_SERVER)
        ),
        snapshots=reader.read(ours.SNAPSHOTS),
        machine_type=reader.read(masters.MASTER_SIZE, sizes.machine_type(nodes.count)),
        data_disk_size_gb=reader.read(masters.MASTER_DISK_SIZE, sizes.data_disk(nodes.count)),
        boot_disk_size_gb=reader.read(masters.MASTER_ROOT_DISK_SIZE, sizes.boot_disk(nodes.count)),
        disk_type=reader.read(masters.MASTER_DISK_TYPE),
        image=image_path(
            reader.read(masters.MASTER_IMAGE_PROJECT), reader.read(masters.MASTER_IMAGE)
        ),
        master_provisioning=reader.read(masters.PREEMPTIBLE_MASTER),
        dns_domain=reader.read(network.DNS_DOMAIN),
        endpoint_mode=reader.read(ours.ENDPOINT_MODE),
        load_balancer=reader.read(ours.LOAD_BALANCER),
        nodes=nodes,
        networking=read_network(
            reader, project=identity.project, prefix=identity.prefix, nodes=nodes.count
        ),
        kubeconfig_files=read_files(reader),
        kubeconfig=read_kubeconfig(reader),
        readiness=read_readiness(reader),
        home=absolute(reader, reader.read(ours.HOME)),
        compute_endpoint=identity.compute_endpoint,
        runtime=reader.text_of(ours.RUNTIME),
        latency=absolute(reader, reader.read(ours.LATENCY)),
        cni_manifest=absolute(reader, reader.text_of(ours.CNI_MANIFEST)),
        binaries=absolute(reader, reader.text_of(ours.BINARIES)),
        no_color=reader.read(ours.NO_COLOR),
        warnings=(),
        values=MappingProxyType(reader.values),
        sources=MappingProxyType(reader.sources),
    )
    # `dotenv_file` has acted on it before; here it is checked, and remembered for whoever asks
    reader.read_if_set(ours.ENV_FILE)
    setting_names.judge(reader)
    return replace(found, warnings=tuple(reader.notes))
