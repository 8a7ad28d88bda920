"""What stands in the way of a managed group, as our gateway reads it over real HTTP."""

import uuid

import pytest

from hakube_gce.emulator.world import LIMITS
from hakube_gce.errors import ResourceNotFound
from hakube_gce.node_resources import TemplateSpec
from tests.fakes.emulated import Emulated, emulated
from tests.process.waiting import until

ZONE, GROUP, TEMPLATE = "europe-west1-b", "kubernetes-minion-group", "kubernetes-minion-template"
SPEC = TemplateSpec(
    name=TEMPLATE,
    description="",
    machine_type="n1-standard-2",
    image="projects/debian-cloud/global/images/family/debian-12",
    disk_size_gb=100,
    disk_type="pd-standard",
    network="default",
    subnetwork="",
    region="europe-west1",
    tags=("kubernetes-minion",),
    service_account="default",
    scopes=("https://www.googleapis.com/auth/compute",),
    provisioning="standard",
    labels={},
    metadata={},
)


def insert_group(cloud: Emulated, size: int) -> None:
    nodes = cloud.gateway.nodes
    nodes.insert_template(SPEC, request_id=str(uuid.uuid4()))
    nodes.insert_group(
        ZONE,
        GROUP,
        template=TEMPLATE,
        size=size,
        description="",
        request_id=str(uuid.uuid4()),
    )


def test_a_group_short_of_quota_names_the_quota_and_the_limit() -> None:
    with emulated({**LIMITS, "INSTANCES": 1}) as cloud:
        insert_group(cloud, 2)
        nodes = cloud.gateway.nodes
        until(lambda: nodes.group_errors(ZONE, GROUP), "it tells what is in its way")
        error = nodes.group_errors(ZONE, GROUP)[0]
        assert error.code == "QUOTA_EXCEEDED"
        assert "INSTANCES" in error.message
        assert "1" in error.message
        found = nodes.find_group(ZONE, GROUP)
        assert found is not None
        assert found.running < 2


def test_a_group_without_trouble_has_nothing_to_tell() -> None:
    with emulated() as cloud:
        insert_group(cloud, 1)
        assert not cloud.gateway.nodes.group_errors(ZONE, GROUP)
        with pytest.raises(ResourceNotFound):
            cloud.gateway.nodes.group_errors(ZONE, "no-such-group")
