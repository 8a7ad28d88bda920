"""A .env that cannot be trusted or understood decides nothing."""

import os
from pathlib import Path

import pytest

from hakube_gce import dotenv_file


def write(folder: Path, content: str | bytes, name: str = ".env") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o644)
    return path


def test_without_a_file_nothing_is_said(tmp_path: Path) -> None:
    assert dotenv_file.read({}, tmp_path) == dotenv_file.DotenvFile()


def test_values_come_as_they_are_written(tmp_path: Path) -> None:
    write(
        tmp_path,
        "# ours\n\nexport A=1\nB='single $HOME'\nC=\"double $HOME\"\nD=p$(id)q\nE = spaced\nF=\n",
    )
    found = dotenv_file.read({"HOME": "/elsewhere"}, tmp_path)
    assert found.problems == ()
    assert found.path == str(tmp_path / ".env")
    assert dict(found.values) == {
        "A": "1", "B": "single $HOME", "C": "double $HOME", "D": "p$(id)q", "E": "spaced", "F": "",
    }  # fmt: skip


def test_windows_line_ends_leave_nothing_in_the_values(tmp_path: Path) -> None:
    write(tmp_path, "KUBE_DELETE_NODES=false\r\nMULTIZONE=true\r\n")
    found = dotenv_file.read({}, tmp_path)
    assert dict(found.values) == {"KUBE_DELETE_NODES": "false", "MULTIZONE": "true"}


@pytest.mark.parametrize(
    ("content", "line", "word"),
    [
        ("A=1\n\nA=2\n", 3, "second time (first in line 1)"),
        ("A=1\nB\n", 2, "has no value"),
        ("A=1\nB='open\nC=2\n", 2, "cannot be understood"),
        ('A=1\n\n\nB="open\n', 4, "cannot be understood"),
        ("A-B=1\n", 1, "is not a variable's name"),
        ("HAKUBE_COMPUTE_ENDPOINT=http://127.0.0.1\n", 1, "may not be set by a file"),
        ("HAKUBE_BINARIES=/x\n", 1, "may not be set by a file"),
        ("HAKUBE_HOME=/x\n", 1, "may not be set by a file"),
        ("HAKUBE_ENV_FILE=/x\n", 1, "may not be set by a file"),
        ("KUBECONFIG=/x\n", 1, "may not be set by a file"),
        ("PATH=/x\n", 1, "may not be set by a file"),
        ("HOME=/x\n", 1, "may not be set by a file"),
        ("LD_PRELOAD=/x\n", 1, "may not be set by a file"),
        ("\ufeffA=1\n", 1, "byte order mark"),
        ("A=1\nB=\0\n", 2, "NUL"),
    ],
)
def test_what_others_would_pass_over_is_a_problem_with_its_line(
    tmp_path: Path, content: str, line: int, word: str
) -> None:
    write(tmp_path, content)
    found = dotenv_file.read({}, tmp_path)
    (problem,) = found.problems
    assert str(tmp_path / ".env") in problem
    assert f"line {line}" in problem
    assert word in problem


def test_all_problems_of_a_file_are_told(tmp_path: Path) -> None:
    write(tmp_path, "A\nPATH=1\nB=1\nB=2\nC='\n")
    assert len(dotenv_file.read({}, tmp_path).problems) == 4


def test_a_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    write(tmp_path, b"A=1\nB=\xff\n")
    (problem,) = dotenv_file.read({}, tmp_path).problems
    assert "line 2 is not UTF-8" in problem


def test_an_endless_file_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, "#" * (dotenv_file.LARGEST_BYTES + 1))
    (problem,) = dotenv_file.read({}, tmp_path).problems
    assert "larger than" in problem


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    write(tmp_path, "A=1\n").chmod(mode)
    found = dotenv_file.read({}, tmp_path)
    assert "can be written by others" in found.problems[0]
    assert "HAKUBE_ENV_FILE=off" in found.problems[0]
    assert not found.values


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file_is_refused(tmp_path: Path) -> None:
    os.chown(write(tmp_path, "A=1\n"), 65534, -1)
    (problem,) = dotenv_file.read({}, tmp_path).problems
    assert "belongs to user 65534" in problem


def test_a_link_that_lies_here_is_refused_and_a_named_one_followed(tmp_path: Path) -> None:
    target = write(tmp_path, "A=1\n", "target")
    (tmp_path / ".env").symlink_to(target)
    (problem,) = dotenv_file.read({}, tmp_path).problems
    assert "symbolic link" in problem
    named = dotenv_file.read({"HAKUBE_ENV_FILE": str(tmp_path / ".env")}, tmp_path)
    assert dict(named.values) == {"A": "1"}


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env", 0o600)
    (problem,) = dotenv_file.read({}, tmp_path).problems
    assert "not a regular file" in problem


def test_a_folder_of_that_name_is_somebodys_virtual_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert dotenv_file.read({}, tmp_path) == dotenv_file.DotenvFile()
    (problem,) = dotenv_file.read({"HAKUBE_ENV_FILE": str(tmp_path / ".env")}, tmp_path).problems
    assert "not a regular file" in problem


@pytest.mark.parametrize("word", ["off", "OFF", "none", ""])
def test_the_file_can_be_switched_off(tmp_path: Path, word: str) -> None:
    write(tmp_path, "A=1\n")
    assert dotenv_file.read({"HAKUBE_ENV_FILE": word}, tmp_path) == dotenv_file.DotenvFile()


def test_another_file_can_be_named_and_must_then_be_there(tmp_path: Path) -> None:
    write(tmp_path, "A=1\n")
    write(tmp_path, "A=2\n", "other")
    for named in ("other", str(tmp_path / "other"), "~/other"):
        found = dotenv_file.read({"HAKUBE_ENV_FILE": named, "HOME": str(tmp_path)}, tmp_path)
        assert dict(found.values) == {"A": "2"}
    (problem,) = dotenv_file.read({"HAKUBE_ENV_FILE": "missing"}, tmp_path).problems
    assert "no such file" in problem


def test_a_file_that_opens_and_does_not_read_is_refused_in_words(tmp_path: Path) -> None:
    memory = "/proc/self/mem"
    (problem,) = dotenv_file.read({"HAKUBE_ENV_FILE": memory}, tmp_path).problems
    assert problem.startswith(f"{memory}: cannot be read")
