"""Networks through the gateway, over the emulator and real HTTP; in one project and in two."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import json_format

from hakube_gce.errors import RequestInvalid, ResourceConflict, ResourceInUse, ResourceNotFound
from hakube_gce.gce.networks import network, subnetwork
from hakube_gce.network_resources import Network, NetworkSpec, Subnetwork, SubnetworkSpec
from hakube_gce.node_resources import TemplateSpec
from hakube_gce.resources import FirewallSpec, InstanceSpec
from tests.fakes.emulated import PROJECT, Emulated, emulated

REGION, ZONE = "europe-west1", "europe-west1-b"
HOST = "acme-network"
CUSTOM = NetworkSpec(name="mine", automatic=False, description="marked")
SUBNET = SubnetworkSpec(
    name="mine-custom-subnet",
    region=REGION,
    network="mine",
    ip_range="10.40.0.0/22",
    secondary=(("pods-default", "10.64.0.0/14"), ("services-default", "10.0.0.0/16")),
    description="marked too",
)
AS_READ = Subnetwork(
    name="mine-custom-subnet",
    network="mine",
    ip_range="10.40.0.0/22",
    secondary=SUBNET.secondary,
    description="marked too",
)


@pytest.fixture(params=["", HOST], ids=["one project", "two projects"])
def cloud(request: pytest.FixtureRequest) -> Iterator[Emulated]:
    with emulated(network_project=request.param) as running:
        yield running


def new_id() -> str:
    return str(uuid.uuid4())


def made(cloud: Emulated) -> None:
    cloud.gateway.networks.insert_network(CUSTOM, request_id=new_id())
    cloud.gateway.networks.insert_subnetwork(SUBNET, request_id=new_id())


def body(message: Any) -> dict[str, Any]:
    return dict(json_format.MessageToDict(type(message).pb(message)))


def test_what_was_made_stands_in_the_inventory_and_goes_again(cloud: Emulated) -> None:
    networks = cloud.gateway.networks
    before = cloud.gateway.inventory(REGION)
    assert [n.name for n in before.networks] == ["default"]
    made(cloud)
    seen = cloud.gateway.inventory(REGION)
    assert Network(name="mine", automatic=False, description="marked") in seen.networks
    assert AS_READ in seen.subnetworks
    assert networks.find_subnetwork(REGION, SUBNET.name) == AS_READ
    networks.delete_subnetwork(REGION, SUBNET.name, request_id=new_id())
    networks.delete_network("mine", request_id=new_id())
    after = cloud.gateway.inventory(REGION)
    assert (after.networks, after.subnetworks) == (before.networks, before.subnetworks)
    assert networks.find_subnetwork(REGION, SUBNET.name) is None


def test_what_is_of_networks_is_asked_for_in_the_network_project(cloud: Emulated) -> None:
    made(cloud)
    rule = FirewallSpec(name="f", network="mine", allowed=(("tcp", ()),), description="marked")
    cloud.gateway.networks.insert_firewall(rule, request_id=new_id())
    (host,) = {call["path"].split("/")[4] for call in cloud.lab.calls}
    assert {f.network for f in cloud.gateway.inventory(REGION).firewalls} == {"mine"}
    assert host in {PROJECT, HOST}
    assert all(f"projects/{host}/" in str(call) for call in cloud.lab.calls)


def test_machines_of_one_project_stand_in_the_network_of_another() -> None:
    with emulated(network_project=HOST) as cloud:
        made(cloud)
        gateway = cloud.gateway
        gateway.insert_disk(
            ZONE, "m-pd", size_gb=20, disk_type="pd-ssd", labels={"a": "b"}, request_id=new_id()
        )
        gateway.insert_instance(_master(), request_id=new_id())
        gateway.nodes.insert_template(_template(), request_id=new_id())
        with pytest.raises(ResourceInUse):
            gateway.networks.delete_subnetwork(REGION, SUBNET.name, request_id=new_id())
        (vm,) = gateway.inventory(REGION).instances
        assert vm.network == "mine"
        for method in ("instances.insert", "instanceTemplates.insert"):
            (call,) = cloud.sent(method)
            assert f"/projects/{PROJECT}/" in call["path"]
            assert f"projects/{HOST}/regions/{REGION}/subnetworks/{SUBNET.name}" in str(call)


def test_a_network_that_is_used_stays_and_one_that_is_not_there_is_not_found(
    cloud: Emulated,
) -> None:
    made(cloud)
    networks = cloud.gateway.networks
    with pytest.raises(ResourceInUse, match="mine-custom-subnet"):
        networks.delete_network("mine", request_id=new_id())
    with pytest.raises(ResourceConflict):
        networks.insert_network(CUSTOM, request_id=new_id())
    with pytest.raises(ResourceNotFound):
        networks.delete_network("yours", request_id=new_id())


def test_a_range_grows_and_the_region_knows(cloud: Emulated) -> None:
    automatic = NetworkSpec(name="wide", automatic=True, description="marked")
    cloud.gateway.networks.insert_network(automatic, request_id=new_id())
    cloud.gateway.networks.expand_subnetwork(
        REGION, "wide", ip_range="10.132.0.0/19", request_id=new_id()
    )
    found = cloud.gateway.networks.find_subnetwork(REGION, "wide")
    assert found is not None
    assert (found.ip_range, found.network) == ("10.132.0.0/19", "wide")
    with pytest.raises(RequestInvalid):
        cloud.gateway.networks.expand_subnetwork(
            REGION, "wide", ip_range="10.132.0.0/21", request_id=new_id()
        )


def test_a_request_says_the_mode_even_when_it_is_the_smaller_value() -> None:
    assert body(network(CUSTOM)) == {
        "name": "mine",
        "description": "marked",
        "autoCreateSubnetworks": False,
    }
    assert body(subnetwork(SUBNET, project=HOST)) == {
        "name": "mine-custom-subnet",
        "description": "marked too",
        "network": f"projects/{HOST}/global/networks/mine",
        "ipCidrRange": "10.40.0.0/22",
        "secondaryIpRanges": [
            {"rangeName": "pods-default", "ipCidrRange": "10.64.0.0/14"},
            {"rangeName": "services-default", "ipCidrRange": "10.0.0.0/16"},
        ],
    }


def _master() -> InstanceSpec:
    return InstanceSpec(
        name="m",
        zone=ZONE,
        machine_type="n1-standard-1",
        image="projects/debian-cloud/global/images/family/debian-12",
        boot_disk_size_gb=20,
        data_disk="m-pd",
        network="mine",
        subnetwork=SUBNET.name,
        address="",
        tags=("m",),
        scopes=("https://www.googleapis.com/auth/compute",),
        labels={"a": "b"},
        metadata={"cluster-name": "m"},
    )


def _template() -> TemplateSpec:
    return TemplateSpec(
        name="m-minion-template",
        description="marked",
        machine_type="n1-standard-1",
        image="projects/debian-cloud/global/images/family/debian-12",
        disk_size_gb=20,
        disk_type="pd-standard",
        network="mine",
        subnetwork=SUBNET.name,
        region=REGION,
        tags=("m",),
        service_account="default",
        scopes=(),
        provisioning="standard",
        labels={"a": "b"},
        metadata={"cluster-name": "m"},
    )
