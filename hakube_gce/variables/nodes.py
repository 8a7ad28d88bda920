"""Rows of the table: worker nodes. Values only."""

from hakube_gce import list_kinds as lists
from hakube_gce import setting_kinds as kinds
from hakube_gce.setting_kinds import Kind
from hakube_gce.variables.row import Group, Reach, Support, Variable

NO_AUTOSCALER = "the autoscaler's flags are written for the masters, and nobody runs it yet"

NUM_NODES = Variable(
    name="NUM_NODES",
    kind=kinds.NODES,
    default="3",
    support=Support.DIFFERENT,
    why="which nodes are waited for is what VMs there are, whatever number the shell says",
    meaning="how many nodes a command that makes nodes makes; masters and ranges are sized by it",
    example="3",
)
CREATE_NODES = Variable(
    name="KUBE_CREATE_NODES",
    kind=kinds.BOOLEAN,
    default="true",
    decisive=True,
    meaning="false: masters only, and no nodes are expected",
    example="false",
)
NODE_SIZE = Variable(
    name="NODE_SIZE",
    kind=kinds.NAME,
    default="e2-standard-2",
    reach=Reach.TEMPLATE,
    meaning="machine type of a node",
    example="e2-standard-4",
)
NODE_DISK_SIZE = Variable(
    name="NODE_DISK_SIZE",
    kind=kinds.SIZE,
    default="100GB",
    reach=Reach.TEMPLATE,
    meaning="size of a node's boot disk",
    example="100GB",
)
NODE_DISK_TYPE = Variable(
    name="NODE_DISK_TYPE",
    kind=Kind(
        says="a disk type",
        parse=kinds.one_of("pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced"),
    ),
    default="pd-standard",
    reach=Reach.TEMPLATE,
    meaning="type of a node's boot disk",
    example="pd-balanced",
)
NODE_IMAGE = Variable(
    name="KUBE_GCE_NODE_IMAGE",
    kind=kinds.IMAGE,
    default="family/debian-12",
    reach=Reach.TEMPLATE,
    support=Support.DIFFERENT,
    why="Debian or Ubuntu LTS: the node's startup script installs packages with apt-get",
    meaning="image of a node",
    example="family/debian-12",
)
NODE_IMAGE_PROJECT = Variable(
    name="KUBE_GCE_NODE_PROJECT",
    kind=kinds.PROJECT,
    default="debian-cloud",
    reach=Reach.TEMPLATE,
    meaning="project that holds the nodes' image",
    example="debian-cloud",
)
NODE_SERVICE_ACCOUNT = Variable(
    name="KUBE_GCE_NODE_SERVICE_ACCOUNT",
    kind=kinds.ACCOUNT,
    default="default",
    reach=Reach.TEMPLATE,
    meaning="service account of a node",
    example="nodes@my-project.iam.gserviceaccount.com",
)
NODE_SCOPES = Variable(
    name="NODE_SCOPES",
    kind=lists.SCOPES_OF_ACCESS,
    default="monitoring,logging-write,storage-ro",
    reach=Reach.TEMPLATE,
    meaning="what that account may do from a node: gcloud's short names, or URLs",
    example="cloud-platform",
)
PREEMPTIBLE_NODE = Variable(
    name="PREEMPTIBLE_NODE",
    kind=kinds.PROVISIONING,
    default="false",
    reach=Reach.TEMPLATE,
    meaning="true: preemptible nodes; spot: Spot ones",
    example="spot",
)
NODE_LABELS = Variable(
    name="KUBE_NODE_LABELS",
    kind=lists.NODE_LABELS,
    reach=Reach.TEMPLATE,
    meaning="labels that nodes have in Kubernetes",
    example="pool=workers,example.com/team=dev",
    aliases=("NODE_LABELS",),
)
GROUP_SIZE = Variable(
    name="MAX_INSTANCES_PER_MIG",
    kind=kinds.GROUP_SIZE,
    default="1000",
    meaning="most nodes in one managed instance group; nought and less mean 1000",
    example="500",
)
AUTOSCALER = Variable(
    name="KUBE_ENABLE_CLUSTER_AUTOSCALER",
    kind=kinds.BOOLEAN,
    default="false",
    reach=Reach.CLUSTER,
    meaning="the cluster autoscaler makes and removes nodes between two bounds",
    example="true",
    pending=NO_AUTOSCALER,
)
AUTOSCALER_MIN = Variable(
    name="KUBE_AUTOSCALER_MIN_NODES",
    kind=kinds.NODES,
    reach=Reach.CLUSTER,
    meaning="its lower bound; mandatory when it is enabled",
    example="1",
    pending=NO_AUTOSCALER,
)
AUTOSCALER_MAX = Variable(
    name="KUBE_AUTOSCALER_MAX_NODES",
    kind=kinds.NODES,
    reach=Reach.CLUSTER,
    meaning="its upper bound; mandatory when it is enabled",
    example="10",
    pending=NO_AUTOSCALER,
)

GROUP = Group(
    title="Nodes",
    rows=(
        NUM_NODES,
        CREATE_NODES,
        NODE_SIZE,
        NODE_DISK_SIZE,
        NODE_DISK_TYPE,
        NODE_IMAGE,
        NODE_IMAGE_PROJECT,
        NODE_SERVICE_ACCOUNT,
        NODE_SCOPES,
        PREEMPTIBLE_NODE,
        NODE_LABELS,
        GROUP_SIZE,
        AUTOSCALER,
        AUTOSCALER_MIN,
        AUTOSCALER_MAX,
    ),
)
