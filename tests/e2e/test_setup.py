"""scripts/setup as people meet it: first use, two at once, interrupted, moved, without network."""

import os
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.e2e.checkouts import Ended, environment, make, run
from tests.fakes.unprivileged import held_back

STAMP = ".venv/setup-stamp"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout set up by two runs at once, in a folder whose name has a blank."""
    folder = make(tmp_path_factory.mktemp("a checkout") / "of hakube's")
    both = [
        subprocess.Popen(
            [folder / "scripts/setup"],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [each.communicate(timeout=120) for each in both]
    assert [each.returncode for each in both] == [0, 0], outputs
    assert [out for out, _ in outputs] == ["", ""]
    # One of them made it, the other one waited for that.
    assert sum(err.count("filling .venv") for _, err in outputs) == 1, outputs
    return folder


def setup(folder: Path, *options: str, **variables: str) -> Ended:
    return run(folder / "scripts/setup", *options, folder=Path("/"), variables=variables)


def test_two_first_runs_at_once_leave_one_environment_that_works(checkout: Path) -> None:
    found = run(
        checkout / ".venv/bin/python", "-I", "-c", "import hakube_gce as h; print(h.__file__)"
    )
    assert found.stdout.strip() == str(checkout / "hakube_gce/__init__.py")


def test_the_hakube_command_starts_the_program(checkout: Path) -> None:
    ended = run(checkout / ".venv/bin/hakube", "status", "--output", "json")
    assert ended.status == 7
    assert '"argv": ["status", "--output", "json"]' in ended.stdout


def test_a_second_run_says_and_changes_nothing(checkout: Path) -> None:
    before = (checkout / STAMP).stat().st_mtime_ns
    assert setup(checkout) == Ended(status=0, stdout="", stderr="")
    assert (checkout / STAMP).stat().st_mtime_ns == before


def test_a_lock_file_with_another_time_and_the_same_content_changes_nothing(
    checkout: Path,
) -> None:
    later = (checkout / STAMP).stat().st_mtime + 60
    os.utime(checkout / "requirements.lock", (later, later))
    assert setup(checkout).stderr == ""


def test_without_a_network_one_line_says_so_and_the_next_run_goes_on(checkout: Path) -> None:
    lock = checkout / "requirements.lock"
    lock.write_text(f"tenacity==9.2.1 \\\n    --hash=sha256:{'0' * 64}\n")
    closed = "http://127.0.0.1:9/simple"
    offline = {"PIP_INDEX_URL": closed, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0"}
    ended = setup(checkout, **offline)
    assert ended.status == 9
    *_, line = ended.stderr.splitlines()
    assert "no package index in reach" in line
    assert "run the same command again" in line
    assert len(ended.stderr.splitlines()) <= 2
    assert not (checkout / ".venv/setup-unfinished").exists(), "what worked before still does"
    lock.write_text("# nothing, again\n")
    again = setup(checkout)
    assert again.status == 0
    assert "anew" not in again.stderr


@pytest.mark.slow
def test_an_unfinished_environment_is_made_anew(checkout: Path) -> None:
    (checkout / ".venv/setup-unfinished").touch()
    (checkout / ".venv/bin/pip").unlink()
    ended = setup(checkout)
    assert ended.status == 0
    assert "unfinished" in ended.stderr
    assert (checkout / ".venv/bin/pip").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Path) -> None:
    python = checkout / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nonexistent/python3.11")
    ended = run(checkout / "bin/kube-up.sh")
    assert ended.status == 7, ended.stderr
    assert '"argv": ["up"]' in ended.stdout


@pytest.mark.slow
def test_a_moved_checkout_is_noticed(checkout: Path) -> None:
    moved = checkout.rename(checkout.with_name("moved"))
    try:
        ended = run(moved / "bin/kube-down.sh")
        assert ended.status == 7, ended.stderr
        assert "moved" in ended.stderr
        assert (moved / STAMP).read_text().splitlines()[0] == str(moved)
    finally:
        moved.rename(checkout)


def test_an_unknown_option_is_refused() -> None:
    ended = run("scripts/setup", "--ectd")
    assert ended.status == 2
    assert "--ectd" in ended.stderr


def test_help_is_the_scripts_own_first_lines() -> None:
    ended = run("scripts/setup", "--help")
    assert ended.status == 0
    assert "scripts/setup --etcd" in ended.stdout


def stand_in(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text("#!/bin/sh\n" + textwrap.dedent(text))
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Return a folder to use as PATH that holds the plain tools and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "cat", "cksum", "dirname", "env", "id", "mkdir", "readlink", "sed"):
        for place in os.defpath.split(":"):
            if place and (found := Path(place, name)).exists():
                (folder / name).symlink_to(found)
                break
    return folder


def test_without_any_python_the_command_that_helps_is_named(tmp_path: Path, tools: Path) -> None:
    stand_in(tools, "python3", "echo 'shim: no version of python3 is chosen' >&2; exit 127")
    ended = setup(make(tmp_path / "c"), PATH=str(tools))
    assert ended.status == 2
    (line,) = ended.stderr.splitlines()
    assert "apt-get install python3 python3-venv" in line


def test_a_python_without_ensurepip_is_named_with_its_package(tmp_path: Path, tools: Path) -> None:
    """As Debian ships it: the interpreter is there, python3-venv is a package of its own."""
    bare = tools / "python3"
    stand_in(
        tools, "python3",
        f"""\
        case $3 in *ensurepip*) exit 1 ;; esac
        echo {bare}
        """,
    )  # fmt: skip
    ended = setup(make(tmp_path / "c"), PATH=str(tools))
    assert ended.status == 2
    (line,) = ended.stderr.splitlines()
    assert line.endswith("run: apt-get install python3-venv")


def test_a_checkout_that_is_not_ours_to_write_says_so(tmp_path: Path) -> None:
    folder = make(tmp_path / "c")
    folder.chmod(0o555)
    ended = run(*held_back(), folder / "scripts/setup", folder=Path("/"))
    folder.chmod(0o755)
    assert ended.status == 2
    assert "not writable" in ended.stderr
