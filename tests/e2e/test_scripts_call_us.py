"""The scripts as other people's scripts call them: cron, links in cluster/, pipes, any folder.

Real bash scripts under `set -euo pipefail`, with an environment that holds what they set and no
more; the real program, on a lab of records.
"""

import shlex
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.checkouts import ROOT, Ended
from tests.e2e.lab_on_records import PROJECT, B, C, ServedLab, lab_on_records, warm_up

pytestmark = pytest.mark.forks

CRON = "/usr/bin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder with cluster/kube-up.sh and the like, linked to ours, and a home."""

    folder: Path
    lab: ServedLab
    prefix: str
    """The cluster's name: each test has its own."""

    def script(self, text: str, **variables: str) -> Ended:
        """Run a script that selects its own cluster in the lab, as cron would run it."""
        cluster = {
            "PROJECT": PROJECT,
            "KUBE_GCE_INSTANCE_PREFIX": self.prefix,
            "HAKUBE_COMPUTE_ENDPOINT": self.lab.endpoint,
        }
        return self.bare(text, **{**cluster, **variables})

    def bare(self, text: str, **variables: str) -> Ended:
        """Run a script with PATH, HOME and the given variables alone, and no terminal."""
        home = {"PATH": CRON, "HOME": str(self.folder / "home")}
        ended = subprocess.run(
            ["bash", "-c", f"set -euo pipefail\n{text}"],
            cwd=self.folder,
            env={**home, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            start_new_session=True,
        )
        return Ended(status=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)

    def changes(self) -> int:
        return len(self.lab.calls())


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedLab]:
    warm_up()
    with lab_on_records(tmp_path_factory.mktemp("scripts") / "lab") as lab:
        yield lab


