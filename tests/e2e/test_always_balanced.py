"""HAKUBE_ENDPOINT_MODE=always-lb on records: whatever is lost, the address stays balanced.

Said once, when the cluster is founded; no later command says it again, and some come from machines
that know nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.end_states import lock_and_operation
from tests.e2e.forks import Ended
from tests.e2e.lab_on_records import PROJECT, B, C, D, Desk, lab_on_records, warm_up
from tests.e2e.refusing import refused
from tests.e2e.test_rescue import delete, lose

pytestmark = pytest.mark.forks

FIRST = "kubernetes-master"
R = "regions/europe-west1"
ALWAYS = {"HAKUBE_ENDPOINT_MODE": "always-lb"}
SHAPES: Mapping[str, Mapping[str, str]] = {
    "service": ALWAYS,
    "pool": {**ALWAYS, "HAKUBE_LB": "target-pool"},
}
PARTS: Mapping[str, tuple[str, ...]] = {
    "service": (
        f"{R}/forwardingRules/{FIRST}",
        f"{R}/backendServices/{FIRST}",
        f"{R}/healthChecks/{FIRST}",
        *(f"zones/{zone}/instanceGroups/{FIRST}-{zone}" for zone in (B, C, D)),
    ),
    "pool": (
        f"{R}/forwardingRules/{FIRST}",
        f"{R}/targetPools/{FIRST}",
        f"global/httpHealthChecks/{FIRST}",
    ),
}
"""The balancer's parts, in an order in which they can be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A lab, an operator, and the kind of cluster founded there."""

    desk: Desk
    kind: str

    @property
    def shape(self) -> Mapping[str, str]:
        return SHAPES[self.kind]

    def grown(self, *zones: str) -> list[str]:
        """Found a cluster and give each zone a master; return their names."""
        names = [self.does("up", KUBE_GCE_ZONE=zones[0], **self.shape)["replica"]]
        return [*names, *(self.replicated(zone) for zone in zones[1:])]

    def replicated(self, zone: str) -> str:
        made = self.does("up", KUBE_GCE_ZONE=zone, KUBE_REPLICATE_EXISTING_MASTER="true")
        return str(made["replica"])

    def removed(self, zone: str, name: str) -> None:
        self.does("down", KUBE_GCE_ZONE=zone, KUBE_DELETE_NODES="false", KUBE_REPLICA_NAME=name)

    def does(self, *argv: str, **variables: str) -> dict[str, Any]:
        """Run a command that must succeed without any window."""
        ended = self.desk.run(*argv, "--output", "json", **variables)
        assert ended.status == 0, ended
        assert ended.result()["window"] is None, ended
        assert "API unavailable" not in ended.stdout + ended.stderr, ended
        assert not lock_and_operation(self.desk.lab), ended
        return ended.result()

    def loses_its_balancer(self) -> None:
        there = self.desk.lab.dump()
        for part in PARTS[self.kind]:
            if f"projects/{PROJECT}/{part}" in there:
                delete(self.desk.lab, part)

    def is_balanced_over(self, *masters: str) -> None:
        """Compare what the program says with what stands in the lab: these, and no other."""
        status, dump = self.desk.status(), self.desk.lab.dump()
        assert status["verdict"] == "healthy", status
        assert status["endpoint"]["mode"] == "load-balancer"
        assert self.desk.lab.serves(status["endpoint"]["address"])
        assert sorted(r["name"] for r in status["replicas"]) == sorted(masters)
        rules = [r for r in dump.values() if r["kind"] == "compute#forwardingRule"]
        assert [r["IPAddress"] for r in rules] == [status["endpoint"]["address"]]
        outside = {r["name"]: r["external_ip"] for r in status["replicas"]}
        assert all(ip and ip != status["endpoint"]["address"] for ip in outside.values())
        assert self._behind(dump) == sorted(masters)

    def _behind(self, dump: Mapping[str, Any]) -> list[str]:
        if self.kind == "pool":
            (pool,) = [r for r in dump.values() if r["kind"] == "compute#targetPool"]
            return sorted(path.rsplit("/", 1)[1] for path in pool["instances"])
        groups = [r for r in dump.values() if r["kind"] == "compute#instanceGroup"]
        (service,) = [r for r in dump.values() if r["kind"] == "compute#backendService"]
        assert len(service["backends"]) == len(groups)
        return sorted(path.rsplit("/", 1)[1] for g in groups for path in g["@members"])


@pytest.fixture(params=["service", pytest.param("pool", marks=pytest.mark.slow)])
def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        yield Cluster(desk=Desk(folder=tmp_path / "desk", lab=lab), kind=request.param)


def test_one_master_three_one_none_and_no_window_ever(cluster: Cluster) -> None:
    cluster.desk.status()
    untouched = cluster.desk.lab.dump()
    (first,) = cluster.grown(B)
    cluster.is_balanced_over(first)
    headline = cluster.desk.run("status", KUBE_GCE_ZONE=B).stdout
    assert "on the load balancer" in headline
    cluster.desk.forget()
    second = cluster.replicated(C)
    cluster.is_balanced_over(first, second)
    third = cluster.replicated(D)
    cluster.is_balanced_over(first, second, third)
    cluster.removed(B, first)
    cluster.is_balanced_over(second, third)
    cluster.removed(D, third)
    cluster.is_balanced_over(second)
    cluster.does("down", KUBE_GCE_ZONE=C)
    assert cluster.desk.lab.dump() == untouched
    assert cluster.desk.lab.disks_with_data() == 0


