"""Rows of the table: which cluster, where, and what this run does to it. Values only."""

from hakube_gce import setting_kinds as kinds
from hakube_gce.setting_kinds import Kind
from hakube_gce.variables.row import Group, Reach, Variable

PROJECT = Variable(
    name="PROJECT",
    kind=kinds.PROJECT,
    reach=Reach.SELECTOR,
    meaning="Google Cloud project; with the emulator hakube-lab unless set",
    example="my-project",
    aliases=("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"),
)
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
MULTIZONE = Variable(
    name="MULTIZONE",
    kind=kinds.BOOLEAN,
    default="false",
    reach=Reach.CLUSTER,
    decisive=True,
    meaning="the cloud provider looks for nodes in all zones of the region",
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
    ),
)
