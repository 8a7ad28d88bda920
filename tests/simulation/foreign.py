"""Somebody else's resources in the same project, named to be mistaken for ours."""

from tests.simulation.cloud import PROJECT, REGION, ZONES, Cloud
from tests.simulation.messages import Json


def settle_neighbours(cloud: Cloud) -> None:
    """Put them there; from now on the laws watch them."""
    for collection, body in _resources():
        cloud.insert(collection, body)


def _resources() -> list[tuple[str, Json]]:
    zone, region = f"zones/{ZONES[1]}", f"regions/{REGION}"
    network = f"projects/{PROJECT}/global/networks/default"
    return [
        (f"{region}/addresses", {"name": "my-kubernetes-master-ip", "description": "{not json"}),
        ("global/firewalls", _firewall("kubernetes-master-https-x", network)),
        (f"{zone}/disks", {"name": "kubernetes-masters-pd", "sizeGb": "10"}),
        (f"{zone}/instances", some_instance("foo-kubernetes-master", network)),
        (f"{zone}/instances", some_instance("kubernetes-minion-group-1", network)),
        (f"{zone}/instanceGroups", {"name": "kubernetes-master-west", "network": network}),
        (f"{region}/healthChecks", {"name": "kubernetes-masters", **_CHECK}),
    ]


_CHECK: Json = {"type": "TCP", "tcpHealthCheck": {"port": 80}}


def _firewall(name: str, network: str) -> Json:
    allowed = [{"IPProtocol": "tcp", "ports": ["22"]}]
    return {"name": name, "network": network, "allowed": allowed, "sourceRanges": ["10.0.0.0/8"]}


def some_instance(name: str, network: str) -> Json:
    zone = f"projects/{PROJECT}/zones/{ZONES[1]}"
    image = "projects/debian-cloud/global/images/family/debian-12"
    return {
        "name": name,
        "machineType": f"{zone}/machineTypes/e2-small",
        "networkInterfaces": [{"network": network}],
        "disks": [{"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": image}}],
        "labels": {"team": "search"},
    }
