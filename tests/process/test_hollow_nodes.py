"""Node objects follow the lab's VMs, on real agents and a real etcd, whichever masters live."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hakube_gce.emulator.runtime import Route, VirtualMachine
from hakube_gce.emulator.runtimes.process import ProcessRuntime
from tests.process.first_operator import Master, Operator, call, join
from tests.process.waiting import until

pytestmark = pytest.mark.process

NODES = "/api/v1/nodes"
NODE = "kubernetes-minion-group-a1b2"
KUBE_ENV = {"cluster-name": "kubernetes", "kube-env": "KUBERNETES_MASTER: false"}


@pytest.fixture
def runtime(etcd: Path, tmp_path: Path) -> Iterator[ProcessRuntime]:
    with ProcessRuntime(tmp_path / "home", etcd=etcd) as runtime:
        yield runtime


@pytest.fixture
def operator(runtime: ProcessRuntime) -> Operator:
    return Operator(runtime)


@pytest.fixture
def founder(operator: Operator) -> Master:
    founder = operator.boot(0)
    operator.install(founder, "founder")
    lead_to(operator, founder)
    return founder


def lead_to(operator: Operator, *masters: Master) -> None:
    """Lead the cluster IP to some masters, and wait until one serves."""
    backends = tuple(master.vm.internal_ip for master in masters)
    port = operator.runtime.api_port
    operator.runtime.route([Route(address=operator.cluster_ip, port=port, backends=backends)])
    until(lambda: operator.runtime.answers(operator.cluster_ip), "the cluster IP serves")


def node(runtime: ProcessRuntime, index: int, name: str = NODE) -> VirtualMachine:
    """Boot a VM as a managed group does: with a node's metadata."""
    vm = VirtualMachine(
        name=name,
        zone="europe-west1-c",
        id=str(5800 + index),
        project="hakube-lab",
        internal_ip=runtime.internal_ip(100 + index),
        data_disk_id="",
        boot_disk_id=str(900 + index),
    )
    runtime.metadata_changed(vm, KUBE_ENV)
    runtime.power_on(vm)
    return vm


def nodes(operator: Operator, folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return the Node objects by name; none while the cluster IP is between two masters."""
    said = call(operator, folder, "GET", NODES)
    return {n["metadata"]["name"]: n for n in said.json()["items"]} if said.status == 200 else {}


def await_nodes(operator: Operator, folder: Path, *names: str) -> dict[str, Mapping[str, Any]]:
    until(lambda: set(nodes(operator, folder)) == set(names), f"the nodes are {names}")
    return nodes(operator, folder)


def test_masters_and_nodes_appear_and_go_with_their_vms(
    runtime: ProcessRuntime, operator: Operator, founder: Master, tmp_path: Path
) -> None:
    await_nodes(operator, tmp_path, founder.vm.name)
    vm = node(runtime, 0)
    node(runtime, 1, "kubernetes-minionette")
    node(runtime, 2, "other-minion-group-a1b2")
    assert runtime.pids(vm) == (), "nothing runs on a node"
    assert runtime.serial_output(vm, 1) == b""
    found = await_nodes(operator, tmp_path, founder.vm.name, NODE)
    worker, master = found[NODE], found[founder.vm.name]
    assert worker["spec"] == {"providerID": f"gce://hakube-lab/europe-west1-c/{NODE}"}
    labels = worker["metadata"]["labels"]
    assert labels["topology.kubernetes.io/zone"] == "europe-west1-c"
    assert labels["kubernetes.io/hostname"] == NODE
    assert worker["status"]["conditions"][0]["type"] == "Ready"
    assert worker["status"]["conditions"][0]["status"] == "True"
    assert {a["address"] for a in worker["status"]["addresses"]} == {NODE, vm.internal_ip}
    assert master["spec"]["unschedulable"] is True
    assert "node-role.kubernetes.io/control-plane" in master["metadata"]["labels"]
    selected = call(
        operator, tmp_path, "GET", f"{NODES}?labelSelector=!node-role.kubernetes.io/control-plane"
    )
    assert [n["metadata"]["name"] for n in selected.json()["items"]] == [NODE]
    one = call(operator, tmp_path, "GET", f"{NODES}/{NODE}").json()
    assert one["metadata"]["uid"] == worker["metadata"]["uid"]

    runtime.power_off(vm)
    await_nodes(operator, tmp_path, founder.vm.name)
    runtime.power_on(vm)
    await_nodes(operator, tmp_path, founder.vm.name, NODE)
    runtime.power_off(vm)
    node(runtime, 3)  # a new VM of the old name
    again = "hakube-gce/instance-id"
    until(
        lambda: (
            nodes(operator, tmp_path).get(NODE, worker)["metadata"]["annotations"][again] == "5803"
        ),
        "the Node is the new VM's",
    )


def test_nobody_writes_a_node(operator: Operator, founder: Master, tmp_path: Path) -> None:
    before = await_nodes(operator, tmp_path, founder.vm.name)
    path, thing = f"{NODES}/{founder.vm.name}", before[founder.vm.name]
    for method, where, body in (
        ("POST", NODES, {"metadata": {"name": "mine"}}),
        ("PUT", path, thing),
        ("PATCH", path, {"spec": {"unschedulable": False}}),
        ("DELETE", path, None),
    ):
        said = call(operator, tmp_path, method, where, body)
        assert (said.status, said.json()["reason"]) == (405, "MethodNotAllowed"), method
    assert nodes(operator, tmp_path) == before


def test_nodes_outlive_the_masters_that_told_of_them(
    runtime: ProcessRuntime, operator: Operator, founder: Master, tmp_path: Path
) -> None:
    node(runtime, 0)
    uid = await_nodes(operator, tmp_path, founder.vm.name, NODE)[NODE]["metadata"]["uid"]
    second = join(operator, [founder])
    third = join(operator, [founder, second])
    lead_to(operator, second, third)
    names = [m.vm.name for m in (founder, second, third)]
    await_nodes(operator, tmp_path, *names, NODE)
    runtime.power_off(founder.vm)
    left = await_nodes(operator, tmp_path, *names[1:], NODE)
    assert left[NODE]["metadata"]["uid"] == uid, "the same object, not one made anew"
    node(runtime, 1, "kubernetes-minion-group-c3d4")
    await_nodes(operator, tmp_path, *names[1:], NODE, "kubernetes-minion-group-c3d4")


def test_a_lab_that_is_shut_takes_no_node_along(etcd: Path, tmp_path: Path) -> None:
    with ProcessRuntime(tmp_path / "home", etcd=etcd) as first:
        operator = Operator(first)
        founder = operator.boot(0)
        operator.install(founder, "founder")
        lead_to(operator, founder)
        vm = node(first, 0)
        before = await_nodes(operator, tmp_path, founder.vm.name, NODE)
    with ProcessRuntime(tmp_path / "home", etcd=etcd) as second:
        for guest, told in ((founder.vm, founder.attributes), (vm, KUBE_ENV)):
            second.metadata_changed(guest, told)
            second.power_on(guest)
        operator.runtime = second
        lead_to(operator, founder)
        assert await_nodes(operator, tmp_path, founder.vm.name, NODE) == before
