"""scripts/chaos on real etcd, as people run it, and that it fails when something is wrong.

What the figures have to be is in `tests/chaos/verdict.py`; here they are only looked at once more,
because a program that prints nothing and exits with 0 would pass otherwise.
"""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.labs import ROOT
from tests.process.waiting import until

pytestmark = pytest.mark.process

ALIVE = str(Path("hakube-chaos-*", "home", "emulator/process/process.json"))
SECONDS_PER_EVENT = 8
SECONDS_BEFORE_AND_AFTER = 300
"""On a machine with many others at work; on two idle cores it is under a minute."""


def chaos(
    folder: Path,
    search_path: str,
    *,
    events: int,
    arguments: tuple[str, ...] = (),
    timeout_s: float = 0,
) -> tuple[int, dict[str, Any], str]:
    """Run a campaign; returns its exit status, its figures, and what it said."""
    ended = subprocess.run(
        [ROOT / "scripts/chaos", "--events", str(events), "--output", "json", *arguments],
        env={"PATH": search_path, "HOME": str(folder), "TMPDIR": str(folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s or SECONDS_BEFORE_AND_AFTER + events * SECONDS_PER_EVENT,
        check=False,
    )
    facts = json.loads(ended.stdout) if ended.stdout else {}
    return ended.returncode, facts, ended.stderr


def folders_left(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("hakube-chaos-*") if "-logs-" not in path.name]


@pytest.mark.slow
def test_a_little_trouble_loses_nothing(tmp_path: Path, search_path: str) -> None:
    status, facts, said = chaos(tmp_path, search_path, events=8, arguments=("--seed", "4"))
    assert status == 0, (facts.get("flaws"), said)
    assert sum(facts["events"].values()) == 8
    assert facts["checked"]["anomalies"] == facts["lost"] == []
    assert facts["checked"]["planted_found"] == facts["checked"]["planted"] >= 50
    assert facts["commands_by_status"]["0"] >= 1
    assert folders_left(tmp_path) == []


@pytest.mark.slow
def test_two_hundred_times_trouble_loses_nothing(tmp_path: Path, search_path: str) -> None:
    status, facts, said = chaos(tmp_path, search_path, events=200)
    assert status == 0, (facts.get("flaws"), said)
    assert sum(facts["events"].values()) == 200
    assert facts["commands_by_status"]["0"] >= 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("defect", "flaw", "events"),
    [
        ("stale-reads", "not linearizable", 12),
        ("lost-write", "acknowledged writes are lost", 30),
    ],
)
def test_a_planted_defect_does_not_pass(
    tmp_path: Path, search_path: str, defect: str, flaw: str, events: int
) -> None:
    status, facts, said = chaos(
        tmp_path, search_path, events=events, arguments=("--plant", defect, "--record")
    )
    page = (ROOT / "docs/RELIABILITY.md").read_text(encoding="utf-8")
    assert status == 1, said
    assert [text for text in facts["flaws"] if flaw in text] != []
    assert f"--plant {defect}`," not in page, "a failure is not recorded"
    assert folders_left(tmp_path) == []


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_leaves_nothing_behind(
    tmp_path: Path, search_path: str, number: signal.Signals
) -> None:
    """In the middle of the first command, when the lab has just come to life."""
    with subprocess.Popen(
        [ROOT / "scripts/chaos", "--events", "50"],
        env={"PATH": search_path, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    ) as child:
        try:
            until(lambda: any(tmp_path.glob(ALIVE)), "a lab came to life", timeout_s=60)
        finally:
            child.send_signal(number)
        assert child.wait(timeout=SECONDS_BEFORE_AND_AFTER) == 128 + number
    assert folders_left(tmp_path) == []
    assert processes_naming(str(tmp_path)) == []


def processes_naming(text: str) -> list[str]:
    words = (_words(folder) for folder in Path("/proc").glob("[0-9]*") if folder.is_dir())
    return [found for found in words if text in found]


def _words(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""  # it has ended


@pytest.mark.slow
def test_what_was_promised_comes_back_after_every_kind_of_loss(
    tmp_path: Path, search_path: str
) -> None:
    status, facts, said = chaos(
        tmp_path, search_path, events=0, arguments=("--drills", "4"), timeout_s=1200
    )
    assert status == 0, (facts.get("flaws"), said)
    assert len(facts["drills"]) == 4
    for drill in facts["drills"]:
        assert drill["kept"] == drill["promised"] >= 2000, drill
    assert folders_left(tmp_path) == []
