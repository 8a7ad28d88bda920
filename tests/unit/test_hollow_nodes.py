"""Who belongs to a cluster, and what a Node says: pure decisions on VMs and their metadata."""

import json
from datetime import UTC, datetime

from hakube_gce.emulator.hollow_kinds import NODES, as_table
from hakube_gce.emulator.hollow_nodes import is_kept, same_vm, wanted
from hakube_gce.emulator.roster import roster
from hakube_gce.emulator.runtime import VirtualMachine

TIME = "2026-11-21T12:00:00Z"


def vm(
    name: str, zone: str = "europe-west1-b", project: str = "p", number: str = "1"
) -> VirtualMachine:
    return VirtualMachine(
        name=name,
        zone=zone,
        id=number,
        project=project,
        internal_ip="127.16.1.2",
        data_disk_id="",
        boot_disk_id="2",
    )


def config(uid: str = "u1", cluster: str = "kubernetes") -> dict[str, str]:
    return {"hakube-config": json.dumps({"schema": 1, "uid": uid, "cluster": cluster})}


MASTER = vm("kubernetes-master")
GUESTS = [
    (vm("kubernetes-minion-group-a1b2", "europe-west1-c"), {}),
    (MASTER, config()),
    (vm("kubernetes-master-7c1", "europe-west1-d"), config()),
    (vm("kubernetes-master-abc"), config("u2")),  # of a cluster that was there before
    (vm("kubernetes-minion-group-x", "us-central1-b"), {}),
    (vm("kubernetes-minion-group-y", project="q"), {}),
    (vm("kubernetes-minion-group-z"), config("u2")),
    (vm("kubernetes-minion"), {}),
    (vm("a-kubernetes-minion-group-a1b2"), {}),
    (vm("kubernetesXminion-group-a1b2"), {}),
]


def test_a_cluster_is_its_masters_by_uid_and_its_nodes_by_name() -> None:
    found = roster(MASTER, config(), GUESTS)
    assert [(entry["name"], entry["master"]) for entry in found] == [
        ("kubernetes-master", True),
        ("kubernetes-master-7c1", True),
        ("kubernetes-minion-group-a1b2", False),
    ]


def test_a_dot_in_a_cluster_s_name_is_a_dot() -> None:
    told = config(cluster="kube.netes")
    guests = [(MASTER, told), (vm("kubeXnetes-minion-group-a1b2"), {})]
    assert [entry["name"] for entry in roster(MASTER, told, guests)] == ["kubernetes-master"]


def test_who_is_no_master_is_told_of_nobody() -> None:
    for told in ({}, {"hakube-config": "{"}, {"hakube-config": "[]"}):
        assert roster(MASTER, told, GUESTS) == []


def test_a_node_says_what_its_vm_is() -> None:
    found = wanted(roster(MASTER, config(), GUESTS), time=TIME)
    node = found["kubernetes-minion-group-a1b2"]
    assert node["spec"] == {"providerID": "gce://p/europe-west1-c/kubernetes-minion-group-a1b2"}
    assert node["metadata"]["labels"]["topology.kubernetes.io/region"] == "europe-west1"
    assert is_kept(node)
    assert not is_kept({"metadata": {"name": "of a real API server"}})
    other = wanted([{**roster(MASTER, config(), GUESTS)[2], "instance_id": "9"}], time=TIME)
    assert not same_vm(node, other["kubernetes-minion-group-a1b2"])
    assert same_vm(node, node)


def test_the_table_of_nodes_reads_as_kubectl_s_users_know_it() -> None:
    found = wanted(roster(MASTER, config(), GUESTS), time=TIME).values()
    things = [n | {"metadata": n["metadata"] | {"creationTimestamp": TIME}} for n in found]
    table = as_table(NODES, things, 7, datetime(2026, 11, 21, 12, 1, tzinfo=UTC))
    columns = [c["name"] for c in table["columnDefinitions"] if not c["priority"]]
    assert columns == ["Name", "Status", "Roles", "Age", "Version"]
    assert table["rows"][0]["cells"] == [
        "kubernetes-master",
        "Ready,SchedulingDisabled",
        "control-plane",
        "60s",
        "v1.32.0-hollow",
        "127.16.1.2",
    ]
    assert table["rows"][2]["cells"][1:3] == ["Ready", "<none>"]
    down = {"metadata": things[2]["metadata"], "spec": {}, "status": {}}
    assert as_table(NODES, [down], 7, datetime(2026, 11, 21, tzinfo=UTC))["rows"][0]["cells"][
        1
    ] == ("NotReady")
