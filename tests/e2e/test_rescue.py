"""Snapshot, restore and recover through the real program, on a lab of records.

Disks are lost as they are on Compute Engine: VM and disk are deleted behind the program's back.
"""

import http.client
import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.end_states import lock_and_operation
from tests.e2e.forks import Ended
from tests.e2e.lab_on_records import (
    PROJECT,
    B,
    C,
    D,
    Desk,
    ServedLab,
    lab_on_records,
    warm_up,
)
from tests.e2e.refusing import refused

pytestmark = pytest.mark.forks

FIRST = "kubernetes-master"
SNAPSHOT = "compute#snapshot"
WORD = {"HAKUBE_CONFIRM_RECOVER": "kubernetes", "HAKUBE_CONFIRM_RESTORE": "kubernetes"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        yield Desk(folder=tmp_path / "desk", lab=lab)


def ok(ended: Ended) -> dict[str, Any]:
    assert ended.status == 0, ended
    return ended.result()


def grown(desk: Desk, masters: int) -> list[str]:
    """Make a cluster of so many masters; return their names by zone."""
    names = [ok(desk.run("up", "--output", "json", KUBE_GCE_ZONE=B))["replica"]]
    for zone in (C, D)[: masters - 1]:
        variables = {"KUBE_GCE_ZONE": zone, "KUBE_REPLICATE_EXISTING_MASTER": "true"}
        names.append(ok(desk.run("up", "--output", "json", **variables))["replica"])
    return names


def snapshot(desk: Desk, *words: str, **variables: str) -> dict[str, Any]:
    return ok(desk.run("snapshot", *words, "--output", "json", KUBE_GCE_ZONE=B, **variables))


def recover(desk: Desk, survivor: str, *words: str, **variables: str) -> Ended:
    argv = ["recover", "--survivor", survivor, "--output", "json", *words]
    return desk.run(*argv, KUBE_GCE_ZONE=B, **variables)


def restore(desk: Desk, *words: str, **variables: str) -> Ended:
    return desk.run("restore", "--output", "json", *words, KUBE_GCE_ZONE=B, **variables)


def delete(lab: ServedLab, path: str) -> None:
    """Delete a resource as anybody may who is allowed to."""
    wire = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=20)
    wire.request("DELETE", f"/compute/v1/projects/{PROJECT}/{path}")
    answer = wire.getresponse()
    operation = json.loads(answer.read())
    assert answer.status == 200, operation
    scope = path.rsplit("/", 2)[0]
    wire.request(
        "POST", f"/compute/v1/projects/{PROJECT}/{scope}/operations/{operation['name']}/wait"
    )
    assert json.loads(wire.getresponse().read()).get("error") is None
    wire.close()


def lose(lab: ServedLab, zone: str, name: str) -> None:
    """Lose a master's VM and its data for good."""
    delete(lab, f"zones/{zone}/instances/{name}")
    delete(lab, f"zones/{zone}/disks/{name}-pd")


def kinds(lab: ServedLab, kind: str) -> list[str]:
    return sorted(r["name"] for r in lab.dump().values() if r["kind"] == kind)


def environment_of(command: str) -> tuple[list[str], dict[str, str]]:
    """Take a printed command apart: its words and its variables."""
    words = shlex.split(command)
    variables = dict(w.split("=", 1) for w in words if "=" in w and not w.startswith("-"))
    return [w for w in words if "=" not in w or w.startswith("-")], variables


# --------------------------------------------------------------------------------- snapshots


@pytest.mark.slow
def test_snapshots_are_named_marked_listed_and_the_oldest_go(desk: Desk) -> None:
    (first,) = grown(desk, 1)
    taken = snapshot(desk)
    found = taken["snapshot"]
    assert (taken["verb"], taken["changed"], taken["replica"]) == ("snapshot", True, None)
    assert found["name"].startswith("kubernetes-snapshot-20")
    assert (found["replica"], found["status"]) == (first, "READY")
    assert found["size_bytes"] > 0
    (record,) = [r for r in desk.lab.dump().values() if r["kind"] == SNAPSHOT]
    assert record["labels"]["hakube-cluster"] == "kubernetes"
    names = [found["name"]]
    names += [snapshot(desk, HAKUBE_SNAPSHOTS="2")["snapshot"]["name"] for _ in range(3)]
    assert kinds(desk.lab, SNAPSHOT) == sorted(names[-2:])
    listed = ok(desk.run("snapshot", "--list", "--output", "json", KUBE_GCE_ZONE=B))
    assert sorted(s["name"] for s in listed["snapshots"]) == sorted(names[-2:])
    status = desk.status()
    assert status["snapshots"]["count"] == 2
    assert status["snapshots"]["newest"]["name"] in names[-2:]
    shown = desk.run("status", KUBE_GCE_ZONE=B).stdout
    assert "newest snapshot: kubernetes-snapshot-" in shown
    assert not lock_and_operation(desk.lab)


