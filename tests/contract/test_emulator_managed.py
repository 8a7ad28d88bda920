"""Instance templates and managed groups: what Google's do for kube-up's nodes."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hakube_gce.emulator.faults import parse
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import profile
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from hakube_gce.emulator.world import LIMITS
from tests.contract.emulator_bench import (
    IMAGE,
    OTHER_ZONE,
    REGION,
    ZONE,
    Bench,
    bench,
    listed,
    manager,
    template,
)
from tests.fakes.clock import FakeClock
from tests.fakes.fake_runtime import FakeRuntime

INVALID = (400, "invalid")
IN_USE = (400, "resourceInUseByAnotherResource")
MISSING = (404, "notFound")
TAKEN = (409, "alreadyExists")
REQUIRED = (400, "required")
NOT_READY = (400, "resourceNotReady")
TEMPLATES = "global/instanceTemplates"
MANAGERS = f"{ZONE}/instanceGroupManagers"
G = f"{MANAGERS}/nodes"
SLOW = profile("realistic")


@pytest.fixture
def lab() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


@pytest.fixture
def slow() -> Iterator[Bench]:
    with bench(latency=SLOW) as opened:
        yield opened


def grown(lab: Bench, size: int = 3, name: str = "nodes") -> list[str]:
    """Make a template and a group of it; return the names of its instances."""
    done(lab, lab.start("POST", TEMPLATES, template()))
    done(lab, lab.start("POST", MANAGERS, manager(size, name)))
    settled(lab, name)
    return names(lab, name)


def done(lab: Bench, operation: dict[str, Any]) -> None:
    """Let time pass until an operation is done."""
    for _ in range(200):
        if lab.end(operation)["status"] == "DONE":
            return
        lab.clock.advance(1)
    raise AssertionError(f"not done: {operation}")


def settled(lab: Bench, name: str = "nodes") -> dict[str, Any]:
    """Look until the group is stable; each look lets the lab do what is due."""
    for _ in range(200):
        found = lab.get(f"{MANAGERS}/{name}")
        if found["status"]["isStable"]:
            return found
        lab.clock.advance(1)
    raise AssertionError(f"not stable: {lab.get(f'{MANAGERS}/{name}')}")


def names(lab: Bench, name: str = "nodes") -> list[str]:
    return [entry["name"] for entry in managed(lab, name)]


def managed(lab: Bench, name: str = "nodes") -> list[dict[str, Any]]:
    answer = lab.ask("POST", f"{MANAGERS}/{name}/listManagedInstances")
    return list(answer.get("managedInstances", []))


def actions(lab: Bench) -> dict[str, int]:
    return {action: n for action, n in lab.get(G)["currentActions"].items() if n}


def in_group(lab: Bench) -> list[str]:
    answer = lab.ask("POST", f"{ZONE}/instanceGroups/nodes/listInstances")
    return [entry["instance"].rsplit("/", 1)[1] for entry in answer.get("items", [])]


# ------------------------------------------------------------------------------- templates
def test_a_template_is_kept_as_it_was_given(lab: Bench) -> None:
    lab.do("POST", TEMPLATES, template())
    properties = lab.get(f"{TEMPLATES}/t")["properties"]
    assert properties["machineType"] == "n1-standard-2"
    assert properties["metadata"]["items"] == [{"key": "kube-env", "value": "A: b"}]
    assert properties["networkInterfaces"][0]["network"].startswith("https://")
    listed_names = lab.get(TEMPLATES, filter='name eq "t(-.*)?"')["items"]
    assert [entry["name"] for entry in listed_names] == ["t"]
    assert lab.refusal("POST", TEMPLATES, template()) == TAKEN
    lab.do("DELETE", f"{TEMPLATES}/t")
    assert lab.refusal("DELETE", f"{TEMPLATES}/t") == MISSING


def test_what_a_template_says_in_metadata_is_not_in_the_record_of_calls(lab: Bench) -> None:
    lab.do("POST", TEMPLATES, template())
    (call,) = [c for c in lab.lab.calls if c["method"] == "instanceTemplates.insert"]
    items = call["body"]["properties"]["metadata"]["items"]
    assert items == [{"key": "kube-env", "value": len("A: b")}]


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"machineType": f"{ZONE}/machineTypes/n1-standard-2"}, INVALID),
        ({"machineType": "n9-none"}, INVALID),
        ({"machineType": None}, REQUIRED),
        ({"disks": []}, INVALID),
        ({"disks": [{"boot": False}]}, INVALID),
        ({"disks": [{"boot": True}]}, REQUIRED),
        ({"disks": [{"boot": True, "initializeParams": {"diskType": "pd-x"}}]}, INVALID),
        (
            {"disks": [{"boot": True, "initializeParams": {"sourceImage": IMAGE + "9"}}]},
            MISSING,
        ),
        ({"networkInterfaces": []}, REQUIRED),
        ({"networkInterfaces": [{"network": "global/networks/none"}]}, INVALID),
        ({"networkInterfaces": [{"subnetwork": f"{REGION}/subnetworks/none"}]}, INVALID),
        ({"metadata": {"items": [{"key": "a b", "value": ""}]}}, INVALID),
        ({"labels": {"Owner": "me"}}, INVALID),
        ({"scheduling": {"preemptible": True, "automaticRestart": True}}, INVALID),
    ],
)
def test_a_template_that_cannot_be_is_refused(
    lab: Bench, wrong: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert lab.refusal("POST", TEMPLATES, template(**wrong)) == refusal


def test_a_template_in_use_is_not_deleted(lab: Bench) -> None:
    grown(lab, 1)
    assert lab.refusal("DELETE", f"{TEMPLATES}/t") == IN_USE
    lab.do("DELETE", G)
    lab.do("DELETE", f"{TEMPLATES}/t")


# -------------------------------------------------------------------------- managed groups
def test_a_group_makes_instances_from_its_template(lab: Bench) -> None:
    found = grown(lab)
    assert len(set(found)) == 3
    assert all(re.fullmatch(r"nodes-[0-9a-z]{4}", name) for name in found)
    vm = lab.get(f"{ZONE}/instances/{found[0]}")
    assert vm["status"] == "RUNNING"
    assert vm["machineType"].endswith(f"/{ZONE}/machineTypes/n1-standard-2")
    assert vm["tags"]["items"] == ["kubernetes-minion"]
    assert vm["labels"] == {"owner": "me"}
    assert vm["canIpForward"] is True
    assert vm["networkInterfaces"][0]["accessConfigs"][0]["natIP"]
    items = {item["key"]: item["value"] for item in vm["metadata"]["items"]}
    assert items["kube-env"] == "A: b"
    assert items["created-by"].endswith(f"/{ZONE}/instanceGroupManagers/nodes")
    assert items["instance-template"].endswith("/global/instanceTemplates/t")
    disk = lab.get(f"{ZONE}/disks/{found[0]}")
    assert (disk["sizeGb"], disk["type"].rsplit("/", 1)[1]) == ("100", "pd-standard")
    assert sorted(in_group(lab)) == sorted(found)
    assert {vm.name for vm in lab.runtime.on.values()} == set(found)
    shown = lab.get(G)
    assert (shown["targetSize"], shown["baseInstanceName"]) == (3, "nodes")
    assert lab.get(f"{ZONE}/instanceGroups/nodes")["size"] == 3
    assert shown["instanceGroup"] == lab.get(f"{ZONE}/instanceGroups/nodes")["selfLink"]
    assert {e["currentAction"] for e in managed(lab)} == {"NONE"}
    assert {e["instanceStatus"] for e in managed(lab)} == {"RUNNING"}


def test_making_takes_its_time(slow: Bench) -> None:
    slow.start("POST", TEMPLATES, template())
    assert slow.refusal("POST", MANAGERS, manager(2)) == NOT_READY
    slow.clock.advance(2)
    operation = slow.start("POST", MANAGERS, manager(2))
    slow.clock.advance(5.9)
    assert slow.get(G)["status"]["isStable"] is False
    assert slow.get(f"{ZONE}/instances") == slow.get(f"{ZONE}/instances", filter="name eq x")
    slow.clock.advance(0.1)
    assert slow.end(operation)["status"] == "DONE"
    assert actions(slow) == {"creating": 2}
    assert {e["instanceStatus"] for e in managed(slow)} == {"PROVISIONING"}
    assert slow.runtime.on == {}
    slow.clock.advance(7.9)
    assert slow.get(G)["status"]["isStable"] is False
    slow.clock.advance(0.1)
    assert slow.get(G)["status"]["isStable"] is True
    assert actions(slow) == {"none": 2}


def test_a_group_that_is_being_made_or_deleted_is_not_stable(slow: Bench) -> None:
    done(slow, slow.start("POST", TEMPLATES, template()))
    made = slow.start("POST", MANAGERS, manager(0))
    assert slow.get(G)["status"]["isStable"] is False
    done(slow, made)
    assert slow.get(G)["status"]["isStable"] is True
    slow.start("DELETE", G)
    assert slow.get(G)["status"]["isStable"] is False


def test_a_group_of_none_is_stable_and_grows_and_shrinks(lab: Bench) -> None:
    assert grown(lab, 0) == []
    lab.do("POST", f"{G}/resize", size="4")
    settled(lab)
    four = names(lab)
    assert len(four) == 4
    lab.do("POST", f"{G}/resize", size="1")
    settled(lab)
    (left,) = names(lab)
    assert left == four[0], "the youngest go first"
    assert in_group(lab) == [left]
    assert [vm["name"] for vm in lab.get(f"{ZONE}/instances")["items"]] == [left]
    assert [d["name"] for d in lab.get(f"{ZONE}/disks")["items"]] == [left]


def test_shrinking_takes_its_time(slow: Bench) -> None:
    grown(slow, 3)
    slow.start("POST", f"{G}/resize", size="1")
    assert actions(slow) == {"none": 1, "deleting": 2}
    assert len(slow.runtime.on) == 1, "off at once, as with any deletion"
    slow.clock.advance(19.9)
    assert slow.get(G)["status"]["isStable"] is False
    slow.clock.advance(0.1)
    assert slow.get(G)["status"]["isStable"] is True


def test_a_deleted_instance_is_made_again_under_its_name(lab: Bench) -> None:
    found = grown(lab)
    before = lab.get(f"{ZONE}/instances/{found[1]}")["id"]
    lab.do("DELETE", f"{ZONE}/instances/{found[1]}")
    settled(lab)
    assert names(lab) == found
    assert lab.get(f"{ZONE}/instances/{found[1]}")["id"] != before
    assert sorted(in_group(lab)) == sorted(found)


def test_an_instance_that_went_down_is_made_again(lab: Bench) -> None:
    found = grown(lab, 2)
    before = lab.get(f"{ZONE}/instances/{found[0]}")["id"]
    lab.do("POST", f"{ZONE}/instances/{found[0]}/stop")
    settled(lab)
    assert lab.get(f"{ZONE}/instances/{found[0]}")["status"] == "RUNNING"
    assert lab.get(f"{ZONE}/instances/{found[0]}")["id"] != before


def test_deleting_a_group_deletes_all_of_it(slow: Bench) -> None:
    grown(slow)
    operation = slow.start("DELETE", G)
    assert slow.runtime.on == {}
    assert actions(slow) == {"deleting": 3}
    assert slow.refusal("DELETE", G) == NOT_READY
    assert slow.refusal("POST", f"{G}/resize", None, size="1") == NOT_READY
    slow.clock.advance(26)
    assert slow.end(operation)["status"] == "DONE"
    for path in (G, f"{ZONE}/instanceGroups/nodes"):
        assert slow.refusal("GET", path) == MISSING
    assert "items" not in slow.get(f"{ZONE}/instances")
    assert "items" not in slow.get(f"{ZONE}/disks")


def test_a_group_deleted_while_it_is_made_leaves_nothing(slow: Bench) -> None:
    slow.start("POST", TEMPLATES, template())
    slow.clock.advance(2)
    slow.start("POST", MANAGERS, manager(3))
    slow.clock.advance(6)
    assert actions(slow) == {"creating": 3}
    (one, *_) = names(slow)
    slow.start("DELETE", f"{ZONE}/instances/{one}")
    slow.clock.advance(1)
    slow.start("DELETE", G)
    slow.clock.advance(60)
    slow.get("")
    assert "items" not in slow.get(f"{ZONE}/instances")
    assert slow.runtime.history == []
    assert all(o["status"] == "DONE" for o in slow.get(f"{ZONE}/operations")["items"])


def test_groups_are_listed_in_every_way(lab: Bench) -> None:
    grown(lab, 1)
    body = manager(1, "far")
    lab.do("POST", f"{OTHER_ZONE}/instanceGroupManagers", body)
    assert [m["name"] for m in lab.get(MANAGERS, filter='name eq "nodes.*"')["items"]] == ["nodes"]
    scopes = lab.get("aggregated/instanceGroupManagers")["items"]
    found = {s: [m["name"] for m in e.get("instanceGroupManagers", [])] for s, e in scopes.items()}
    assert {s: n for s, n in found.items() if n} == {ZONE: ["nodes"], OTHER_ZONE: ["far"]}


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"instanceTemplate": f"{TEMPLATES}/none"}, MISSING),
        ({"instanceTemplate": "t"}, INVALID),
        ({"instanceTemplate": None}, REQUIRED),
        ({"targetSize": None}, REQUIRED),
        ({"targetSize": 1001}, INVALID),
        ({"targetSize": -1}, INVALID),
        ({"baseInstanceName": "b" * 59}, INVALID),
        ({"baseInstanceName": "B"}, INVALID),
        ({"name": "group"}, TAKEN),
        ({"targetPools": [f"{REGION}/targetPools/p"]}, (501, "notImplemented")),
        ({"listManagedInstancesResults": "PAGINATED"}, (501, "notImplemented")),
    ],
)
def test_a_group_that_cannot_be_is_refused(
    lab: Bench, wrong: dict[str, Any], refusal: tuple[int, str]
) -> None:
    lab.do("POST", TEMPLATES, template())
    lab.group("group")
    assert lab.refusal("POST", MANAGERS, manager(1, **wrong)) == refusal


@pytest.mark.parametrize(
    ("query", "refusal"), [({}, REQUIRED), ({"size": "x"}, INVALID), ({"size": "1001"}, INVALID)]
)
def test_a_size_that_cannot_be_is_refused(
    lab: Bench, query: dict[str, str], refusal: tuple[int, str]
) -> None:
    grown(lab, 1)
    assert lab.refusal("POST", f"{G}/resize", None, **query) == refusal
    assert lab.refusal("POST", f"{MANAGERS}/none/resize", None, size="1") == MISSING


def test_who_is_in_a_managed_group_its_manager_decides(lab: Bench) -> None:
    (node,) = grown(lab, 1)
    lab.instance("vm")
    group = f"{ZONE}/instanceGroups/nodes"
    member = listed(f"{ZONE}/instances/vm")
    assert lab.refusal("POST", f"{group}/addInstances", member) == INVALID
    member = listed(f"{ZONE}/instances/{node}")
    assert lab.refusal("POST", f"{group}/removeInstances", member) == INVALID
    assert lab.refusal("DELETE", group) == IN_USE


def test_a_group_behind_a_balancer_is_not_deleted(lab: Bench) -> None:
    grown(lab, 1)
    lab.service(groups=(f"{ZONE}/instanceGroups/nodes",))
    assert lab.refusal("DELETE", G) == IN_USE


# ----------------------------------------------------------------------------- not enough
def test_a_quota_stops_a_group_half_way_and_it_goes_on_when_there_is_room() -> None:
    with bench(limits={"INSTANCES": 3}) as lab:
        lab.instance("other")
        lab.do("POST", TEMPLATES, template())
        lab.do("POST", MANAGERS, manager(3))
        lab.get("")
        lab.get("")
        assert lab.get(G)["status"]["isStable"] is False
        assert actions(lab) == {"none": 2, "creating": 1}
        (stuck,) = [e for e in managed(lab) if e["currentAction"] == "CREATING"]
        (error,) = stuck["lastAttempt"]["errors"]["errors"]
        assert error["code"] == "QUOTA_EXCEEDED"
        assert "items" in lab.get(f"{ZONE}/disks", filter="name eq other")
        assert len(lab.get(f"{ZONE}/disks")["items"]) == 3, "nothing is left of the failed one"
        lab.do("DELETE", f"{ZONE}/instances/other")
        settled(lab)
        assert len(names(lab)) == 3


def test_a_zone_without_room_is_tried_again(lab: Bench) -> None:
    trouble = {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "http": 503}
    script = {"method": "instances.insert", "operation_error": trouble, "count": 2}
    lab.lab.faults.add(parse(script))
    lab.do("POST", TEMPLATES, template())
    lab.do("POST", MANAGERS, manager(1))
    (stuck,) = managed(lab)
    assert stuck["lastAttempt"]["errors"]["errors"][0]["code"] == trouble["code"]
    lab.clock.advance(4.9)
    assert actions(lab) == {"creating": 1}
    assert lab.lab.next_due() is not None
    settled(lab)


def test_a_group_tells_its_failed_attempts_until_long_after_they_are_over(lab: Bench) -> None:
    assert lab.refusal("GET", f"{G}/listErrors") == MISSING
    trouble = {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "http": 503}
    script = {"method": "instances.insert", "operation_error": trouble, "count": 2}
    lab.lab.faults.add(parse(script))
    lab.do("POST", TEMPLATES, template())
    lab.do("POST", MANAGERS, manager(1))
    first = lab.get(f"{G}/listErrors")["items"]
    lab.clock.advance(5)
    settled(lab)
    both = lab.get(f"{G}/listErrors")["items"]
    assert [first, len(both)] == [both[:1], 2]
    (name,) = names(lab)
    for attempt in both:
        assert attempt["error"]["code"] == trouble["code"]
        assert attempt["error"]["message"]
        assert attempt["instanceActionDetails"]["action"] == "CREATING"
        assert attempt["instanceActionDetails"]["instance"].endswith(f"/instances/{name}")
    assert both[0]["timestamp"] < both[1]["timestamp"]
    assert "@attempts" not in str(lab.get(G))


def test_a_group_keeps_no_endless_record_of_its_failures(lab: Bench) -> None:
    trouble = {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "http": 503}
    script = {"method": "instances.insert", "operation_error": trouble, "count": 30}
    lab.lab.faults.add(parse(script))
    lab.do("POST", TEMPLATES, template())
    lab.do("POST", MANAGERS, manager(1))
    settled(lab)
    assert len(lab.get(f"{G}/listErrors")["items"]) == 20


# -------------------------------------------------------------------------------- restart
def test_a_group_is_finished_after_a_restart(tmp_path: Path) -> None:
    with bench(home=tmp_path, latency=SLOW) as before:
        before.start("POST", TEMPLATES, template())
        before.clock.advance(2)
        before.start("POST", MANAGERS, manager(3))
        before.clock.advance(6)
        three = names(before)
    with bench(home=tmp_path) as after:
        settled(after)
        assert names(after) == three
        assert len(after.runtime.on) == 3


# ------------------------------------------------------------------------ a thousand nodes
def test_a_thousand_nodes_are_made_in_portions_and_read_in_pages(tmp_path: Path) -> None:
    limits = {**LIMITS, "INSTANCES": 2000, "CPUS": 20_000, "DISKS_TOTAL_GB": 1_000_000}
    runtime, clock = RecordsRuntime(tmp_path / "records"), FakeClock()
    latency = profile("none")
    opened = Lab(runtime=runtime, clock=clock, latency=latency, home=tmp_path, limits=limits)
    with closing(opened):
        lab = Bench(opened, FakeRuntime(), clock)
        lab.do("POST", TEMPLATES, template())
        operation = lab.start("POST", MANAGERS, manager(1000))
        steps: list[int] = []
        lab.end(operation)
        while sum(steps) < 1000:
            lab.clock.advance(0.05)
            steps.append(lab.get(f"{ZONE}/instanceGroups/nodes")["size"] - sum(steps))
            assert len(steps) < 200
        # Whoever comes meanwhile waits for a portion, not for all; the first look sees two.
        assert max(steps[1:]) <= 25
        settled(lab)
        assert lab.end(operation)["status"] == "DONE", "not pushed out by a thousand others"
        path, seen, token = f"{ZONE}/instances", [], ""
        pages = 0
        while token or not pages:
            page = lab.get(path, filter='name eq "nodes-.+"', pageToken=token)
            seen += [vm["name"] for vm in page["items"]]
            token, pages = page.get("nextPageToken", ""), pages + 1
        assert pages == 2
        assert sorted(seen) == sorted(names(lab))
        assert len(set(seen)) == 1000
        addresses = {vm["networkInterfaces"][0]["networkIP"] for vm in lab.get(path)["items"]}
        assert len(addresses) == 500
        lab.do("DELETE", G)
        assert "items" not in lab.get(path)
