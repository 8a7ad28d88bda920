"""Rows of the table: what a master is made of. Values only."""

from hakube_gce import setting_kinds as kinds
from hakube_gce.setting_kinds import Kind
from hakube_gce.variables.row import Group, Reach, Variable

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
INITIALIZATION_TIMEOUT = Variable(
    name="KUBE_CLUSTER_INITIALIZATION_TIMEOUT",
    kind=kinds.SECONDS,
    default="300",
    meaning="seconds a new master may take until its API answers",
    example="300",
)

GROUP = Group(
    title="Masters",
    rows=(
        MASTER_SIZE,
        MASTER_DISK_SIZE,
        MASTER_ROOT_DISK_SIZE,
        MASTER_DISK_TYPE,
        MASTER_IMAGE,
        MASTER_IMAGE_PROJECT,
        INITIALIZATION_TIMEOUT,
    ),
)
