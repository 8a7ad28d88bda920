"""The cases by which Kubernetes' own e2e suite judged HA masters, with the suite's own calls.

As its `ha_master.go` did: masters and workers come and go by `e2e-grow-cluster.sh` and
`e2e-shrink-cluster.sh`, and after every change there are exactly as many ready masters as there
should be, all nodes are ready, and everything created so far is still there. What it created were
replication controllers with a running pod; here, where nothing runs pods, it is config maps. All
looks go through the cluster IP with the admin's kubeconfig, at real etcd.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.api_client import ApiClient, Node, read_access
from tests.e2e.labs import ROOT, B, C, D, Lab
from tests.process.waiting import until

pytestmark = pytest.mark.process

MASTER = re.compile(r"kubernetes-master(-...)?")
MADE = "ha-master-"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
NODES = {"KUBE_CREATE_NODES": "true", "NUM_NODES": "1"}


@dataclass(slots=True, kw_only=True)
class Case:
    """One case: what it added and made, and what must be so after every change."""

    lab: Lab
    replicas: list[str] = field(default_factory=list)
    """The zones it added a replica in."""
    worker_zones: list[str] = field(default_factory=lambda: [B])
    made: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Make a cluster with one master and one worker, as the suite found it."""
        self._run("kube-up.sh", MULTIZONE="true", ENABLE_ETCD_QUORUM_READS="true")
        self.verify()

    def add_replica(self, zone: str) -> None:
        self._run("e2e-grow-cluster.sh", zone, "true", "true", "false")
        self.replicas.append(zone)
        self.verify()

    def remove_replica(self, zone: str) -> None:
        self._run("e2e-shrink-cluster.sh", zone, "true", "false", "false")
        self.replicas.remove(zone)
        self.verify()

    def add_workers(self, zone: str) -> None:
        self._run("e2e-grow-cluster.sh", zone, "true", "false", "true")
        self.worker_zones.append(zone)
        self.verify()

    def remove_workers(self, zone: str) -> None:
        self._run("e2e-shrink-cluster.sh", zone, "true", "true", "true")
        self.worker_zones.remove(zone)
        self.verify()

    def _run(self, script: str, *words: str, **variables: str) -> None:
        ended = subprocess.run(
            [ROOT / "bin" / script, *words],
            env=self.lab.environment(**NODES, **variables),
            cwd=self.lab.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.lab.timeout_s,
            check=False,
        )
        assert ended.returncode == 0, f"{script} {words}:\n{ended.stdout}{ended.stderr}"
        # whatever left a cluster looks at it once more, as the original did, nodes' removal too
        assert "Cluster validation succeeded" in ended.stdout, f"{script} {words}"

    def verify(self) -> None:
        """Count masters and workers, make one more object and find all that were made."""
        api = read_access(self.lab.folder / "kubeconfig")
        for what, masters, zones in (
            ("masters", True, [B, *self.replicas]),
            ("workers", False, self.worker_zones),
        ):
            there = self._await(api, sorted(zones), what=what, masters=masters)
            assert all(node.ready for node in there.values()), there
            assert not masters or all(MASTER.fullmatch(name) for name in there), there
        self.made.append(f"{MADE}{len(self.made)}")
        made = {"metadata": {"name": self.made[-1]}, "data": {"number": str(len(self.made))}}
        status, said = api.call("POST", CONFIG_MAPS, made)
        assert status == 201, said
        assert _numbers(api.call("GET", CONFIG_MAPS)) == {
            name: str(number) for number, name in enumerate(self.made, 1)
        }

    def _await(
        self, api: ApiClient, zones: list[str], *, what: str, masters: bool
    ) -> dict[str, Node]:
        """Return the nodes once there is one in each of the zones and nowhere else."""
        until(lambda: _zones(api.nodes(masters=masters)) == zones, f"{what} are in {zones}")
        return api.nodes(masters=masters)


def _zones(nodes: Mapping[str, Node]) -> list[str]:
    return sorted(node.zone for node in nodes.values())


def _numbers(listed: tuple[int, Mapping[str, Any]]) -> dict[str, str]:
    """Return what is told of those config maps that a case made."""
    status, said = listed
    assert status == 200, said
    ours = (thing for thing in said["items"] if thing["metadata"]["name"].startswith(MADE))
    return {thing["metadata"]["name"]: thing["data"]["number"] for thing in ours}


@pytest.fixture
def case(lab: Lab) -> Case:
    case = Case(lab=lab)
    case.begin()
    return case


@pytest.mark.parametrize(
    "replicas",
    [
        pytest.param(1, id="shortened", marks=pytest.mark.slow),
        pytest.param(2, id="whole", marks=pytest.mark.slow),
    ],
)
def test_addition_and_removal_of_replicas_in_the_same_zone(case: Case, replicas: int) -> None:
    for _ in range(replicas):
        case.add_replica(B)
    for _ in range(replicas):
        case.remove_replica(B)
    assert len(case.made) == 1 + 2 * replicas
    assert case.lab.hakube("status")["verdict"] == "healthy"


@pytest.mark.slow
def test_addition_and_removal_of_replicas_in_different_zones(case: Case) -> None:
    for zone in (C, D):
        case.add_replica(zone)
    for zone in (C, D):
        case.remove_replica(zone)
    assert len(case.made) == 5
    assert case.lab.hakube("status")["verdict"] == "healthy"


@pytest.mark.slow
def test_addition_and_removal_of_replicas_with_workers_in_several_zones(case: Case) -> None:
    for zone in (C, D):
        case.add_workers(zone)
    for zone in (C, D):
        case.add_replica(zone)
    for zone in (C, D):
        case.remove_replica(zone)
    assert len(case.worker_zones) == 3, "workers stay where replicas go"
    for zone in (C, D):
        case.remove_workers(zone)
    assert len(case.made) == 9
    assert case.lab.hakube("status")["verdict"] == "healthy"
