"""Simulated masters over power cuts, lost disks and the lab's restart; the runtime's edges."""

import json
from pathlib import Path

import pytest

from hakube_gce.emulator.runtime import Route, Runtime, VirtualMachine
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from hakube_gce.emulator.runtimes.records_serial import KEPT_BYTES, RecordsPort
from tests.fakes.clock import FakeClock
from tests.fakes.records_lab import RecordsLab


def three(home: Path | None = None) -> RecordsLab:
    lab = RecordsLab(home=home)
    lab.found("m1")
    for name in ("m2", "m3"):
        assert lab.join(name)["ok"]
    return lab


def serving(lab: RecordsLab) -> list[str]:
    return [name for name, vm in lab.vms.items() if lab.runtime.serves(vm)]


# ------------------------------------------------------------------------------- power cuts


def test_a_power_cycled_master_comes_back_as_the_member_it_was() -> None:
    lab = three()
    before = lab.heartbeat("m2")
    lab.kill("m2")
    assert serving(lab) == ["m1", "m3"]
    lab.start("m2")
    after = lab.heartbeat("m2")
    assert after["member_id"] == before["member_id"]
    assert after["boot_id"] != before["boot_id"]
    assert (after["phase"], after["etcd_healthy"]) == ("running", True)
    assert serving(lab) == ["m1", "m2", "m3"]


def test_without_a_quorum_nobody_serves_until_it_is_back() -> None:
    lab = three()
    lab.kill("m1")
    assert serving(lab) == ["m2", "m3"]
    lab.kill("m2")
    assert serving(lab) == []
    assert lab.heartbeat("m3")["etcd_healthy"] is False
    lab.start("m1")
    assert serving(lab) == ["m1", "m3"]


def test_the_leaders_death_costs_only_the_leader() -> None:
    lab = three()
    assert lab.heartbeat("m2")["leader_id"] == lab.heartbeat("m1")["member_id"]
    lab.kill("m1")
    beat = lab.heartbeat("m2")
    assert (beat["etcd_healthy"], beat["apiserver_ready"]) == (True, True)
    assert beat["leader_id"] in {lab.heartbeat(n)["member_id"] for n in ("m2", "m3")}


