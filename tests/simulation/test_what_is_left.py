"""After a kube-down it is known whether a cluster is there, which is then validated."""

import shutil
from collections.abc import Iterator

import pytest

from tests.simulation.stories import B, Beginnings, C, Scene, founded, in_memory, remove, teardown

NODES = ("KUBE_CREATE_NODES=true", "NUM_NODES=1")


@pytest.fixture
def scene() -> Iterator[Scene]:
    root = in_memory()
    yield Beginnings(root)(0)
    shutil.rmtree(root)


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
    assert left(scene, "up", f"KUBE_GCE_ZONE={C}", "KUBE_REPLICATE_EXISTING_MASTER=true")
    assert left(scene, *remove(C))
    assert not left(scene, *teardown(B))
    again = scene.operator.alone(teardown(B))
    assert again.result is not None
    assert not again.result.cluster_left, "nothing is there to be validated"
