"""Kubeconfig files: the right one, locked, private, whole."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hakube_gce.errors import KeysError
from hakube_gce.kubeconfig import (
    LOCK_WAIT_S,
    admin_entry,
    read_entry,
    remove_entry,
    write_entry,
    write_problem,
)
from hakube_gce.kubeconfig_text import Entry, current_context
from tests.fakes.clock import FakeClock
from tests.fakes.unprivileged import held_back

NAME = "my-project_kubernetes"
ENTRY = Entry(
    name=NAME,
    server="https://203.0.113.5",
    certificate_authority="CA",
    client_certificate="CERT",
    client_key="KEY",
)
THEIRS = """\
# mine
clusters:
- cluster: {server: https://x}
  name: x
contexts:
- context: {cluster: x, user: x}
  name: x
current-context: x
users:
- name: x
  user: {token: t}
"""


class ReleasingClock(FakeClock):
    """A clock during whose first sleep something happens."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self._happens = [happens]

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        while self._happens:
            self._happens.pop()()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(THEIRS)
    path.chmod(0o600)
    return path


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write(paths: list[Path], clock: FakeClock, *, set_current: bool = True) -> Path:
    return write_entry(paths, ENTRY, set_current=set_current, clock=clock)


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if not p.is_dir())


def test_what_is_written_is_read(config: Path, clock: FakeClock) -> None:
    assert write([config], clock) == config
    assert read_entry([config], NAME) == ENTRY
    assert current_context(config.read_text()) == NAME


