"""Rows of the table: what the original scripts did not have. Values only."""

from hakube_gce import address_kinds as addresses
from hakube_gce import list_kinds as lists
from hakube_gce import path_kinds as paths
from hakube_gce import setting_kinds as kinds
from hakube_gce.setting_kinds import Kind
from hakube_gce.variables.row import Group, Reach, Support, Variable

CONFIRM_TEARDOWN = Variable(
    name="HAKUBE_CONFIRM_TEARDOWN",
    kind=kinds.TEXT,
    meaning="the cluster's name, to tear down more than one master, or disks that a recovery kept",
    example="kubernetes",
    support=Support.OURS,
)
CONFIRM_RESTORE = Variable(
    name="HAKUBE_CONFIRM_RESTORE",
    kind=kinds.TEXT,
    meaning="the cluster's name, to restore it from a snapshot: what came after it is gone",
    example="kubernetes",
    support=Support.OURS,
)
CONFIRM_RECOVER = Variable(
    name="HAKUBE_CONFIRM_RECOVER",
    kind=kinds.TEXT,
    meaning="the cluster's name, to go on with one survivor: what only others had is gone",
    example="kubernetes",
    support=Support.OURS,
)
SNAPSHOTS = Variable(
    name="HAKUBE_SNAPSHOTS",
    kind=kinds.COUNT,
    default="5",
    meaning="how many of the cluster's snapshots are kept",
    example="5",
    support=Support.OURS,
)
STRICT = Variable(
    name="HAKUBE_STRICT",
    kind=kinds.BOOLEAN,
    default="false",
    meaning="doubtful placement, and preemptible masters at founding, are refused instead of "
    "warned about",
    example="true",
    support=Support.OURS,
)
LABELS = Variable(
    name="HAKUBE_LABELS",
    kind=lists.LABELS,
    reach=Reach.CLUSTER,
    support=Support.OURS,
    meaning="labels for everything this program makes that can have labels, beside its own",
    example="team=dev,owner=john_doe",
)
API_NAMES = Variable(
    name="HAKUBE_API_NAMES",
    kind=lists.API_NAMES,
    reach=Reach.CLUSTER,
    support=Support.OURS,
    default_says="KUBE_SERVER's host",
    meaning="host names and addresses, beside the cluster's own, that the API's certificates are "
    "good for; at founding KUBE_SERVER's host is one of them",
    example="api.example.com,10.1.2.3",
)
CNI_MANIFEST = Variable(
    name="HAKUBE_CNI_MANIFEST",
    kind=paths.PATH,
    meaning="file of Kubernetes objects, such as a pod network's, that kube-up applies through "
    "the API at its end; nothing is downloaded",
    example="/home/me/calico.yaml",
    support=Support.OURS,
)
ENDPOINT_MODE = Variable(
    name="HAKUBE_ENDPOINT_MODE",
    kind=Kind(
        says="classic or always-lb",
        parse=kinds.one_of("classic", "always-lb"),
    ),
    default="classic",
    reach=Reach.CLUSTER,
    decisive=True,
    meaning="classic: a single master holds the cluster's address, two or more a load balancer; "
    "always-lb: a load balancer holds it from the first master on, so it never moves",
    example="always-lb",
    support=Support.OURS,
)
LOAD_BALANCER = Variable(
    name="HAKUBE_LB",
    kind=Kind(
        says="backend-service or target-pool",
        parse=kinds.one_of("backend-service", "target-pool"),
    ),
    default="backend-service",
    reach=Reach.CLUSTER,
    decisive=True,
    meaning="what stands behind the forwarding rule; target-pool is what kube-up made",
    example="backend-service",
    support=Support.OURS,
)
HOME = Variable(
    name="HAKUBE_HOME",
    kind=paths.PATH,
    default="~/.hakube",
    reach=Reach.SELECTOR,
    meaning="folder of keys, journals and the emulator's labs",
    example="/home/me/.hakube",
    support=Support.OURS,
)
ENV_FILE = Variable(
    name="HAKUBE_ENV_FILE",
    kind=paths.ENV_FILE,
    meaning="file to read instead of ./.env; off, or set to nothing: none",
    example="off",
    support=Support.OURS,
)
COMPUTE_ENDPOINT = Variable(
    name="HAKUBE_COMPUTE_ENDPOINT",
    kind=addresses.ENDPOINT,
    reach=Reach.SELECTOR,
    meaning="Compute API to talk to instead of Google's; gets no credentials",
    example="http://127.0.0.1:8080",
    support=Support.OURS,
)
RUNTIME = Variable(
    name="HAKUBE_RUNTIME",
    kind=Kind(
        says="records or process",
        parse=kinds.one_of("records", "process", machine="use process"),
    ),
    meaning="what a VM of the emulator is: a record, or real processes (default on Linux)",
    example="records",
    support=Support.OURS,
)
LATENCY = Variable(
    name="HAKUBE_LATENCY",
    kind=paths.LATENCY,
    default="none",
    meaning="how long the emulator's operations take: none, realistic, or a profile's path",
    example="realistic",
    support=Support.OURS,
)
BINARIES = Variable(
    name="HAKUBE_BINARIES",
    kind=paths.PATH,
    meaning="folder of kube-apiserver, etcd … for the emulator, before PATH",
    example="/opt/k8s/bin",
    support=Support.OURS,
)
NO_COLOR = Variable(
    name="NO_COLOR",
    kind=kinds.PRESENCE,
    meaning="set to anything: no colours",
    example="1",
    support=Support.OURS,
)

GROUP = Group(
    title="Ours",
    rows=(
        CONFIRM_TEARDOWN,
        CONFIRM_RESTORE,
        CONFIRM_RECOVER,
        SNAPSHOTS,
        STRICT,
        LABELS,
        API_NAMES,
        CNI_MANIFEST,
        ENDPOINT_MODE,
        LOAD_BALANCER,
        HOME,
        ENV_FILE,
        COMPUTE_ENDPOINT,
        RUNTIME,
        LATENCY,
        BINARIES,
        NO_COLOR,
    ),
)
