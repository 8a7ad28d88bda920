"""Every command line that two pages gave people, run as it stands, and what it plans and does.

The lines are in `tests/golden/seed_commands.toml`: those of the Kubernetes page on highly
available masters verbatim, those of the kops page on high availability by their counterparts here.
A real bash runs each in a folder outside the checkout, through links in `cluster/`, with nothing
exported but that the cluster is the emulator's, of records. What came of it is asked of the
emulated Compute Engine; nothing of the program is imported.
"""

import http.client
import json
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.labs import ROOT

STORIES = tomllib.loads((ROOT / "tests/golden/seed_commands.toml").read_text())["story"]
EXPORTED = {"KUBERNETES_PROVIDER": "emulator", "HAKUBE_RUNTIME": "records"}
PATH = "/usr/bin:/bin"
NEW = re.compile(r"(-master)-[0-9a-f]{3}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a line ended."""

    status: int
    stdout: str
    stderr: str


@dataclass(slots=True, kw_only=True)
class Desk:
    """Somebody's folder with cluster/kube-up.sh in it, and the emulator of their home."""

    folder: Path
    compute: str = field(default="", init=False)
    """Where the emulated Compute Engine answers."""

    def bash(self, line: str, **variables: str) -> Ended:
        ended = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env={"PATH": PATH, "HOME": str(self.folder / "home"), **EXPORTED, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(status=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)

    def hakube(self, words: str, **variables: str) -> dict[str, Any]:
        ended = self.bash(f"{ROOT}/.venv/bin/hakube {words} --output json", **variables)
        assert ended.status == 0, ended
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def masters(self) -> dict[str, str]:
        """Return all masters' names and zones, as Compute Engine has them."""
        there = self._instances().items()
        return {n: z for n, z in there if re.fullmatch(r"kubernetes-master(-...)?", n)}

    def nodes(self) -> Counter[str]:
        there = self._instances().items()
        return Counter(zone for name, zone in there if name.startswith("kubernetes-minion-group-"))

    def _instances(self) -> dict[str, str]:
        self.compute = self.compute or self.hakube("emulator status")["compute_endpoint"]
        where = urlsplit(self.compute)
        wire = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
        try:
            wire.request("GET", "/compute/v1/projects/hakube-lab/aggregated/instances")
            found = json.loads(wire.getresponse().read())["items"]
        finally:
            wire.close()
        scopes = ((scope.removeprefix("zones/"), said) for scope, said in found.items())
        return {vm["name"]: zone for zone, said in scopes for vm in said.get("instances", [])}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "some repository"
    (folder / "cluster").mkdir(parents=True)
    (folder / "home").mkdir()
    for name in ("kube-up.sh", "kube-down.sh", "kube-util.sh"):
        (folder / "cluster" / name).symlink_to(ROOT / "bin" / name)
    desk = Desk(folder=folder)
    yield desk
    if (folder / "home/.hakube/emulator").exists():
        desk.hakube("emulator destroy")


def filled_in(row: dict[str, Any], desk: Desk) -> str:
    """Return a row's line with what a reader puts in the place of placeholders."""
    line: str = row["line"]
    replaced: dict[str, str] = row.get("replaced", {})
    for placeholder, value in replaced.items():
        assert placeholder in line
        zones = set(replaced.values())
        names = [name for name, zone in desk.masters().items() if zone in zones]
        line = line.replace(placeholder, names[0] if value == "@" else value)
    return line


def plan_of(desk: Desk, line: str) -> str:
    """Ask for a line's plan; see that asking changed nothing."""
    before = desk.masters(), desk.nodes()
    ended = desk.bash(f"{line} --dry-run")
    assert ended.status == 0, ended
    assert (desk.masters(), desk.nodes()) == before
    return NEW.sub(r"\1-NNN", ended.stdout)


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(story, id=story["id"], marks=[pytest.mark.slow] if "slow" in story else [])
        for story in STORIES
    ],
)
def test_every_line_plans_and_does_what_the_table_says(story: dict[str, Any], desk: Desk) -> None:
    desk.hakube("emulator start")
    for row in story["row"]:
        walk(desk, row)
    zone = min(desk.masters().values())
    assert desk.hakube("status", KUBE_GCE_ZONE=zone)["verdict"] == story["verdict"]


def test_no_line_of_the_pages_is_left_out() -> None:
    lines = {row["line"] for story in STORIES for row in story["row"]}
    pages = Counter(story["page"] for story in STORIES)
    assert len(pages) == 2
    planned = {row["line"] for story in STORIES for row in story["row"] if "plan" in row}
    refused = {row["line"] for story in STORIES for row in story["row"] if "status" in row}
    followed_by_others = {line for line in lines if "KUBE_USE_EXISTING_MASTER" in line}
    assert lines == planned | refused | followed_by_others


def walk(desk: Desk, row: dict[str, Any]) -> None:
    """Go one row on: plan, run, look."""
    if "before" in row:
        (zone,) = re.findall(r"the master in (\S+) is killed", row["before"])
        (name,) = (name for name, there in desk.masters().items() if there == zone)
        desk.hakube(f"emulator vm kill {name}")
    line = filled_in(row, desk)
    if "plan" in row:
        assert plan_of(desk, line) == row["plan"], line
    ended = desk.bash(line)
    assert ended.status == row.get("status", 0), ended
    for text in row.get("says", ()):
        assert text in ended.stdout + ended.stderr, line
    assert sorted(desk.masters().values()) == row["masters"], line
    assert desk.nodes() == row["nodes"], line
