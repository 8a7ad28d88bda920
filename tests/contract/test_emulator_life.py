"""What happens to resources over time: statuses, machines, traffic, health, restarts."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from hakube_gce.emulator.faults import parse
from hakube_gce.emulator.latency import Latency, profile
from hakube_gce.emulator.refusals import EmulatorError, Refusal
from hakube_gce.emulator.store import load
from tests.contract.emulator_bench import (
    OTHER_ZONE,
    REGION,
    ZONE,
    Bench,
    bench,
    instance,
    listed,
    service,
)
from tests.fakes.fake_runtime import FakeRuntime

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
    slow.clock.advance(60)
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


# --------------------------------------------------------------------------------- traffic
def test_traffic_follows_an_access_config(lab: Bench) -> None:
    address = lab.address()
    one, two = lab.instance("one", address=address), lab.instance("two")
    assert lab.runtime.backends_of(address) == (internal(one),)
    gone = {"accessConfig": "external-nat", "networkInterface": "nic0"}
    lab.do("POST", f"{ZONE}/instances/one/deleteAccessConfig", None, **gone)
    assert address not in {route.address for route in lab.runtime.routes}
    lab.do("POST", f"{ZONE}/instances/two/deleteAccessConfig", None, **gone)
    body = {"name": "mine", "natIP": address}
    lab.do("POST", f"{ZONE}/instances/two/addAccessConfig", body, networkInterface="nic0")
    assert lab.runtime.backends_of(address) == (internal(two),)


def test_a_way_is_gone_when_its_end_is_accepted_and_there_when_its_making_is_done() -> None:
    """The window is judged against us: both halves of it count."""
    table = {"instances.addAccessConfig": 3, "instances.deleteAccessConfig": 3}
    latency = Latency(name="test", seconds=MappingProxyType(table))
    with bench(latency=latency) as lab:
        vm, path = lab.instance("vm"), f"{ZONE}/instances/vm"
        gone = {"accessConfig": "external-nat", "networkInterface": "nic0"}
        lab.start("POST", f"{path}/deleteAccessConfig", None, **gone)
        assert lab.runtime.backends_of(external(vm)) == ()
        lab.clock.advance(3)
        lab.start("POST", f"{path}/addAccessConfig", {"name": "x"}, networkInterface="nic0")
        address = external(lab.get(path))
        assert lab.runtime.backends_of(address) == ()
        lab.clock.advance(3)
        lab.get("")
        assert lab.runtime.backends_of(address) == (internal(vm),)


def test_a_rule_leads_to_the_healthy(lab: Bench) -> None:
    one, two = lab.instance("one"), lab.instance("two", OTHER_ZONE)
    groups = lab.group("a", members=("one",)), lab.group("b", OTHER_ZONE, ("two",))
    path = lab.service(groups=groups)
    lab.runtime.serving = {"one"}
    rule = lab.rule("r", path)
    assert lab.runtime.backends_of(rule["IPAddress"]) == (internal(one),)
    (route,) = [r for r in lab.runtime.routes if r.address == rule["IPAddress"]]
    assert (route.port, route.drain_s) == (443, 10.0)
    lab.runtime.serving = {"one", "two"}
    lab.do("POST", f"{groups[1]}/removeInstances", listed(f"{OTHER_ZONE}/instances/two"))
    assert lab.runtime.backends_of(rule["IPAddress"]) == (internal(one),)
    lab.do("POST", f"{groups[1]}/addInstances", listed(f"{OTHER_ZONE}/instances/two"))
    both = tuple(sorted([internal(one), internal(two)]))
    assert lab.runtime.backends_of(rule["IPAddress"]) == both


def test_when_nobody_is_healthy_all_get_traffic(lab: Bench) -> None:
    one, two = lab.instance("one"), lab.instance("two")
    path = lab.service(groups=(lab.group("g", members=("one", "two")),))
    rule = lab.rule("r", path)
    both = tuple(sorted([internal(one), internal(two)]))
    assert lab.runtime.backends_of(rule["IPAddress"]) == both
    lab.do("POST", f"{ZONE}/instances/two/stop")
    assert lab.runtime.backends_of(rule["IPAddress"]) == (internal(one),)


def test_a_rule_leads_nowhere_from_the_moment_its_deletion_is_accepted(slow: Bench) -> None:
    slow.start("POST", f"{REGION}/addresses", {"name": "ip"})
    slow.start("POST", f"{ZONE}/instances", instance("vm"))
    slow.start("POST", f"{ZONE}/instanceGroups", {"name": "g"})
    check = {"name": "lb", "type": "TCP"}
    slow.start("POST", f"{REGION}/healthChecks", check)
    slow.clock.advance(8)
    group = f"{ZONE}/instanceGroups/g"
    slow.start("POST", f"{group}/addInstances", listed(f"{ZONE}/instances/vm"))
    slow.start("POST", f"{REGION}/backendServices", service("lb", (group,)))
    slow.clock.advance(2)
    address = slow.get(f"{REGION}/addresses/ip")["address"]
    target = f"{REGION}/backendServices/lb"
    body = {"name": "r", "backendService": target, "ports": ["443"], "IPAddress": address}
    slow.start("POST", f"{REGION}/forwardingRules", body)
    slow.clock.advance(5)
    slow.get("")
    assert slow.runtime.backends_of(address) != ()
    slow.start("DELETE", f"{REGION}/forwardingRules/r")
    assert slow.runtime.backends_of(address) == ()
    assert slow.get(f"{REGION}/addresses/ip")["status"] == "IN_USE", "until it is done"
    slow.clock.advance(5)
    assert slow.get(f"{REGION}/addresses/ip")["status"] == "RESERVED"


def test_a_rule_leads_nowhere_until_it_has_spread() -> None:
    table = {"forwardingRules.insert": 5, "forwardingRules.propagation_s": 2}
    latency = Latency(name="test", seconds=MappingProxyType(table))
    with bench(latency=latency) as lab:
        vm = lab.instance("vm")
        path = lab.service(groups=(lab.group("g", members=("vm",)),))
        body = {"name": "r", "backendService": path, "ports": ["443"]}
        lab.start("POST", f"{REGION}/forwardingRules", body)
        address = lab.get(f"{REGION}/forwardingRules/r")["IPAddress"]
        for seconds, backends in ((4.9, ()), (0.1, ()), (1.9, ()), (0.1, (internal(vm),))):
            lab.clock.advance(seconds)
            lab.get("")
            assert lab.runtime.backends_of(address) == backends


def test_a_target_pool_leads_to_all_its_running_instances(lab: Bench) -> None:
    one = lab.instance("one")
    lab.do("POST", f"{REGION}/targetPools", {"name": "pool"})
    pool = f"{REGION}/targetPools/pool"
    lab.do("POST", f"{pool}/addInstance", listed(f"{ZONE}/instances/one"))
    body = {"name": "r", "target": pool, "portRange": "443"}
    lab.do("POST", f"{REGION}/forwardingRules", body)
    rule = lab.get(f"{REGION}/forwardingRules/r")
    assert rule["portRange"] == "443-443"
    assert lab.runtime.backends_of(rule["IPAddress"]) == (internal(one),)
    assert lab.refusal("DELETE", pool) == (400, "resourceInUseByAnotherResource")
    lab.do("POST", f"{pool}/removeInstance", listed(f"{ZONE}/instances/one"))
    assert lab.runtime.backends_of(rule["IPAddress"]) == ()


# ---------------------------------------------------------------------------------- health
def test_health_is_unknown_before_a_rule_refers_to_the_service(lab: Bench) -> None:
    vm = lab.instance("vm")
    group = lab.group("g", members=("vm",))
    path = lab.service(groups=(group,))
    lab.runtime.serving = {"vm"}
    ask = ("POST", f"{path}/getHealth", {"group": group})
    assert "healthStatus" not in lab.ask(*ask)
    rule = lab.rule("r", path)
    (status,) = lab.ask(*ask)["healthStatus"]
    assert status["healthState"] == "HEALTHY"
    assert (status["instance"], status["ipAddress"]) == (vm["selfLink"], internal(vm))
    assert status["forwardingRuleIp"] == rule["IPAddress"]
    lab.runtime.serving = set()
    assert lab.ask(*ask)["healthStatus"][0]["healthState"] == "UNHEALTHY"


def test_a_deleted_instance_leaves_its_group(lab: Bench) -> None:
    lab.instance("vm")
    group = lab.group("g", members=("vm",))
    assert lab.get(group)["size"] == 1
    listing = lab.ask("POST", f"{group}/listInstances", {})
    assert listing["items"][0]["status"] == "RUNNING"
    lab.do("DELETE", f"{ZONE}/instances/vm")
    assert lab.get(group)["size"] == 0
    assert "items" not in lab.ask("POST", f"{group}/listInstances", {})


# --------------------------------------------------------------------------------- restart
def test_a_lab_goes_on_where_it_was_left(tmp_path: Path) -> None:
    with bench(home=tmp_path) as before:
        address = before.address()
        vm = before.instance("vm", address=address)
        before.instance("off")
        before.do("POST", f"{ZONE}/instances/off/stop")
        seen = before.get(f"{ZONE}/instances/vm")
        same = {"requestId": "11111111-2222-4333-8444-555555555555"}
        first = before.start("POST", f"{ZONE}/disks", {"name": "d"}, **same)
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
    with bench(home=tmp_path, runtime=FakeRuntime()) as after:
        assert [machine.name for machine in after.runtime.on.values()] == ["vm"]
        assert after.runtime.history == [("metadata_changed", "vm"), ("power_on", "vm")]
        assert after.runtime.backends_of(address) == (internal(vm),)
        assert after.get(f"{ZONE}/instances/vm") == seen
        assert after.end(first)["status"] == "DONE"
        assert after.get(f"{ZONE}/disks/d")["status"] == "READY"
        again = after.ask("POST", f"{ZONE}/disks", {"name": "d"}, **same)
        assert again["name"] == first["name"], "the request id is remembered"


def test_an_operation_cut_off_by_a_restart_is_completed(tmp_path: Path) -> None:
    with bench(home=tmp_path, latency=SLOW) as before:
        before.start("POST", f"{ZONE}/instances", instance("vm"))
    with bench(home=tmp_path, latency=SLOW, runtime=FakeRuntime()) as after:
        assert after.get(f"{ZONE}/instances/vm")["status"] == "RUNNING"
        assert len(after.runtime.on) == 1


def test_every_change_is_in_the_file_before_it_is_answered(tmp_path: Path) -> None:
    with bench(home=tmp_path) as lab:
        lab.ask("POST", f"{ZONE}/disks", {"name": "d"})
        path = f"projects/{lab.project}/zones/europe-west1-b/disks/d"
        assert path in load(tmp_path / "state.json").records


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 99}', '{"schema": 1}'])
def test_a_damaged_state_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(EmulatorError, match=r"state\.json"), bench(home=tmp_path):
        pass
    assert (tmp_path / "state.json").read_text() == text


def test_a_bug_in_a_runtime_does_not_take_the_api_along(
    lab: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    lab.runtime.broken = True
    assert lab.instance("vm")["status"] == "RUNNING"
    assert "power_on of vm failed" in caplog.text


def test_a_closing_lab_takes_nothing_more_and_boots_nothing(tmp_path: Path) -> None:
    with bench(latency=SLOW, home=tmp_path) as lab:
        lab.start("POST", f"{ZONE}/instances", instance("vm"))
        lab.lab.close()
        lab.clock.advance(60)
        with pytest.raises(Refusal, match="shutting down"):
            lab.get("")
        assert lab.runtime.on == {}
        lab.runtime.closed = False  # or the bench would close it twice


# ----------------------------------------------------------------------------------- faults
def fault(lab: Bench, **script: Any) -> None:
    lab.lab.faults.add(parse(script))


def test_a_scripted_refusal_hits_the_nth_request_it_means(lab: Bench) -> None:
    error = {"http": 503, "reason": "backendError"}
    fault(lab, method="disks.insert", match='"name": "d', nth=2, error=error)
    lab.disk("other")
    lab.disk("d1")
    assert lab.refusal("POST", f"{ZONE}/disks", {"name": "d2"}) == (503, "backendError")
    lab.disk("d2")


def test_a_scripted_stock_out_is_accepted_and_fails(lab: Bench) -> None:
    error = {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "http": 503, "message": "no room"}
    fault(lab, method="instances.*", count=0, operation_error=error)
    address = lab.address()
    failed = lab.fails("POST", f"{ZONE}/instances", instance("vm", address=address))
    assert failed["httpErrorStatusCode"] == 503
    assert failed["httpErrorMessage"] == "SERVICE UNAVAILABLE"
    assert failed["error"]["errors"] == [
        {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": "no room"}
    ]
    assert failed["targetLink"].endswith("/instances/vm")
    assert lab.get(f"{REGION}/addresses/ip")["status"] == "RESERVED"
    assert lab.refusal("GET", f"{ZONE}/disks/vm") == (404, "notFound")
    lab.lab.faults.clear()
    lab.instance("vm", address=address)


def test_a_scripted_failure_of_a_deletion_leaves_everything_as_it_was(slow: Bench) -> None:
    slow.start("POST", f"{ZONE}/disks", {"name": "data"})
    slow.clock.advance(2)
    before = slow.get(f"{ZONE}/disks/data")
    error = {"code": "INTERNAL_ERROR", "http": 500}
    fault(slow, method="disks.delete", operation_error=error)
    operation = slow.start("DELETE", f"{ZONE}/disks/data")
    labels = {"labels": {"a": "b"}, "labelFingerprint": before["labelFingerprint"]}
    slow.start("POST", f"{ZONE}/disks/data/setLabels", labels)
    slow.clock.advance(2)
    assert slow.end(operation)["httpErrorStatusCode"] == 500
    assert slow.get(f"{ZONE}/disks/data")["id"] == before["id"]
    assert slow.runtime.forgotten == []


def test_a_scripted_delay_takes_the_labs_time(lab: Bench) -> None:
    fault(lab, method="projects.get", delay_s=2.5)
    before = lab.clock.monotonic()
    lab.get("")
    assert lab.clock.monotonic() - before == 2.5


def test_a_zone_cut_off_is_refused_and_left_out_of_partial_lists(lab: Bench) -> None:
    lab.disk("here")
    lab.disk("there", OTHER_ZONE)
    fault(lab, unreachable_zone="europe-west1-c")
    assert lab.refusal("GET", f"{OTHER_ZONE}/disks/there") == (503, "backendError")
    assert lab.refusal("POST", f"{OTHER_ZONE}/disks", {"name": "d"}) == (503, "backendError")
    assert lab.refusal("GET", "aggregated/disks") == (503, "backendError")
    partial = lab.get("aggregated/disks", returnPartialSuccess="true")
    assert partial["items"][OTHER_ZONE]["warning"]["code"] == "UNREACHABLE"
    assert [disk["name"] for disk in partial["items"][ZONE]["disks"]] == ["here"]
    assert partial["unreachables"] == [OTHER_ZONE]
    lab.disk("more")


@pytest.mark.parametrize(
    "script",
    [
        {},
        {"methode": "x", "delay_s": 1},
        {"delay_s": -1},
        {"delay_s": "1"},
        {"drop": "sometimes"},
        {"error": {}},
        {"error": {"http": 200}},
        {"operation_error": {"http": 503}},
        {"nth": 0, "delay_s": 1},
        {"count": -1, "delay_s": 1},
        {"unreachable_zone": "mars"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(script: dict[str, Any]) -> None:
    with pytest.raises(EmulatorError):
        parse(script)


def test_calls_are_recorded_without_what_metadata_holds(lab: Bench) -> None:
    body = instance("vm", metadata={"items": [{"key": "k", "value": "secret"}]})
    lab.do("POST", f"{ZONE}/instances", body, requestId="11111111-2222-4333-8444-555555555555")
    with pytest.raises(Refusal):
        lab.ask("DELETE", f"{ZONE}/disks/none")
    first, second = lab.lab.calls
    assert first["method"] == "instances.insert"
    assert first["body"]["metadata"]["items"] == [{"key": "k", "value": 6}]
    assert first["query"] == {"requestId": "11111111-2222-4333-8444-555555555555"}
    assert second["method"] == "disks.delete", "a refused call was sent as well"
    assert "secret" not in json.dumps(list(lab.lab.calls))
