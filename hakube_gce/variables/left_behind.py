"""Rows of the table: variables of the original scripts that mean nothing here, and why. Values.

They are known, so that nobody has to wonder: set, they are said to be ignored, once, and their
values are never shown. Names that the scripts overwrote whatever the shell held never were an
interface; other programs use some of them, so those are passed over without a word.
"""

from collections.abc import Iterator

from hakube_gce.variables.row import Group, Variable, ignored, refused


def _same(
    why: str, *names: str, secret: bool = False, quiet: bool = False
) -> Iterator[Variable[str]]:
    for name in names:
        yield ignored(name, why, secret=secret, quiet=quiet)


REFUSED = Group(
    title="Refused",
    rows=(
        refused(
            "KUBE_EXPERIMENTAL_REPLICATE_EXISTING_MASTER",
            "is the old name; say KUBE_REPLICATE_EXISTING_MASTER=true",
        ),
        refused(
            "KUBE_GCE_PRIVATE_CLUSTER",
            "is not available: the cluster's address would be public all the same; unset it to "
            "agree",
        ),
    ),
)

ETCD = Group(
    title="Accepted and ignored: etcd",
    rows=(
        ignored("ETCD_QUORUM_READ", "was derived from ENABLE_ETCD_QUORUM_READ; say that"),
        *_same(
            "membership is what etcd says it is, never what a shell says",
            "INITIAL_ETCD_CLUSTER",
            "INITIAL_ETCD_CLUSTER_STATE",
            "ETCD_HOSTNAME",
        ),
        *_same(
            "masters make their own keys, and the cluster's own authorities sign them",
            "ETCD_CA_KEY",
            "ETCD_CA_CERT",
            "ETCD_PEER_KEY",
            "ETCD_PEER_CERT",
            "ETCD_APISERVER_CA_KEY",
            "ETCD_APISERVER_CA_CERT",
            "ETCD_APISERVER_SERVER_KEY",
            "ETCD_APISERVER_SERVER_CERT",
            "ETCD_APISERVER_CLIENT_KEY",
            "ETCD_APISERVER_CLIENT_CERT",
            secret=True,
        ),
        *_same(
            "etcd is a release's own binary, not a container, and its version is tried with ours",
            "ETCD_IMAGE",
            "ETCD_DOCKER_REPOSITORY",
            "ETCD_VERSION",
            "TEST_ETCD_IMAGE",
            "TEST_ETCD_DOCKER_REPOSITORY",
            "TEST_ETCD_VERSION",
        ),
        *_same(
            "every member runs with the same flags, which are part of what was tried",
            "ETCD_COMPACTION_INTERVAL_SEC",
            "ETCD_QUOTA_BACKEND_BYTES",
            "ETCD_LIVENESS_PROBE_INITIAL_DELAY_SEC",
            "ETCD_LISTEN_CLIENT_IP",
            "ETCD_EXTRA_ARGS",
            "ETCD_PROGRESS_NOTIFY_INTERVAL",
        ),
        *_same(
            "etcd runs on the masters: safe replication is what this program is for",
            "ETCD_SERVERS",
            "ETCD_SERVERS_OVERRIDES",
        ),
        ignored("STORAGE_BACKEND", "etcd3 is the only one Kubernetes still has"),
        ignored("STORAGE_MEDIA_TYPE", "left to the API server's own default"),
    ),
)

