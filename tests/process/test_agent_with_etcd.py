"""Agents as processes over a real etcd: the story the emulator's model tells, told by etcd."""

import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakube_gce.emulator.addresses import Claim
from tests.fakes.agent_operator import check_signature, lines
from tests.fakes.process_lab import CLOUD_CONFIG, ProcessLab

pytestmark = pytest.mark.process

_blocks = itertools.count(100)


@pytest.fixture
def lab(etcd: Path, held: Claim, tmp_path: Path) -> Iterator[ProcessLab]:
    # A block that the held range gives to nobody before some thousand VMs.
    prefix = f"127.{held.addresses.number}.{next(_blocks)}"
    with ProcessLab(etcd=etcd, folder=tmp_path, prefix=prefix) as lab:
        yield lab


@pytest.fixture
def pair(lab: ProcessLab) -> ProcessLab:
    """Two masters, m1 founded and m2 admitted."""
    lab.insert("m1")
    founded = lab.install("m1", role="founder")
    assert founded["result"] == {"phase": "running"}, founded
    kept = lab.masters["m1"].folder / "root/config/gce.conf"
    assert kept.read_text(encoding="ascii") == CLOUD_CONFIG
    lab.join("m2", via="m1")
    return lab


def roles(lab: ProcessLab, via: str) -> dict[str, str]:
    found = lab.etcd(via, "cluster/member/list", {"linearizable": True})["members"]
    return {m.get("name", ""): "learner" if m.get("isLearner") else "voter" for m in found}


def put(lab: ProcessLab, via: str, key: str) -> None:
    lab.etcd(via, "kv/put", {"key": key, "value": "dg=="})


def has(lab: ProcessLab, via: str, key: str) -> bool:
    return lab.etcd(via, "kv/range", {"key": key}).get("count") == "1"


def check_nothing_secret_was_said(lab: ProcessLab) -> None:
    keys = [
        line
        for master in lab.masters.values()
        for key in (master.folder / "root" / "pki").glob("*.key")
        for line in key.read_text().splitlines()[1:2]
    ]
    assert len(keys) > 10
    for master in lab.masters.values():
        said = master.output() + (master.folder / "agent.log").read_bytes()
        said += b"".join(f.read_bytes() for f in (master.folder / "root" / "log").iterdir())
        state = (master.folder / "root" / "state.json").read_bytes()
        assert not [key for key in keys if key.encode() in said + state]
        modes = {
            f.stat().st_mode & 0o777 for f in (master.folder / "root").rglob("*") if f.is_file()
        }
        assert modes == {0o600}


def check_every_line_is_signed(lab: ProcessLab) -> None:
    for master in lab.masters.values():
        issued = (master.folder / "root" / "pki" / "agent.crt").read_text()
        for line in lines(master.output()):
            check_signature(line, issued)


def hand_leadership_over(lab: ProcessLab) -> None:
    leader = next(n for n in lab.masters if lab.member_id(n) == lab.heartbeat("m1")["leader_id"])
    other = next(n for n in lab.masters if n != leader)
    yielded = lab.ask(leader, "yield-leadership", to=lab.member_id(other))
    assert yielded["result"] == {"leader_id": lab.member_id(other)}


def test_two_become_three_lose_one_and_no_write_is_lost(pair: ProcessLab) -> None:
    lab = pair
    assert roles(lab, "m2") == {"m1": "voter", "m2": "voter"}
    put(lab, "m2", "YQ==")
    lab.join("m3", via="m2")
    assert has(lab, "m3", "YQ==")
    lab.until(lambda: lab.heartbeat("m3")["apiserver_ready"], "m3's API server is ready")
    beat = lab.heartbeat("m3")
    assert (beat["phase"], beat["role"], beat["etcd_healthy"]) == ("running", "voter", True)
    assert {m["name"] for m in beat["members"]} == {"m1", "m2", "m3"}
    assert beat["cluster_id"] == lab.heartbeat("m1")["cluster_id"]

    hand_leadership_over(lab)

    gone = lab.member_id("m3")
    put(lab, "m1", "Yg==")
    expelled = lab.ask("m1", "expel", member_id=gone)
    assert expelled["ok"], expelled
    assert roles(lab, "m1") == {"m1": "voter", "m2": "voter"}
    lab.until(lambda: lab.heartbeat("m3")["phase"] == "failed", "m3 says that it was removed")
    assert not lab.heartbeat("m3")["apiserver_ready"]
    lab.kill("m3")
    lab.start("m3")
    boot = lab.heartbeat("m3")["boot_id"]
    lab.until(lambda: lab.heartbeat("m3")["boot_id"] != boot, "m3 has booted again")
    assert lab.heartbeat("m3")["phase"] == "failed"
    assert not lab.etcd_answers("m3")
    assert has(lab, "m2", "YQ==")
    assert has(lab, "m2", "Yg==")
    check_every_line_is_signed(lab)
    check_nothing_secret_was_said(lab)


