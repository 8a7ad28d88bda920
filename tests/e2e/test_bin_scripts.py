"""bin/kube-up.sh and bin/kube-down.sh: from anywhere, by any name, nothing of ours on stdout."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.checkouts import Ended, make, run


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout whose environment kube-up.sh made on first use."""
    folder = make(tmp_path_factory.mktemp("bin") / "check out")
    ended = run(folder / "bin/kube-up.sh", "first")
    assert ended.status == 7, ended.stderr
    assert said(ended)["argv"] == ["up", "first"], "the first run's stdout belongs to the program"
    assert "filling .venv" in ended.stderr
    return folder


def said(ended: Ended) -> dict[str, Any]:
    found = ended.said()
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(("script", "verb"), [("kube-up.sh", "up"), ("kube-down.sh", "down")])
def test_arguments_folder_input_and_status_go_through(
    checkout: Path, tmp_path: Path, script: str, verb: str
) -> None:
    ended = run(
        checkout / "bin" / script, "--output", "a b", "", "*", folder=tmp_path, stdin="some\n"
    )
    assert (ended.status, ended.stderr) == (7, "")
    found = said(ended)
    assert found["argv"] == [verb, "--output", "a b", "", "*"]
    assert found["folder"] == str(tmp_path)
    assert found["stdin"] == "some\n"


def test_links_to_links_lead_home(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "deep down").mkdir()
    absolute = tmp_path / "deep down" / "one"
    absolute.symlink_to(checkout / "bin/kube-up.sh")
    relative = tmp_path / "two"
    relative.symlink_to("deep down/one")
    whole = tmp_path / "whole"
    whole.symlink_to(checkout, target_is_directory=True)
    for path in (absolute, relative, whole / "bin/kube-up.sh"):
        assert run(path, folder=Path("/")).status == 7
    found = run("kube-up.sh", folder=tmp_path, variables={"PATH": f"{whole}/bin:/usr/bin:/bin"})
    assert found.status == 7


def test_nothing_in_the_current_folder_or_pythonpath_takes_a_modules_place(
    checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')\n")
    (tmp_path / "hakube_gce").mkdir()
    (tmp_path / "hakube_gce/__main__.py").write_text("raise SystemExit('shadowed')\n")
    ended = run(
        checkout / "bin/kube-up.sh", folder=tmp_path, variables={"PYTHONPATH": str(tmp_path)}
    )
    assert ended.status == 7, ended.stderr
    assert str(tmp_path) not in said(ended)["path"]


def test_cdpath_and_a_strange_environment_change_nothing(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    ended = run(
        "bin/kube-up.sh",
        folder=checkout,
        variables={"CDPATH": str(tmp_path), "PYTHONHOME": "/nonexistent"},
    )
    assert ended.status == 7, ended.stderr


def test_when_the_environment_cannot_be_made_the_program_is_not_started(tmp_path: Path) -> None:
    folder = make(tmp_path / "c")
    (folder / "requirements.lock").write_text("this is no lock file at all ==\n")
    ended = run(folder / "bin/kube-up.sh")
    assert (ended.status, ended.stdout) == (7, "")
    assert "pip could not install" in ended.stderr
