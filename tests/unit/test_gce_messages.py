"""What is sent, field by field: the original scripts' requests, plus the mark and the balancer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from google.protobuf import json_format

from hakube_gce.gce import messages
from hakube_gce.resources import FirewallSpec, InstanceSpec, RuleTarget, TargetKind

LABELS = {"hakube-cluster": "kubernetes", "hakube-uid": "0123456789abcdef"}
SPEC = InstanceSpec(
    name="kubernetes-master",
    zone="europe-west1-b",
    machine_type="n1-standard-1",
    image="projects/cos-cloud/global/images/cos-stable-60-9592-90-0",
    boot_disk_size_gb=20,
    data_disk="kubernetes-master-pd",
    network="default",
    subnetwork="default",
    address="35.187.0.2",
    tags=("kubernetes-master",),
    scopes=(
        "https://www.googleapis.com/auth/compute",
        "https://www.googleapis.com/auth/devstorage.read_only",
    ),
    labels=LABELS,
    metadata={"kube-env": "A: b", "cluster-name": "kubernetes"},
)


def sent(message: Any) -> Mapping[str, Any]:
    """The body as the library writes it."""
    body: Mapping[str, Any] = json_format.MessageToDict(
        type(message).pb(message), preserving_proto_field_name=False
    )
    return body


def test_a_first_master_is_requested_as_the_originals_did() -> None:
    assert sent(messages.instance(SPEC, project="p")) == {
        "name": "kubernetes-master",
        "canIpForward": True,
        "deletionProtection": False,
        "disks": [
            {
                "autoDelete": True,
                "boot": True,
                "initializeParams": {
                    "diskSizeGb": "20",
                    "sourceImage": "projects/cos-cloud/global/images/cos-stable-60-9592-90-0",
                    "labels": LABELS,
                },
                "mode": "READ_WRITE",
                "type": "PERSISTENT",
            },
            {
                "autoDelete": False,
                "boot": False,
                "deviceName": "master-pd",
                "mode": "READ_WRITE",
                "source": "projects/p/zones/europe-west1-b/disks/kubernetes-master-pd",
                "type": "PERSISTENT",
            },
        ],
        "labels": LABELS,
        "machineType": "projects/p/zones/europe-west1-b/machineTypes/n1-standard-1",
        "metadata": {
            "items": [
                {"key": "cluster-name", "value": "kubernetes"},
                {"key": "kube-env", "value": "A: b"},
            ]
        },
        "networkInterfaces": [
            {
                "accessConfigs": [
                    {"name": "external-nat", "natIP": "35.187.0.2", "type": "ONE_TO_ONE_NAT"}
                ],
                "subnetwork": "projects/p/regions/europe-west1/subnetworks/default",
            }
        ],
        "scheduling": {"automaticRestart": True},
        "serviceAccounts": [
            {
                "email": "default",
                "scopes": [
                    "https://www.googleapis.com/auth/compute",
                    "https://www.googleapis.com/auth/devstorage.read_only",
                ],
            }
        ],
        "tags": {"items": ["kubernetes-master"]},
    }


def test_a_further_master_names_the_network_and_no_address() -> None:
    body = sent(messages.instance(replace(SPEC, subnetwork="", address=""), project="p"))
    assert body["networkInterfaces"] == [
        {
            "accessConfigs": [{"name": "external-nat", "type": "ONE_TO_ONE_NAT"}],
            "network": "projects/p/global/networks/default",
        }
    ]


def test_a_network_of_another_project_is_named_as_it_was_given() -> None:
    spec = replace(SPEC, subnetwork="projects/host/regions/europe-west1/subnetworks/shared")
    interface = sent(messages.instance(spec, project="p"))["networkInterfaces"][0]
    assert interface["subnetwork"] == spec.subnetwork


def test_a_firewall_is_requested_as_the_originals_did() -> None:
    spec = FirewallSpec(
        name="kubernetes-master-etcd",
        network="default",
        allowed=(("tcp", ("2380",)), ("icmp", ())),
        source_tags=("kubernetes-master",),
        target_tags=("kubernetes-master",),
    )
    assert sent(messages.firewall(spec, project="p")) == {
        "allowed": [{"IPProtocol": "tcp", "ports": ["2380"]}, {"IPProtocol": "icmp"}],
        "direction": "INGRESS",
        "name": "kubernetes-master-etcd",
        "network": "projects/p/global/networks/default",
        "sourceTags": ["kubernetes-master"],
        "targetTags": ["kubernetes-master"],
    }


def test_a_disk_and_an_address_are_requested_as_the_originals_did() -> None:
    path = "projects/p/zones/europe-west1-b/diskTypes/pd-ssd"
    disk = messages.disk("kubernetes-master-pd", disk_type=path, size_gb=20, labels={})
    assert sent(disk) == {"name": "kubernetes-master-pd", "sizeGb": "20", "type": path}
    address = messages.address("kubernetes-master-ip", description="")
    assert sent(address) == {"name": "kubernetes-master-ip"}


def test_an_address_carries_its_mark_in_the_description() -> None:
    assert sent(messages.address("a", description="mine"))["description"] == "mine"


def test_the_balancer_drops_a_backend_that_is_not_ready() -> None:
    check = sent(messages.health_check("kubernetes-master", port=443, description="mine"))
    assert check == {
        "name": "kubernetes-master",
        "description": "mine",
        "type": "HTTPS",
        "httpsHealthCheck": {"port": 443, "requestPath": "/readyz"},
        "checkIntervalSec": 2,
        "timeoutSec": 2,
        "healthyThreshold": 2,
        "unhealthyThreshold": 2,
    }
    service = messages.backend_service(
        "kubernetes-master",
        health_check="projects/p/regions/r/healthChecks/kubernetes-master",
        groups=["projects/p/zones/z/instanceGroups/g"],
        drain_s=30,
        description="mine",
    )
    assert sent(service) == {
        "name": "kubernetes-master",
        "description": "mine",
        "loadBalancingScheme": "EXTERNAL",
        "protocol": "TCP",
        "sessionAffinity": "NONE",
        "healthChecks": ["projects/p/regions/r/healthChecks/kubernetes-master"],
        "backends": [
            {"group": "projects/p/zones/z/instanceGroups/g", "balancingMode": "CONNECTION"}
        ],
        "connectionDraining": {"drainingTimeoutSec": 30},
        "connectionTrackingPolicy": {"connectionPersistenceOnUnhealthyBackends": "NEVER_PERSIST"},
    }


def a_rule(address: str, kind: TargetKind) -> Mapping[str, Any]:
    return sent(
        messages.forwarding_rule(
            "f",
            address=address,
            port=443,
            target=RuleTarget(kind=kind, name="s"),
            scope="projects/p/regions/r",
            description="mine",
        )
    )


def test_a_rule_takes_the_address_it_is_given_or_an_ephemeral_one() -> None:
    assert a_rule("203.0.113.5", TargetKind.BACKEND_SERVICE) == {
        "name": "f",
        "description": "mine",
        "loadBalancingScheme": "EXTERNAL",
        "IPProtocol": "TCP",
        "IPAddress": "203.0.113.5",
        "ports": ["443"],
        "backendService": "projects/p/regions/r/backendServices/s",
    }
    assert "IPAddress" not in a_rule("", TargetKind.BACKEND_SERVICE)


def test_a_pools_rule_names_its_target_and_a_range_of_ports_as_kube_up_did() -> None:
    rule = a_rule("203.0.113.5", TargetKind.POOL)
    assert (rule["target"], rule["portRange"]) == ("projects/p/regions/r/targetPools/s", "443")
    assert not {"ports", "backendService"} & set(rule)


def test_metadata_is_written_back_under_its_fingerprint() -> None:
    body = sent(messages.metadata({"b": "2", "a": "1"}, fingerprint="abc="))
    assert body == {
        "fingerprint": "abc=",
        "items": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
    }


def test_a_master_with_alias_ranges_forwards_nothing() -> None:
    spec = replace(SPEC, alias_ranges=(("pods-default", "/24"),))
    body = sent(messages.instance(spec, project="p", network_project="host"))
    assert body["canIpForward"] is False
    (interface,) = body["networkInterfaces"]
    assert interface["aliasIpRanges"] == [
        {"subnetworkRangeName": "pods-default", "ipCidrRange": "/24"}
    ]
    assert interface["subnetwork"].startswith("projects/host/")
    assert body["machineType"].startswith("projects/p/")
