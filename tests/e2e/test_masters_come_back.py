"""kube-up on a cluster whose VMs are off or were deleted: the masters come back on their disks.

No member joins or leaves; the cluster is the same one, whoever asks and from which machine.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab_on_records import B, C, D, Desk, lab_on_records, warm_up

pytestmark = pytest.mark.forks

FIRST = "kubernetes-master"
REPLICATE = {"KUBE_REPLICATE_EXISTING_MASTER": "true"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        yield Desk(folder=tmp_path / "desk", lab=lab)


def masters(desk: Desk, *zones: str) -> dict[str, str]:
    """Make a cluster of one master a zone; give zone → name."""
    for zone in zones:
        ended = desk.run("up", KUBE_GCE_ZONE=zone, **(REPLICATE if zone != zones[0] else {}))
        assert ended.status == 0, ended
    return {r["zone"]: r["name"] for r in desk.status()["replicas"]}


def comes_back(desk: Desk, zone: str, *names: str, voters: int) -> None:
    """Run kube-up and find the same members, all serving, and nothing left to do."""
    before = desk.lab.etcd()
    ended = desk.run("up", KUBE_GCE_ZONE=zone)
    assert ended.status == 0, ended
    status = desk.status()
    assert status["verdict"] == "healthy", ended
    assert status["etcd"]["voters"] == voters
    assert {r["name"] for r in status["replicas"] if r["apiserver_ready"]} >= set(names)
    assert desk.lab.serves(status["endpoint"]["address"])
    assert desk.lab.etcd() == before
    calls = len(desk.lab.calls())
    again = desk.run("up", KUBE_GCE_ZONE=zone)
    assert again.status == 0, again
    assert len(desk.lab.calls()) == calls, again


def test_the_only_master_comes_back_from_a_machine_without_its_keys(desk: Desk) -> None:
    masters(desk, B)
    desk.lab.delete_by_hand(B, FIRST)
    desk.forget()
    comes_back(desk, B, FIRST, voters=1)


def test_one_of_three_comes_back_into_its_place_behind_the_balancer(desk: Desk) -> None:
    name = masters(desk, B, C, D)[C]
    desk.lab.delete_by_hand(C, name)
    assert desk.status()["verdict"] == "at-risk"
    desk.forget()
    comes_back(desk, C, name, voters=3)


@pytest.mark.slow
@pytest.mark.parametrize("zones", [(B, C), (B, C, D)])
def test_all_masters_come_back_when_no_majority_is_left_to_ask(
    desk: Desk, zones: tuple[str, ...]
) -> None:
    names = masters(desk, *zones)
    for zone, name in names.items():
        desk.lab.delete_by_hand(zone, name)
    comes_back(desk, B, *names.values(), voters=len(zones))


def test_masters_that_are_off_are_started(desk: Desk) -> None:
    names = masters(desk, B, C, D)
    for zone in (B, C):
        desk.lab.kill(names[zone])
    refused = desk.run("up", KUBE_GCE_ZONE=D, **REPLICATE)
    assert refused.status == 5, refused
    assert f"KUBE_GCE_ZONE={B}" in refused.stderr + refused.stdout
    comes_back(desk, B, *names.values(), voters=3)