@pytest.fixture
def place(lab: ServedLab, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    folder = tmp_path / "some repo"
    (folder / "cluster").mkdir(parents=True)
    (folder / "home").mkdir()
    for name in ("kube-up.sh", "kube-down.sh", "kube-util.sh"):
        (folder / "cluster" / name).symlink_to(ROOT / "bin" / name)
    prefix = f"t{zlib.crc32(request.node.name.encode()):08x}"
    return Place(folder=folder, lab=lab, prefix=prefix)


def test_a_runbook_in_cron_through_links_and_pipes(place: Place) -> None:
    """The greppable lines are there, and a reader that leaves early does not fail the change."""
    ended = place.script(rf"""
      export KUBE_GCE_ZONE={B} MULTIZONE=true
      cluster/kube-up.sh 2>&1 | tee log >/dev/null
      grep -q '^\.\.\. Starting cluster in {B} using provider gce$' log
      grep -q '^Kubernetes cluster created' log
      there=$PWD/cluster
      cd /
      KUBE_REPLICATE_EXISTING_MASTER=true KUBE_GCE_ZONE={C} "$there/kube-up.sh" | head -n 1
      KUBE_DELETE_NODES=false KUBE_GCE_ZONE={C} "$there/kube-down.sh" >/dev/null 2>&1
      "$there/kube-down.sh" | grep -x 'Done: nothing of the cluster is left.'
    """)
    assert ended.status == 0, ended
    assert ended.stdout.splitlines()[-1] == "Done: nothing of the cluster is left."
    assert "\x1b" not in (place.folder / "log").read_text(), "no colours in a pipe"


SITUATIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "all at once": (
        'cd "$OUTSIDE"; umask 0; setsid -w "$THERE/kube-{verb}.sh" <&- 2>&1 | cat',
        {"HAKUBE_ENV_FILE": "off", "PYTHONPATH": ".", "CDPATH": "..:.", "BASH_ENV": "ran.sh"},
    ),
    "another folder": ('cd "$OUTSIDE"; "$THERE/kube-{verb}.sh"', {"HAKUBE_ENV_FILE": "off"}),
    "a link to a folder of links": ('ln -sfn cluster c; "./c/kube-{verb}.sh"', {}),
    "nothing but what it needs": (
        'env -i PATH="$PATH" HOME="$HOME" PROJECT="$PROJECT" KUBE_GCE_ZONE="$KUBE_GCE_ZONE" '
        'KUBE_CREATE_NODES=false KUBE_GCE_INSTANCE_PREFIX="$KUBE_GCE_INSTANCE_PREFIX" '
        'HAKUBE_COMPUTE_ENDPOINT="$HAKUBE_COMPUTE_ENDPOINT" cluster/kube-{verb}.sh',
        {},
    ),
    "cron": ("setsid -w cluster/kube-{verb}.sh <&- >>log 2>&1; cat log", {}),
    "a pipe": ("cluster/kube-{verb}.sh 2>&1 | cat", {}),
    "a reader that leaves": ("cluster/kube-{verb}.sh 2>&1 | head -n 1", {}),
    "a .env of somebody else's, switched off": (
        "printf 'HAKUBE_COMPUTE_ENDPOINT=http://127.0.0.1:9\\ntouch ran\\n' >.env\n"
        "cluster/kube-{verb}.sh",
        {"HAKUBE_ENV_FILE": "off"},
    ),
    "modules of our names": (
        'cp -r "$OUTSIDE"/* .\ncluster/kube-{verb}.sh',
        {"PYTHONPATH": ".", "PYTHONSTARTUP": "json.py", "PYTHONHOME": "/nonexistent"},
    ),
    "an open umask": ("umask 0; cluster/kube-{verb}.sh", {}),
    "another shell": ("sh -c cluster/kube-{verb}.sh", {"POSIXLY_CORRECT": "1", "IFS": "k"}),
}
"""How somebody calls the scripts, and what else they have exported."""
FOR_EVERY_RUN = "all at once"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder that is not the repository's, full of what must not be run or read."""
    folder = tmp_path / "out side"
    (folder / "hakube_gce").mkdir(parents=True)
    (folder / ".env").write_text("HAKUBE_COMPUTE_ENDPOINT=http://127.0.0.1:9\n")
    (folder / "ran.sh").write_text(f"touch {shlex.quote(str(tmp_path))}/ran\n")
    for name in ("json.py", "os.py", "hakube_gce/__init__.py", "hakube_gce/__main__.py"):
        (folder / name).write_text("raise SystemExit('shadowed')\n")
    return folder


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(what, marks=[] if what == FOR_EVERY_RUN else [pytest.mark.slow])
        for what in SITUATIONS
    ],
)
def test_a_cluster_is_made_and_torn_down(place: Place, outside: Path, what: str) -> None:
    line, more = SITUATIONS[what]
    variables = {
        "KUBE_GCE_ZONE": B,
        "KUBE_CREATE_NODES": "false",
        "OUTSIDE": str(outside),
        "THERE": str(place.folder / "cluster"),
        **more,
    }
    before = sorted(outside.rglob("*"))
    for verb, masters in (("up", [f"{place.prefix}-master"]), ("down", [])):
        ended = place.script(line.replace("{verb}", verb), **variables)
        assert ended.status == 0, ended
        assert "\x1b" not in ended.stdout + ended.stderr
        dump = place.lab.dump()
        ours = [r["name"] for r in dump.values() if r["name"].startswith(place.prefix)]
        vms = [r["name"] for r in dump.values() if r["kind"] == "compute#instance"]
        assert [name for name in vms if name in ours] == masters
        assert bool(ours) is bool(masters), f"left behind: {ours}"
        for file in (place.folder / "home").rglob("*"):
            assert file.stat().st_mode & 0o077 == 0, f"{file} is open to others"
    assert sorted(outside.rglob("*")) == before
    assert not (place.folder / "ran").exists()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_turn_a_change_into_a_failure(place: Place, closed: str) -> None:
    ended = place.script(f"KUBE_GCE_ZONE={B} cluster/kube-up.sh --dry-run {closed}")
    assert ended.status == 0, ended
    assert "Traceback" not in ended.stderr


def test_with_path_and_home_alone_it_says_all_it_needs(place: Place) -> None:
    before = place.changes()
    ended = place.bare(
        "cluster/kube-down.sh || { echo went on with $?; exit 0; }",
        KUBE_GCE_ZONE="mars",
        KUBE_DELETE_NODES="perhaps",
    )
    assert (ended.status, ended.stdout) == (0, "went on with 2\n")
    for needle in ("KUBE_GCE_ZONE='mars'", "KUBE_DELETE_NODES='perhaps'", "PROJECT is not set"):
        assert needle in ended.stderr
    assert ended.stderr.rstrip().endswith("Nothing was changed.")
    assert place.changes() == before


