"""A thousand nodes cost no more requests than three: none is asked for each of them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hakube_gce import commands
from hakube_gce.arguments import Arguments
from hakube_gce.clock import SystemClock
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import profile
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from hakube_gce.emulator.server import serve
from hakube_gce.settings import Settings

B = "europe-west1-b"
FEW, MANY = 3, 1000
PER_PAGE = 500
"""Compute Engine's, of a list."""
LOOKS = 5
"""Whole looks at a region in one command: before the lock, under it, after it, some for keys."""
TIMED = ("/wait", "/serialPort", "/kubernetes-minion-group", "/kubernetes-master")
"""Repeated until something is so: how often, is a matter of time."""


class CountingLab(Lab):
    """A lab that counts what it is asked, reads included."""

    asked: Counter[str]

    def answer(
        self, verb: str, path: str, query: Mapping[str, str], body: dict[str, Any]
    ) -> dict[str, Any]:
        self.asked[f"{verb} {path}"] += not path.endswith(TIMED)
        return super().answer(verb, path, query, body)


@contextmanager
def counting(folder: Path) -> Iterator[tuple[CountingLab, str]]:
    folder.mkdir()
    lab = CountingLab(
        runtime=RecordsRuntime(folder / "lab"),
        clock=SystemClock(),
        latency=profile("none"),
        home=folder,
    )
    lab.asked = Counter()
    (folder / "token").write_text("t", encoding="ascii")
    with serve(lab, token="t") as server:  # noqa: S106 - a lab of this test alone
        for metric in lab.world.limits:
            lab.world.store.counters[f"limit:{metric}"] = 1000 * MANY
        yield lab, server.endpoint


def requests_of(lab: CountingLab, endpoint: str, folder: Path, verb: str, **said: str) -> int:
    """Run a command that must succeed; return how many requests it sent, but for `TIMED` ones."""
    lab.asked.clear()
    environment = {
        "PROJECT": "oracle-project",
        "HAKUBE_COMPUTE_ENDPOINT": endpoint,
        "HAKUBE_HOME": str(folder / "home"),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "HOME": str(folder),
        "KUBE_GCE_ZONE": B,
        "MASTER_SIZE": "e2-standard-2",
        "NODE_SIZE": "e2-small",
        **said,
    }
    found = Arguments(verb=verb)
    settings = Settings.parse(environment, command=found.command)
    assert commands.change(found, settings, environment) == 0
    return sum(lab.asked.values())


def lifecycle(folder: Path, nodes: int) -> tuple[int, int, int]:
    with counting(folder) as (lab, endpoint):
        up = requests_of(lab, endpoint, folder, "up", NUM_NODES=str(nodes))
        made = list(lab.world.store.of_kind("compute#instance", "oracle-project"))
        assert len(made) == nodes + 1
        again = requests_of(lab, endpoint, folder, "up", NUM_NODES=str(nodes))
        down = requests_of(lab, endpoint, folder, "down")
        assert not [*lab.world.store.of_kind("compute#instance", "oracle-project")]
    return up, again, down


@pytest.mark.slow
def test_a_thousand_nodes_cost_no_request_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = lifecycle(tmp_path / "few", FEW)
    many = lifecycle(tmp_path / "many", MANY)
    with capsys.disabled():
        print(  # noqa: T201 - a figure for whoever reads the run
            f"\nrequests to make, look at and delete a cluster: {few} with {FEW} nodes, "
            f"{many} with {MANY}"
        )
    pages = -(-(MANY + 1) // PER_PAGE) - 1
    kinds_with_one_a_node = 2  # VMs, and their disks
    for plain, large in zip(few, many, strict=True):
        assert 10 < plain <= large <= plain + LOOKS * pages * kinds_with_one_a_node
    assert sum(many) < MANY / 2
