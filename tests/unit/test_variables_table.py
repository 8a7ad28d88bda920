"""The table of variables: whole, free of contradictions, and each row read by somebody."""

import pytest

from hakube_gce.settings import Settings
from hakube_gce.variables import table
from hakube_gce.variables.row import Reach, Support, Variable

HERE = {"HOME": "/home/me", "KUBERNETES_PROVIDER": "emulator"}

_NAMES = """
    ADDON_MANAGER_LEADER_ELECTION AGGREGATOR_MASTER_NAME ALLOWED_NOTREADY_NODES
    CLUSTER_IP_RANGE CLUSTER_NAME CLUSTER_READY_ADDITIONAL_TIME_SECONDS CLUSTER_REGISTRY_PD
    CREATE_CUSTOM_NETWORK CUSTOM_KUBE_DASHBOARD_BANNER E2E_ZONES ENABLE_BIG_CLUSTER_SUBNETS
    ENABLE_CLUSTER_REGISTRY ENABLE_ETCD_QUORUM_READ ENABLE_ETCD_QUORUM_READS
    ENABLE_IP_ALIASES ETCD_APISERVER_CA_CERT ETCD_APISERVER_CA_KEY
    ETCD_APISERVER_CLIENT_CERT ETCD_APISERVER_CLIENT_KEY ETCD_APISERVER_SERVER_CERT
    ETCD_APISERVER_SERVER_KEY ETCD_CA_CERT ETCD_CA_KEY ETCD_COMPACTION_INTERVAL_SEC
    ETCD_DOCKER_REPOSITORY ETCD_EXTRA_ARGS ETCD_HOSTNAME ETCD_IMAGE ETCD_LISTEN_CLIENT_IP
    ETCD_LIVENESS_PROBE_INITIAL_DELAY_SEC ETCD_PEER_CERT ETCD_PEER_KEY
    ETCD_PROGRESS_NOTIFY_INTERVAL ETCD_QUORUM_READ ETCD_QUOTA_BACKEND_BYTES ETCD_SERVERS
    ETCD_SERVERS_OVERRIDES ETCD_VERSION GCE_API_ENDPOINT GCE_PRIVATE_CLUSTER
    HEAPSTER_MACHINE_TYPE INITIAL_ETCD_CLUSTER INITIAL_ETCD_CLUSTER_STATE INSTANCE_PREFIX
    KUBECONFIG KUBECTL_PATH KUBERNETES_CONFORMANCE_TEST KUBERNETES_PROVIDER
    KUBERNETES_SKIP_CONFIRM KUBE_AUTOSCALER_MAX_NODES KUBE_AUTOSCALER_MIN_NODES
    KUBE_BEARER_TOKEN KUBE_CLUSTER_INITIALIZATION_TIMEOUT KUBE_CONFIG_FILE KUBE_CONTEXT
    KUBE_CREATE_NODES KUBE_DELETE_NETWORK KUBE_DELETE_NODES KUBE_DNS_DOMAIN
    KUBE_DNS_SERVER_IP KUBE_ENABLE_CLUSTER_AUTOSCALER
    KUBE_EXPERIMENTAL_REPLICATE_EXISTING_MASTER KUBE_EXTRA_METADATA KUBE_GCE_API_ENDPOINT
    KUBE_GCE_ENABLE_IP_ALIASES KUBE_GCE_IMAGE_FAMILY KUBE_GCE_IMAGE_PROJECT
    KUBE_GCE_INSTANCE_PREFIX KUBE_GCE_IP_ALIAS_SIZE KUBE_GCE_IP_ALIAS_SUBNETWORK
    KUBE_GCE_MASTER_IMAGE KUBE_GCE_MASTER_PROJECT KUBE_GCE_NETWORK KUBE_GCE_NODE_IMAGE
    KUBE_GCE_NODE_IPAM_MODE KUBE_GCE_NODE_PROJECT KUBE_GCE_NODE_SERVICE_ACCOUNT
    KUBE_GCE_PRIVATE_CLUSTER KUBE_GCE_PRIVATE_CLUSTER_PORTS_PER_VM KUBE_GCE_ZONE
    KUBE_GCI_VERSION KUBE_MASTER_EXTRA_METADATA KUBE_MASTER_OS_DISTRIBUTION
    KUBE_NODE_EXTRA_METADATA KUBE_NODE_OS_DISTRIBUTION KUBE_OS_DISTRIBUTION KUBE_PASSWORD
    KUBE_PROMPT_FOR_UPDATE KUBE_REPLICATE_EXISTING_MASTER KUBE_REPLICA_NAME KUBE_SERVER
    KUBE_STAGE_IMAGES KUBE_UP_AUTOMATIC_CLEANUP KUBE_USER KUBE_USE_EXISTING_MASTER
    KUBE_VERBOSE MASTER_DISK_SIZE MASTER_DISK_TYPE MASTER_IP_RANGE
    MASTER_MIN_CPU_ARCHITECTURE MASTER_NAME MASTER_ROOT_DISK_SIZE MASTER_SIZE MASTER_TAG
    MAX_INSTANCES_PER_MIG METADATA_CLOBBERS_CONFIG MULTIZONE NETWORK NETWORK_PROJECT
    NODE_ACCELERATORS NODE_DISK_SIZE NODE_DISK_TYPE NODE_INSTANCE_PREFIX NODE_IPAM_MODE
    NODE_IP_RANGE NODE_LOCAL_SSDS NODE_LOCAL_SSDS_EXT NODE_SCOPES NODE_SIZE NODE_TAG
    NODE_TAGS NUM_NODES NUM_WINDOWS_NODES OVERRIDE_CONTEXT PREEMPTIBLE_MASTER
    PREEMPTIBLE_NODE PROJECT PROVIDER_VARS REGION REGISTER_MASTER REGISTER_MASTER_KUBELET
    SECONDARY_KUBECONFIG SECONDARY_RANGE_NAME SERVICE_CLUSTER_IP_RANGE STORAGE_BACKEND
    STORAGE_MEDIA_TYPE SUBNETWORK TEST_ETCD_DOCKER_REPOSITORY TEST_ETCD_IMAGE
    TEST_ETCD_VERSION ZONE
"""
OF_KUBE_UP = frozenset(_NAMES.split())
"""What the scripts of Kubernetes 1.9 and their last version read, collected by reading them."""

