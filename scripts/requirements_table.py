"""Writes docs/REQUIREMENTS.md from the table of requirements; ``--check`` only compares.

Run: .venv/bin/python scripts/requirements_table.py [--check]
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import page_file

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "tests" / "golden" / "requirements.toml"
PAGE = ROOT / "docs" / "REQUIREMENTS.md"

HEAD = """\
# Requirements

<!-- Written by scripts/requirements_table.py from tests/golden/requirements.toml: change that. -->

What the [Kubernetes page on highly available masters][k] (K) and the [kops page on high
availability][p] (P) promise, and what both take for granted (X), sentence by sentence; with the
tests that would fail were it not so, or with the place where it is said that it is not, or
otherwise.
`scripts/test NAME` runs one of them, `scripts/test --long NAME` one of those that take long.

[k]: https://github.com/kubernetes/website/blob/0189ae0f6bf2a79ff2e4bfd5f9ec0da98d64c5d2/content/en/docs/tasks/administer-cluster/highly-available-master.md
[p]: https://github.com/kubernetes/kops/blob/0550d8d4e8e135e1e9205fb63c804b010c19f33d/docs/high_availability.md
"""

SECTIONS = {
    "K": "Highly available masters",
    "P": "High availability, as kops has it",
    "X": "What both take for granted",
}


def page() -> str:
    """Write the whole page."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return "\n".join((HEAD, *(line for letter in SECTIONS for line in section(letter, rows))))


def section(letter: str, rows: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Write the heading and the rows of one letter."""
    yield f"## {SECTIONS[letter]}\n"
    yield "| | what is promised | seen by |"
    yield "| --- | --- | --- |"
    for name, row in rows.items():
        if name.startswith(f"{letter}-"):
            yield f"| {name} | {row['says']} | {seen_by(row)} |"
    yield ""


def seen_by(row: dict[str, Any]) -> str:
    """Write a row's tests, one a line, then where it is said what is not, or otherwise."""
    tests = [f"`{test}`" for test in row.get("tests", ())]
    ways = ", ".join(f"[{h}](COMPATIBILITY.md#{anchor(h)})" for h in row.get("deviations", ()))
    if not ways:
        return "<br>".join(tests)
    return "<br>".join([*tests, f"{'not wholly' if tests else 'not yet'}: {ways}"])


def anchor(heading: str) -> str:
    """Give a heading's anchor.

    >>> anchor("etcd's client port inside the network")
    'etcds-client-port-inside-the-network'
    """
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


if __name__ == "__main__":
    sys.exit(page_file.write_or_check(PAGE, page(), script=__file__))
