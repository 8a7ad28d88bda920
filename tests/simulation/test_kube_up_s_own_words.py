"""What scripts rely on at a command's end: the original's lines, and whether it validates."""

import re

from tests.simulation.stories import (
    B,
    C,
    Scene,
    founded,
    remove,
    replicate,
    teardown,
)

NODES = ("KUBE_CREATE_NODES=true", "NUM_NODES=1")


def left(scene: Scene, *argv: str) -> bool:
    ended = scene.operator.alone(argv)
    assert ended.status == 0, ended
    assert ended.result is not None
    assert ended.result.changed
    return ended.result.cluster_left


def test_nodes_alone_and_a_master_leave_a_cluster_and_a_teardown_leaves_none(scene: Scene) -> None:
    assert left(scene, *founded(B, ""), *NODES)
    assert left(scene, "up", f"KUBE_GCE_ZONE={C}", "KUBE_USE_EXISTING_MASTER=true", *NODES)
    assert left(scene, "down", f"KUBE_GCE_ZONE={C}"), "the nodes of a zone without a master"
    assert left(scene, *replicate(C))
    assert left(scene, *remove(C))
    assert not left(scene, *teardown(B))
    again = scene.operator.alone(teardown(B))
    assert again.result is not None
    assert not again.result.cluster_left, "nothing is there to be validated"


def test_the_original_s_lines_come_in_the_original_s_order(scene: Scene) -> None:
    assert words(scene, *founded(B, ""))[-4:] == [
        "Kubernetes cluster created.",
        "Kubernetes cluster is running.  The master is running at:",
        "",
        f"  https://{cluster_ip(scene)}",
    ]
    first, experimental, *proving = words(scene, *replicate(C))
    assert first == f"Creating load balancer in front of an already existing master in {B}"
    assert experimental.startswith(
        f"Experimental: replicating existing master {B}/kubernetes-master as {C}/"
    )
    assert proving == ["Waiting for the load balancer configuration to propagate...", "DONE"]
    new = experimental.rpartition("/")[2]
    assert words(scene, *remove(C)) == [
        f"Removing etcd replica, name: {new}, port: 2379, result: 0"
    ]
    cleared = words(scene, *teardown(B))[-1]
    assert re.fullmatch(r"Cleared config for \S+_kubernetes from \S+", cleared)


def words(scene: Scene, *argv: str) -> list[str]:
    """Run a command; return the lines that are the original's, and what follows the last one."""
    ended = scene.operator.alone(argv)
    assert ended.status == 0, ended
    starts = ("Creating", "Experimental", "Waiting", "DONE", "Removing", "Cleared", "Kubernetes")
    return [line for line in ended.output if line.startswith((*starts, "  https://")) or not line]


def cluster_ip(scene: Scene) -> str:
    (address,) = (r for r in scene.cloud.dump().values() if r["name"] == "kubernetes-master-ip")
    return str(address["address"])
