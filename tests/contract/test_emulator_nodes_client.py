"""Nodes as Google's own client library makes and removes them, over HTTP."""

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

HERE = {"project": PROJECT, "zone": ZONE}
REGIONAL = {"project": PROJECT, "region": REGION}
NAMED = {"instance_group_manager": "kubernetes-minion-group"}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    latency = Latency(name="short", seconds={"everything_else": 0.02})
    with serve(Lab(runtime=FakeRuntime(), clock=SystemClock(), latency=latency)) as server:
        clients = Cloud(server.endpoint)
        try:
            yield clients
        finally:
            clients.close()


def template(network: str, subnetwork: str = "") -> compute_v1.InstanceTemplate:
    image = compute_v1.AttachedDiskInitializeParams(
        source_image=IMAGE, disk_size_gb=100, disk_type="pd-standard"
    )
    boot = compute_v1.AttachedDisk(boot=True, auto_delete=True, initialize_params=image)
    config = compute_v1.AccessConfig(name="external-nat", type_="ONE_TO_ONE_NAT")
    nic = compute_v1.NetworkInterface(network=network, access_configs=[config])
    if subnetwork:
        pods = compute_v1.AliasIpRange(ip_cidr_range="/24", subnetwork_range_name="pods-default")
        nic.subnetwork, nic.alias_ip_ranges = subnetwork, [pods]
    properties = compute_v1.InstanceProperties(
        machine_type="n1-standard-2",
        disks=[boot],
        network_interfaces=[nic],
        scheduling=compute_v1.Scheduling(provisioning_model="SPOT", automatic_restart=False),
        tags=compute_v1.Tags(items=["kubernetes-minion"]),
    )
    return compute_v1.InstanceTemplate(name="kubernetes-minion-template", properties=properties)


def insert_group(cloud: Cloud, size: int) -> None:
    group = compute_v1.InstanceGroupManager(
        name="kubernetes-minion-group",
        base_instance_name="kubernetes-minion-group",
        instance_template="global/instanceTemplates/kubernetes-minion-template",
        target_size=size,
    )
    cloud.wait(
        cloud.InstanceGroupManagers.insert_unary(**HERE, instance_group_manager_resource=group)
    )


def await_stable(cloud: Cloud) -> compute_v1.InstanceGroupManager:
    """Look again and again, as gcloud's wait-until does, without its pauses."""
    for _ in range(2000):
        found = cloud.InstanceGroupManagers.get(
            **HERE, instance_group_manager="kubernetes-minion-group"
        )
        if found.status.is_stable:
            return found  # type: ignore[no-any-return]  # the library has no types for it
    raise AssertionError("two thousand looks, and still not stable")


@pytest.fixture
def nodes(cloud: Cloud) -> compute_v1.InstanceGroupManager:
    """A network of the cluster's own, with ranges for pods, and a stable group of two on it."""
    network = compute_v1.Network(name="mine", auto_create_subnetworks=False)
    cloud.wait(cloud.Networks.insert_unary(project=PROJECT, network_resource=network))
    pods = compute_v1.SubnetworkSecondaryRange(
        range_name="pods-default", ip_cidr_range="10.64.0.0/14"
    )
    subnet = compute_v1.Subnetwork(
        name="mine-custom-subnet",
        network="global/networks/mine",
        ip_cidr_range="10.40.0.0/22",
        secondary_ip_ranges=[pods],
    )
    cloud.wait(cloud.Subnetworks.insert_unary(**REGIONAL, subnetwork_resource=subnet))
    body = template("global/networks/mine", f"regions/{REGION}/subnetworks/mine-custom-subnet")
    cloud.wait(
        cloud.InstanceTemplates.insert_unary(project=PROJECT, instance_template_resource=body)
    )
    insert_group(cloud, 2)
    return await_stable(cloud)


def vms_of(cloud: Cloud) -> list[compute_v1.Instance]:
    wanted = 'name eq "kubernetes-minion-.+"'
    return list(
        cloud.Instances.list(request=compute_v1.ListInstancesRequest(**HERE, filter=wanted))
    )


