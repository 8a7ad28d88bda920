"""Private files: whole, private from birth, and refused when they are not."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakube_gce.errors import KeysError
from hakube_gce.files import (
    check_private_folder,
    folder_problem,
    make_private_folder,
    read_private,
    write_private,
)


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    """Nothing may depend on the umask being kind."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_file_is_0600_whatever_the_umask(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"secret")
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert mode(tmp_path / "key") == 0o600


def test_a_wider_mode_is_given_only_when_asked_for(tmp_path: Path) -> None:
    write_private(tmp_path / "config", b"x", mode=0o640)
    assert mode(tmp_path / "config") == 0o640


def test_a_write_replaces_the_file_and_does_not_write_into_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_private(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_a_write_replaces_a_link_and_leaves_its_target(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"theirs")
    (tmp_path / "key").symlink_to(tmp_path / "victim")
    write_private(tmp_path / "key", b"ours")
    assert (tmp_path / "victim").read_bytes() == b"theirs"
    assert not (tmp_path / "key").is_symlink()


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    with pytest.raises(OSError, match="key"):
        write_private(tmp_path / "key", b"secret")
    assert [p.name for p in tmp_path.iterdir()] == ["key"]


def test_every_folder_that_is_made_is_0700(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b" / "c")
    made = [tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"]
    assert [mode(folder) for folder in made] == [0o700] * 3


def test_a_folder_that_cannot_be_made_is_told_with_its_reason() -> None:
    with pytest.raises(KeysError, match="cannot make the folder '/proc/hakube'"):
        make_private_folder(Path("/proc/hakube/home"))


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o755)
    make_private_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a") == 0o755


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"secret")
    assert read_private(tmp_path / "key") == b"secret"


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_private(tmp_path / "key") is None


@pytest.mark.parametrize("wide", [0o640, 0o604, 0o602, 0o660])
def test_a_file_open_to_others_is_refused_with_the_command_that_helps(
    tmp_path: Path, wide: int
) -> None:
    write_private(tmp_path / "key", b"secret", mode=wide)
    with pytest.raises(KeysError, match=f"{wide:04o}") as caught:
        read_private(tmp_path / "key")
    assert f"chmod 600 {tmp_path / 'key'}" in caught.value.hint


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    write_private(tmp_path / "real", b"secret")
    (tmp_path / "key").symlink_to(tmp_path / "real")
    with pytest.raises(KeysError, match="symbolic link"):
        read_private(tmp_path / "key")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(KeysError, match="should be a plain file"):
        read_private(tmp_path / "key")


def test_an_endless_file_is_refused(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"x" * 100)
    with pytest.raises(KeysError, match="larger than 99"):
        read_private(tmp_path / "key", max_bytes=99)


def test_a_private_folder_passes(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "keys")
    assert check_private_folder(tmp_path / "keys")
    assert not check_private_folder(tmp_path / "none")


def test_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0o750)
    with pytest.raises(KeysError, match="0750") as caught:
        check_private_folder(tmp_path / "keys")
    assert "chmod 700" in caught.value.hint


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "real")
    (tmp_path / "keys").symlink_to(tmp_path / "real")
    with pytest.raises(KeysError, match="symbolic link"):
        check_private_folder(tmp_path / "keys")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file_is_refused(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"theirs")
    os.chown(tmp_path / "key", 12345, -1)
    with pytest.raises(KeysError, match="belongs to user 12345"):
        read_private(tmp_path / "key")


def test_a_home_that_is_or_can_become_a_folder_has_no_problem(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    for path in (tmp_path, tmp_path / "a/b/c", tmp_path / "link", tmp_path / "link/new"):
        assert folder_problem(path) == ""


def test_a_home_that_cannot_become_a_folder_is_told_by_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, why in (
        ("file", "is not a folder"),
        ("file/below/it", "file' is not a folder"),
        ("nowhere", "leads nowhere"),
        ("nowhere/below", "leads nowhere"),
        ("loop", "cannot be looked at"),
        ("a" * 300, "cannot be looked at"),
    ):
        assert why in folder_problem(tmp_path / name), name


def test_a_key_folder_below_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KeysError, match="cannot look at"):
        check_private_folder(tmp_path / "file" / "keys")