@pytest.mark.parametrize("provider", ["", "gce"])
def test_the_emulator_s_own_commands_need_neither_project_nor_provider(
    place: Place, provider: str
) -> None:
    said = {"KUBERNETES_PROVIDER": provider} if provider else {}
    ended = place.bare(f"{shlex.quote(str(ROOT))}/.venv/bin/hakube emulator status", **said)
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout.startswith("No emulator runs in ")


@pytest.mark.parametrize("command", ["cluster/kube-up.sh", "hakube shims x"])
def test_a_folder_that_is_gone_is_said_so(place: Place, command: str) -> None:
    programs = f"{place.folder}/cluster:{ROOT}/.venv/bin:{CRON}"
    text = f"mkdir gone; cd gone; rmdir ../gone; {command.removeprefix('cluster/')}"
    ended = place.script(text, KUBE_GCE_ZONE=B, PATH=programs)
    assert ended.status == 2, ended
    assert "the current folder is gone" in ended.stderr
    assert ended.stderr.rstrip().endswith("Nothing was changed.")


def test_shims_into_an_unset_variable_are_not_written_here(place: Place) -> None:
    ended = place.bare(f'{shlex.quote(str(ROOT))}/.venv/bin/hakube shims "${{UNSET-}}"')
    assert ended.status == 2, ended
    assert "no folder is named" in ended.stderr
    assert not (place.folder / "kube-up.sh").exists()


HOSTILE: Mapping[str, tuple[str, str]] = {
    "another endpoint": ("HAKUBE_COMPUTE_ENDPOINT=http://127.0.0.1:9", "may not be set by a file"),
    "programs of its own": ("PATH=/tmp\nHAKUBE_BINARIES=/tmp", "PATH may not be set by a file"),
    "another home": ("HOME=/tmp\nHAKUBE_HOME=/tmp/x", "HAKUBE_HOME may not be set by a file"),
    "a command in a name": ('KUBE_GCE_NETWORK="$(touch ran)"', "is not a resource name"),
    "a shell's line": ("touch ran; export KUBE_GCE_ZONE", "cannot be understood"),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("way", ["kube-up.sh", "kube-util.sh"])
def test_a_hostile_dotenv_decides_nothing_and_runs_nothing(
    place: Place, what: str, way: str
) -> None:
    content, reason = HOSTILE[what]
    (place.folder / ".env").write_text(f"{content}\n")
    before = place.changes()
    text = f"export KUBE_GCE_ZONE={B}\n"
    text += (
        "cluster/kube-up.sh"
        if way == "kube-up.sh"
        else "source cluster/kube-util.sh; detect-project"
    )
    ended = place.script(text)
    assert (ended.status, ended.stdout) == (2, ""), ended
    assert reason in ended.stderr
    assert place.changes() == before
    assert not (place.folder / "ran").exists()


@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_a_dotenv_that_others_can_write_is_not_believed(place: Place, mode: int) -> None:
    file = place.folder / ".env"
    file.write_text(f"KUBE_GCE_ZONE={C}\n")
    file.chmod(mode)
    ended = place.script("source cluster/kube-util.sh; detect-project; echo $ZONE")
    assert (ended.status, ended.stdout) == (2, "")
    assert "can be written by others" in ended.stderr


def test_a_decent_dotenv_is_read_by_scripts_and_functions_alike(place: Place) -> None:
    (place.folder / ".env").write_text(f"KUBE_GCE_ZONE={C}\nKUBE_GCE_NETWORK=net\n")
    ended = place.script("""
      source cluster/kube-util.sh
      detect-project
      echo "$ZONE $REGION $NETWORK"
      cluster/kube-up.sh --dry-run >/dev/null
    """)
    assert (ended.status, ended.stdout) == (0, f"{C} europe-west1 net\n")
    assert ended.stderr.count(f"reading {place.folder}/.env") == 2
    assert f"... Starting cluster in {C}" in ended.stderr


def test_a_checkout_writes_shims_that_start_it(place: Place) -> None:
    ended = place.script(f"""
      {shlex.quote(str(ROOT))}/.venv/bin/hakube shims 'a folder/cluster'
      cd /
      KUBE_CREATE_NODES=false KUBE_GCE_ZONE={B} "$OLDPWD/a folder/cluster/kube-up.sh" --dry-run
      source "$OLDPWD/a folder/cluster/kube-util.sh"
      detect-project
      echo "$MASTER_NAME"
    """)
    assert ended.status == 0, ended
    assert ended.stdout.splitlines()[-1] == f"{place.prefix}-master"
    assert "Plan: 7 to create" in ended.stdout
