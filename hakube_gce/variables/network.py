"""Rows of the table: the networks a cluster lives in. Values only."""

from hakube_gce import setting_kinds as kinds
from hakube_gce.variables.row import Group, Reach, Variable

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

GROUP = Group(
    title="Network",
    rows=(
        NETWORK,
        SUBNETWORK,
        SERVICE_RANGE,
        DNS_DOMAIN,
    ),
)