def test_repeating_founding_changes_nothing(cluster: Cluster) -> None:
    cluster.grown(B)
    calls = len(cluster.desk.lab.calls())
    assert not cluster.does("up", KUBE_GCE_ZONE=B)["changed"]
    assert not cluster.does("up", KUBE_GCE_ZONE=B, **cluster.shape)["changed"]
    assert len(cluster.desk.lab.calls()) == calls


@pytest.mark.slow
def test_a_master_that_died_is_replaced(cluster: Cluster) -> None:
    first, second, third = cluster.grown(B, C, D)
    cluster.desk.lab.kill(second)
    cluster.removed(C, second)
    cluster.is_balanced_over(first, third)
    cluster.is_balanced_over(first, third, cluster.replicated(C))


def test_another_mode_is_a_contradiction(cluster: Cluster) -> None:
    cluster.grown(B)
    for variables in (
        {"KUBE_GCE_ZONE": B},
        {"KUBE_GCE_ZONE": C, "KUBE_REPLICATE_EXISTING_MASTER": "true"},
    ):
        asked = {**variables, "HAKUBE_ENDPOINT_MODE": "classic"}
        ended = refused(cluster.desk, ["up", "--output", "json"], asked)
        assert (ended.status, ended.result()["reasons"]) == (2, ["InheritedDiffers"])


@pytest.mark.slow
def test_what_if_knows_that_the_address_does_not_move(cluster: Cluster) -> None:
    first, second = cluster.grown(B, C)
    foretold = cluster.does("whatif", f"remove {second}", KUBE_GCE_ZONE=B)
    assert foretold["endpoint_survives"]
    assert foretold["verdict"]["after"] == "healthy"
    cluster.removed(C, second)
    assert cluster.desk.status()["verdict"] == foretold["verdict"]["after"]
    assert cluster.does("whatif", f"add {C}", KUBE_GCE_ZONE=B)["endpoint_survives"]
    cluster.is_balanced_over(first)


@pytest.mark.slow
@pytest.mark.parametrize("zones", [(B,), (B, C, D)], ids=["one", "three"])
def test_everything_but_the_disks_is_lost_and_kube_up_makes_it_again(
    zones: tuple[str, ...], cluster: Cluster
) -> None:
    """VMs and every part of the balancer; the machine that asks knows nothing of the mode."""
    names = cluster.grown(*zones)
    members = cluster.desk.lab.etcd()
    for zone, name in zip(zones, names, strict=True):
        cluster.desk.lab.delete_by_hand(zone, name)
    cluster.loses_its_balancer()
    cluster.desk.forget()
    cluster.does("up", KUBE_GCE_ZONE=B)
    cluster.is_balanced_over(*names)
    assert cluster.desk.lab.etcd() == members
    assert not cluster.does("up", KUBE_GCE_ZONE=B)["changed"]


def test_a_lost_balancer_is_made_again_in_front_of_masters_that_serve(cluster: Cluster) -> None:
    names = cluster.grown(B, C)
    cluster.loses_its_balancer()
    assert cluster.desk.status()["verdict"] == "degraded"
    cluster.does("up", KUBE_GCE_ZONE=B)
    cluster.is_balanced_over(*names)


@pytest.mark.slow
@pytest.mark.parametrize("balancer_too", [False, True], ids=["kept", "lost"])
def test_one_survivor_goes_on_behind_the_balancer(cluster: Cluster, *, balancer_too: bool) -> None:
    first, second, third = cluster.grown(B, C, D)
    lose(cluster.desk.lab, C, second)
    lose(cluster.desk.lab, D, third)
    if balancer_too:
        cluster.loses_its_balancer()
    word = {"HAKUBE_CONFIRM_RECOVER": "kubernetes"}
    cluster.does("recover", "--survivor", first, KUBE_GCE_ZONE=B, **word)
    cluster.is_balanced_over(first)
    cluster.is_balanced_over(first, cluster.replicated(C))


@pytest.mark.slow
@pytest.mark.parametrize("after", ["teardown", "fire"])
def test_a_restored_cluster_is_balanced_as_the_lost_one_was(cluster: Cluster, after: str) -> None:
    names = cluster.grown(B, C)
    cluster.does("snapshot", KUBE_GCE_ZONE=B)
    if after == "teardown":
        cluster.does("down", KUBE_GCE_ZONE=B, HAKUBE_CONFIRM_TEARDOWN="kubernetes")
    else:
        for zone, name in zip((B, C), names, strict=True):
            lose(cluster.desk.lab, zone, name)
    word = {"HAKUBE_CONFIRM_RESTORE": "kubernetes"}
    cluster.does("restore", KUBE_GCE_ZONE=C, **word)
    cluster.is_balanced_over(FIRST)
    cluster.is_balanced_over(FIRST, cluster.replicated(B))


def test_a_teardown_takes_parts_of_either_kind(cluster: Cluster) -> None:
    """Whatever its masters and disks could have told is gone, and nobody says the mode."""
    cluster.desk.status()
    untouched = cluster.desk.lab.dump()
    (first,) = cluster.grown(B)
    lose(cluster.desk.lab, B, first)
    ended: Ended = cluster.desk.down(B, HAKUBE_CONFIRM_TEARDOWN="kubernetes")
    assert ended.status == 0, ended
    assert cluster.desk.lab.dump() == untouched
