"""Every requirement has a test that exists, or a deviation that is written down; none is missing.

Tests are found by reading their files, not by running them.
"""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE: dict[str, dict[str, Any]] = tomllib.loads(
    (ROOT / "tests/golden/requirements.toml").read_text(encoding="utf-8")
)
PAGES = {"K": 45, "P": 17, "X": 5}
"""How many sentences each of them comes to."""


def headings() -> set[str]:
    text = (ROOT / "docs/COMPATIBILITY.md").read_text(encoding="utf-8")
    return {line.lstrip("#").strip() for line in text.splitlines() if re.match("##+ ", line)}


def those_in(path: Path) -> set[str]:
    """List the tests that pytest would collect at the top of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {name for name in found if name.startswith("test_")}


def test_no_requirement_is_missing_and_none_stands_there_for_nothing() -> None:
    wanted = [f"{letter}-{n}" for letter, count in PAGES.items() for n in range(1, count + 1)]
    assert list(TABLE) == wanted


@pytest.mark.parametrize("name", TABLE)
def test_whatever_a_requirement_names_exists(name: str) -> None:
    row = TABLE[name]
    assert row.keys() <= {"says", "tests", "deviations"}
    assert len(row["says"]) > 15
    named, deviations = row.get("tests", []), row.get("deviations", [])
    assert named or deviations
    for test in named:
        file, _, function = test.partition("::")
        assert file.startswith("tests/"), test
        assert function in those_in(ROOT / file), f"{test} does not exist"
    assert not set(deviations) - headings()


def test_the_page_is_what_the_table_says() -> None:
    command = [sys.executable, "scripts/requirements_table.py", "--check"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_deviation_of_that_section_belongs_to_a_requirement() -> None:
    text = (ROOT / "docs/COMPATIBILITY.md").read_text(encoding="utf-8")
    section = text.partition("\n## Less than the documents say")[2].partition("\n## ")[0]
    listed = re.findall(r"^### (.+)$", section, re.MULTILINE)
    assert len(listed) > 5
    named = {heading for row in TABLE.values() for heading in row.get("deviations", [])}
    assert not set(listed) - named
