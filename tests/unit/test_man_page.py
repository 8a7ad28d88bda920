"""The man page: made from the tables, current, and roff that a formatter takes."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hakube_gce import arguments, command_table, errors
from hakube_gce.variables import table as settings_table

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "share/man/man1/hakube.1"


def test_it_is_current() -> None:
    """When this fails: run .venv/bin/python scripts/man_page.py."""
    ended = subprocess.run(
        [sys.executable, str(ROOT / "scripts/man_page.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "current\n"), ended.stderr


def test_every_command_option_variable_and_exit_status_is_in_it() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("\\-", "-")
    for command in command_table.every(arguments.table()):
        assert f'.SS "hakube {command.path}' in text or not command.words
        assert all(flag in text for option in command.options for flag in option.flags)
    assert all(f"\\fB{v.name}\\fR" in text for v in settings_table.VARIABLES)
    statuses = {
        str(found.exit_status)
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, errors.HakubeError)
    }
    listed = text.partition(".SH EXIT STATUS")[2].partition(".SH")[0]
    assert {s for s in statuses if f"\n{s}\n" not in listed and f"{s}, 143" not in listed} == set()


def test_a_formatter_has_nothing_to_complain_about() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("no groff on PATH")
    ended = subprocess.run(
        [groff, "-man", "-ww", "-Kutf8", "-Tutf8", "-z", str(PAGE)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_wheel_carries_it() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]
    assert wheel["shared-data"] == {"share/man/man1/hakube.1": "share/man/man1/hakube.1"}
