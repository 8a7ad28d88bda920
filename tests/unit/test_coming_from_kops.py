"""The page for people from kops has all options of kops' own examples, and no variable in vain."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/COMING-FROM-KOPS.md").read_text(encoding="utf-8")
STORIES = tomllib.loads((ROOT / "tests/golden/seed_commands.toml").read_text())["story"]
ORIGINALS = {story["id"]: story["original"] for story in STORIES if "original" in story}


@pytest.mark.parametrize("story", ORIGINALS)
def test_every_option_of_kops_examples_has_its_row(story: str) -> None:
    options = re.findall(r"--[a-z-]+", ORIGINALS[story])
    assert len(options) >= 7
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| ")]
    named = {option for row in rows for option in re.findall(r"--[a-z-]+", row)}
    assert not set(options) - named


def test_every_variable_it_names_exists() -> None:
    configuration = (ROOT / "docs/CONFIGURATION.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^\| `([A-Z_]+)`", configuration, re.MULTILINE))
    named = set(re.findall(r"`([A-Z][A-Z_]+)\b", PAGE))
    assert len(named) > 10
    assert not named - known
