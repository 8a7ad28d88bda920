"""HAKUBE_LB=target-pool on a lab of records: the address moves as usual, a pool stands behind it.

Said once, when the cluster is founded. What Compute Engine does with pools and not with groups,
such as keeping the name of a VM that is gone, happens here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.end_states import lock_and_operation
from tests.e2e.lab_on_records import PROJECT, B, C, D, Desk, lab_on_records, warm_up
from tests.e2e.test_rescue import delete, lose, ok

pytestmark = pytest.mark.forks

FIRST = "kubernetes-master"
POOL = {"HAKUBE_LB": "target-pool"}
R = f"projects/{PROJECT}/regions/europe-west1"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        yield Desk(folder=tmp_path / "desk", lab=lab)


def grown(desk: Desk, *zones: str) -> list[str]:
    names = [ok(desk.run("up", "--output", "json", KUBE_GCE_ZONE=zones[0], **POOL))["replica"]]
    return [*names, *(replicated(desk, zone)["replica"] for zone in zones[1:])]


def replicated(desk: Desk, zone: str) -> dict[str, Any]:
    switch = {"KUBE_REPLICATE_EXISTING_MASTER": "true"}
    return ok(desk.run("up", "--output", "json", KUBE_GCE_ZONE=zone, **switch))


def removed(desk: Desk, zone: str) -> dict[str, Any]:
    return ok(desk.run("down", "--output", "json", KUBE_GCE_ZONE=zone, KUBE_DELETE_NODES="false"))


def is_served_by(desk: Desk, *masters: str) -> None:
    """One master holds the address itself; more stand in the pool, they and nobody else."""
    status, dump = desk.status(), desk.lab.dump()
    assert status["verdict"] == "healthy", status
    assert desk.lab.serves(status["endpoint"]["address"])
    assert not lock_and_operation(desk.lab)
    assert sorted(r["name"] for r in status["replicas"]) == sorted(masters)
    kinds = [r["kind"].removeprefix("compute#") for r in dump.values()]
    assert not {"backendService", "instanceGroup", "healthCheck"} & set(kinds)
    assert kinds.count("targetPool") == kinds.count("httpHealthCheck") == int(len(masters) > 1)
    if len(masters) == 1:
        assert status["endpoint"]["mode"] == "vm"
        return
    pool = dump[f"{R}/targetPools/{FIRST}"]
    assert sorted(path.rsplit("/", 1)[1] for path in pool["instances"]) == sorted(masters)
    assert dump[f"{R}/forwardingRules/{FIRST}"]["target"].endswith(f"/targetPools/{FIRST}")


def test_there_and_back_with_a_window_each_way(desk: Desk) -> None:
    desk.status()
    untouched = desk.lab.dump()
    (first,) = grown(desk, B)
    is_served_by(desk, first)
    second = replicated(desk, C)
    assert second["window"]["kind"] == "promotion"
    third = replicated(desk, D)
    assert third["window"] is None
    is_served_by(desk, first, second["replica"], third["replica"])
    assert removed(desk, B)["window"] is None
    is_served_by(desk, second["replica"], third["replica"])
    assert removed(desk, C)["window"]["kind"] == "demotion"
    is_served_by(desk, third["replica"])
    ok(desk.run("down", "--output", "json", KUBE_GCE_ZONE=D))
    assert desk.lab.dump() == untouched
    assert desk.lab.disks_with_data() == 0


@pytest.mark.parametrize(
    ("method", "nth", "masters"),
    [("forwardingRules.insert", 2, 1), ("instances.addAccessConfig", 1, 2)],
    ids=["promotion", "demotion"],
)
def test_a_window_that_cannot_be_closed_is_rolled_back_and_then_resumed(
    method: str, nth: int, masters: int, desk: Desk
) -> None:
    names = grown(desk, *(B, C)[:masters])
    address = desk.status()["endpoint"]["address"]
    error = {"code": "QUOTA_EXCEEDED", "http": 403, "message": "No."}
    desk.lab.fault(method=method, nth=nth, operation_error=error)
    again = desk.replicate if masters == 1 else desk.remove
    failed = again(C)
    assert failed.status == 7, failed
    assert "rolled back" in failed.stdout + failed.stderr
    assert desk.lab.serves(address)
    desk.lab.heal()
    assert again(C).status == 0
    left = [r["name"] for r in desk.status()["replicas"]]
    assert (len(left), names[0] in left) == (3 - masters, True)
    is_served_by(desk, *left)


@pytest.mark.slow
def test_a_replica_that_is_off_stays_in_the_pool_and_serves_again(desk: Desk) -> None:
    first, second = grown(desk, B, C)
    desk.lab.kill(second)
    dump, address = desk.lab.dump(), desk.status()["endpoint"]["address"]
    assert len(dump[f"{R}/targetPools/{FIRST}"]["instances"]) == 2
    assert not desk.lab.serves(address), "one of two: no majority, so nobody can serve"
    comes_back = desk.run("up", KUBE_GCE_ZONE=B)
    assert comes_back.status == 0, comes_back
    is_served_by(desk, first, second)


@pytest.mark.slow
def test_a_vm_made_again_takes_its_place_in_the_pool(desk: Desk) -> None:
    names = grown(desk, B, C, D)
    desk.lab.delete_by_hand(C, names[1])
    desk.forget()
    assert desk.run("up", KUBE_GCE_ZONE=C).status == 0
    is_served_by(desk, *names)


@pytest.mark.slow
def test_all_vms_made_again_are_of_the_same_kind_of_cluster(desk: Desk) -> None:
    names = grown(desk, B, C)
    for zone, name in zip((B, C), names, strict=True):
        desk.lab.delete_by_hand(zone, name)
    desk.forget()
    assert desk.run("up", KUBE_GCE_ZONE=B).status == 0
    is_served_by(desk, *names)
    is_served_by(desk, *names, replicated(desk, D)["replica"])


@pytest.mark.slow
def test_one_whose_vm_and_disk_are_gone_leaves_the_pool_when_it_is_removed(desk: Desk) -> None:
    first, second, third = grown(desk, B, C, D)
    lose(desk.lab, D, third)
    switch = {"KUBE_DELETE_NODES": "false", "KUBE_REPLICA_NAME": third}
    ok(desk.run("down", "--output", "json", KUBE_GCE_ZONE=D, **switch))
    is_served_by(desk, first, second)


@pytest.mark.slow
def test_a_survivor_gets_the_address_back_and_the_pool_goes(desk: Desk) -> None:
    first, second, third = grown(desk, B, C, D)
    lose(desk.lab, C, second)
    lose(desk.lab, D, third)
    argv = ["recover", "--survivor", first, "--output", "json"]
    ok(desk.run(*argv, KUBE_GCE_ZONE=B, HAKUBE_CONFIRM_RECOVER="kubernetes"))
    is_served_by(desk, first)
    is_served_by(desk, first, replicated(desk, C)["replica"])


@pytest.mark.slow
def test_a_restored_cluster_has_a_pool_again(desk: Desk) -> None:
    names = grown(desk, B, C)
    ok(desk.run("snapshot", "--output", "json", KUBE_GCE_ZONE=B))
    for zone, name in zip((B, C), names, strict=True):
        lose(desk.lab, zone, name)
    word = {"HAKUBE_CONFIRM_RESTORE": "kubernetes"}
    ok(desk.run("restore", "--output", "json", KUBE_GCE_ZONE=B, **word))
    is_served_by(desk, FIRST)
    is_served_by(desk, FIRST, replicated(desk, C)["replica"])


def test_a_legacy_check_without_its_pool_is_left_by_nobody(desk: Desk) -> None:
    desk.status()
    untouched = desk.lab.dump()
    grown(desk, B, C)
    delete(desk.lab, f"regions/europe-west1/forwardingRules/{FIRST}")
    delete(desk.lab, f"regions/europe-west1/targetPools/{FIRST}")
    word = {"HAKUBE_CONFIRM_TEARDOWN": "kubernetes"}
    ok(desk.run("down", "--output", "json", KUBE_GCE_ZONE=B, **word))
    assert desk.lab.dump() == untouched