TOGETHER = {
    "KUBE_ENABLE_CLUSTER_AUTOSCALER": {
        "KUBE_AUTOSCALER_MIN_NODES": "1",
        "KUBE_AUTOSCALER_MAX_NODES": "3",
    },
}
"""What a row's example needs beside it."""

TAKES_ANYTHING = {"text", "a path, or off", "paths with colons between", "anything but nothing"}


def test_every_variable_of_the_original_scripts_has_a_row() -> None:
    assert len(OF_KUBE_UP) > 130
    assert set(OF_KUBE_UP) - {row.name for row in table.ROWS} == set()


def test_no_name_has_two_rows() -> None:
    names = [name for row in table.ROWS for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))


def test_every_row_says_in_a_sentence_what_it_is_or_why_not() -> None:
    for row in table.ROWS:
        assert (row.meaning and row.example) if row.is_read else row.why, row.name
        assert bool(row.why) == (row.support not in {Support.SAME, Support.OURS}), row.name
        ours = row.name not in OF_KUBE_UP and row.name != "KUBE_NODE_LABELS"
        assert (row.support is Support.OURS) == ours, row.name
        for text in (row.meaning, row.why, row.default_says, row.pending):
            assert "|" not in text, row.name
            assert not text.endswith("."), row.name


def test_every_default_and_every_example_can_be_read() -> None:
    for row in table.VARIABLES:
        row.kind.parse(row.example)
        if row.default:
            row.kind.parse(row.default)


@pytest.mark.parametrize("row", table.VARIABLES, ids=lambda row: row.name)
def test_every_row_is_read_and_its_value_kept_with_its_source(row: Variable[object]) -> None:
    variables = {**HERE, row.name: row.example, **TOGETHER.get(row.name, {})}
    found = Settings.parse(variables)
    assert (found.values[row.name], found.sources[row.name]) == (row.example, "environment")
    assert set(found.sources) == {each.name for each in table.VARIABLES}
    assert set(found.values) == set(found.sources)


@pytest.mark.parametrize(
    "row",
    [row for row in table.VARIABLES if row.kind.says not in TAKES_ANYTHING],
    ids=lambda row: row.name,
)
def test_every_row_refuses_what_is_none_of_its_kind(row: Variable[object]) -> None:
    with pytest.raises(ValueError, match=r"^[ -~\u2026]+$"):
        row.kind.parse("\x00 ,=nonsense;")


def test_what_replicas_share_is_never_a_mere_matter_of_the_run() -> None:
    """Rows that would make replicas differ come from the cluster."""
    masters = {"MASTER_SIZE", "MASTER_DISK_SIZE", "MASTER_ROOT_DISK_SIZE", "PREEMPTIBLE_MASTER"}
    kept = {row.name for row in table.VARIABLES if row.reach is Reach.CLUSTER}
    assert masters | {"KUBE_GCE_MASTER_IMAGE", "SUBNETWORK", "CLUSTER_IP_RANGE"} <= kept
