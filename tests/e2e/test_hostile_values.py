"""Hostile values for every variable: refused in words, nothing changed, nothing echoed raw."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab_on_records import B, C, Desk, lab_on_records, warm_up
from tests.e2e.refusing import REPLICATE, named, refused

pytestmark = pytest.mark.forks


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An operator with a cluster that stays as it is."""
    warm_up()
    root = tmp_path_factory.mktemp("hostile")
    with lab_on_records(root / "lab") as lab:
        desk = Desk(folder=root / "desk", lab=lab)
        made = desk.run("up", **named("one", B))
        assert made.status == 0, made
        yield desk


HOSTILE = (
    "\x01",
    "a\nb",
    "a\tb",
    "\x1b[2J",
    "\x7f",
    "\u0663",
    "europe-west\u0661-b",
    "kubernetes\u202e",
    "../../../etc/passwd",
    "a" * 300,
    "$(touch owned)",
    "`touch owned`",
    ";touch owned",
    "'\"",
    "-rf",
    "%s%n",
    "TRUE ",
    "yes please",
    "-1",
    "1e9",
    "\udcff",
)
VARIABLES = (
    "KUBE_GCE_ZONE",
    "KUBE_GCE_INSTANCE_PREFIX",
    "PROJECT",
    "KUBERNETES_PROVIDER",
    "KUBE_REPLICATE_EXISTING_MASTER",
    "KUBE_USE_EXISTING_MASTER",
    "KUBE_DELETE_NODES",
    "KUBE_REPLICA_NAME",
    "HAKUBE_CONFIRM_TEARDOWN",
    "HAKUBE_STRICT",
    "MULTIZONE",
    "ENABLE_ETCD_QUORUM_READ",
    "ENABLE_ETCD_QUORUM_READS",
    "KUBE_GCE_NETWORK",
    "SUBNETWORK",
    "MASTER_SIZE",
    "MASTER_DISK_SIZE",
    "MASTER_ROOT_DISK_SIZE",
    "MASTER_DISK_TYPE",
    "KUBE_GCE_MASTER_IMAGE",
    "KUBE_GCE_MASTER_PROJECT",
    "SERVICE_CLUSTER_IP_RANGE",
    "KUBE_DNS_DOMAIN",
    "KUBE_CLUSTER_INITIALIZATION_TIMEOUT",
    "HAKUBE_ENDPOINT_MODE",
    "HAKUBE_LB",
    "HAKUBE_ENV_FILE",
    "HAKUBE_COMPUTE_ENDPOINT",
    "HAKUBE_RUNTIME",
)
_ANY = random.Random(20160705)  # noqa: S311 - a sample that is the same every time
SAMPLE = [(v, value) for v in VARIABLES for value in _ANY.sample(HOSTILE, 2)]


@pytest.mark.parametrize(("name", "value"), SAMPLE, ids=[f"{n}={v[:20]!a}" for n, v in SAMPLE])
def test_a_hostile_value_is_refused_in_words(name: str, value: str, desk: Desk) -> None:
    variables = named("one", C, **REPLICATE) | {name: value}
    argv = (
        "down"
        if name in {"KUBE_DELETE_NODES", "KUBE_REPLICA_NAME", "HAKUBE_CONFIRM_TEARDOWN"}
        else "up"
    )
    if argv == "down":
        variables = named("one", B) | {name: value}
    ended = refused(desk, [argv], variables)
    assert ended.status in {2, 3}, ended
    assert name in ended.stderr + ended.stdout, ended
    printable = (ended.stderr + ended.stdout).replace("\n", "")
    assert printable.isprintable(), "it echoes what it was given"
    assert not Path("owned").exists()
