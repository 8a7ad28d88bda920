"""`hakube shims`: three files for this very program, and nothing of anybody's written over."""

import subprocess
from pathlib import Path

import pytest

from hakube_gce import shims
from hakube_gce.errors import SettingsError, StepFailed

NAMES = ("kube-up.sh", "kube-down.sh", "kube-util.sh")
START = ("/opt/tool env/bin/python", "-E", "-P", "-m", "hakube_gce")
INSTALLED = shims.texts(None, START, Path("/opt/tool env/kube-util.bash"))


def states(folder: Path, texts: dict[str, str] = INSTALLED) -> list[str]:
    done = shims.write(folder, texts)
    assert [shim.path for shim in done] == [folder / name for name in NAMES]
    return [shim.state for shim in done]


def test_the_folder_is_made_and_repeating_it_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "a/cluster"
    assert states(folder) == ["written"] * 3
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert states(folder) == ["unchanged"] * 3
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert sorted(before) == sorted(NAMES), "nothing else is left in the folder"
    assert {path.stat().st_mode & 0o7777 for path in folder.iterdir()} == {0o755}


def test_another_program_s_shims_and_lost_modes_are_replaced(tmp_path: Path) -> None:
    states(tmp_path, shims.texts(tmp_path / "check out", START, Path("/nowhere")))
    assert states(tmp_path) == ["replaced"] * 3
    (tmp_path / "kube-up.sh").chmod(0o644)
    assert states(tmp_path) == ["replaced", "unchanged", "unchanged"]


def test_whatever_is_not_ours_is_named_all_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    theirs = {"kube-up.sh": "#!/bin/bash\necho original\n"}
    (tmp_path / "kube-up.sh").write_text(theirs["kube-up.sh"])
    (tmp_path / "kube-util.sh").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError) as raised:
        states(tmp_path)
    assert len(raised.value.problems) == 2
    assert "kube-up.sh: is not hakube's" in raised.value.problems[0]
    assert "kube-util.sh: is no plain file" in raised.value.problems[1]
    assert (tmp_path / "kube-up.sh").read_text() == theirs["kube-up.sh"]
    assert not (tmp_path / "kube-down.sh").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_to_an_identical_file_is_not_written_through(tmp_path: Path) -> None:
    states(tmp_path / "one")
    (tmp_path / "two").mkdir()
    (tmp_path / "two/kube-up.sh").symlink_to(tmp_path / "one/kube-up.sh")
    with pytest.raises(SettingsError):
        states(tmp_path / "two")


def test_a_file_where_the_folder_should_be_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="is not a folder"):
        states(tmp_path / "file/below")


def test_a_folder_that_takes_no_files_is_said_with_what_was_done() -> None:
    folder = Path("/proc/self")  # nobody can make a file there, whoever they are
    with pytest.raises(StepFailed, match=r"could not write /proc/self/kube-up\.sh") as raised:
        states(folder)
    assert not raised.value.changed


@pytest.mark.parametrize("checkout", [None, Path("/some where/it's")])
def test_they_are_scripts_that_bash_can_read(checkout: Path | None, tmp_path: Path) -> None:
    texts = shims.texts(checkout, START, Path("/opt/tool env/kube-util.bash"))
    shims.write(tmp_path, texts)
    for name in NAMES:
        subprocess.run(["bash", "-n", str(tmp_path / name)], check=True, timeout=30)
        assert texts[name].splitlines()[1] == shims.MARK
    up = texts["kube-up.sh"].splitlines()[-1]
    assert up == (
        "exec '/opt/tool env/bin/python' -E -P -m hakube_gce up \"$@\""
        if checkout is None
        else """exec '/some where/it'"'"'s/bin/kube-up.sh' "$@\""""
    )
