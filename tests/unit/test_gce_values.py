"""What is read, and that what a message leaves out is empty instead of an error."""

from typing import Any, TypeVar

from google.protobuf import json_format

from hakube_gce.gce import values
from hakube_gce.gce.library import compute
from hakube_gce.resources import (
    AccessConfig,
    Address,
    AttachedDisk,
    BackendService,
    Disk,
    ForwardingRule,
    Instance,
    SerialOutput,
    Zone,
)

M = TypeVar("M")

BASE = "https://www.googleapis.com/compute/v1/projects/p"


def received(kind: type[M], body: dict[str, Any]) -> M:
    """The message as the library reads it."""
    message = kind()
    json_format.ParseDict(body, kind.pb(message))  # type: ignore[attr-defined]  # proto-plus
    return message


def test_a_vm() -> None:
    message = received(
        compute.Instance,
        {
            "name": "kubernetes-master",
            "id": "4711000000000000001",
            "zone": f"{BASE}/zones/europe-west1-b",
            "status": "RUNNING",
            "machineType": f"{BASE}/zones/europe-west1-b/machineTypes/n1-standard-1",
            "creationTimestamp": "2026-11-21T00:00:00.000-08:00",
            "networkInterfaces": [
                {
                    "networkIP": "10.132.0.2",
                    "accessConfigs": [{"name": "external-nat", "natIP": "203.0.113.5"}],
                }
            ],
            "metadata": {"fingerprint": "m=", "items": [{"key": "k", "value": "v"}]},
            "labels": {"hakube-cluster": "kubernetes"},
            "tags": {"items": ["kubernetes-master"]},
            "disks": [
                {"deviceName": "boot", "boot": True, "autoDelete": True, "source": "x/disks/b"},
                {"deviceName": "master-pd", "source": f"{BASE}/zones/z/disks/pd"},
            ],
        },
    )
    assert values.instance(message) == Instance(
        name="kubernetes-master",
        zone="europe-west1-b",
        id="4711000000000000001",
        status="RUNNING",
        internal_ip="10.132.0.2",
        access_config=AccessConfig(name="external-nat", nat_ip="203.0.113.5"),
        machine_type="n1-standard-1",
        metadata={"k": "v"},
        metadata_fingerprint="m=",
        labels={"hakube-cluster": "kubernetes"},
        tags=("kubernetes-master",),
        disks=(
            AttachedDisk(device_name="boot", disk="b", boot=True, auto_delete=True),
            AttachedDisk(device_name="master-pd", disk="pd", boot=False, auto_delete=False),
        ),
        created="2026-11-21T08:00:00.000+00:00",
    )


def test_a_vm_being_made_has_no_addresses_yet() -> None:
    bare = values.instance(received(compute.Instance, {"name": "i", "status": "PROVISIONING"}))
    assert (bare.internal_ip, bare.access_config, bare.tags) == ("", None, ())
    unassigned = {"networkInterfaces": [{"accessConfigs": [{"name": "external-nat"}]}]}
    waiting = values.instance(received(compute.Instance, unassigned))
    assert waiting.access_config == AccessConfig(name="external-nat", nat_ip="")


def test_an_address_says_who_uses_it() -> None:
    message = received(
        compute.Address,
        {
            "name": "kubernetes-master-ip",
            "address": "203.0.113.5",
            "status": "IN_USE",
            "users": [f"{BASE}/regions/r/forwardingRules/f"],
            "labels": {"a": "b"},
            "labelFingerprint": "l=",
        },
    )
    assert values.address(message) == Address(
        name="kubernetes-master-ip",
        address="203.0.113.5",
        status="IN_USE",
        users=("regions/r/forwardingRules/f",),
        labels={"a": "b"},
        label_fingerprint="l=",
    )


def test_a_disk() -> None:
    message = received(
        compute.Disk,
        {
            "name": "d",
            "id": "7",
            "zone": f"{BASE}/zones/z",
            "sizeGb": "20",
            "type": f"{BASE}/zones/z/diskTypes/pd-ssd",
            "users": [f"{BASE}/zones/z/instances/i"],
        },
    )
    assert values.disk(message) == Disk(
        name="d", zone="z", id="7", size_gb=20, type="pd-ssd", users=("zones/z/instances/i",)
    )


def test_a_backend_service_lists_its_groups_and_no_other_backends() -> None:
    message = received(
        compute.BackendService,
        {
            "name": "s",
            "fingerprint": "f=",
            "backends": [
                {"group": f"{BASE}/zones/z2/instanceGroups/g2"},
                {"group": f"{BASE}/zones/z1/instanceGroups/g1"},
                {"group": f"{BASE}/zones/z1/networkEndpointGroups/n"},
            ],
        },
    )
    assert values.backend_service(message, {"i": "HEALTHY"}) == BackendService(
        name="s",
        groups=(("z1", "g1"), ("z2", "g2")),
        health={"i": "HEALTHY"},
        fingerprint="f=",
    )


def test_a_rule_leads_to_a_service_or_a_pool() -> None:
    modern = {"name": "f", "IPAddress": "203.0.113.5", "backendService": f"{BASE}/regions/r/b/s"}
    old = {"name": "f", "IPAddress": "203.0.113.5", "target": f"{BASE}/regions/r/targetPools/t"}
    assert values.forwarding_rule(received(compute.ForwardingRule, modern)) == ForwardingRule(
        name="f", address="203.0.113.5", target="regions/r/b/s"
    )
    assert values.forwarding_rule(received(compute.ForwardingRule, old)).target == (
        "regions/r/targetPools/t"
    )


def test_a_zone_lies_in_its_region() -> None:
    message = received(
        compute.Zone, {"name": "europe-west1-b", "region": f"{BASE}/regions/europe-west1"}
    )
    assert values.zone(message) == Zone(name="europe-west1-b", region="europe-west1")


def test_serial_output_says_where_to_go_on() -> None:
    message = received(compute.SerialPortOutput, {"contents": "x\n", "start": "40", "next": "42"})
    assert values.serial_output(message) == SerialOutput(contents="x\n", start=40, next=42)