MACHINES = Group(
    title="Accepted and ignored: machines",
    rows=(
        *_same(
            "the image says what a machine runs: KUBE_GCE_MASTER_IMAGE, KUBE_GCE_NODE_IMAGE",
            "KUBE_OS_DISTRIBUTION",
            "KUBE_MASTER_OS_DISTRIBUTION",
            "KUBE_NODE_OS_DISTRIBUTION",
            "KUBE_GCI_VERSION",
            "KUBE_GCE_IMAGE_FAMILY",
            "KUBE_GCE_IMAGE_PROJECT",
        ),
        *_same(
            "it put files of this machine where every process of a VM can read them",
            "KUBE_EXTRA_METADATA",
            "KUBE_MASTER_EXTRA_METADATA",
            "KUBE_NODE_EXTRA_METADATA",
        ),
        *_same(
            "nodes are of one plain kind; others are for node groups of your own",
            "NODE_ACCELERATORS",
            "NODE_LOCAL_SSDS",
            "NODE_LOCAL_SSDS_EXT",
            "NUM_WINDOWS_NODES",
        ),
        ignored("MASTER_MIN_CPU_ARCHITECTURE", "e2 machines have no platform to choose"),
        ignored("HEAPSTER_MACHINE_TYPE", "Heapster was retired, and had a VM of its own"),
        ignored("REGISTER_MASTER", "masters run no workloads and register no nodes"),
        ignored("METADATA_CLOBBERS_CONFIG", "no credentials come by metadata"),
        *_same(
            "the registry inside the cluster left Kubernetes",
            "ENABLE_CLUSTER_REGISTRY",
            "CLUSTER_REGISTRY_PD",
        ),
        ignored(
            "KUBE_GCE_PRIVATE_CLUSTER_PORTS_PER_VM",
            "belongs to KUBE_GCE_PRIVATE_CLUSTER, which is refused",
        ),
    ),
)

ACCESS = Group(
    title="Accepted and ignored: access",
    rows=(
        *_same(
            "basic auth and static tokens left Kubernetes; access is by client certificate",
            "KUBE_USER",
            "KUBE_PASSWORD",
            "KUBE_BEARER_TOKEN",
            secret=True,
        ),
        ignored(
            "KUBE_CONTEXT",
            "credentials are never read back from a kubeconfig; a new certificate is signed",
        ),
        ignored("AGGREGATOR_MASTER_NAME", "named a certificate that needs no such name"),
    ),
)

TOOLS = Group(
    title="Accepted and ignored: how the scripts worked",
    rows=(
        ignored("CLUSTER_NAME", "a cluster has one name: KUBE_GCE_INSTANCE_PREFIX"),
        ignored("KUBE_CONFIG_FILE", "no shell file is sourced; the environment and .env say all"),
        ignored(
            "KUBE_GCE_API_ENDPOINT",
            "HAKUBE_COMPUTE_ENDPOINT names another Compute API, which gets no credentials",
        ),
        ignored("KUBE_DNS_SERVER_IP", "always the tenth address of SERVICE_CLUSTER_IP_RANGE"),
        ignored("KUBE_STAGE_IMAGES", "no images are pushed"),
        *_same(
            "gcloud is not used, and nothing is asked",
            "KUBE_PROMPT_FOR_UPDATE",
            "KUBERNETES_SKIP_CONFIRM",
        ),
        ignored("KUBECTL_PATH", "kubectl is not called"),
        ignored("KUBE_VERBOSE", "everything worth saying is said; --debug shows more"),
        ignored("KUBERNETES_CONFORMANCE_TEST", "it switched the provider off"),
        ignored("ADDON_MANAGER_LEADER_ELECTION", "there is no add-on manager"),
        *_same(
            "it named variables to copy into kube-env, and there is no kube-env",
            "PROVIDER_VARS",
            "CUSTOM_KUBE_DASHBOARD_BANNER",
        ),
    ),
)

OVERWRITTEN = Group(
    title="Never an interface: the scripts overwrote them",
    rows=(
        *_same(
            "derived from others, whatever the shell says; other programs use such names",
            "ZONE",
            "REGION",
            "NETWORK",
            "INSTANCE_PREFIX",
            "MASTER_NAME",
            "MASTER_TAG",
            "NODE_INSTANCE_PREFIX",
            "NODE_TAG",
            "NODE_TAGS",
            "NODE_IPAM_MODE",
            "GCE_API_ENDPOINT",
            "GCE_PRIVATE_CLUSTER",
            "REGISTER_MASTER_KUBELET",
            quiet=True,
        ),
        *_same("follows KUBE_GCE_ENABLE_IP_ALIASES, as it always did", "ENABLE_IP_ALIASES"),
    ),
)

GROUPS = (REFUSED, ETCD, MACHINES, ACCESS, TOOLS, OVERWRITTEN)
