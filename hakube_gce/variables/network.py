"""Rows of the table: the network a cluster lives in, and its ranges. Values only."""

from hakube_gce import address_kinds as addresses
from hakube_gce import setting_kinds as kinds
from hakube_gce.setting_kinds import Kind
from hakube_gce.variables.row import Group, Reach, Variable

NETWORK = Variable(
    name="KUBE_GCE_NETWORK",
    kind=kinds.NAME,
    default="default",
    reach=Reach.CLUSTER,
    meaning="network of the cluster; made, with subnetworks, when it is not there",
    example="default",
)
SUBNETWORK = Variable(
    name="SUBNETWORK",
    kind=kinds.NAME,
    reach=Reach.CLUSTER,
    default_says="<network>-custom-subnet with CREATE_CUSTOM_NETWORK, the alias ranges' where "
    "there are some, else the network's own or its first",
    meaning="subnetwork of the cluster",
    example="masters",
)
NETWORK_PROJECT = Variable(
    name="NETWORK_PROJECT",
    kind=kinds.PROJECT,
    reach=Reach.CLUSTER,
    default_says="PROJECT",
    meaning="project that holds network, subnetworks, firewall rules and routes; say it to every "
    "command",
    example="my-host-project",
)
CREATE_CUSTOM_NETWORK = Variable(
    name="CREATE_CUSTOM_NETWORK",
    kind=kinds.BOOLEAN,
    default="false",
    meaning="a network that is made is of custom mode, with one subnetwork of NODE_IP_RANGE",
    example="true",
)
BIG_SUBNETS = Variable(
    name="ENABLE_BIG_CLUSTER_SUBNETS",
    kind=kinds.BOOLEAN,
    default="false",
    meaning="grow the subnetwork of a network that is made to a /19",
    example="true",
)
DELETE_NETWORK = Variable(
    name="KUBE_DELETE_NETWORK",
    kind=kinds.BOOLEAN,
    default_says="false when KUBE_GCE_NETWORK is default, else true",
    decisive=True,
    meaning="with the last master, delete the network and its subnetworks, if the cluster made it",
    example="false",
)
POD_RANGE = Variable(
    name="CLUSTER_IP_RANGE",
    kind=addresses.POD_RANGE,
    reach=Reach.CLUSTER,
    default_says="by NUM_NODES: 10.64.0.0/14; over 1000 /13; over 2000 /12; over 4000 /11",
    meaning="addresses of pods",
    example="10.64.0.0/14",
)
NODE_RANGE = Variable(
    name="NODE_IP_RANGE",
    kind=addresses.SUBNET_RANGE,
    default_says="by NUM_NODES: 10.40.0.0/22; over 1000 /21; over 2000 /20; over 4000 /19",
    meaning="addresses of machines, in a subnetwork that this program makes",
    example="10.40.0.0/22",
)
MASTER_RANGE = Variable(
    name="MASTER_IP_RANGE",
    kind=addresses.SUBNET_RANGE,
    default="10.246.0.0/24",
    reach=Reach.CLUSTER,
    meaning="addresses of pods on masters",
    example="10.246.0.0/24",
    pending="masters run no pods yet",
)
SERVICE_RANGE = Variable(
    name="SERVICE_CLUSTER_IP_RANGE",
    kind=addresses.SERVICE_RANGE,
    default="10.0.0.0/16",
    reach=Reach.CLUSTER,
    meaning="addresses of services; the first is the API's own",
    example="10.0.0.0/16",
)
DNS_DOMAIN = Variable(
    name="KUBE_DNS_DOMAIN",
    kind=addresses.DOMAIN,
    default="cluster.local",
    reach=Reach.CLUSTER,
    meaning="domain of services",
    example="cluster.local",
)
IP_ALIASES = Variable(
    name="KUBE_GCE_ENABLE_IP_ALIASES",
    kind=kinds.BOOLEAN,
    default="false",
    reach=Reach.CLUSTER,
    meaning="pods' addresses are alias ranges instead of routes",
    example="true",
)
IPAM_MODE = Variable(
    name="KUBE_GCE_NODE_IPAM_MODE",
    kind=Kind(
        says="RangeAllocator or CloudAllocator",
        parse=kinds.one_of("RangeAllocator", "CloudAllocator"),
    ),
    reach=Reach.CLUSTER,
    default_says="CloudAllocator with KUBE_GCE_ENABLE_IP_ALIASES, else RangeAllocator",
    meaning="who gives a node its range of pods",
    example="RangeAllocator",
)
ALIAS_SIZE = Variable(
    name="KUBE_GCE_IP_ALIAS_SIZE",
    kind=addresses.PREFIX_LENGTH,
    default="/24",
    reach=Reach.CLUSTER,
    meaning="size of a machine's alias range",
    example="/24",
)
ALIAS_SUBNETWORK = Variable(
    name="KUBE_GCE_IP_ALIAS_SUBNETWORK",
    kind=kinds.NAME,
    reach=Reach.CLUSTER,
    default_says="<prefix>-subnet-default",
    meaning="subnetwork that alias ranges are taken from",
    example="kubernetes-subnet-default",
)
SECONDARY_RANGE = Variable(
    name="SECONDARY_RANGE_NAME",
    kind=kinds.NAME,
    reach=Reach.CLUSTER,
    meaning="secondary range of that subnetwork, when it is not the one this program makes",
    example="pods-default",
)

GROUP = Group(
    title="Network",
    rows=(
        NETWORK,
        SUBNETWORK,
        NETWORK_PROJECT,
        CREATE_CUSTOM_NETWORK,
        BIG_SUBNETS,
        DELETE_NETWORK,
        POD_RANGE,
        NODE_RANGE,
        MASTER_RANGE,
        SERVICE_RANGE,
        DNS_DOMAIN,
        IP_ALIASES,
        IPAM_MODE,
        ALIAS_SIZE,
        ALIAS_SUBNETWORK,
        SECONDARY_RANGE,
    ),
)
