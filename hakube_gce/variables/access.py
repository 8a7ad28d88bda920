"""Rows of the table: the operator's kubeconfig, and when a cluster is ready. Values."""

from hakube_gce import address_kinds as addresses
from hakube_gce import path_kinds as paths
from hakube_gce import setting_kinds as kinds
from hakube_gce.variables.row import Group, Support, Variable

KUBECONFIG = Variable(
    name="KUBECONFIG",
    kind=paths.PATH_LIST,
    default="~/.kube/config",
    support=Support.DIFFERENT,
    why="the scripts made every missing file of a list; here one is made only when none is there",
    meaning="where the cluster's context is written; a list as kubectl takes it",
    example="/home/me/.kube/config",
)
OVERRIDE_CONTEXT = Variable(
    name="OVERRIDE_CONTEXT",
    kind=kinds.CONTEXT,
    default_says="<project>_<prefix>",
    meaning="name of the context, and of its cluster and user; say it to kube-down too",
    example="staging",
)
SECONDARY_KUBECONFIG = Variable(
    name="SECONDARY_KUBECONFIG",
    kind=kinds.BOOLEAN,
    default="false",
    meaning="true: the context is written and does not become the current one",
    example="true",
)
KUBE_SERVER = Variable(
    name="KUBE_SERVER",
    kind=addresses.ENDPOINT,
    default_says="https://<cluster IP>",
    support=Support.DIFFERENT,
    why="at founding its host comes into the masters' certificates; later it is only written",
    meaning="URL of the API in the kubeconfig, instead of the cluster IP's",
    example="https://203.0.113.7",
)
ALLOWED_NOTREADY_NODES = Variable(
    name="ALLOWED_NOTREADY_NODES",
    kind=kinds.NODES,
    default="0",
    meaning="how many nodes may be missing or not ready when a command ends",
    example="1",
)
ADDITIONAL_TIME = Variable(
    name="CLUSTER_READY_ADDITIONAL_TIME_SECONDS",
    kind=kinds.whole(0, 86400),
    default="30",
    meaning="seconds to wait for the rest once so many are ready",
    example="30",
)
INITIALIZATION_TIMEOUT = Variable(
    name="KUBE_CLUSTER_INITIALIZATION_TIMEOUT",
    kind=kinds.SECONDS,
    default="600",
    support=Support.DIFFERENT,
    why="counted for every new master, from its admission on, and not for the first alone",
    meaning="seconds a new master may take until its API answers",
    example="300",
)

GROUP = Group(
    title="Kubeconfig, and when a cluster is ready",
    rows=(
        KUBECONFIG,
        OVERRIDE_CONTEXT,
        SECONDARY_KUBECONFIG,
        KUBE_SERVER,
        ALLOWED_NOTREADY_NODES,
        ADDITIONAL_TIME,
        INITIALIZATION_TIMEOUT,
    ),
)