@pytest.mark.slow
def test_a_snapshot_is_taken_of_a_healthy_follower(desk: Desk) -> None:
    grown(desk, 3)
    leader = next(r["name"] for r in desk.status()["replicas"] if r["member"]["leader"])
    assert snapshot(desk)["snapshot"]["replica"] != leader


def test_there_is_none_without_a_cluster_or_a_majority(desk: Desk) -> None:
    desk.status()
    refused(desk, ["snapshot"], {"KUBE_GCE_ZONE": B})
    _, second = grown(desk, 2)
    desk.lab.kill(second)
    ended = refused(desk, ["snapshot", "--output", "json"], {"KUBE_GCE_ZONE": B})
    assert (ended.status, ended.result()["reasons"]) == (5, ["QuorumUnknown"])


def test_a_teardown_keeps_snapshots_and_says_so(desk: Desk) -> None:
    grown(desk, 1)
    name = snapshot(desk)["snapshot"]["name"]
    gone = desk.run("down", KUBE_GCE_ZONE=B)
    assert gone.status == 0, gone
    assert name in gone.stdout
    assert "but snapshots: 1" in gone.stdout
    assert kinds(desk.lab, SNAPSHOT) == [name]
    assert kinds(desk.lab, "compute#disk") == []
    assert desk.status()["verdict"] == "absent"


# ----------------------------------------------------------------------------------- restore


def test_what_was_lost_is_back_as_the_snapshot_held_it(desk: Desk) -> None:
    (first,) = grown(desk, 1)
    name = snapshot(desk)["snapshot"]["name"]
    address = desk.status()["endpoint"]["address"]
    lose(desk.lab, B, first)

    without = restore(desk)
    assert without.status == 5, without
    said = without.result()
    assert said["reasons"] == ["RestoreUnconfirmed"]
    assert name in said["error"]
    assert "is gone" in said["error"]
    words, variables = environment_of(said["next_command"])
    assert words[-3:] == ["restore", "--snapshot", name]
    assert variables["HAKUBE_CONFIRM_RESTORE"] == "kubernetes"

    done = ok(desk.run(*words[-3:], "--output", "json", **variables))
    assert (done["replica"], done["changed"], done["snapshot"]["name"]) == (first, True, name)
    assert any("restored 20" in note for note in done["notes"])
    status = desk.status()
    assert (status["verdict"], status["endpoint"]["address"]) == ("healthy", address)
    assert desk.lab.serves(address)
    assert not lock_and_operation(desk.lab)
    again = restore(desk, **WORD)
    assert (again.status, again.result()["reasons"]) == (5, ["RestoreNotNeeded"])
    desk.replicate(C)
    assert desk.status()["etcd"]["healthy_voters"] == 2


def test_after_a_teardown_it_is_the_same_cluster_again_with_the_same_keys(desk: Desk) -> None:
    grown(desk, 1)
    before = snapshot(desk, MASTER_SIZE="e2-standard-2")["snapshot"]
    assert desk.down(B).status == 0
    done = ok(restore(desk, **WORD))
    assert not any("new ones are drawn" in note for note in done["notes"])
    assert done["snapshot"]["uid"] == before["uid"]
    assert desk.status()["verdict"] == "healthy"


def test_on_a_machine_without_keys_new_ones_are_drawn_and_it_says_what_that_means(
    desk: Desk,
) -> None:
    (first,) = grown(desk, 1)
    snapshot(desk)
    lose(desk.lab, B, first)
    desk.forget()
    done = ok(restore(desk, **WORD))
    assert any("service account tokens no longer work" in note for note in done["notes"])
    assert desk.status()["verdict"] == "healthy"


@pytest.mark.slow
def test_three_lost_masters_leave_a_balancer_behind_and_it_goes(desk: Desk) -> None:
    names = grown(desk, 3)
    snapshot(desk)
    for zone, name in zip((B, C, D), names, strict=True):
        lose(desk.lab, zone, name)
    done = ok(restore(desk, **WORD))
    assert "delete-rule" in done["steps"]
    status = desk.status()
    assert (status["verdict"], status["endpoint"]["mode"]) == ("healthy", "vm")
    assert desk.lab.serves(status["endpoint"]["address"])
    assert kinds(desk.lab, "compute#forwardingRule") == []


