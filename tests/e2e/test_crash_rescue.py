"""Kill snapshot, recover and restore at every boundary, run the same command again: it converges.

As `test_crash_anywhere`, from beginnings of their own: a cluster of three with a snapshot, one
whose majority is off, and one of which nothing but its address, balancer and snapshot is left.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.lab_on_records import B, C, D, warm_up
from tests.e2e.test_crash_anywhere import SHARES, STORIES, Story, check_convergence, scene
from tests.e2e.test_rescue import lose

pytestmark = pytest.mark.forks

FIRST = "kubernetes-master"


@pytest.fixture(scope="module")
def beginnings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Folders of labs at rest."""
    warm_up()
    root = tmp_path_factory.mktemp("beginnings")
    whole = root / "whole"
    with scene(whole, None) as stage:
        for name in ("create", "replicate 1 to 2", "replicate 2 to 3"):
            assert STORIES[name].run(stage.desk).status == 0
        assert stage.desk.run("snapshot", KUBE_GCE_ZONE=B).status == 0
        masters = {r["zone"]: r["name"] for r in stage.desk.status()["replicas"]}
    with scene(root / "off", whole) as stage:
        stage.lab.kill(masters[C])
        stage.lab.kill(masters[D])
    with scene(root / "lost", whole) as stage:
        for zone, name in masters.items():
            lose(stage.lab, zone, name)
    return {"whole": whole, "off": root / "off", "lost": root / "lost"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "share", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, SHARES))]
)
@pytest.mark.parametrize(
    ("beginning", "story", "at_least"),
    [
        (
            "whole",
            Story(
                masters=3,
                argv=("snapshot",),
                variables={"KUBE_GCE_ZONE": B, "HAKUBE_SNAPSHOTS": "1"},
                essential="create-snapshot",
            ),
            2,
        ),
        (
            "off",
            Story(
                masters=3,
                argv=("recover", "--survivor", FIRST),
                variables={"KUBE_GCE_ZONE": B, "HAKUBE_CONFIRM_RECOVER": "kubernetes"},
                makes_kubeconfig=True,
                essential="recover",
            ),
            6,
        ),
        (
            "lost",
            Story(
                masters=0,
                argv=("restore",),
                variables={"KUBE_GCE_ZONE": B, "HAKUBE_CONFIRM_RESTORE": "kubernetes"},
                makes_kubeconfig=True,
                essential="install",
            ),
            6,
        ),
    ],
    ids=["snapshot", "recover", "restore"],
)
def test_a_killed_rescue_is_finished_by_the_same_command(
    beginning: str,
    story: Story,
    at_least: int,
    share: int,
    beginnings: Mapping[str, Path],
    tmp_path: Path,
) -> None:
    check_convergence(story, beginnings[beginning], share, tmp_path, at_least=at_least)
