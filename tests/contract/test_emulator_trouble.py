"""Restarts, bugs in a runtime, and scripted faults."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hakube_gce.emulator.faults import parse
from hakube_gce.emulator.latency import profile
from hakube_gce.emulator.refusals import EmulatorError, Refusal
from hakube_gce.emulator.state_file import load
from tests.contract.emulator_bench import (
    OTHER_ZONE,
    REGION,
    ZONE,
    Bench,
    bench,
    instance,
)
from tests.fakes.fake_runtime import FakeRuntime

SLOW = profile("realistic")

T = TypeVar("T")


@pytest.fixture
def lab() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


@pytest.fixture
def slow() -> Iterator[Bench]:
    with bench(latency=SLOW) as opened:
        yield opened


def internal(vm: dict[str, Any]) -> str:
    return str(vm["networkInterfaces"][0]["networkIP"])


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


def await_met(lab: Bench, held: Future[T]) -> None:
    """Wait until a fault has met the request that it is to hold."""
    while lab.lab.faults.shown()[0]["met"] == 0:
        assert not held.done()
    assert not wait([held], timeout=0.2).done


def test_a_held_request_goes_on_when_the_faults_are_taken_back(lab: Bench) -> None:
    fault(lab, method="projects.get", hold=True)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(lab.get, "")
        await_met(lab, held)
        lab.lab.faults.clear()
        assert held.result(timeout=20)


def test_a_lab_that_shuts_carries_no_held_request_out() -> None:
    with ThreadPoolExecutor(1) as pool:
        with bench() as lab:
            fault(lab, method="disks.insert", hold=True)
            held = pool.submit(lab.refusal, "POST", f"{ZONE}/disks", {"name": "d"})
            await_met(lab, held)
        assert held.result(timeout=20) == (503, "backendError")
    assert not [path for path in lab.lab.world.store.records if path.endswith("/disks/d")]


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