def test_a_restored_cluster_is_made_like_the_lost_one(desk: Desk) -> None:
    sizes = {"MASTER_SIZE": "e2-standard-4", "SERVICE_CLUSTER_IP_RANGE": "10.8.0.0/16"}
    ok(desk.run("up", "--output", "json", KUBE_GCE_ZONE=B, **sizes))
    snapshot(desk)
    lose(desk.lab, B, FIRST)
    contradiction = restore(desk, MASTER_SIZE="e2-standard-8", **WORD)
    assert contradiction.result()["reasons"] == ["InheritedDiffers"]
    ok(restore(desk, **WORD))
    (vm,) = [r for r in desk.lab.dump().values() if r["kind"] == "compute#instance"]
    assert vm["machineType"].endswith("/e2-standard-4")
    config = next(i["value"] for i in vm["metadata"]["items"] if i["key"] == "hakube-config")
    assert json.loads(config)["service_cidr"] == "10.8.0.0/16"


def check_refused(
    desk: Desk, argv: list[str], variables: Mapping[str, str], *, status: int, reason: str
) -> dict[str, Any]:
    ended = refused(desk, [*argv, "--output", "json"], {"KUBE_GCE_ZONE": B, **variables})
    result = ended.result()
    assert (ended.status, result["reasons"]) == (status, [reason]), ended
    return result


def test_a_restore_is_refused_where_something_is_left_or_nothing_fits(desk: Desk) -> None:
    desk.status()
    check_refused(desk, ["restore"], WORD, status=3, reason="NoSnapshot")
    (first,) = grown(desk, 1)
    name = snapshot(desk)["snapshot"]["name"]
    check_refused(desk, ["restore"], WORD, status=5, reason="RestoreNotNeeded")
    desk.lab.kill(first)
    off = check_refused(desk, ["restore"], WORD, status=5, reason="RestoreNotNeeded")
    assert "kube-up" in off["next_command"]
    delete(desk.lab, f"zones/{B}/instances/{first}")
    there = check_refused(desk, ["restore"], WORD, status=5, reason="RestoreOverDisk")
    assert "kube-up" in there["next_command"]
    delete(desk.lab, f"zones/{B}/disks/{first}-pd")
    argv = ["restore", "--snapshot", "kubernetes-snapshot-of-nobody"]
    assert name in check_refused(desk, argv, WORD, status=3, reason="NoSnapshot")["error"]
    wrong = desk.run("restore", KUBE_GCE_ZONE=B, HAKUBE_CONFIRM_RESTORE="another")
    assert wrong.status == 2, wrong
    bad = desk.run("restore", "--snapshot", "../x", KUBE_GCE_ZONE=B)
    assert bad.status == 2, bad
    ok(restore(desk, **WORD))


@pytest.mark.slow
def test_a_snapshot_of_an_earlier_cluster_is_not_put_into_a_later_one(desk: Desk) -> None:
    grown(desk, 1)
    old = snapshot(desk)["snapshot"]["name"]
    assert desk.down(B).status == 0
    (first,) = grown(desk, 1)
    lose(desk.lab, B, first)
    argv = ["restore", "--snapshot", old]
    check_refused(desk, argv, WORD, status=4, reason="SnapshotOfAnother")
    check_refused(desk, ["restore"], WORD, status=3, reason="NoSnapshot")
    assert desk.down(B).status == 0
    assert ok(restore(desk, **WORD))["snapshot"]["name"] == old


# ----------------------------------------------------------------------------------- recover


def test_one_of_three_goes_on_and_two_join_it_again(desk: Desk) -> None:
    names = grown(desk, 3)
    address = desk.status()["endpoint"]["address"]
    for name in names[:2]:
        desk.lab.kill(name)
    survivor = names[2]
    assert desk.status()["verdict"] == "lost"

    said = check_refused(
        desk, ["recover", "--survivor", survivor], {}, status=5, reason="RecoverUnconfirmed"
    )
    assert f"{survivor} has not applied is gone" in said["error"]
    assert all(name in said["error"] for name in names)
    words, variables = environment_of(said["next_command"])
    assert variables["HAKUBE_CONFIRM_RECOVER"] == "kubernetes"

    done = ok(desk.run(*words[-3:], "--output", "json", **variables))
    assert (done["replica"], done["verb"]) == (survivor, "recover")
    assert done["window"]["kind"] == "demotion"
    assert any("are kept until a teardown" in note for note in done["notes"])
    status = desk.status()
    assert (status["verdict"], status["endpoint"]["mode"]) == ("healthy", "vm")
    assert [d["name"] for d in status["kept_disks"]] == [f"{n}-pd" for n in sorted(names[:2])]
    assert "kept disk: kubernetes-master-pd" in desk.run("status", KUBE_GCE_ZONE=B).stdout
    assert desk.lab.serves(address)
    assert not lock_and_operation(desk.lab)

    again = recover(desk, survivor, **WORD)
    assert (again.status, again.result()["changed"]) == (0, False)
    for zone in (B, C):
        joined = desk.replicate(zone)
        assert joined.status == 0, joined
    assert desk.status()["etcd"]["healthy_voters"] == 3
    assert desk.lab.serves(address)
    assert desk.down(B, HAKUBE_CONFIRM_TEARDOWN="kubernetes").status == 0
    assert kinds(desk.lab, "compute#disk") == []