def test_a_killed_master_comes_back_as_the_member_it_was(pair: ProcessLab) -> None:
    lab = pair
    put(lab, "m1", "YQ==")
    before = lab.heartbeat("m2")
    lab.kill("m2")
    lab.start("m2")
    lab.until(
        lambda: (
            lab.heartbeat("m2")["boot_id"] != before["boot_id"]
            and lab.heartbeat("m2")["etcd_healthy"]
            and lab.heartbeat("m2")["apiserver_ready"]
        ),
        "m2 is back",
    )
    assert lab.heartbeat("m2")["member_id"] == before["member_id"]
    assert has(lab, "m2", "YQ==")


def test_with_one_of_two_dead_nothing_is_changed(pair: ProcessLab) -> None:
    lab = pair
    dead = lab.member_id("m2")
    lab.kill("m2")
    lab.insert("m3")
    lab.install("m3", role="joiner")
    for answer in (
        lab.ask("m1", "expel", member_id=dead),
        lab.admit("m3", via="m1", timeout_s=5),
    ):
        assert answer["error"]["code"] == "refused", answer
    lab.until(lambda: not lab.heartbeat("m1")["etcd_healthy"], "m1 says it is not healthy")
    lab.start("m2")
    lab.until(lambda: lab.heartbeat("m1")["etcd_healthy"], "m1 is healthy again")
    assert roles(lab, "m1") == {"m1": "voter", "m2": "voter"}


@pytest.mark.slow
def test_newcomers_that_do_not_come_cost_nobody_anything(pair: ProcessLab) -> None:
    lab = pair
    lab.insert("m3", etcd=Path("/bin/false"))
    assert lab.install("m3", role="joiner")["ok"]
    # Its listener proves it reachable, but its etcd ends as soon as it has started.
    answer = lab.admit("m3", via="m1", timeout_s=8)
    assert answer["error"]["code"] == "failed", answer
    assert "taken out again" in answer["error"]["message"]
    lab.kill("m3")
    answer = lab.admit("m3", via="m1", timeout_s=2)
    assert answer["error"]["code"] == "refused"
    assert "not reachable both ways" in answer["error"]["message"]
    assert roles(lab, "m1") == {"m1": "voter", "m2": "voter"}


def test_writes_go_on_while_members_come_and_go(pair: ProcessLab) -> None:
    """Every acknowledged write is there in the end, by whichever member it went in."""
    lab = pair
    stop, acknowledged = threading.Event(), []

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            key = f"{number:08d}"  # eight characters of the base64 alphabet are six bytes
            try:
                put(lab, ("m1", "m2")[number % 2], key)
            except OSError:
                continue
            acknowledged.append(key)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        lab.join("m3", via="m1")
        assert lab.ask("m1", "expel", member_id=lab.member_id("m3"))["ok"]
    finally:
        stop.set()
        writer.join()
    assert len(acknowledged) > 20
    everything = lab.etcd(
        "m2", "kv/range", {"key": "AA==", "range_end": "AA==", "keys_only": True}
    )
    held = {kv["key"] for kv in everything["kvs"]}
    assert [key for key in acknowledged if key not in held] == []


def test_one_that_is_told_to_stop_leaves_nothing_running_and_no_strangers_data_touched(
    pair: ProcessLab,
) -> None:
    lab = pair
    process = lab.masters["m2"].process
    assert process is not None
    process.terminate()
    assert process.wait(20) == 0
    assert not lab.etcd_answers("m2")
    owner = lab.masters["m2"].folder / "data" / "cluster.json"
    owner.write_text(json.dumps({"uid": "f" * 16, "member": "m2"}))
    boot = lab.heartbeat("m2")["boot_id"]
    lab.start("m2")
    lab.until(lambda: lab.heartbeat("m2")["boot_id"] != boot, "m2 has booted again")
    beat = lab.heartbeat("m2")
    assert (beat["phase"], beat["member_id"]) == ("failed", "")
    assert "belongs to cluster" in beat["detail"]
    assert not lab.etcd_answers("m2")
