"""Node objects follow the lab's VMs, on real agents and a real etcd, whichever masters live."""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hakube_gce.clock import SystemClock
from hakube_gce.emulator.addresses import METADATA_PORT
from hakube_gce.emulator.hollow_keeper import ask_metadata_server
from hakube_gce.emulator.hollow_kinds import KINDS
from hakube_gce.emulator.hollow_nodes import INSTANCE
from hakube_gce.emulator.hollow_registry import Place, Registry
from hakube_gce.emulator.hollow_store import Store
from hakube_gce.emulator.runtime import Route, VirtualMachine
from hakube_gce.emulator.runtimes.process import ProcessRuntime
from tests.process.first_operator import Master, Operator, call, join
from tests.process.masters import Member
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


@pytest.mark.slow
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


def told(number: str) -> list[dict[str, Any]]:
    """Return a roster of one node, of an instance id."""
    place = {"zone": "europe-west1-b", "project": "p", "internal_ip": "127.16.1.2"}
    return [{"name": NODE, "instance_id": number, "master": False, **place}]


def test_a_new_vm_of_an_old_name_gets_a_new_node(member: Member) -> None:
    until(member.answers, "etcd answers")
    files = {"certificate": member.leaf.certificate, "key": member.leaf.key}
    kept = Store(member.endpoint, authority=member.authority.certificate, **files)
    with closing(kept) as store:
        registry = Registry(store, clock=SystemClock(), service_cidr="10.0.0.0/16")
        seen = []
        for number in ("1", "1", "2"):
            registry.keep_nodes(told(number))
            (thing,), _ = registry.list(Place(kind=KINDS["nodes"]))
            seen.append((thing["metadata"]["uid"], thing["metadata"]["annotations"][INSTANCE]))
        assert seen[0] == seen[1], "the same VM keeps its Node"
        assert seen[2][0] != seen[0][0]
        assert seen[2][1] == "2"
        store.create("/registry/minions/real", {"metadata": {"name": "real"}})
        registry.keep_nodes([])
        (left,), _ = registry.list(Place(kind=KINDS["nodes"]))
        assert left["metadata"]["name"] == "real", "what others made is theirs"


def test_masters_are_told_of_a_node_at_once(tmp_path: Path) -> None:
    stand_in = (sys.executable, str(Path(__file__).parent / "stand_in_agent.py"))
    with ProcessRuntime(tmp_path / "home", etcd=Path("/bin/false"), agent=stand_in) as runtime:
        master = Operator(runtime).boot(0).vm
        ask = ask_metadata_server(f"{master.internal_ip}:{METADATA_PORT}")
        alone = ask("")
        assert [vm["name"] for vm in alone.vms] == [master.name]
        with ThreadPoolExecutor(1) as pool:
            # Eight seconds are less than the time after which it would ask anew.
            waiting = pool.submit(ask, alone.etag)
            vm = node(runtime, 0)
            both = waiting.result(timeout=8)
            assert [vm["name"] for vm in both.vms] == [master.name, NODE]
            waiting = pool.submit(ask, both.etag)
            runtime.power_off(vm)
            assert waiting.result(timeout=8) == alone


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