def test_one_of_two_whose_vm_and_disk_are_lost(desk: Desk) -> None:
    first, second = grown(desk, 2)
    lose(desk.lab, B, first)
    done = ok(recover(desk, second, **WORD))
    assert done["replica"] == second
    assert desk.status()["verdict"] == "healthy"
    assert kinds(desk.lab, "compute#forwardingRule") == []


def test_a_survivor_that_is_off_is_started(desk: Desk) -> None:
    names = grown(desk, 3)
    for name in names:
        desk.lab.kill(name)
    lose(desk.lab, C, names[1])
    lose(desk.lab, D, names[2])
    done = ok(recover(desk, names[0], **WORD))
    assert done["steps"][0] == "start-instance"
    assert desk.status()["verdict"] == "healthy"


def test_a_majority_that_is_there_is_never_thrown_away(desk: Desk) -> None:
    names = grown(desk, 3)
    argv = ["recover", "--survivor", names[0]]
    check_refused(desk, argv, WORD, status=5, reason="QuorumNotLost")
    desk.lab.kill(names[2])
    said = check_refused(desk, argv, WORD, status=5, reason="QuorumNotLost")
    assert f"KUBE_REPLICA_NAME={names[2]}" in said["next_command"]
    missing = ["recover", "--survivor", "kubernetes-master-fff"]
    check_refused(desk, missing, WORD, status=3, reason="NoSuchReplica")
    wrong = desk.run(*argv, KUBE_GCE_ZONE=B, HAKUBE_CONFIRM_RECOVER="another")
    assert wrong.status == 2, wrong
    assert desk.run("recover", KUBE_GCE_ZONE=B).status == 2


@pytest.mark.slow
def test_starting_the_survivor_may_bring_the_majority_back_and_then_nothing_is_deleted(
    desk: Desk,
) -> None:
    names = grown(desk, 3)
    desk.lab.kill(names[1])
    desk.lab.kill(names[2])
    ended = recover(desk, names[1], **WORD)
    assert ended.status == 5, ended
    assert "majority after all" in ended.stderr
    assert len(kinds(desk.lab, "compute#instance")) == 3
    assert desk.status()["etcd"]["healthy_voters"] == 2
    back = desk.up(B)
    assert back.status == 0, back
    assert desk.status()["etcd"]["healthy_voters"] == 3
    assert not lock_and_operation(desk.lab)


def test_a_lost_disk_is_not_made_a_master_again_after_a_recovery(desk: Desk) -> None:
    names = grown(desk, 3)
    desk.lab.kill(names[0])
    desk.lab.kill(names[1])
    ok(recover(desk, names[2], **WORD))
    up = desk.up(D)
    assert up.status == 0, up
    assert kinds(desk.lab, "compute#instance") == [names[2]]
    desk.lab.kill(names[2])
    up = desk.up(D)
    assert up.status == 0, up
    assert kinds(desk.lab, "compute#instance") == [names[2]]


def test_other_commands_name_the_way_when_the_majority_is_lost(desk: Desk) -> None:
    names = grown(desk, 3)
    lose(desk.lab, B, names[0])
    lose(desk.lab, C, names[1])
    variables = {"KUBE_REPLICATE_EXISTING_MASTER": "true", "KUBE_GCE_ZONE": C}
    ended = refused(desk, ["up"], variables)
    assert ended.status == 5, ended
    assert f"recover --survivor {names[2]}" in ended.stdout


def test_a_recovery_gives_an_unfinished_replication_up(desk: Desk) -> None:
    first, second = grown(desk, 2)
    desk.lab.fault(
        method="instances.insert", error={"http": 403, "reason": "forbidden", "message": "no"}
    )
    failed = desk.replicate(D)
    assert failed.status == 8, failed
    desk.lab.heal()
    desk.lab.kill(first)
    done = ok(recover(desk, second, **WORD))
    assert done["replica"] == second
    assert not lock_and_operation(desk.lab)
    assert desk.status()["verdict"] == "healthy"
