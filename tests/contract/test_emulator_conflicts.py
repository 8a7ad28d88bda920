"""Stale writes, balancers' parts, repeated requests, quotas: refused as Google does."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.emulator_bench import (
    OTHER_REGION,
    OTHER_ZONE,
    REGION,
    ZONE,
    Bench,
    bench,
    instance,
    listed,
    service,
)

IN_USE = (400, "resourceInUseByAnotherResource")
INVALID = (400, "invalid")
MISSING = (404, "notFound")


@pytest.fixture
def lab() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


# ---------------------------------------------------------------------------- fingerprints
def test_metadata_is_written_on_top_of_what_was_read(lab: Bench) -> None:
    before = lab.instance("vm")["metadata"]["fingerprint"]
    path = f"{ZONE}/instances/vm/setMetadata"
    body = {"items": [{"key": "a", "value": "1"}]}
    assert lab.refusal("POST", path, body) == (412, "conditionNotMet")
    lab.do("POST", path, {**body, "fingerprint": before})
    late = {"items": [], "fingerprint": before}
    assert lab.refusal("POST", path, late) == (412, "conditionNotMet")


@pytest.mark.parametrize("kind", ["addresses", "disks", "instances", "forwardingRules"])
def test_labels_are_written_on_top_of_what_was_read(lab: Bench, kind: str) -> None:
    path = {
        "addresses": f"{REGION}/addresses/ip",
        "disks": f"{ZONE}/disks/vm",
        "instances": f"{ZONE}/instances/vm",
        "forwardingRules": f"{REGION}/forwardingRules/r",
    }[kind]
    lab.address()
    lab.instance("vm")
    lab.rule("r", lab.service())
    seen = lab.get(path)["labelFingerprint"]
    body = {"labels": {"owner": "me"}, "labelFingerprint": seen}
    bad = {"labels": {"owner": "Me"}, "labelFingerprint": seen}
    assert lab.refusal("POST", f"{path}/setLabels", bad) == INVALID
    lab.do("POST", f"{path}/setLabels", body)
    assert lab.get(path)["labels"] == {"owner": "me"}
    assert lab.refusal("POST", f"{path}/setLabels", body) == (412, "conditionNotMet")


def test_a_backend_service_is_written_on_top_of_what_was_read(lab: Bench) -> None:
    path = lab.service(groups=(lab.group("g"),))
    seen = lab.get(path)
    stale = {**service("lb"), "fingerprint": "AAAAAAAAAAA="}
    assert lab.refusal("PATCH", path, stale) == (412, "conditionNotMet")
    assert lab.refusal("PUT", path, service("lb")) == (412, "conditionNotMet")
    lab.do("PATCH", path, {"backends": [], "fingerprint": seen["fingerprint"]})
    assert "backends" not in lab.get(path)
    assert lab.get(path)["healthChecks"] == seen["healthChecks"], "a patch keeps the rest"


# ----------------------------------------------------------------------------- load balancing
def test_a_group_takes_instances_of_its_zone_once(lab: Bench) -> None:
    lab.instance("vm")
    lab.instance("far", OTHER_ZONE)
    add = f"{lab.group('g')}/addInstances"
    assert lab.refusal("POST", add, listed(f"{OTHER_ZONE}/instances/far")) == INVALID
    assert lab.refusal("POST", add, listed(f"{ZONE}/instances/none")) == MISSING
    assert lab.refusal("POST", add, {}) == (400, "required")
    lab.do("POST", add, listed(f"{ZONE}/instances/vm"))
    assert lab.refusal("POST", add, listed(f"{ZONE}/instances/vm")) == (400, "memberAlreadyExists")
    remove = add.replace("addInstances", "removeInstances")
    lab.do("POST", remove, listed(f"{ZONE}/instances/vm"))
    assert lab.refusal("POST", remove, listed(f"{ZONE}/instances/vm")) == (400, "memberNotFound")


def test_a_group_takes_instances_of_its_network(lab: Bench) -> None:
    lab.do("POST", "global/networks", {"name": "other"})
    lab.instance("vm", networkInterfaces=[{"network": "global/networks/other"}])
    body = {"name": "g", "network": "global/networks/default"}
    lab.do("POST", f"{ZONE}/instanceGroups", body)
    add = f"{ZONE}/instanceGroups/g/addInstances"
    assert lab.refusal("POST", add, listed(f"{ZONE}/instances/vm")) == INVALID


def test_an_instance_is_in_one_load_balanced_group_at_most(lab: Bench) -> None:
    lab.instance("vm")
    first, second = lab.group("one", members=("vm",)), lab.group("two")
    path = lab.service(groups=(first, second))
    add = listed(f"{ZONE}/instances/vm")
    assert lab.refusal("POST", f"{second}/addInstances", add) == IN_USE
    lab.do("PATCH", path, {"backends": [{"group": first}]})
    lab.do("POST", f"{second}/addInstances", add)
    both = {"backends": [{"group": first}, {"group": second}]}
    assert lab.refusal("PATCH", path, both) == IN_USE


def test_the_parts_of_a_balancer_hold_each_other(lab: Bench) -> None:
    group = lab.group("g")
    path = lab.service(groups=(group,))
    lab.rule("r", path)
    assert lab.refusal("DELETE", group) == IN_USE
    assert lab.refusal("DELETE", f"{REGION}/healthChecks/lb") == IN_USE
    assert lab.refusal("DELETE", path) == IN_USE
    for part in (f"{REGION}/forwardingRules/r", path, f"{REGION}/healthChecks/lb", group):
        lab.do("DELETE", part)


def test_a_backend_service_is_of_one_region(lab: Bench) -> None:
    far = lab.group("far", "zones/us-central1-a")
    lab.do("POST", f"{OTHER_REGION}/healthChecks", {"name": "far", "type": "TCP"})
    path = lab.service()
    services = f"{REGION}/backendServices"
    assert lab.refusal("PATCH", path, {"backends": [{"group": far}]}) == INVALID
    checked = {"healthChecks": [f"{OTHER_REGION}/healthChecks/far"]}
    assert lab.refusal("POST", services, {**service("x"), **checked}) == INVALID
    unchecked = {**service("x"), "healthChecks": []}
    assert lab.refusal("POST", services, unchecked) == (400, "required")
    rule = {"name": "r", "ports": ["443"], "backendService": path}
    assert lab.refusal("POST", f"{OTHER_REGION}/forwardingRules", rule) == INVALID


@pytest.mark.parametrize(
    "changes",
    [
        {"backends": [{"group": f"{ZONE}/instanceGroups/g", "balancingMode": "UTILIZATION"}]},
        {"backends": [{"group": f"{ZONE}/instanceGroups/g"}] * 2},
        {"protocol": "HTTPS"},
        {"healthChecks": [f"{REGION}/healthChecks/lb"] * 2},
    ],
)
def test_a_passthrough_balancer_is_no_proxy(lab: Bench, changes: dict[str, Any]) -> None:
    lab.group("g")
    lab.service()
    body = {**service("lb"), "name": "x", **changes}
    assert lab.refusal("POST", f"{REGION}/backendServices", body) == INVALID


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ports": []}, (400, "required")),
        ({"ports": ["1", "2", "3", "4", "5", "6"]}, INVALID),
        ({"ports": ["443"], "portRange": "443"}, INVALID),
        ({"ports": ["0"]}, INVALID),
        ({"ports": ["https"]}, INVALID),
        ({"backendService": ""}, (400, "required")),
        ({"backendService": f"{REGION}/backendServices/none"}, MISSING),
        ({"labels": {"a": "b"}}, INVALID),
        ({"loadBalancingScheme": "INTERNAL"}, (501, "notImplemented")),
    ],
)
def test_a_rule_must_make_sense(
    lab: Bench, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    body = {"name": "r", "backendService": lab.service(), "ports": ["443"], **changes}
    assert lab.refusal("POST", f"{REGION}/forwardingRules", body) == expected


def test_rules_share_an_address_while_their_ports_differ(lab: Bench) -> None:
    path, address = lab.service(), lab.address()
    lab.rule("https", path, IPAddress=address)
    lab.rule("other", path, IPAddress=address, ports=["8443"])
    body = {"name": "r", "backendService": path, "portRange": "440-450", "IPAddress": address}
    assert lab.refusal("POST", f"{REGION}/forwardingRules", body) == INVALID


def test_a_network_in_use_is_not_deleted(lab: Bench) -> None:
    lab.do("POST", "global/networks", {"name": "net"})
    lab.instance("vm", networkInterfaces=[{"network": "global/networks/net"}])
    rule = {"name": "fw", "network": "global/networks/net", "allowed": [{"IPProtocol": "tcp"}]}
    lab.do("POST", "global/firewalls", rule)
    failed = lab.fails("DELETE", "global/networks/net")["error"]["errors"]
    assert [error["code"] for error in failed] == ["RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"]
    lab.do("DELETE", f"{ZONE}/instances/vm")
    failed = lab.fails("DELETE", "global/networks/net")["error"]["errors"]
    assert [error["code"] for error in failed] == ["RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"]
    lab.do("DELETE", "global/firewalls/fw")
    lab.do("DELETE", "global/networks/net")
    assert lab.refusal("GET", f"{REGION}/subnetworks/net") == MISSING


# -------------------------------------------------------------------------------- request ids
def test_a_request_id_is_obeyed_once(lab: Bench) -> None:
    same = {"requestId": "11111111-2222-4333-8444-555555555555"}
    first = lab.start("POST", f"{REGION}/addresses", {"name": "ip"}, **same)
    again = lab.ask("POST", f"{REGION}/addresses", {"name": "ip"}, **same)
    assert again["name"] == first["name"]
    assert lab.end(first)["status"] == "DONE"
    after = lab.ask("POST", f"{REGION}/addresses", {"name": "ip"}, **same)
    assert (after["name"], after["status"]) == (first["name"], "DONE")
    assert lab.refusal("DELETE", f"{REGION}/addresses/ip", **same) == INVALID


@pytest.mark.parametrize("text", ["00000000-0000-0000-0000-000000000000", "no-uuid"])
def test_a_request_id_is_a_uuid_and_not_the_zero_one(lab: Bench, text: str) -> None:
    body = {"name": "ip"}
    assert lab.refusal("POST", f"{REGION}/addresses", body, requestId=text) == INVALID


def test_a_refused_request_uses_its_id_up_no_more_than_google_does(lab: Bench) -> None:
    same = {"requestId": "11111111-2222-4333-8444-555555555555"}
    body = instance("vm", data_disk="data")
    assert lab.refusal("POST", f"{ZONE}/instances", body, **same) == MISSING
    lab.disk("data")
    lab.do("POST", f"{ZONE}/instances", body, **same)


# ------------------------------------------------------------------------------------- quotas
@pytest.mark.parametrize(
    ("metric", "verb_path", "body"),
    [
        ("INSTANCES", f"{ZONE}/instances", instance("vm")),
        ("STATIC_ADDRESSES", f"{REGION}/addresses", {"name": "ip"}),
        ("DISKS_TOTAL_GB", f"{ZONE}/disks", {"name": "d", "sizeGb": 5}),
    ],
)
def test_a_quota_that_is_used_up_fails_the_operation(
    metric: str, verb_path: str, body: dict[str, Any]
) -> None:
    with bench(limits={metric: 0}) as lab:
        failed = lab.fails("POST", verb_path, body)
        assert failed["error"]["errors"][0]["code"] == "QUOTA_EXCEEDED"
        assert failed["httpErrorStatusCode"] == 403
        assert lab.refusal("GET", f"{verb_path}/{body['name']}") == MISSING
        assert lab.runtime.on == {}


def test_forwarding_rules_are_counted_for_the_project() -> None:
    with bench(limits={"FORWARDING_RULES": 1}) as lab:
        path = lab.service()
        lab.rule("one", path)
        body = {"name": "two", "backendService": path, "ports": ["443"]}
        failed = lab.fails("POST", f"{REGION}/forwardingRules", body)
        assert failed["error"]["errors"][0]["code"] == "QUOTA_EXCEEDED"
        (quota,) = lab.get("")["quotas"]
        assert (quota["usage"], quota["limit"]) == (1, 1)