def test_a_missing_file_is_made_private_in_a_private_folder(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / ".kube" / "config"
    assert write([path], clock) == path
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert read_entry([path], NAME) == ENTRY


@pytest.mark.parametrize("wide", [0o600, 0o640, 0o644])
def test_an_existing_files_mode_is_kept(config: Path, clock: FakeClock, wide: int) -> None:
    config.chmod(wide)
    write([config], clock)
    assert mode(config) == wide


def test_nothing_is_left_beside_the_file(config: Path, clock: FakeClock) -> None:
    write([config], clock)
    remove_entry([config], NAME, clock=clock)
    assert files(config.parent) == ["config"]


def test_writing_again_does_not_touch_the_file(config: Path, clock: FakeClock) -> None:
    write([config], clock)
    before = config.stat()
    write([config], clock)
    assert (config.stat().st_ino, config.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )


def test_a_link_stays_and_the_file_behind_it_is_written(
    config: Path, tmp_path: Path, clock: FakeClock
) -> None:
    link = tmp_path / "home" / "config"
    link.parent.mkdir()
    link.symlink_to("../config")
    assert write([link], clock) == link
    assert link.is_symlink()
    assert read_entry([config], NAME) == ENTRY
    assert files(tmp_path) == ["config", "config"]


def test_a_link_to_a_file_that_is_not_there_yet_is_followed(
    tmp_path: Path, clock: FakeClock
) -> None:
    link = tmp_path / "config"
    link.symlink_to(tmp_path / "vault" / "real")
    write([link], clock)
    assert link.is_symlink()
    assert mode(tmp_path / "vault" / "real") == 0o600


def test_links_in_a_circle_are_refused(tmp_path: Path, clock: FakeClock) -> None:
    link = tmp_path / "config"
    link.symlink_to(link)
    with pytest.raises(KeysError, match="config"):
        write([link], clock)


def test_a_device_is_not_replaced_by_a_file(tmp_path: Path, clock: FakeClock) -> None:
    pipe = tmp_path / "config"
    os.mkfifo(pipe)
    with pytest.raises(KeysError, match="not a plain file"):
        write([pipe], clock)
    assert pipe.is_fifo()


# --------------------------------------------------------------------------------- several files


def test_the_file_that_holds_the_entry_is_the_one(
    config: Path, tmp_path: Path, clock: FakeClock
) -> None:
    second = tmp_path / "second"
    write([second], clock)
    renewed = replace(ENTRY, client_certificate="NEW")
    before = config.read_text()
    written = write_entry([config, second], renewed, set_current=False, clock=clock)
    assert written == second
    assert config.read_text() == before
    assert read_entry([config, second], NAME) == renewed


def test_else_it_is_the_first_that_exists(config: Path, tmp_path: Path, clock: FakeClock) -> None:
    missing = tmp_path / "missing"
    other = tmp_path / "other"
    other.write_text("")
    assert write([missing, config, other], clock) == config
    assert not missing.exists()


def test_else_it_is_the_first_of_the_list(tmp_path: Path, clock: FakeClock) -> None:
    assert write([tmp_path / "a", tmp_path / "b"], clock) == tmp_path / "a"
    assert files(tmp_path) == ["a"]


def test_the_current_context_is_set_where_it_wins(
    config: Path, tmp_path: Path, clock: FakeClock
) -> None:
    second = tmp_path / "second"
    write([second], clock, set_current=False)
    assert write([config, second], clock) == second
    assert current_context(config.read_text()) == NAME
    assert NAME not in config.read_text().replace(f"current-context: {NAME}", "")


def test_removal_cleans_every_file_of_the_list(
    config: Path, tmp_path: Path, clock: FakeClock
) -> None:
    second = tmp_path / "second"
    second.write_text(THEIRS)
    write([second], clock, set_current=True)
    write([config], clock, set_current=False)
    assert remove_entry([config, second], NAME, clock=clock) == config
    assert config.read_text() == THEIRS
    assert current_context(second.read_text()) == ""
    assert read_entry([config, second], NAME) is None


def test_removing_what_is_not_there_changes_nothing(
    config: Path, tmp_path: Path, clock: FakeClock
) -> None:
    assert remove_entry([config, tmp_path / "missing"], NAME, clock=clock) is None
    assert config.read_text() == THEIRS
    assert files(tmp_path) == ["config"]


def test_an_entry_in_two_files_is_read_as_kubectl_would(tmp_path: Path, clock: FakeClock) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(f"clusters:\n- name: {NAME}\n  cluster: {{server: 'https://first'}}\n")
    write([second], clock)
    found = read_entry([first, second], NAME)
    assert found is not None
    assert (found.server, found.client_key) == ("https://first", "KEY")


def test_no_file_holds_no_entry(tmp_path: Path) -> None:
    assert read_entry([tmp_path / "missing", Path(os.devnull)], NAME) is None


def test_what_could_not_be_written_is_told_without_writing(tmp_path: Path) -> None:
    broken, folder = tmp_path / "broken", tmp_path / "folder"
    broken.write_text("clusters: [", encoding="utf-8")
    folder.mkdir()
    for path, why in (
        (Path(os.devnull), "/dev/null is not a plain file"),
        (folder, "folder is not a plain file"),
        (broken, "broken"),
        (broken / "config", "is not a folder"),
    ):
        assert why in write_problem([path], NAME), path
    for path in (tmp_path / "new", tmp_path / "a/b/new"):
        assert write_problem([path], NAME) == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken", "folder"]


def test_a_folder_of_somebody_elses_is_told(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o500)
    code = "import sys, pathlib; from hakube_gce.kubeconfig import write_problem\n"
    code += "print(write_problem([pathlib.Path(sys.argv[1])], 'c'))"
    for place in ("config", "new/config"):
        asked = [*held_back(), sys.executable, "-c", code, str(tmp_path / "theirs" / place)]
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        assert said == f"'{tmp_path}/theirs' cannot be written to\n"


def test_an_entry_without_a_client_key_is_no_admins(tmp_path: Path, clock: FakeClock) -> None:
    config = tmp_path / "config"
    config.write_text(f"clusters:\n- name: {NAME}\n  cluster: {{server: 'https://first'}}\n")
    for files_asked in ([config], [tmp_path / "missing"]):
        with pytest.raises(KeysError, match=f"has no entry {NAME}"):
            admin_entry(files_asked, NAME)
    write([config], clock)
    assert admin_entry([config], NAME).client_key == "KEY"


# ------------------------------------------------------------------------------------- refusals


def test_a_broken_file_is_named_by_line_and_no_file_is_written(
    config: Path, tmp_path: Path, clock: FakeClock
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("clusters:\n- name: [\n")
    with pytest.raises(KeysError, match=r"broken:3: .*nothing was written") as caught:
        write([config, broken], clock)
    assert "KUBECONFIG" in caught.value.hint
    assert config.read_text() == THEIRS
    with pytest.raises(KeysError, match="broken:3"):
        remove_entry([broken], NAME, clock=clock)
    assert files(tmp_path) == ["broken", "config"]


def test_a_file_that_is_no_text_is_refused(config: Path, clock: FakeClock) -> None:
    config.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KeysError, match="not UTF-8"):
        write([config], clock)


def test_a_folder_that_cannot_be_made_is_refused(config: Path, clock: FakeClock) -> None:
    with pytest.raises(KeysError, match="cannot make") as refused:
        write([config / "below" / "config"], clock)
    assert "KUBECONFIG" in refused.value.hint


def test_another_writers_lock_is_waited_for(config: Path) -> None:
    lock = Path(f"{config}.lock")
    lock.touch()
    clock = ReleasingClock(lock.unlink)
    write([config], clock)
    assert read_entry([config], NAME) == ENTRY
    assert len(clock.naps) == 1


def test_the_lock_of_a_file_behind_a_link_counts_too(config: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(config)
    lock = Path(f"{config}.lock")
    lock.touch()
    clock = ReleasingClock(lock.unlink)
    write([link], clock)
    assert len(clock.naps) == 1


def test_a_lock_that_stays_is_named_with_the_way_out(config: Path, clock: FakeClock) -> None:
    lock = Path(f"{config}.lock")
    lock.touch()
    with pytest.raises(KeysError, match="another program has held") as caught:
        write([config], clock)
    assert f"rm {lock}" in caught.value.hint
    assert config.read_text() == THEIRS
    assert lock.exists()
    assert sum(clock.naps) == pytest.approx(LOCK_WAIT_S, abs=0.2)


def test_what_another_writer_changed_while_we_waited_is_kept(config: Path) -> None:
    lock = Path(f"{config}.lock")
    lock.touch()

    def other_writer() -> None:
        config.write_text(THEIRS.replace("# mine", "# changed"))
        lock.unlink()

    write([config], ReleasingClock(other_writer))
    assert config.read_text().startswith("# changed\n")


def test_our_own_lock_is_let_go_after_a_failure(config: Path, clock: FakeClock) -> None:
    config.write_text("[")
    with pytest.raises(KeysError):
        write([config], clock)
    assert files(config.parent) == ["config"]


def test_a_file_in_a_linked_folder_does_not_wait_for_its_own_lock(
    tmp_path: Path, clock: FakeClock
) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    path = tmp_path / "link" / "config"
    assert write([path], clock) == path
    assert write([path, tmp_path / "real" / "config"], clock) == path
    assert clock.monotonic() == FakeClock().monotonic(), "somebody waited"
