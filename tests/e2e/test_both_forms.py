"""`hakube up` and `hakube down` are kube-up.sh and kube-down.sh: the same lines, the same plans.

The lines are those that `test_seed_commands` runs as scripts; here the program is called by its
own verbs with the same variables, and must print the very plans that stand in the table.
"""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lab_on_records import Desk, lab_on_records, warm_up
from tests.e2e.labs import ROOT

pytestmark = pytest.mark.forks

(STORY, *_) = tomllib.loads((ROOT / "tests/golden/seed_commands.toml").read_text())["story"]
EXPORTED = {"PROJECT": "hakube-lab", "KUBE_CREATE_NODES": ""}
VERBS = {"./cluster/kube-up.sh": "up", "./cluster/kube-down.sh": "down"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        yield Desk(folder=tmp_path / "desk", lab=lab, exported=EXPORTED)


def zones(desk: Desk) -> dict[str, str]:
    """Return the masters by zone: this story never has two in one."""
    return {r["zone"]: r["name"] for r in desk.status()["replicas"]}


def taken_apart(row: dict[str, Any], desk: Desk) -> tuple[str, dict[str, str]]:
    """Return a line's verb and variables, placeholders filled in."""
    *variables, script = shlex.split(row["line"])
    said = dict(word.split("=", 1) for word in variables)
    replaced: dict[str, str] = row.get("replaced", {})
    filled = {name: replaced.get(value, value) for name, value in said.items()}
    if filled.get("KUBE_REPLICA_NAME") == "@":
        filled["KUBE_REPLICA_NAME"] = zones(desk)[filled["KUBE_GCE_ZONE"]]
    return VERBS[script], filled


@pytest.mark.slow
def test_the_verbs_plan_what_the_scripts_plan(desk: Desk) -> None:
    compared = 0
    for row in STORY["row"]:
        if row.get("status", 0):
            continue
        if "before" in row:
            (zone,) = re.findall(r"the master in (\S+) is killed", row["before"])
            desk.lab.kill(zones(desk)[zone])
        verb, variables = taken_apart(row, desk)
        if "plan" in row:
            shown = desk.run(verb, "--dry-run", **variables)
            plan = row["plan"].replace("provider: emulator", "provider: gce")
            assert re.sub(r"(-master)-[0-9a-f]{3}\b", r"\1-NNN", shown.stdout) == plan
            compared += 1
        ended = desk.run(verb, **variables)
        assert ended.status == 0, ended
        assert sorted(zones(desk)) == row["masters"]
    assert compared >= 5
