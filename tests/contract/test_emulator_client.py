"""Google's own client library against the emulator's server, over HTTP."""

import socket
import uuid
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud import compute_v1

from hakube_gce.clock import SystemClock
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import Latency
from hakube_gce.emulator.server import serve
from tests.contract.emulator_bench import IMAGE
from tests.contract.emulator_cloud import PROJECT, REGION, ZONE, Cloud
from tests.fakes.fake_runtime import FakeRuntime

LINK = "https://www.googleapis.com/compute/v1/projects/hakube-lab"


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def latency() -> Latency:
    return Latency(name="short", seconds={"everything_else": 0.02})


@pytest.fixture
def cloud(runtime: FakeRuntime, latency: Latency) -> Iterator[Cloud]:
    lab = Lab(runtime=runtime, clock=SystemClock(), latency=latency)
    with serve(lab) as server:
        clients = Cloud(server.endpoint)
        try:
            yield clients
        finally:
            clients.close()


def master(name: str, address: str = "") -> compute_v1.Instance:
    config = compute_v1.AccessConfig(name="external-nat", type_="ONE_TO_ONE_NAT")
    if address:
        config.nat_i_p = address
    image = compute_v1.AttachedDiskInitializeParams(source_image=IMAGE, disk_size_gb=20)
    boot = compute_v1.AttachedDisk(boot=True, auto_delete=True, initialize_params=image)
    nic = compute_v1.NetworkInterface(network="global/networks/default", access_configs=[config])
    return compute_v1.Instance(
        name=name,
        machine_type=f"zones/{ZONE}/machineTypes/n1-standard-1",
        disks=[boot],
        network_interfaces=[nic],
    )


def test_a_promotion_as_the_client_library_does_it(cloud: Cloud, runtime: FakeRuntime) -> None:
    """An address moves from a VM to a load balancer with two backends."""
    here = {"project": PROJECT, "region": REGION}
    zonal = {"project": PROJECT, "zone": ZONE}
    cloud.wait(
        cloud.Addresses.insert_unary(
            **here, address_resource=compute_v1.Address(name="ip", description="mine")
        )
    )
    address = cloud.Addresses.get(**here, address="ip").address
    for name, fixed in (("m1", address), ("m2", "")):
        body = master(name, fixed)
        cloud.wait(cloud.Instances.insert_unary(**zonal, instance_resource=body))
    runtime.serving = {"m1", "m2"}
    assert cloud.Addresses.get(**here, address="ip").users == [f"{LINK}/zones/{ZONE}/instances/m1"]
    group = compute_v1.InstanceGroup(name="g")
    cloud.wait(cloud.InstanceGroups.insert_unary(**zonal, instance_group_resource=group))
    members = [
        compute_v1.InstanceReference(instance=f"zones/{ZONE}/instances/{name}")
        for name in ("m1", "m2")
    ]
    request = compute_v1.InstanceGroupsAddInstancesRequest(instances=members)
    cloud.wait(
        cloud.InstanceGroups.add_instances_unary(
            **zonal,
            instance_group="g",
            instance_groups_add_instances_request_resource=request,
        )
    )
    https = compute_v1.HTTPSHealthCheck(port=443, request_path="/readyz")
    check = compute_v1.HealthCheck(name="lb", type_="HTTPS", https_health_check=https)
    cloud.wait(cloud.RegionHealthChecks.insert_unary(**here, health_check_resource=check))
    service = compute_v1.BackendService(
        name="lb",
        protocol="TCP",
        load_balancing_scheme="EXTERNAL",
        health_checks=[f"regions/{REGION}/healthChecks/lb"],
        backends=[
            compute_v1.Backend(group=f"zones/{ZONE}/instanceGroups/g", balancing_mode="CONNECTION")
        ],
    )
    cloud.wait(cloud.RegionBackendServices.insert_unary(**here, backend_service_resource=service))
    rule = compute_v1.ForwardingRule(
        name="lb",
        I_p_address=address,
        I_p_protocol="TCP",
        ports=["443"],
        backend_service=f"regions/{REGION}/backendServices/lb",
    )
    with pytest.raises(exceptions.BadRequest, match="in-use and would result in a conflict"):
        cloud.ForwardingRules.insert_unary(**here, forwarding_rule_resource=rule)
    cloud.wait(
        cloud.Instances.delete_access_config_unary(
            **zonal, instance="m1", access_config="external-nat", network_interface="nic0"
        )
    )
    cloud.wait(cloud.ForwardingRules.insert_unary(**here, forwarding_rule_resource=rule))
    reference = compute_v1.ResourceGroupReference(group=f"zones/{ZONE}/instanceGroups/g")
    health = cloud.RegionBackendServices.get_health(
        **here, backend_service="lb", resource_group_reference_resource=reference
    )
    assert {h.health_state for h in health.health_status} == {"HEALTHY"}
    assert len(runtime.backends_of(address)) == 2