def test_a_joiner_that_loses_power_before_it_is_admitted_waits_again() -> None:
    lab = RecordsLab()
    lab.found("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    lab.kill("m2")
    lab.start("m2")
    assert lab.heartbeat("m2")["phase"] == "installed"
    assert lab.admit("m2")["ok"]


def test_a_master_without_certificates_greets_again_after_a_power_cut() -> None:
    lab = RecordsLab()
    lab.insert("m1")
    before = lab.hello("m1")
    lab.kill("m1")
    lab.start("m1")
    after = lab.hello("m1")
    assert after["boot_id"] != before["boot_id"]
    assert after["sealing_certificate"] == before["sealing_certificate"]
    assert lab.install("m1", role="founder")["ok"]


def test_a_dead_vm_says_nothing_new_and_what_it_said_stays() -> None:
    lab = three()
    lab.kill("m3")
    said = lab.output("m3")
    lab.clock.advance(60)
    assert lab.output("m3") == said
    assert b"heartbeat" in said


def test_heartbeats_are_as_fresh_as_the_reading() -> None:
    lab = three()
    lab.clock.advance(100)
    assert lab.heartbeat("m1")["time"] == "2026-11-21T06:01:40.000Z"


def test_a_request_that_came_while_the_vm_was_down_is_obeyed_at_boot() -> None:
    lab = three()
    lab.kill("m2")
    request = lab.operator.request("report", lab.vms["m2"].id, {})
    lab.attributes["m2"]["hakube-request"] = json.dumps(request)
    lab.runtime.metadata_changed(lab.vms["m2"], lab.attributes["m2"])
    lab.start("m2")
    answers = [x for x in lab.lines("m2") if x["type"] == "answer"]
    assert answers[-1]["id"] == request["id"]


# -------------------------------------------------------------------------------- the disks


def test_a_new_vm_on_the_surviving_data_disk_is_the_same_member() -> None:
    lab = three()
    before = lab.heartbeat("m3")["member_id"]
    old = lab.vms["m3"]
    lab.kill("m3")
    lab.runtime.forget_disk(old.boot_disk_id)
    lab.insert("m3", data_disk=old.data_disk_id, address=old.internal_ip, instance="4799")
    assert lab.hello("m3")["instance_id"] == "4799"
    assert lab.install("m3", role="joiner")["result"] == {"phase": "running"}
    assert lab.heartbeat("m3")["member_id"] == before
    assert serving(lab) == ["m1", "m2", "m3"]


def test_etcd_is_never_started_on_another_clusters_data() -> None:
    lab = three()
    disk = lab.vms["m3"].data_disk_id
    lab.kill("m3")
    lab.operator.uid = "f" * 16
    lab.insert("m3", data_disk=disk, address=lab.vms["m3"].internal_ip, instance="4799")
    answer = lab.install("m3", role="joiner")
    assert answer["error"]["code"] == "refused"
    assert "belongs to cluster" in answer["error"]["message"]
    beat = lab.heartbeat("m3")
    assert (beat["phase"], beat["member_id"]) == ("failed", "")


@pytest.mark.parametrize(
    ("name", "address", "why"),
    [("m4", "", "belongs to member m3"), ("m3", "10.132.0.77", "is known at")],
    ids=["another name", "another address"],
)
def test_etcd_is_never_started_on_another_members_data(name: str, address: str, why: str) -> None:
    lab = three()
    old = lab.vms["m3"]
    lab.kill("m3")
    lab.insert(
        name, data_disk=old.data_disk_id, address=address or old.internal_ip, instance="4799"
    )
    answer = lab.install(name, role="joiner")
    assert why in answer["error"]["message"]
    assert lab.heartbeat(name)["phase"] == "failed"


def test_etcd_data_without_an_owner_is_left_alone() -> None:
    lab = three()
    old = lab.vms["m3"]
    lab.kill("m3")
    del lab.runtime.world.disks[old.data_disk_id].files["cluster.json"]
    lab.start("m3")
    beat = lab.heartbeat("m3")
    assert (beat["phase"], beat["member_id"]) == ("failed", "")
    assert "whose it is cannot be told" in beat["detail"]


def test_a_member_that_lost_its_data_does_not_vote_again() -> None:
    lab = three()
    lab.kill("m3")
    lab.runtime.forget_disk(lab.vms["m3"].data_disk_id)
    lab.start("m3")
    beat = lab.heartbeat("m3")
    assert (beat["phase"], beat["member_id"]) == ("failed", "")
    assert "its data is gone" in beat["detail"]
    assert lab.install("m3", role="joiner")["error"]["code"] == "refused"
    assert serving(lab) == ["m1", "m2"]


def test_a_removed_master_stays_out_over_power_cuts() -> None:
    lab = three()
    lab.ask("m1", "expel", member_id=lab.member_id("m3"))
    lab.kill("m3")
    lab.start("m3")
    assert lab.heartbeat("m3")["phase"] == "failed"
    assert serving(lab) == ["m1", "m2"]


def test_a_master_removed_while_it_was_down_finds_out_and_stays_out() -> None:
    lab = three()
    gone = lab.member_id("m3")
    lab.kill("m3")
    assert lab.ask("m1", "expel", member_id=gone)["ok"]
    lab.start("m3")
    beat = lab.heartbeat("m3")
    assert (beat["phase"], beat["apiserver_ready"]) == ("failed", False)


# ---------------------------------------------------------------------- the lab's own restart


def test_a_lab_with_a_home_is_the_same_after_a_restart(tmp_path: Path) -> None:
    lab = three(tmp_path / "records")
    before = {name: lab.heartbeat(name) for name in lab.vms}
    said = {name: lab.output(name) for name in lab.vms}
    lab.runtime.close()
    again = RecordsLab(home=tmp_path / "records", clock=lab.clock)
    again.operator, again.vms, again.attributes = lab.operator, lab.vms, lab.attributes
    for name, vm in lab.vms.items():
        again.runtime.metadata_changed(vm, lab.attributes[name])
        again.runtime.power_on(vm)
    for name in lab.vms:
        after = again.heartbeat(name)
        for key in ("member_id", "cluster_id", "members", "phase", "epoch"):
            assert after[key] == before[name][key]
        assert after["etcd_healthy"]
        assert after["boot_id"] != before[name]["boot_id"]
        assert again.output(name).startswith(said[name])
    assert again.ask("m1", "expel", member_id=before["m3"]["member_id"])["ok"]


def test_what_a_lab_keeps_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    three(tmp_path / "records")
    files = list((tmp_path / "records").iterdir())
    assert files
    assert {f.stat().st_mode & 0o777 for f in files} == {0o600}
    assert (tmp_path / "records").stat().st_mode & 0o777 == 0o700


# --------------------------------------------------------------------------------- the edges


def test_it_is_a_runtime() -> None:
    runtime: Runtime = RecordsRuntime(clock=FakeClock())
    assert (runtime.name, runtime.api_port) == ("records", 443)
    assert [runtime.internal_ip(i) for i in (0, 1, 300)] == [
        "10.132.0.2",
        "10.132.0.3",
        "10.132.1.46",
    ]
    assert [runtime.external_ip(i) for i in (0, 253, 254)] == [
        "203.0.113.1",
        "203.0.113.254",
        "198.51.100.1",
    ]
    for refused in (3048, -1):
        with pytest.raises(ValueError, match="external addresses"):
            runtime.external_ip(refused)
    with pytest.raises(ValueError, match="internal addresses"):
        runtime.internal_ip(100_000)


def test_a_vm_that_is_no_master_runs_nothing() -> None:
    runtime = RecordsRuntime(clock=FakeClock())
    vm = VirtualMachine(
        name="minion",
        zone="z",
        id="1",
        project="p",
        internal_ip="10.132.0.2",
        data_disk_id="",
        boot_disk_id="2",
    )
    runtime.metadata_changed(vm, {"startup-script": "#!/bin/sh"})
    runtime.power_on(vm)
    assert runtime.serial_output(vm, 2) == b""
    assert b"booting" in runtime.serial_output(vm, 1)
    assert not runtime.serves(vm)
    runtime.metadata_changed(vm, {"hakube-config": "{"})
    runtime.power_off(vm)
    runtime.power_on(vm)
    assert b"not usable" in runtime.serial_output(vm, 1)


def test_a_client_is_served_only_where_every_way_leads_to_a_serving_master() -> None:
    lab = three()
    one, two = (lab.vms[n].internal_ip for n in ("m1", "m2"))
    address = lab.runtime.external_ip(0)
    assert not lab.runtime.answers(address)
    lab.runtime.route([Route(address=address, port=443, backends=(one, two))])
    assert lab.runtime.answers(address)
    assert not lab.runtime.answers(lab.runtime.external_ip(1))
    lab.kill("m2")
    assert not lab.runtime.answers(address)
    lab.runtime.route([Route(address=address, port=443, backends=(one,))])
    assert lab.runtime.answers(address)
    lab.runtime.route([Route(address=address, port=8443, backends=(one,))])
    assert not lab.runtime.answers(address)
    lab.runtime.route([Route(address=address, port=None, backends=(one,))])
    assert lab.runtime.answers(address)
    lab.runtime.route([Route(address=address, port=None, backends=())])
    assert not lab.runtime.answers(address)


@pytest.mark.parametrize("kept", [False, True])
def test_a_serial_port_keeps_the_last_mebibyte_and_counts_the_rest(
    tmp_path: Path, kept: bool
) -> None:
    port = RecordsPort(tmp_path / "port" if kept else None)
    whole = b""
    for number in range(30):
        line = bytes([65 + number % 26]) * 99_999 + b"\n"
        port.write(line)
        whole += line
        assert whole[port.dropped :] == port.output()
    assert 0 < len(port.output()) <= KEPT_BYTES
    if not kept:
        return
    again = RecordsPort(tmp_path / "port")
    assert (again.dropped, again.output()) == (port.dropped, port.output())
