"""A reader that goes away, a disk that is full: a status, a sentence, never a traceback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.labs import Lab

DUMP = ["emulator", "dump"]
SCRIPT = ["completion", "bash"]
FACTS = ["detect", "PROJECT"]


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Lab]:
    """A lab of records, gone afterwards."""
    lab = Lab(folder=tmp_path, variables={"HAKUBE_RUNTIME": "records"})
    yield lab
    lab.destroy()


def ended(lab: Lab, words: list[str], stdout: int) -> tuple[int, str]:
    """Run a command whose output goes to a descriptor; return its status and its complaints."""
    argv = [sys.executable, "-I", "-m", "hakube_gce", *words]
    done = subprocess.run(
        argv,
        env=lab.environment(),
        cwd=lab.folder,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "status"), [(DUMP, 0), (SCRIPT, 0), (["--help"], 0), (FACTS, 7)], ids=str
)
def test_a_reader_that_goes_away(records: Lab, words: list[str], status: int) -> None:
    if words is DUMP:
        records.hakube("emulator", "start")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        returned, complaints = ended(records, words, writer)
    finally:
        os.close(writer)
    assert returned == status, complaints
    assert "bug" not in complaints
    assert "Error" not in complaints


@pytest.mark.parametrize("words", [DUMP, SCRIPT, FACTS], ids=str)
def test_a_full_disk(records: Lab, words: list[str]) -> None:
    if words is DUMP:
        records.hakube("emulator", "start")
    with Path("/dev/full").open("w", encoding="ascii") as full:
        returned, complaints = ended(records, words, full.fileno())
    assert returned == 7, complaints
    assert "cannot write what was asked for: No space left on device" in complaints


def test_a_full_disk_and_help(records: Lab) -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        assert ended(records, ["--help"], full.fileno()) == (0, "")
