"""The diary of runs: it lies among keys, and may be the first thing that is written there."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakube_gce.journal import Journal
from tests.fakes.clock import FakeClock


@pytest.fixture(params=[0o000, 0o022], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_every_folder_it_makes_is_private_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "home/clusters/p_kubernetes/journal.jsonl"
    complaints: list[str] = []
    Journal(path=path, clock=FakeClock(), complain=complaints.append).write("begun", verb="up")
    assert complaints == []
    assert json.loads(path.read_text())["verb"] == "up"
    made = [path, *(p for p in path.parents if p.is_relative_to(tmp_path / "home"))]
    assert len(made) == 4
    assert [p.name for p in made if p.stat().st_mode & 0o077] == []


def test_a_folder_that_cannot_be_made_is_told_once_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    complaints: list[str] = []
    path = tmp_path / "file/below/journal.jsonl"
    journal = Journal(path=path, clock=FakeClock(), complain=complaints.append)
    journal.write("begun", verb="up")
    journal.write("finished", verb="up")
    (said,) = complaints
    assert "cannot be written" in said
