"""Rows of the table: variables of what is not made yet. Values only."""

from hakube_gce.variables.row import Group, ignored

GROUP = Group(
    title="Accepted and ignored: not made yet",
    rows=tuple(
        ignored(name, "belongs to what is not made yet")
        for name in (
            "ALLOWED_NOTREADY_NODES", "CLUSTER_IP_RANGE", "CLUSTER_READY_ADDITIONAL_TIME_SECONDS",
            "CREATE_CUSTOM_NETWORK", "E2E_ZONES", "ENABLE_BIG_CLUSTER_SUBNETS",
            "KUBE_AUTOSCALER_MAX_NODES", "KUBE_AUTOSCALER_MIN_NODES", "KUBE_CREATE_NODES",
            "KUBE_DELETE_NETWORK", "KUBE_ENABLE_CLUSTER_AUTOSCALER", "KUBE_GCE_ENABLE_IP_ALIASES",
            "KUBE_GCE_IP_ALIAS_SIZE", "KUBE_GCE_IP_ALIAS_SUBNETWORK", "KUBE_GCE_NODE_IMAGE",
            "KUBE_GCE_NODE_IPAM_MODE", "KUBE_GCE_NODE_PROJECT", "KUBE_GCE_NODE_SERVICE_ACCOUNT",
            "KUBE_SERVER", "KUBE_UP_AUTOMATIC_CLEANUP", "MASTER_IP_RANGE",
            "MAX_INSTANCES_PER_MIG", "NETWORK_PROJECT", "NODE_DISK_SIZE", "NODE_DISK_TYPE",
            "NODE_IP_RANGE", "NODE_SCOPES", "NODE_SIZE", "NUM_NODES", "OVERRIDE_CONTEXT",
            "PREEMPTIBLE_MASTER", "PREEMPTIBLE_NODE", "SECONDARY_KUBECONFIG",
            "SECONDARY_RANGE_NAME",
        )
    ),
)  # fmt: skip
