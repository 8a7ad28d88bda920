"""Rows of the table: the operator's kubeconfig. Values only."""

from hakube_gce import setting_kinds as kinds
from hakube_gce.variables.row import Group, Variable

KUBECONFIG = Variable(
    name="KUBECONFIG",
    kind=kinds.PATH_LIST,
    default="~/.kube/config",
    meaning="where the cluster's context is written",
    example="/home/me/.kube/config",
)

GROUP = Group(
    title="Kubeconfig",
    rows=(KUBECONFIG,),
)
