"""The user's labels are on everything that can have some, whoever made it and after any death."""

from typing import Any

import pytest

from tests.simulation.crashes import Kill
from tests.simulation.operator import KILLED
from tests.simulation.stories import B, C, Scene, founded, replicate, up

LABELLED = "HAKUBE_LABELS=team=dev,owner=john_doe"
WANTED = {"team": "dev", "owner": "john_doe"}
KINDS = {"instance", "disk", "address", "forwardingRule"}


def ours(scene: Scene) -> dict[str, dict[str, Any]]:
    """Return the cluster's resources of the kinds that can have labels, by path."""
    foreign = scene.cloud.laws.foreign
    return {
        path: record
        for path, record in scene.cloud.dump().items()
        if path not in foreign and record["kind"].removeprefix("compute#") in KINDS
    }


def unlabelled(scene: Scene) -> list[str]:
    return [
        r["name"]
        for r in ours(scene).values()
        if not r.get("labels", {}).items() >= WANTED.items()
    ]


def does(scene: Scene, *argv: str) -> None:
    ended = scene.operator.alone(argv)
    assert ended.status == 0, ended


def test_everything_is_labelled_and_later_commands_need_not_say_it(scene: Scene) -> None:
    nodes = ("KUBE_CREATE_NODES=true", "NUM_NODES=1")
    does(scene, *founded(B, ""), LABELLED, *nodes)
    does(scene, *replicate(C))
    assert {r["kind"] for r in ours(scene).values()} == {f"compute#{kind}" for kind in KINDS}
    assert [path for path in ours(scene) if "minion" in path]
    assert unlabelled(scene) == []
    assert not scene.cloud.laws.broken


def test_who_changes_a_label_is_not_corrected(scene: Scene) -> None:
    does(scene, *founded(B, "always-lb"), LABELLED)
    store = scene.cloud.lab.world.store
    for path, record in ours(scene).items():
        store.change(path, labels={**record["labels"], "team": "prod"})
    before, changes = scene.cloud.dump(), scene.cloud.changes
    does(scene, *up(B))
    assert (scene.cloud.dump(), scene.cloud.changes) == (before, changes)


def test_killed_between_the_rule_and_its_labels_the_next_run_sets_them(scene: Scene) -> None:
    does(scene, *founded(B, ""), LABELLED)
    for number in range(1, 60):
        world = scene.copy(scene.operator.folder.parent / f"killed-{number}")
        fate = Kill(number, "before send")
        if world.operator.alone(replicate(C), fate).status != KILLED:
            break
        rules = [r for p, r in ours(world).items() if p.endswith("Rules/kubernetes-master")]
        if rules and not rules[0].get("labels"):
            does(world, *replicate(C))
            assert unlabelled(world) == []
            return
    pytest.fail("no death left a rule without labels")