def test_lists_are_paged_by_the_client_library(cloud: Cloud) -> None:
    zonal = {"project": PROJECT, "zone": ZONE}
    for name in ("a", "b", "c"):
        body = compute_v1.Disk(name=name, size_gb=5)
        cloud.wait(cloud.Disks.insert_unary(**zonal, disk_resource=body))
    request = compute_v1.ListDisksRequest(**zonal, max_results=2)
    assert [disk.name for disk in cloud.Disks.list(request=request)] == ["a", "b", "c"]
    scopes = dict(cloud.Disks.aggregated_list(project=PROJECT))
    assert len(scopes[f"zones/{ZONE}"].disks) == 3
    assert scopes["zones/us-east1-b"].warning.code == "NO_RESULTS_ON_PAGE"


def test_errors_become_the_client_librarys_own(cloud: Cloud) -> None:
    zonal = {"project": PROJECT, "zone": ZONE}
    with pytest.raises(exceptions.NotFound) as missing:
        cloud.Disks.get(**zonal, disk="none")
    assert missing.value.errors[0]["reason"] == "notFound"
    body = compute_v1.Disk(name="a", size_gb=5)
    same = str(uuid.uuid4())
    request = compute_v1.InsertDiskRequest(**zonal, disk_resource=body, request_id=same)
    first = cloud.Disks.insert_unary(request=request)
    assert cloud.Disks.insert_unary(request=request).name == first.name
    cloud.wait(first)
    with pytest.raises(exceptions.Conflict) as taken:
        cloud.Disks.insert_unary(**zonal, disk_resource=body)
    assert taken.value.errors[0]["reason"] == "alreadyExists"
    stale = compute_v1.ZoneSetLabelsRequest(labels={"a": "b"}, label_fingerprint="AAAA")
    with pytest.raises(exceptions.PreconditionFailed):
        cloud.Disks.set_labels_unary(**zonal, resource="a", zone_set_labels_request_resource=stale)
    with pytest.raises(exceptions.MethodNotImplemented, match=r"compute\.autoscalers\.list"):
        list(cloud.Autoscalers.list(**zonal))


def test_a_finished_operation_can_be_forgotten(cloud: Cloud) -> None:
    body = compute_v1.Disk(name="a", size_gb=5)
    zonal = {"project": PROJECT, "zone": ZONE}
    done = cloud.wait(cloud.Disks.insert_unary(**zonal, disk_resource=body))
    cloud.ZoneOperations.delete(**zonal, operation=done.name)
    with pytest.raises(exceptions.NotFound):
        cloud.ZoneOperations.get(**zonal, operation=done.name)


def test_a_wait_holds_the_request_and_nobody_else(runtime: FakeRuntime) -> None:
    """While one client waits for a slow operation, another is served."""
    latency = Latency(name="slow", seconds={"disks.insert": 0.4})
    lab = Lab(runtime=runtime, clock=SystemClock(), latency=latency)
    with serve(lab) as server:
        clients = Cloud(server.endpoint)
        try:
            body = compute_v1.Disk(name="a", size_gb=5)
            zonal = {"project": PROJECT, "zone": ZONE}
            operation = clients.Disks.insert_unary(**zonal, disk_resource=body)
            path = f"/compute/v1/projects/{PROJECT}/zones/{ZONE}/operations/{operation.name}/wait"
            with socket.create_connection(("127.0.0.1", server.server_port)) as waiting:
                text = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
                waiting.sendall(text.encode())
                assert clients.Disks.get(**zonal, disk="a").status == "CREATING"
                waiting.settimeout(5)
                answer = waiting.recv(65536)
            assert b'"status": "DONE"' in answer
            assert clients.Disks.get(**zonal, disk="a").status == "READY"
        finally:
            clients.close()
