"""Every variable that means something, in one table: what it is, what it does, who inherits it.

The table drives parsing, the search for misspelt names, what replicas inherit and the
documentation. Values only. What the original scripts read besides stands
in `original_variables`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from hakube_gce import setting_kinds as kinds
from hakube_gce.setting_kinds import Kind

T_co = TypeVar("T_co", covariant=True)


class Reach(StrEnum):
    """How far a variable's value goes."""

    RUN = "this run"
    """Read anew by every command."""
    CLUSTER = "the cluster"
    """Taken when the first master is made, kept in its metadata; replicas get the same."""
    SELECTOR = "which cluster"
    """Tells which cluster is meant: every command about it must say the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable(Generic[T_co]):
    """One variable of the environment or of .env."""

    name: str
    kind: Kind[T_co]
    default: str = ""
    """As it would be written; empty when there is none, or when it depends on others."""
    meaning: str
    example: str
    reach: Reach = Reach.RUN
    decisive: bool = False
    """Decides what is made or destroyed: a misspelling of it stops the run."""
    aliases: tuple[str, ...] = ()


ZONE = Variable(
    name="KUBE_GCE_ZONE",
    kind=kinds.ZONE,
    default="us-central1-b",
    decisive=True,
    meaning="zone this command works in; the region is the zone without its last part",
    example="europe-west1-b",
)
PREFIX = Variable(
    name="KUBE_GCE_INSTANCE_PREFIX",
    kind=kinds.NAME,
    default="kubernetes",
    decisive=True,
    reach=Reach.SELECTOR,
    meaning="the cluster's name, with which nearly every resource's begins",
    example="kubernetes",
)
PROJECT = Variable(
    name="PROJECT",
    kind=kinds.PROJECT,
    reach=Reach.SELECTOR,
    meaning="Google Cloud project; with the emulator hakube-lab unless set",
    example="my-project",
    aliases=("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"),
)
PROVIDER = Variable(
    name="KUBERNETES_PROVIDER",
    kind=Kind(says="gce or emulator", parse=kinds.one_of("gce", "emulator")),
    default="gce",
    reach=Reach.SELECTOR,
    decisive=True,
    meaning="gce, or emulator for a cluster on this machine without any account",
    example="emulator",
)

REPLICATE = Variable(
    name="KUBE_REPLICATE_EXISTING_MASTER",
    kind=kinds.BOOLEAN,
    default="false",
    decisive=True,
    meaning="kube-up adds a master in KUBE_GCE_ZONE to the cluster that is there",
    example="true",
)
USE_EXISTING = Variable(
    name="KUBE_USE_EXISTING_MASTER",
    kind=kinds.BOOLEAN,
    default="false",
    decisive=True,
    meaning="kube-up only adds nodes; not available yet",
    example="false",
)
DELETE_NODES = Variable(
    name="KUBE_DELETE_NODES",
    kind=kinds.BOOLEAN,
    default="true",
    decisive=True,
    meaning="false: kube-down removes one master; true: the whole cluster",
    example="false",
)
REPLICA_NAME = Variable(
    name="KUBE_REPLICA_NAME",
    kind=kinds.NAME,
    decisive=True,
    meaning="the master that kube-down removes; else any in KUBE_GCE_ZONE",
    example="kubernetes-master-7c1",
)
CONFIRM_TEARDOWN = Variable(
    name="HAKUBE_CONFIRM_TEARDOWN",
    kind=kinds.TEXT,
    meaning="the cluster's name, to tear down more than one master",
    example="kubernetes",
)
CONFIRM_RESTORE = Variable(
    name="HAKUBE_CONFIRM_RESTORE",
    kind=kinds.TEXT,
    meaning="the cluster's name, to restore it from a snapshot: what came after it is gone",
    example="kubernetes",
)
CONFIRM_RECOVER = Variable(
    name="HAKUBE_CONFIRM_RECOVER",
    kind=kinds.TEXT,
    meaning="the cluster's name, to go on with one survivor: what only others had is gone",
    example="kubernetes",
)
SNAPSHOTS = Variable(
    name="HAKUBE_SNAPSHOTS",
    kind=kinds.COUNT,
    default="5",
    meaning="how many of the cluster's snapshots are kept",
    example="5",
)
STRICT = Variable(
    name="HAKUBE_STRICT",
    kind=kinds.BOOLEAN,
    default="false",
    meaning="refuse where a doubtful placement would otherwise only be warned about",
    example="true",
)

MULTIZONE = Variable(
    name="MULTIZONE",
    kind=kinds.BOOLEAN,
    default="false",
    reach=Reach.CLUSTER,
    decisive=True,
    meaning="the cloud provider looks for nodes in all zones of the region",
    example="true",
)
QUORUM_READ = Variable(
    name="ENABLE_ETCD_QUORUM_READ",
    kind=kinds.BOOLEAN,
    default="true",
    reach=Reach.CLUSTER,
    meaning="reads are always linearizable; false changes nothing and is warned about",
    example="true",
)
QUORUM_READS = Variable(
    name="ENABLE_ETCD_QUORUM_READS",
    kind=kinds.BOOLEAN,
    default="true",
    meaning="the same: documents spelled it so, the original scripts never read it",
    example="true",
)
NETWORK = Variable(
    name="KUBE_GCE_NETWORK",
    kind=kinds.NAME,
    default="default",
    reach=Reach.CLUSTER,
    meaning="network of the masters",
    example="default",
)
SUBNETWORK = Variable(
    name="SUBNETWORK",
    kind=kinds.NAME,
    reach=Reach.CLUSTER,
    meaning="subnetwork of the masters; Compute Engine's choice unless set",
    example="masters",
)
MASTER_SIZE = Variable(
    name="MASTER_SIZE",
    kind=kinds.NAME,
    default="e2-standard-2",
    reach=Reach.CLUSTER,
    meaning="machine type of a master",
    example="e2-standard-4",
)
MASTER_DISK_SIZE = Variable(
    name="MASTER_DISK_SIZE",
    kind=kinds.SIZE,
    default="20GB",
    reach=Reach.CLUSTER,
    meaning="size of the disk that holds a master's etcd",
    example="20GB",
)
MASTER_ROOT_DISK_SIZE = Variable(
    name="MASTER_ROOT_DISK_SIZE",
    kind=kinds.SIZE,
    default="20GB",
    reach=Reach.CLUSTER,
    meaning="size of a master's boot disk",
    example="20GB",
)
MASTER_DISK_TYPE = Variable(
    name="MASTER_DISK_TYPE",
    kind=Kind(says="pd-ssd", parse=kinds.one_of("pd-ssd")),
    default="pd-ssd",
    meaning="always pd-ssd, as it always was: etcd needs its latency",
    example="pd-ssd",
)
MASTER_IMAGE = Variable(
    name="KUBE_GCE_MASTER_IMAGE",
    kind=kinds.IMAGE,
    default="family/debian-12",
    reach=Reach.CLUSTER,
    meaning="image of a master: Debian or Ubuntu LTS",
    example="family/debian-12",
)
MASTER_IMAGE_PROJECT = Variable(
    name="KUBE_GCE_MASTER_PROJECT",
    kind=kinds.PROJECT,
    default="debian-cloud",
    meaning="project that holds the image",
    example="debian-cloud",
)
SERVICE_RANGE = Variable(
    name="SERVICE_CLUSTER_IP_RANGE",
    kind=kinds.RANGE,
    default="10.0.0.0/16",
    reach=Reach.CLUSTER,
    meaning="addresses of services; the first is the API's own",
    example="10.0.0.0/16",
)
DNS_DOMAIN = Variable(
    name="KUBE_DNS_DOMAIN",
    kind=kinds.DOMAIN,
    default="cluster.local",
    reach=Reach.CLUSTER,
    meaning="domain of services",
    example="cluster.local",
)
INITIALIZATION_TIMEOUT = Variable(
    name="KUBE_CLUSTER_INITIALIZATION_TIMEOUT",
    kind=kinds.SECONDS,
    default="300",
    meaning="seconds a new master may take until its API answers",
    example="300",
)
ENDPOINT_MODE = Variable(
    name="HAKUBE_ENDPOINT_MODE",
    kind=Kind(
        says="classic or always-lb",
        parse=kinds.one_of("classic", "always-lb"),
    ),
    default="classic",
    reach=Reach.CLUSTER,
    decisive=True,
    meaning="classic: a single master holds the cluster's address, two or more a load balancer; "
    "always-lb: a load balancer holds it from the first master on, so it never moves",
    example="always-lb",
)
LOAD_BALANCER = Variable(
    name="HAKUBE_LB",
    kind=Kind(
        says="backend-service or target-pool",
        parse=kinds.one_of("backend-service", "target-pool"),
    ),
    default="backend-service",
    reach=Reach.CLUSTER,
    decisive=True,
    meaning="what stands behind the forwarding rule; target-pool is what kube-up made",
    example="backend-service",
)

KUBECONFIG = Variable(
    name="KUBECONFIG",
    kind=kinds.PATH_LIST,
    default="~/.kube/config",
    meaning="where the cluster's context is written",
    example="/home/me/.kube/config",
)
HOME = Variable(
    name="HAKUBE_HOME",
    kind=kinds.PATH,
    default="~/.hakube",
    reach=Reach.SELECTOR,
    meaning="folder of keys, journals and the emulator's labs",
    example="/home/me/.hakube",
)
ENV_FILE = Variable(
    name="HAKUBE_ENV_FILE",
    kind=kinds.ENV_FILE,
    meaning="file to read instead of ./.env; off, or set to nothing: none",
    example="off",
)
COMPUTE_ENDPOINT = Variable(
    name="HAKUBE_COMPUTE_ENDPOINT",
    kind=kinds.ENDPOINT,
    reach=Reach.SELECTOR,
    meaning="Compute API to talk to instead of Google's; gets no credentials",
    example="http://127.0.0.1:8080",
)
RUNTIME = Variable(
    name="HAKUBE_RUNTIME",
    kind=Kind(
        says="records or process",
        parse=kinds.one_of("records", "process", machine="use process"),
    ),
    meaning="what a VM of the emulator is: a record, or real processes (default on Linux)",
    example="records",
)
LATENCY = Variable(
    name="HAKUBE_LATENCY",
    kind=kinds.LATENCY,
    default="none",
    meaning="how long the emulator's operations take: none, realistic, or a profile's path",
    example="realistic",
)
BINARIES = Variable(
    name="HAKUBE_BINARIES",
    kind=kinds.PATH,
    meaning="folder of kube-apiserver, etcd … for the emulator, before PATH",
    example="/opt/k8s/bin",
)
NO_COLOR = Variable(
    name="NO_COLOR", kind=kinds.PRESENCE, meaning="set to anything: no colours", example="1"
)

VARIABLES: tuple[Variable[object], ...] = (
    PROJECT,
    ZONE,
    PREFIX,
    PROVIDER,
    REPLICATE,
    USE_EXISTING,
    DELETE_NODES,
    REPLICA_NAME,
    CONFIRM_TEARDOWN,
    CONFIRM_RESTORE,
    CONFIRM_RECOVER,
    SNAPSHOTS,
    STRICT,
    MULTIZONE,
    QUORUM_READ,
    QUORUM_READS,
    NETWORK,
    SUBNETWORK,
    MASTER_SIZE,
    MASTER_DISK_SIZE,
    MASTER_ROOT_DISK_SIZE,
    MASTER_DISK_TYPE,
    MASTER_IMAGE,
    MASTER_IMAGE_PROJECT,
    SERVICE_RANGE,
    DNS_DOMAIN,
    INITIALIZATION_TIMEOUT,
    ENDPOINT_MODE,
    LOAD_BALANCER,
    KUBECONFIG,
    HOME,
    ENV_FILE,
    COMPUTE_ENDPOINT,
    RUNTIME,
    LATENCY,
    BINARIES,
    NO_COLOR,
)

OUR_OWN_TESTS = ("HAKUBE_TEST_", "HAKUBE_LIVE_")
"""Beginnings of variables that the test suite speaks to itself with."""
