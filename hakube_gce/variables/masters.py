"""Rows of the table: what a master is made of. Values only."""

from hakube_gce import setting_kinds as kinds
from hakube_gce.setting_kinds import Kind
from hakube_gce.variables.row import Group, Reach, Support, Variable

MASTER_SIZE = Variable(
    name="MASTER_SIZE",
    kind=kinds.NAME,
    default_says=(
        "by NUM_NODES: e2-standard-2; over 10 e2-standard-4; over 50 e2-standard-8; over 100 "
        "e2-standard-16; over 500 e2-standard-32"
    ),
    reach=Reach.CLUSTER,
    support=Support.DIFFERENT,
    why="the scripts' last defaults: etcd wants two cores; a replica gets the cluster's",
    meaning="machine type of a master",
    example="e2-standard-4",
)
MASTER_DISK_SIZE = Variable(
    name="MASTER_DISK_SIZE",
    kind=kinds.SIZE,
    default_says="by NUM_NODES: 20GB; over 1000 100GB; over 2000 200GB",
    reach=Reach.CLUSTER,
    support=Support.DIFFERENT,
    why="a replica gets the cluster's, whatever shell it is made from",
    meaning="size of the disk that holds a master's etcd",
    example="20GB",
)
MASTER_ROOT_DISK_SIZE = Variable(
    name="MASTER_ROOT_DISK_SIZE",
    kind=kinds.SIZE,
    default_says="by NUM_NODES: 20GB; over 500 100GB; over 3000 500GB",
    reach=Reach.CLUSTER,
    support=Support.DIFFERENT,
    why="the scripts' last defaults; a replica gets the cluster's, whatever shell it is made from",
    meaning="size of a master's boot disk",
    example="20GB",
)
MASTER_DISK_TYPE = Variable(
    name="MASTER_DISK_TYPE",
    kind=Kind(says="pd-ssd", parse=kinds.one_of("pd-ssd")),
    default="pd-ssd",
    support=Support.DIFFERENT,
    why="the scripts wrote over whatever was set; here anything else is refused",
    meaning="always pd-ssd, as it always was: etcd needs its latency",
    example="pd-ssd",
)
MASTER_IMAGE = Variable(
    name="KUBE_GCE_MASTER_IMAGE",
    kind=kinds.IMAGE,
    default="family/debian-12",
    reach=Reach.CLUSTER,
    support=Support.DIFFERENT,
    why="Debian or Ubuntu LTS: Container-Optimized OS has no Python for the agent",
    meaning="image of a master",
    example="family/debian-12",
)
MASTER_IMAGE_PROJECT = Variable(
    name="KUBE_GCE_MASTER_PROJECT",
    kind=kinds.PROJECT,
    default="debian-cloud",
    meaning="project that holds the image",
    example="debian-cloud",
)
PREEMPTIBLE_MASTER = Variable(
    name="PREEMPTIBLE_MASTER",
    kind=kinds.PROVISIONING,
    default="false",
    reach=Reach.CLUSTER,
    support=Support.DIFFERENT,
    why="a replica gets the cluster's; spot is new, and what may be lost is said",
    meaning="true: preemptible masters; spot: Spot ones",
    example="false",
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
        PREEMPTIBLE_MASTER,
    ),
)
