"""A cluster IP that somebody took away by hand comes back with the next command."""

import pytest

from tests.e2e.end_states import lock_and_operation
from tests.simulation.stories import B, Beginnings, C, Scene, remove, up


def by_hand(scene: Scene, verb: str, path: str, **query: str) -> None:
    scene.cloud.lab.answer(verb, f"/compute/v1/{path}", query, {})
    scene.cloud.settle()
    assert not scene.cloud.cluster_ip_serves()


def found(scene: Scene, ending: str) -> str:
    (path,) = [path for path in scene.cloud.dump() if path.endswith(ending)]
    return path


def served_after(scene: Scene, argv: tuple[str, ...]) -> None:
    ended = scene.operator.alone(argv)
    scene.cloud.settle()
    assert ended.status == 0, ended
    assert scene.cloud.cluster_ip_serves(), ended
    assert not lock_and_operation(scene.cloud)
    broken = [law for law in scene.cloud.laws.broken if "nobody noted an outage" not in law]
    assert broken == [], "but for what was done by hand"
    again = scene.operator.alone(up(B))
    assert "Nothing was changed" in str(again), again


@pytest.mark.parametrize("masters", [2, 3])
def test_kube_up_makes_a_deleted_rule_again(masters: int, beginnings: Beginnings) -> None:
    scene = beginnings(masters)
    by_hand(scene, "DELETE", found(scene, "/forwardingRules/kubernetes-master"))
    served_after(scene, up(B))


def test_a_removal_makes_a_deleted_rule_again(beginnings: Beginnings) -> None:
    scene = beginnings(3)
    by_hand(scene, "DELETE", found(scene, "/forwardingRules/kubernetes-master"))
    served_after(scene, remove(C))


def test_kube_up_puts_a_detached_address_back(beginnings: Beginnings) -> None:
    scene = beginnings(1)
    vm = found(scene, f"zones/{B}/instances/kubernetes-master")
    name = scene.cloud.dump()[vm]["networkInterfaces"][0]["accessConfigs"][0]["name"]
    query = {"accessConfig": name, "networkInterface": "nic0"}
    by_hand(scene, "POST", f"{vm}/deleteAccessConfig", **query)
    served_after(scene, up(B))
