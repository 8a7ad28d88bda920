"""What happens to resources over time: statuses, operations, machines, serial ports."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakube_gce.emulator.latency import profile
from hakube_gce.emulator.refusals import EmulatorError
from tests.contract.emulator_bench import (
    REGION,
    ZONE,
    Bench,
    bench,
    instance,
    listed,
)

SLOW = profile("realistic")


@pytest.fixture
def lab() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


@pytest.fixture
def slow() -> Iterator[Bench]:
    with bench(latency=SLOW) as opened:
        yield opened


def external(vm: dict[str, Any]) -> str:
    return str(vm["networkInterfaces"][0]["accessConfigs"][0].get("natIP", ""))


def internal(vm: dict[str, Any]) -> str:
    return str(vm["networkInterfaces"][0]["networkIP"])


# ----------------------------------------------------------------------------------- time
def test_an_instance_is_provisioning_until_its_operation_is_done(slow: Bench) -> None:
    operation = slow.start("POST", f"{ZONE}/instances", instance("vm"))
    slow.clock.advance(7.9)
    assert slow.get(f"{ZONE}/instances/vm")["status"] == "PROVISIONING"
    assert slow.get(f"{ZONE}/disks/vm")["status"] == "CREATING"
    assert slow.end(operation)["status"] == "RUNNING"
    assert slow.runtime.on == {}
    slow.clock.advance(0.1)
    assert slow.end(operation)["status"] == "DONE"
    assert slow.get(f"{ZONE}/instances/vm")["status"] == "RUNNING"
    assert slow.get(f"{ZONE}/disks/vm")["status"] == "READY"
    assert [vm.name for vm in slow.runtime.on.values()] == ["vm"]


def test_a_deleted_instance_is_off_at_once_and_gone_when_its_operation_is_done(
    slow: Bench,
) -> None:
    slow.start("POST", f"{ZONE}/instances", instance("vm"))
    slow.clock.advance(8)
    operation = slow.start("DELETE", f"{ZONE}/instances/vm")
    assert slow.get(f"{ZONE}/instances/vm")["status"] == "STOPPING"
    assert slow.runtime.on == {}
    assert slow.refusal("POST", f"{ZONE}/instances", instance("vm")) == (409, "alreadyExists")
    slow.clock.advance(20)
    assert slow.end(operation)["status"] == "DONE"
    assert slow.get(f"{ZONE}/instances") == slow.get(f"{ZONE}/instances", filter="name eq x")


def test_an_address_is_reserving_then_reserved_then_in_use(slow: Bench) -> None:
    path = f"{REGION}/addresses/ip"
    slow.start("POST", f"{REGION}/addresses", {"name": "ip"})
    assert slow.get(path)["status"] == "RESERVING"
    address = slow.get(path)["address"]
    early = instance("vm", address=address)
    assert slow.refusal("POST", f"{ZONE}/instances", early) == (400, "resourceNotReady")
    slow.clock.advance(2)
    assert slow.get(path)["status"] == "RESERVED"
    slow.start("POST", f"{ZONE}/instances", early)
    assert slow.get(path)["status"] == "IN_USE"


def test_what_is_still_being_made_cannot_be_referred_to(slow: Bench) -> None:
    slow.start("POST", f"{ZONE}/disks", {"name": "data"})
    body = instance("vm", data_disk="data")
    assert slow.refusal("POST", f"{ZONE}/instances", body) == (400, "resourceNotReady")
    slow.clock.advance(2)
    slow.start("POST", f"{ZONE}/instances", body)
    slow.start("POST", f"{ZONE}/instanceGroups", {"name": "g"})
    add = f"{ZONE}/instanceGroups/g/addInstances"
    member = listed(f"{ZONE}/instances/vm")
    assert slow.refusal("POST", add, member) == (400, "resourceNotReady")


def test_what_is_being_deleted_cannot_be_used_or_changed(slow: Bench) -> None:
    slow.start("POST", f"{ZONE}/disks", {"name": "data"})
    slow.clock.advance(2)
    slow.start("DELETE", f"{ZONE}/disks/data")
    not_ready = (400, "resourceNotReady")
    body = instance("vm", data_disk="data")
    assert slow.refusal("POST", f"{ZONE}/instances", body) == not_ready
    assert slow.refusal("DELETE", f"{ZONE}/disks/data") == not_ready
    labels = {"labels": {}, "labelFingerprint": slow.get(f"{ZONE}/disks/data")["labelFingerprint"]}
    assert slow.refusal("POST", f"{ZONE}/disks/data/setLabels", labels) == not_ready


def test_an_instance_deleted_before_it_ran_never_runs(slow: Bench) -> None:
    slow.start("POST", f"{ZONE}/instances", instance("vm"))
    slow.start("DELETE", f"{ZONE}/instances/vm")
    slow.clock.advance(8)
    assert slow.get(f"{ZONE}/instances/vm")["status"] == "STOPPING"
    slow.clock.advance(12)
    slow.get("")
    assert slow.runtime.history == []
    assert "items" not in slow.get(f"{ZONE}/instances")


def test_the_latency_table_knows_its_wildcards(tmp_path: Path) -> None:
    assert SLOW.of("instances.insert") == 8
    assert SLOW.of("firewalls.delete") == 4
    assert SLOW.of("instances.setMetadata") == 2
    assert profile("none").of("instances.insert") == 0
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"disks.*": 3, "forwardingRules.propagation_s": 1.5}))
    assert (profile(str(file)).of("disks.insert"), profile(str(file)).of("x.y")) == (3, 0)
    assert profile(str(file)).propagation_s == 1.5


@pytest.mark.parametrize("text", ["", "[]", '{"a": "b"}', '{"a": -1}', '{"a": true}'])
def test_a_latency_table_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.json"
    file.write_text(text)
    with pytest.raises(EmulatorError, match="latency profile"):
        profile(str(file))


# ------------------------------------------------------------------------------- machines
def test_a_machine_knows_its_metadata_before_it_boots_and_hears_of_every_change(
    lab: Bench,
) -> None:
    vm = lab.instance("vm", metadata={"items": [{"key": "a", "value": "1"}]})
    assert lab.runtime.history == [("metadata_changed", "vm"), ("power_on", "vm")]
    assert lab.runtime.attributes[vm["id"]] == {"a": "1"}
    body = {
        "fingerprint": vm["metadata"]["fingerprint"],
        "items": [{"key": "b", "value": "2"}, {"key": "empty"}],
    }
    lab.do("POST", f"{ZONE}/instances/vm/setMetadata", body)
    assert lab.runtime.attributes[vm["id"]] == {"b": "2", "empty": ""}
    assert lab.runtime.history[2:] == [("metadata_changed", "vm")]


def test_a_machine_is_told_which_disks_it_has(lab: Bench) -> None:
    lab.disk("data")
    vm = lab.instance("vm", data_disk="data")
    (machine,) = lab.runtime.on.values()
    assert machine.id == vm["id"]
    assert machine.internal_ip == internal(vm)
    assert machine.data_disk_id == lab.get(f"{ZONE}/disks/data")["id"]
    assert machine.boot_disk_id == lab.get(f"{ZONE}/disks/vm")["id"]


def test_a_disk_is_wiped_when_it_is_deleted_and_not_before(lab: Bench) -> None:
    lab.disk("data")
    vm = lab.instance("vm", data_disk="data")
    boot, data = (lab.get(f"{ZONE}/disks/{name}")["id"] for name in ("vm", "data"))
    lab.do("DELETE", f"{ZONE}/instances/vm")
    assert lab.runtime.forgotten == [boot]
    lab.do("DELETE", f"{ZONE}/disks/data")
    assert lab.runtime.forgotten == [boot, data]
    assert lab.instance("vm")["id"] != vm["id"]


def test_stopping_loses_an_ephemeral_address_and_keeps_a_static_one(lab: Bench) -> None:
    static = lab.address()
    before = {"fix": lab.instance("fix", address=static), "eph": lab.instance("eph")}
    for name in before:
        lab.do("POST", f"{ZONE}/instances/{name}/stop")
        stopped = lab.get(f"{ZONE}/instances/{name}")
        assert stopped["status"] == "TERMINATED"
        assert external(stopped) == (static if name == "fix" else "")
    assert lab.runtime.on == {}
    for name in before:
        lab.do("POST", f"{ZONE}/instances/{name}/start")
    assert external(lab.get(f"{ZONE}/instances/fix")) == static
    assert external(lab.get(f"{ZONE}/instances/eph")) not in ("", external(before["eph"]))
    assert internal(lab.get(f"{ZONE}/instances/eph")) == internal(before["eph"])


def test_a_reset_takes_the_power_away_and_gives_it_back(lab: Bench) -> None:
    vm = lab.instance("vm")
    lab.do("POST", f"{ZONE}/instances/vm/reset")
    assert [what for what, _ in lab.runtime.history if what != "metadata_changed"] == [
        "power_on",
        "power_off",
        "power_on",
    ]
    assert external(lab.get(f"{ZONE}/instances/vm")) == external(vm)


# ---------------------------------------------------------------------------- serial ports
def test_serial_output_is_read_on_from_where_one_stopped(lab: Bench) -> None:
    lab.instance("vm")
    path = f"{ZONE}/instances/vm/serialPort"
    lab.runtime.serial["vm", 2] = b"hello\nworld\n"
    first = lab.get(path, port="2")
    assert (first["contents"], first["start"], first["next"]) == ("hello\nworld\n", "0", "12")
    assert lab.get(path, port="2", start="6")["contents"] == "world\n"
    assert lab.get(path, port="2", start="12")["contents"] == ""
    assert lab.get(path, port="2", start="99")["next"] == "12"
    assert lab.get(path)["contents"] == "", "port 1 is another one"
    assert lab.refusal("GET", path, None, port="5") == (400, "invalid")
    assert lab.refusal("GET", path, None, start="x") == (400, "invalid")


def test_a_negative_start_counts_from_the_end(lab: Bench) -> None:
    lab.instance("vm")
    lab.runtime.serial["vm", 1] = b"hello\nworld\n"
    path = f"{ZONE}/instances/vm/serialPort"
    tail = lab.get(path, start="-6")
    assert (tail["contents"], tail["start"]) == ("world\n", "6")
    assert lab.get(path, start="-99")["start"] == "0"


def test_what_has_left_the_window_is_said_by_start(lab: Bench) -> None:
    lab.instance("vm")
    lab.runtime.serial["vm", 2] = b"world\n"
    lab.runtime.dropped["vm", 2] = 1000
    path = f"{ZONE}/instances/vm/serialPort"
    for asked in ("0", "999", "-7"):
        answer = lab.get(path, port="2", start=asked)
        assert (answer["start"], answer["next"]) == ("1000", "1006"), asked
        assert answer["contents"] == "world\n"
    assert lab.get(path, port="2", start="1002")["contents"] == "rld\n"


def test_a_vm_in_the_making_has_said_nothing(slow: Bench) -> None:
    slow.start("POST", f"{ZONE}/instances", instance("vm"))
    assert slow.get(f"{ZONE}/instances/vm/serialPort")["contents"] == ""
