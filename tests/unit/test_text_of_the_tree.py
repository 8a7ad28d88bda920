"""Every file of the project: nothing in it belongs to one machine, and nothing is secret."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FORBIDDEN = {
    "a package registry's host": r"(pypi|pythonhosted|artifactory|nexus)[-a-z0-9]*\.(org|com|io)",
    "an index option": r"--(extra-)?index-url[ =]+[a-z]+:",
    "somebody's home folder": r"(?<![\w.])/(home/(?!me/|me\b)[a-z]|Users/[a-zA-Z]|root/)",
    "a working folder": r"(?<![\w.])/work(space)?/[a-z]",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{20}",
    "an access token": r"\b(ya29\.[\w-]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_\w{30,}|AIza[\w-]{35})",
    "a merge's leftovers": r"(?m)^(<{7}|>{7}) ",
}

NAMES_THEM = {"tests/unit/test_text_of_the_tree.py"}


def tracked() -> list[Path]:
    """List what git holds, and what it would hold after `git add`."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file() and not file.is_symlink()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{name}: {match.group()!r}"
        for file in tracked()
        if (name := str(file.relative_to(ROOT))) not in NAMES_THEM
        and (match := pattern.search(file.read_bytes().decode("utf-8", "replace")))
    ]
    assert found == []


def test_the_patterns_find_what_they_are_for() -> None:
    examples = {
        "a package registry's host": "https://pypi.org/simple",
        "an index option": "--index-url https://x",
        "somebody's home folder": "see /home/jane/x",
        "a working folder": "cd /work/main",
        "a private key": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIGl1x0aC2lPq0X1\n",
        "an access token": "ya29.abcdefghijklmnopqrstuvwxyz",
        "a merge's leftovers": "<<<<<<< HEAD",
    }
    assert examples.keys() == FORBIDDEN.keys()
    for what, example in examples.items():
        assert re.search(FORBIDDEN[what], example), what


def test_scripts_can_be_run() -> None:
    for file in tracked():
        if file.read_bytes()[:2] == b"#!" and file.suffix != ".py":
            assert file.stat().st_mode & 0o111, file
