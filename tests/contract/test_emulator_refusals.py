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
