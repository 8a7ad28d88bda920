"""What the emulator refuses, as Google does: status, reason, and nothing changed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.emulator_bench import (
    IMAGE,
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
TAKEN = (409, "alreadyExists")


@pytest.fixture
def lab() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


# ------------------------------------------------------------------------------------ names
@pytest.mark.parametrize(
    ("collection", "body"),
    [
        (f"{REGION}/addresses", {}),
        (f"{ZONE}/disks", {}),
        (f"{ZONE}/instanceGroups", {}),
        ("global/networks", {}),
        ("global/firewalls", {"allowed": [{"IPProtocol": "tcp"}]}),
        (f"{REGION}/healthChecks", {"type": "TCP"}),
        (f"{REGION}/targetPools", {}),
    ],
)
def test_a_name_is_taken_once_and_must_be_a_name(
    lab: Bench, collection: str, body: dict[str, Any]
) -> None:
    lab.do("POST", collection, {"name": "one", **body})
    assert lab.refusal("POST", collection, {"name": "one", **body}) == TAKEN
    assert lab.refusal("POST", collection, body) == (400, "required")
    for bad in ("One", "-one", "one-", "1one", "o" * 64, "o_e", "one\n"):
        assert lab.refusal("POST", collection, {"name": bad, **body}) == INVALID, bad


@pytest.mark.parametrize(
    "path",
    [
        f"{REGION}/addresses/x",
        f"{ZONE}/disks/x",
        f"{ZONE}/instances/x",
        f"{ZONE}/instances/x/serialPort",
        f"{ZONE}/instanceGroups/x",
        f"{ZONE}/operations/x",
        f"{ZONE}/machineTypes/x",
        f"{REGION}/backendServices/x",
        f"{REGION}/forwardingRules/x",
        f"{REGION}/healthChecks/x",
        "global/networks/x",
        "global/firewalls/x",
        "zones/mars-east1-a",
        "regions/mars-east1",
        "projects/debian-cloud/global/images/family/debian-2",
    ],
)
def test_what_is_not_there_is_not_found(lab: Bench, path: str) -> None:
    assert lab.refusal("GET", path) == MISSING


def test_an_unknown_zone_or_region_is_an_invalid_value(lab: Bench) -> None:
    assert lab.refusal("GET", "zones/mars-east1-a/disks") == INVALID
    assert lab.refusal("GET", "regions/mars-east1/addresses") == INVALID


# -------------------------------------------------------------------------------- addresses
def test_an_address_takes_no_labels_at_insert(lab: Bench) -> None:
    body = {"name": "ip", "labels": {"a": "b"}}
    assert lab.refusal("POST", f"{REGION}/addresses", body) == INVALID


def test_an_address_in_use_is_not_deleted(lab: Bench) -> None:
    lab.instance("vm", address=lab.address())
    assert lab.refusal("DELETE", f"{REGION}/addresses/ip") == IN_USE
    lab.do("DELETE", f"{ZONE}/instances/vm")
    lab.do("DELETE", f"{REGION}/addresses/ip")


def test_an_address_on_a_vm_is_taken_for_a_rule_and_for_another_vm(lab: Bench) -> None:
    address = lab.address()
    lab.instance("vm", address=address)
    target = lab.service()
    rule = {"name": "r", "backendService": target, "ports": ["443"], "IPAddress": address}
    assert lab.refusal("POST", f"{REGION}/forwardingRules", rule) == INVALID
    body = instance("other", address=address)
    assert lab.refusal("POST", f"{ZONE}/instances", body) == INVALID


def test_an_address_on_a_rule_is_taken_for_a_vm_until_the_rule_is_gone(lab: Bench) -> None:
    address = lab.address()
    lab.rule("r", lab.service(), IPAddress=address)
    body = instance("vm", address=address)
    assert lab.refusal("POST", f"{ZONE}/instances", body) == INVALID
    lab.do("DELETE", f"{REGION}/forwardingRules/r")
    lab.instance("vm", address=address)


def test_an_address_must_be_reserved_in_the_region_of_who_carries_it(lab: Bench) -> None:
    foreign = lab.address("far", OTHER_REGION)
    for address in (foreign, "198.51.100.7"):
        body = instance("vm", address=address)
        assert lab.refusal("POST", f"{ZONE}/instances", body) == INVALID
    rule = {"name": "r", "backendService": lab.service(), "ports": ["443"]}
    rules = f"{REGION}/forwardingRules"
    assert lab.refusal("POST", rules, {**rule, "IPAddress": foreign}) == INVALID
    link = f"{OTHER_REGION}/addresses/far"
    assert lab.refusal("POST", rules, {**rule, "IPAddress": link}) == INVALID


def test_only_an_ephemeral_address_in_use_can_be_reserved_by_its_number(lab: Bench) -> None:
    vm = lab.instance("vm")
    mine = vm["networkInterfaces"][0]["accessConfigs"][0]["natIP"]
    addresses = f"{REGION}/addresses"
    assert lab.refusal("POST", addresses, {"name": "a", "address": "198.51.100.7"}) == INVALID
    lab.do("POST", addresses, {"name": "a", "address": mine})
    kept = lab.get(f"{addresses}/a")
    assert (kept["status"], kept["users"]) == ("IN_USE", [vm["selfLink"]])
    assert lab.refusal("POST", addresses, {"name": "b", "address": mine}) == INVALID


# --------------------------------------------------------------------------- access configs
def test_an_interface_has_one_access_config(lab: Bench) -> None:
    lab.instance("vm")
    path = f"{ZONE}/instances/vm"
    add = f"{path}/addAccessConfig"
    assert lab.refusal("POST", add, {"name": "x"}, networkInterface="nic0") == INVALID
    nic = {"accessConfigs": [{"name": "a"}, {"name": "b"}]}
    assert lab.refusal("POST", f"{ZONE}/instances", instance("w", networkInterfaces=[nic])) == (
        INVALID
    )


def test_an_access_config_is_deleted_by_the_name_it_has(lab: Bench) -> None:
    lab.instance("vm")
    delete = f"{ZONE}/instances/vm/deleteAccessConfig"
    wrong = {"accessConfig": "External NAT", "networkInterface": "nic0"}
    assert lab.refusal("POST", delete, None, **wrong) == INVALID
    assert lab.refusal("POST", delete, networkInterface="nic0") == (400, "required")
    assert lab.refusal("POST", delete, accessConfig="external-nat") == (400, "required")
    lab.do("POST", delete, accessConfig="external-nat", networkInterface="nic0")
    assert "accessConfigs" not in lab.get(f"{ZONE}/instances/vm")["networkInterfaces"][0]


# ---------------------------------------------------------------------- disks and instances
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"machineType": f"{ZONE}/machineTypes/n9-huge"}, INVALID),
        ({"machineType": f"{OTHER_ZONE}/machineTypes/n1-standard-1"}, INVALID),
        ({"machineType": "n1-standard-1"}, INVALID),
        ({"machineType": ""}, (400, "required")),
        ({"disks": []}, INVALID),
        ({"disks": [{"boot": False, "initializeParams": {"sourceImage": IMAGE}}]}, INVALID),
        ({"disks": [{"boot": True}]}, (400, "required")),
        ({"disks": [{"boot": True, "source": f"{ZONE}/disks/none"}]}, MISSING),
        (
            {
                "disks": [
                    {
                        "boot": True,
                        "initializeParams": {
                            "sourceImage": "projects/debian-cloud/global/images/no-such"
                        },
                    }
                ]
            },
            MISSING,
        ),
        ({"networkInterfaces": []}, (400, "required")),
        ({"networkInterfaces": [{"network": "global/networks/none"}]}, INVALID),
        (
            {"networkInterfaces": [{"subnetwork": f"{OTHER_REGION}/subnetworks/default"}]},
            INVALID,
        ),
        ({"networkInterfaces": [{"networkIP": "192.0.2.1"}]}, INVALID),
        ({"labels": {"Upper": "x"}}, INVALID),
        ({"labels": {"a": "no spaces"}}, INVALID),
        ({"metadata": {"items": [{"key": "sp ace", "value": ""}]}}, INVALID),
        ({"metadata": {"items": [{"key": "a"}, {"key": "a"}]}}, INVALID),
        ({"metadata": {"items": [{"key": "a", "value": "x" * 262_145}]}}, INVALID),
        (
            {"metadata": {"items": [{"key": k, "value": "x" * 262_144} for k in "ab"]}},
            INVALID,
        ),
    ],
)
def test_an_instance_that_cannot_be_made_is_refused(
    lab: Bench, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert lab.refusal("POST", f"{ZONE}/instances", {**instance("vm"), **changes}) == expected


def test_a_taken_name_is_the_answer_whatever_else_is_wrong(lab: Bench) -> None:
    lab.instance("vm")
    body = {**instance("vm", data_disk="none"), "machineType": ""}
    assert lab.refusal("POST", f"{ZONE}/instances", body) == TAKEN


def test_the_largest_metadata_value_is_taken(lab: Bench) -> None:
    lab.instance("vm", metadata={"items": [{"key": "a", "value": "x" * 262_144}]})


def test_an_internal_address_is_carried_once(lab: Bench) -> None:
    mine = lab.instance("vm")["networkInterfaces"][0]["networkIP"]
    nic = [{"network": "global/networks/default", "networkIP": mine}]
    body = instance("twin", networkInterfaces=nic)
    assert lab.refusal("POST", f"{ZONE}/instances", body) == INVALID
    lab.do("DELETE", f"{ZONE}/instances/vm")
    again = lab.instance("twin", networkInterfaces=nic)
    assert again["networkInterfaces"][0]["networkIP"] == mine


def test_a_disk_is_attached_once_and_not_deleted_while_it_is(lab: Bench) -> None:
    lab.disk("data")
    lab.instance("vm", data_disk="data")
    body = instance("other", data_disk="data")
    assert lab.refusal("POST", f"{ZONE}/instances", body) == IN_USE
    assert lab.refusal("DELETE", f"{ZONE}/disks/data") == IN_USE
    lab.do("DELETE", f"{ZONE}/instances/vm")
    assert lab.refusal("GET", f"{ZONE}/disks/vm") == MISSING, "the boot disk goes with its VM"
    lab.do("DELETE", f"{ZONE}/disks/data")


def test_a_disk_of_another_zone_is_not_attached(lab: Bench) -> None:
    lab.disk("far", OTHER_ZONE)
    source = {"deviceName": "master-pd", "source": f"{OTHER_ZONE}/disks/far"}
    body = instance("vm")
    body["disks"].append(source)
    assert lab.refusal("POST", f"{ZONE}/instances", body) == INVALID


@pytest.mark.parametrize("size", [0.5, 9, 70_000])
def test_a_disk_must_hold_its_image_and_be_sold(lab: Bench, size: float) -> None:
    body = {"name": "d", "sourceImage": IMAGE, "sizeGb": size}
    assert lab.refusal("POST", f"{ZONE}/disks", body) == INVALID


def test_a_protected_instance_is_not_deleted(lab: Bench) -> None:
    lab.instance("vm", deletionProtection=True)
    assert lab.refusal("DELETE", f"{ZONE}/instances/vm") == (400, "invalidResourceUsage")


def test_a_stopped_instance_is_not_reset(lab: Bench) -> None:
    lab.instance("vm")
    lab.do("POST", f"{ZONE}/instances/vm/stop")
    assert lab.refusal("POST", f"{ZONE}/instances/vm/reset") == (400, "resourceNotReady")


def test_auto_delete_is_of_a_disk_that_is_attached(lab: Bench) -> None:
    lab.disk("data")
    lab.instance("vm", data_disk="data")
    path = f"{ZONE}/instances/vm/setDiskAutoDelete"
    assert lab.refusal("POST", path, deviceName="nope", autoDelete="true") == INVALID
    assert lab.refusal("POST", path, deviceName="master-pd") == (400, "required")
    lab.do("POST", path, deviceName="master-pd", autoDelete="true")
    lab.do("DELETE", f"{ZONE}/instances/vm")
    assert lab.refusal("GET", f"{ZONE}/disks/data") == MISSING


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
    assert lab.refusal("DELETE", "global/networks/net") == IN_USE
    lab.do("DELETE", f"{ZONE}/instances/vm")
    assert lab.refusal("DELETE", "global/networks/net") == IN_USE
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
