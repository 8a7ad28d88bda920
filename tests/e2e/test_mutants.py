"""Every planted mistake is minded by the test that is named for it (`scripts/mutants`)."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.labs import ROOT

JUDGE = """
import json, sys
from pathlib import Path
from mutants import plant
from mutants_table import Mutant

def trouble(old, new, test="tests/test_sum.py::test_one_and_one"):
    mutant = Mutant(name="n", rule="r", file="sums.py", old=old, new=new, test=test)
    return plant(mutant, Path(sys.argv[1])).trouble

print(json.dumps([
    trouble("a + b", "a - b"),
    trouble("a + b", "b + a"),
    trouble("a * b", "a + b"),
    trouble("a", "b"),
    trouble("a + b", "nowhere + b"),
    trouble("a + b", "a +"),
    trouble("a + b", "a - b", "tests/test_sum.py::test_that_is_not_there"),
]))
"""


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(ROOT / "scripts/mutants"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)


@pytest.mark.slow
def test_every_planted_mistake_is_caught() -> None:
    ended = run()
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    (counts,) = re.findall(r"^(\d+) planted, (\d+) caught, 0 not$", ended.stdout, re.MULTILINE)
    assert int(counts[0]) == int(counts[1]) >= 24


def test_a_word_that_fits_no_mistake_is_not_taken_for_success() -> None:
    ended = run("no-such-mistake")
    assert ended.returncode == 1
    assert "no planted mistake" in ended.stdout


def test_only_a_test_that_fails_by_the_mistake_counts_as_having_caught_it(tmp_path: Path) -> None:
    (tmp_path / "hakube_gce").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "hakube_gce/__init__.py").write_text("")
    package = tmp_path / "hakube_gce/sums.py"
    package.write_text("def total(a, b):\n    return a + b\n")
    (tmp_path / "tests/test_sum.py").write_text(
        "from hakube_gce.sums import total\n\n"
        "def test_one_and_one():\n    assert total(1, 1) == 2\n"
    )
    (tmp_path / "pyproject.toml").write_text("[tool.pytest]\n")
    ended = subprocess.run(
        [sys.executable, "-c", JUDGE, tmp_path],
        cwd=ROOT / "scripts",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    caught, survived, gone, twice, clumsy, no_python, no_test = json.loads(ended.stdout)
    assert caught == ""
    assert survived == "passed all the same"
    assert gone == "its text stands 0 times in sums.py"
    assert twice.startswith("its text stands ")
    assert clumsy.startswith("failed by NameError")
    assert no_python.startswith("the mistake is no Python")
    assert no_test.startswith("pytest ended with 4")
    assert "a + b" in package.read_text(), "the tree is put back"
