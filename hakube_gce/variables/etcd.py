"""Rows of the table: etcd. Values only."""

from hakube_gce import setting_kinds as kinds
from hakube_gce.variables.row import Group, Reach, Support, Variable

QUORUM_READ = Variable(
    name="ENABLE_ETCD_QUORUM_READ",
    kind=kinds.BOOLEAN,
    default="true",
    reach=Reach.CLUSTER,
    support=Support.DIFFERENT,
    why="etcd's reads are linearizable whatever this says",
    meaning="reads are always linearizable; false changes nothing and is warned about",
    example="true",
)
QUORUM_READS = Variable(
    name="ENABLE_ETCD_QUORUM_READS",
    kind=kinds.BOOLEAN,
    default="true",
    support=Support.DIFFERENT,
    why="documented for years and never read; here it counts like the other spelling, and the two "
    "must not contradict each other",
    meaning="the same: documents spelled it so, the original scripts never read it",
    example="true",
)

GROUP = Group(
    title="etcd",
    rows=(
        QUORUM_READ,
        QUORUM_READS,
    ),
)
