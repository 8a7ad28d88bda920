"""`hakube config`: from the command line, without cloud, without leaving anything behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.unprivileged import held_back

ROOT = Path(__file__).resolve().parents[2]
SLOW = ("google", "cryptography", "rich", "yaml", "requests", "grpc")
"""Libraries that a command without cloud has no use for, and that take longer than all of it."""
WHAT_WAS_LOADED = """\
import sys
from hakube_gce import cli
status = cli.main(sys.argv[1:])
print(sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(status)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    (tmp_path / ".env").write_text("MULTIZONE=true\nKUBE_PASSWORD=hunter2\n", encoding="utf-8")
    (tmp_path / ".env").chmod(0o600)
    return tmp_path


def hakube(
    folder: Path,
    *argv: str,
    program: tuple[str, ...] = ("-m", "hakube_gce"),
    before: tuple[str, ...] = (),
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": str(folder),
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "KUBERNETES_PROVIDER": "emulator",
        **variables,
    }
    return subprocess.run(
        [*before, sys.executable, *program, *argv],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
        timeout=60,
    )


@pytest.mark.parametrize("home", ["theirs", "theirs/new"])
def test_a_home_that_may_not_be_written_into_is_told_before_anything_is_done(
    folder: Path, home: str
) -> None:
    (folder / "theirs").mkdir(mode=0o500)
    here = str(folder / home)
    ended = hakube(
        folder, "up", before=held_back(), HAKUBE_HOME=here, KUBE_GCE_ZONE="europe-west1-b"
    )
    assert (ended.returncode, ended.stdout) == (2, ""), ended
    assert f"HAKUBE_HOME: '{folder}/theirs' cannot be written to" in ended.stderr
    assert list((folder / "theirs").iterdir()) == []


def test_it_prints_one_object_and_leaves_nothing(folder: Path) -> None:
    ended = hakube(folder, "config", "--output", "json", NUM_NODES="60")
    assert ended.returncode == 0, ended
    found = json.loads(ended.stdout)
    assert (found["schema_version"], found["verb"], found["changed"]) == (1, "config", False)
    rows = {row["name"]: row for group in found["groups"] for row in group["variables"]}
    assert rows["MULTIZONE"]["source"] == str(folder / ".env")
    assert rows["MASTER_SIZE"]["value"] == "e2-standard-8"
    assert rows["KUBE_PASSWORD"]["source"] == str(folder / ".env")
    assert "hunter2" not in ended.stdout + ended.stderr
    assert found["problems"] == []
    assert {path.name for path in folder.iterdir()} == {".env"}


def test_what_is_wrong_is_said_beside_all_the_rest(folder: Path) -> None:
    ended = hakube(folder, "config", KUBE_GCE_ZONE="mars", KUBE_DELETE_NODE="false")
    assert ended.returncode == 2, ended
    assert "KUBE_GCE_INSTANCE_PREFIX" in ended.stdout
    wrong = [line for line in ended.stderr.splitlines() if line.startswith("wrong: ")]
    assert len(wrong) == 2, ended
    ended = hakube(folder, "config", HAKUBE_BINARIES="/no/such/folder")
    assert ended.returncode == 2
    assert "HAKUBE_BINARIES='/no/such/folder': there is no such folder" in ended.stderr
    ended = hakube(folder, "config", "--output", "json", KUBERNETES_PROVIDER="gce")
    found = json.loads(ended.stdout)
    assert (ended.returncode, found["exit_status"], len(found["problems"])) == (2, 2, 1)
    assert "PROJECT is not set" in found["problems"][0]


def test_gcloud_is_asked_by_reading_its_files(folder: Path) -> None:
    files = folder / ".config" / "gcloud" / "configurations"
    files.mkdir(parents=True)
    text = "[core]\nproject = from-gcloud\n[compute]\nzone = europe-west1-c\n"
    (files / "config_default").write_text(text, encoding="utf-8")
    ended = hakube(folder, "config", "--output", "json", KUBERNETES_PROVIDER="gce")
    assert ended.returncode == 0, ended
    rows = {r["name"]: r for g in json.loads(ended.stdout)["groups"] for r in g["variables"]}
    assert (rows["PROJECT"]["value"], rows["KUBE_GCE_ZONE"]["value"]) == (
        "from-gcloud",
        "europe-west1-c",
    )
    refused = hakube(folder, "up", "--dry-run", KUBERNETES_PROVIDER="gce")
    assert refused.returncode == 5, refused
    assert "this is about europe-west1-c, from gcloud" in refused.stderr


def test_nothing_slow_is_loaded(folder: Path) -> None:
    ended = hakube(folder, "config", program=("-c", WHAT_WAS_LOADED))
    assert ended.returncode == 0, ended
    loaded = ended.stderr.splitlines()[-1]
    assert "'hakube_gce'" in loaded
    assert [name for name in SLOW if f"'{name}'" in loaded] == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_could_not_be_written_is_no_success(folder: Path, form: str) -> None:
    argv = [sys.executable, "-P", "-m", "hakube_gce", "config", "--output", form]
    environment = {"HOME": str(folder), "PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("w", encoding="ascii") as full:
        ended = subprocess.run(
            argv,
            cwd=folder,
            env={**environment, "KUBERNETES_PROVIDER": "emulator"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 7
    assert "cannot write what was asked for: No space left on device" in ended.stderr
