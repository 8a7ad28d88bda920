"""Rows of the table: which cluster, where, and what this run does to it. Values only."""

from hakube_gce import list_kinds as lists
from hakube_gce import setting_kinds as kinds
from hakube_gce.setting_kinds import Kind
from hakube_gce.variables.row import Group, Reach, Support, Variable

PROJECT = Variable(
    name="PROJECT",
    kind=kinds.PROJECT,
    reach=Reach.SELECTOR,
    default_says="gcloud's own; with the emulator hakube-lab",
    support=Support.DIFFERENT,
    why="gcloud's configuration files are read; gcloud itself is never run",
    meaning="Google Cloud project",
    example="my-project",
    aliases=("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"),
)
ZONE = Variable(
    name="KUBE_GCE_ZONE",
    kind=kinds.ZONE,
    default="us-central1-b",
    decisive=True,
    default_says="gcloud's own, else us-central1-b",
    support=Support.DIFFERENT,
    why="the scripts passed over gcloud's own zone; here it counts, and is said",
    meaning="zone this command works in; the region is the zone without its last part",
    example="europe-west1-b",
    aliases=("CLOUDSDK_COMPUTE_ZONE",),
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
PROVIDER = Variable(
    name="KUBERNETES_PROVIDER",
    kind=Kind(says="gce or emulator", parse=kinds.one_of("gce", "emulator")),
    default="gce",
    reach=Reach.SELECTOR,
    decisive=True,
    support=Support.DIFFERENT,
    why="other clouds were the scripts'; emulator is ours",
    meaning="gce, or emulator for a cluster on this machine without any account",
    example="emulator",
)
REPLICATE = Variable(
    name="KUBE_REPLICATE_EXISTING_MASTER",
    kind=kinds.BOOLEAN,
    default="false",
    decisive=True,
    support=Support.DIFFERENT,
    why="any spelling of true counts, not the very word alone",
    meaning="kube-up adds a master in KUBE_GCE_ZONE to the cluster that is there",
    example="true",
)
USE_EXISTING = Variable(
    name="KUBE_USE_EXISTING_MASTER",
    kind=kinds.BOOLEAN,
    default="false",
    decisive=True,
    support=Support.DIFFERENT,
    why="with KUBE_REPLICATE_EXISTING_MASTER it is refused as a contradiction, where it won",
    meaning="kube-up only adds nodes, in KUBE_GCE_ZONE, to the masters that are there",
    example="true",
)
DELETE_NODES = Variable(
    name="KUBE_DELETE_NODES",
    kind=kinds.BOOLEAN,
    default="true",
    decisive=True,
    support=Support.DIFFERENT,
    why="any spelling of false counts; without it the whole cluster goes in one run, on a word",
    meaning="false: kube-down removes one master; true: the whole cluster, or in a zone without a "
    "master that zone's nodes",
    example="false",
)
REPLICA_NAME = Variable(
    name="KUBE_REPLICA_NAME",
    kind=kinds.NAME,
    decisive=True,
    support=Support.DIFFERENT,
    why="set alone it removes that master and keeps the rest; in another zone, and with "
    "KUBE_DELETE_NODES=true, it is refused",
    meaning="the master that kube-down removes; else any in KUBE_GCE_ZONE",
    example="kubernetes-master-7c1",
)
MULTIZONE = Variable(
    name="MULTIZONE",
    kind=kinds.BOOLEAN,
    default="false",
    reach=Reach.CLUSTER,
    decisive=True,
    support=Support.DIFFERENT,
    why="when true it stands in every master's gce.conf, which nobody reads yet; which nodes are "
    "waited for never depends on it",
    meaning="the cloud provider looks for nodes in all zones of the region",
    example="true",
)
CLEANUP = Variable(
    name="KUBE_UP_AUTOMATIC_CLEANUP",
    kind=kinds.BOOLEAN,
    default="false",
    support=Support.DIFFERENT,
    why="kube-up goes on from its own leftovers and tears nothing down, whatever this says",
    meaning="kube-up clears leftovers away by itself",
    example="false",
)
E2E_ZONES = Variable(
    name="E2E_ZONES",
    kind=lists.ZONES,
    support=Support.DIFFERENT,
    why="only where no zone is given by position, which is meant alone then",
    meaning="zones, with blanks between, that the e2e wrappers go through when MULTIZONE is true",
    example="europe-west1-b europe-west1-c",
)
MASTER_ZONES = Variable(
    name="KUBE_MASTER_ZONES",
    kind=lists.ZONES_OF_A_REGION,
    decisive=True,
    support=Support.OURS,
    meaning="a master in each of these zones of one region, in one run; the first founds",
    example="europe-west1-b,europe-west1-c,europe-west1-d",
)
SAME_ZONE = Variable(
    name="HAKUBE_SAME_ZONE",
    kind=kinds.BOOLEAN,
    default="false",
    support=Support.OURS,
    meaning="several masters in one zone are agreed to: they fail together",
    example="true",
)
EVEN_MASTERS = Variable(
    name="HAKUBE_EVEN_MASTERS",
    kind=kinds.BOOLEAN,
    default="false",
    support=Support.OURS,
    meaning="an even number of masters is agreed to: it tolerates no more than one less",
    example="true",
)

GROUP = Group(
    title="Which cluster, and what to do",
    rows=(
        PROJECT,
        ZONE,
        PREFIX,
        PROVIDER,
        REPLICATE,
        USE_EXISTING,
        DELETE_NODES,
        REPLICA_NAME,
        MULTIZONE,
        CLEANUP,
        E2E_ZONES,
        MASTER_ZONES,
        SAME_ZONE,
        EVEN_MASTERS,
    ),
)
