"""The lock files against pyproject.toml: what is asked for is pinned, and pinned once."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PIN = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)==(\S+) \\")


def pins(file: str) -> dict[str, str]:
    found = [PIN.fullmatch(line) for line in (ROOT / file).read_text().splitlines()]
    names = [match.group(1) for match in found if match]
    assert len(names) == len(set(names))
    return {match.group(1): match.group(2) for match in found if match}


def asked(requirements: list[object]) -> set[str]:
    names = set()
    for requirement in requirements:
        if isinstance(requirement, str):
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            assert match
            names.add(re.sub(r"[-_.]+", "-", match.group()).lower())
        elif isinstance(requirement, dict):
            names |= asked(PROJECT["dependency-groups"][requirement["include-group"]])
    return names


def test_every_dependency_is_in_the_lock() -> None:
    assert asked(PROJECT["project"]["dependencies"]) - set(pins("requirements.lock")) == set()


def test_every_development_tool_is_in_its_lock() -> None:
    tools = asked(PROJECT["dependency-groups"]["dev"])
    assert tools - set(pins("requirements-dev.lock")) == set()


def test_developers_run_what_users_run() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


def test_every_pin_has_hashes_and_nothing_else_stands_in_the_locks() -> None:
    """A line of another kind would be an option, or a host that not everybody can reach."""
    for file in ("requirements.lock", "requirements-dev.lock"):
        lines = (ROOT / file).read_text().splitlines()
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            if PIN.fullmatch(line):
                assert following.startswith("    --hash=sha256:"), line
            else:
                assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line