def test_a_group_is_seen_from_every_side(
    cloud: Cloud, nodes: compute_v1.InstanceGroupManager
) -> None:
    assert (nodes.target_size, nodes.current_actions.none) == (2, 2)
    managed = list(cloud.InstanceGroupManagers.list_managed_instances(**HERE, **NAMED))
    assert [entry.current_action for entry in managed] == ["NONE", "NONE"]
    request = compute_v1.InstanceGroupsListInstancesRequest(instance_state="RUNNING")
    members = cloud.InstanceGroups.list_instances(
        **HERE,
        instance_group="kubernetes-minion-group",
        instance_groups_list_instances_request_resource=request,
    )
    vms = vms_of(cloud)
    links = sorted(vm.self_link for vm in vms)
    assert sorted(entry.instance for entry in managed) == links
    assert sorted(member.instance for member in members) == links
    assert {vm.scheduling.provisioning_model for vm in vms} == {"SPOT"}
    parts = {vm.network_interfaces[0].alias_ip_ranges[0].ip_cidr_range for vm in vms}
    assert parts == {"10.64.0.0/24", "10.64.1.0/24"}


def test_a_subnetwork_grows_under_its_nodes(
    cloud: Cloud, nodes: compute_v1.InstanceGroupManager
) -> None:
    assert nodes.status.is_stable
    wider = compute_v1.SubnetworksExpandIpCidrRangeRequest(ip_cidr_range="10.40.0.0/20")
    grown = cloud.Subnetworks.expand_ip_cidr_range_unary(
        **REGIONAL,
        subnetwork="mine-custom-subnet",
        subnetworks_expand_ip_cidr_range_request_resource=wider,
    )
    cloud.wait(grown)
    found = cloud.Subnetworks.get(**REGIONAL, subnetwork="mine-custom-subnet")
    assert found.ip_cidr_range == "10.40.0.0/20"


def test_nodes_go_from_the_group_to_the_network(
    cloud: Cloud, nodes: compute_v1.InstanceGroupManager
) -> None:
    used = {"project": PROJECT, "instance_template": "kubernetes-minion-template"}
    with pytest.raises(exceptions.BadRequest) as refused:
        cloud.InstanceTemplates.delete_unary(**used)
    assert refused.value.errors[0]["reason"] == "resourceInUseByAnotherResource"
    begun = cloud.Networks.delete_unary(project=PROJECT, network="mine")
    failed = cloud.GlobalOperations.wait(project=PROJECT, operation=begun.name, retry=None)
    assert failed.error.errors[0].code == "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"
    cloud.wait(cloud.InstanceGroupManagers.resize_unary(**HERE, **NAMED, size=1))
    assert await_stable(cloud).current_actions.none == 1 < nodes.target_size
    cloud.wait(cloud.InstanceGroupManagers.delete_unary(**HERE, **NAMED))
    assert vms_of(cloud) == []
    cloud.wait(cloud.InstanceTemplates.delete_unary(**used))
    cloud.wait(cloud.Subnetworks.delete_unary(**REGIONAL, subnetwork="mine-custom-subnet"))
    cloud.wait(cloud.Networks.delete_unary(project=PROJECT, network="mine"))
    with pytest.raises(exceptions.NotFound):
        cloud.Networks.get(project=PROJECT, network="mine")


def test_a_group_without_its_template_is_not_found(cloud: Cloud) -> None:
    with pytest.raises(exceptions.NotFound, match="global/instanceTemplates/kubernetes-minion"):
        insert_group(cloud, 1)


def test_routes_of_a_cluster_are_found_and_deleted(cloud: Cloud) -> None:
    names = [f"kubernetes-{n}f8b1c2e-0000-11ec-9621-0242ac130002" for n in range(3)]
    for name in [*names, "somebody-elses"]:
        route = compute_v1.Route(
            name=name,
            network="global/networks/default",
            dest_range="10.64.1.0/24",
            next_hop_ip="10.132.0.9",
        )
        cloud.wait(cloud.Routes.insert_unary(project=PROJECT, route_resource=route))
    wanted = 'name eq "kubernetes-.{8}-.{4}-.{4}-.{4}-.{12}"'
    request = compute_v1.ListRoutesRequest(project=PROJECT, filter=wanted, max_results=2)
    found = [route.name for route in cloud.Routes.list(request=request)]
    assert found == names
    for name in found:
        cloud.wait(cloud.Routes.delete_unary(project=PROJECT, route=name))
    assert [r.name for r in cloud.Routes.list(project=PROJECT)] == ["somebody-elses"]
