"""bin/kube-util.sh as scripts use it: sourced by a real bash under `set -euo pipefail`."""

import json
import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakube_gce import facts
from hakube_gce.settings import Settings
from hakube_gce.variables import table
from tests.e2e.checkouts import ROOT, Ended, environment, make, run
from tests.e2e.lab_on_records import B, C, Desk, lab_on_records, warm_up

PROGRAM = textwrap.dedent("""\
    import json, os, pathlib, sys
    home = pathlib.Path(os.environ["HOME"])
    sys.stdin.read()
    with (home / "starts").open("a") as file:
        file.write(json.dumps({"argv": sys.argv[1:], "environment": dict(os.environ)}) + "\\n")
    if sys.argv[1] == "detect":
        for line in (home / "answer").read_text().splitlines():
            if line.partition("=")[0] in sys.argv[3:]:
                print(line)
    sys.exit(int(os.environ.get("HAKUBE_TEST_STATUS", "0")))
""")
ANSWER = """\
PROJECT=acme
NETWORK_PROJECT=acme
KUBERNETES_PROVIDER=gce
ZONE=europe-west1-b
REGION=europe-west1
MASTER_NAME=k-master
KUBE_MASTER=k-master
KUBE_MASTER_IP=203.0.113.7
MASTER_NAMES=(k-master k-master-7c1)
INSTANCE_GROUPS=(k-minion-group)
NODE_NAMES=(k-minion-group-1 'two words')
"""

UNKNOWN_TO_SOURCING = {"PROJECT", "NETWORK_PROJECT", "KUBERNETES_PROVIDER", "KUBE_MASTER"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout, set up, whose program notes how it was started."""
    folder = make(tmp_path_factory.mktemp("util") / "check out", program=PROGRAM)
    ended = run(folder / "scripts/setup")
    assert ended.status == 0, ended.stderr
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home in which the program finds its answer."""
    (tmp_path / "answer").write_text(ANSWER)
    return tmp_path


def script(checkout: Path, home: Path, text: str, **variables: str) -> Ended:
    """Run a script that sources kube-util.sh through a link, from another folder."""
    link = home / "cluster/kube-util.sh"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(checkout / "bin/kube-util.sh")
    start = f"set -euo pipefail\nsource {shlex.quote(str(link))}\ncd /\n"
    return run("bash", "-c", start + text, folder=home, variables={"HOME": str(home), **variables})


def starts(home: Path) -> list[dict[str, Any]]:
    log = home / "starts"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_sourcing_starts_nothing_and_leaves_the_shell_as_it_was(
    checkout: Path, home: Path
) -> None:
    text = 'set +o; echo "${CDPATH-} ${self-}${folder-}${root-}"'
    ended = script(checkout, home, text)
    assert (ended.status, ended.stderr) == (0, "")
    unsourced = run("bash", "-c", f"set -euo pipefail\n{text}")
    assert ended.stdout == unsourced.stdout
    assert starts(home) == []


@pytest.mark.parametrize(
    "variables",
    [{}, {"KUBE_GCE_ZONE": C, "KUBE_GCE_INSTANCE_PREFIX": "prod", "KUBE_GCE_NETWORK": "net"}],
)
def test_what_sourcing_sets_is_what_the_program_would_say(
    checkout: Path, home: Path, variables: dict[str, str]
) -> None:
    names = [k for k in facts.SETTINGS_KEYS if k not in UNKNOWN_TO_SOURCING]
    text = "\n".join(f'echo "${name}"' for name in names)
    said = script(checkout, home, text, **variables).stdout.splitlines()
    meant = Settings.parse({"PROJECT": "acme", "HOME": "/nonexistent", **variables})
    assert said == [facts.of_settings(meant)[name] for name in names]


def test_every_variable_of_the_program_reaches_it_though_it_is_not_exported() -> None:
    """When this fails: write the new variable into the list in kube-util.bash."""
    text = (ROOT / "hakube_gce/shell/kube-util.bash").read_text()
    (listed,) = re.findall(r"_hakube_variables='([^']*)'", text)
    known = {name for v in table.VARIABLES for name in (v.name, *v.aliases)}
    assert sorted(listed.split()) == sorted(known)


def test_shell_variables_count_like_exported_ones_and_none_leaks(
    checkout: Path, home: Path
) -> None:
    text = """
      KUBE_GCE_ZONE=europe-west1-d; KUBE_REPLICATE_EXISTING_MASTER=true; OTHER=secret
      kube-up --dry-run 'a b' ''
      env | grep -E '^(KUBE_|OTHER)' || echo 'nothing exported'
    """
    ended = script(checkout, home, text)
    assert (ended.status, ended.stdout) == (0, "nothing exported\n"), ended.stderr
    (start,) = starts(home)
    assert start["argv"] == ["up", "--dry-run", "a b", ""]
    assert start["environment"]["KUBE_GCE_ZONE"] == "europe-west1-d"
    assert start["environment"]["KUBE_REPLICATE_EXISTING_MASTER"] == "true"
    assert "OTHER" not in start["environment"]


@pytest.mark.parametrize(
    ("function", "argv"),
    [("kube-up", "up"), ("kube-down", "down"), ("validate-cluster", "validate")],
)
def test_a_change_passes_its_status_on_and_the_script_decides(
    checkout: Path, home: Path, function: str, argv: str
) -> None:
    text = f"{function} && exit 1 || echo went on with $?\n{function}\necho never"
    ended = script(checkout, home, text, HAKUBE_TEST_STATUS="5")
    assert (ended.status, ended.stdout) == (5, "went on with 5\n")
    assert [s["argv"] for s in starts(home)] == [[argv], [argv]]


SAID_OF_PROJECT = ["Project: acme", "Network Project: acme", "Zone: europe-west1-b"]


@pytest.mark.parametrize(
    ("function", "shown", "stdout", "stderr"),
    [
        ("detect-project", "$PROJECT $NETWORK_PROJECT $ZONE", "acme acme europe-west1-b", []),
        (
            "detect-master",
            "$KUBE_MASTER $KUBE_MASTER_IP",
            "k-master 203.0.113.7",
            [
                "Trying to find master named 'k-master'",
                "Looking for address 'k-master-ip'",
                "Using master: k-master (external IP: 203.0.113.7)",
            ],
        ),
        (
            "detect-master-names",
            "${MASTER_NAMES[1]} ${#MASTER_NAMES[@]}",
            "k-master-7c1 2",
            ["MASTER_NAMES=k-master k-master-7c1"],
        ),
        (
            "detect-node-names",
            "${NODE_NAMES[1]} ${INSTANCE_GROUPS[0]}",
            "two words k-minion-group",
            ["INSTANCE_GROUPS=k-minion-group", "NODE_NAMES=k-minion-group-1 two words"],
        ),
        ("get-master-replicas-count", "", "2", []),
    ],
)
def test_what_is_detected_is_set_said_and_asked_for_once(
    checkout: Path, home: Path, function: str, shown: str, stdout: str, stderr: list[str]
) -> None:
    ended = script(checkout, home, f'{function}\necho "{shown}"')
    assert (ended.status, ended.stdout.strip()) == (0, stdout), ended.stderr
    assert ended.stderr.splitlines() == [*SAID_OF_PROJECT, *stderr]
    (start,) = starts(home)
    assert start["argv"][:2] == ["detect", "--shell"]
    assert facts.problems(start["argv"][2:]) == ()


def test_the_project_is_said_once_and_a_known_address_is_kept(checkout: Path, home: Path) -> None:
    text = "KUBE_MASTER_IP=192.0.2.1; detect-project; detect-master; echo $KUBE_MASTER_IP"
    ended = script(checkout, home, text)
    assert ended.stdout == "192.0.2.1\n"
    assert ended.stderr.count("Project: acme\n") == 2, "Project and Network Project, once each"


def test_an_address_that_was_found_is_looked_for_again_for_it_may_be_of_another_cluster(
    checkout: Path, home: Path
) -> None:
    other = ANSWER.replace("203.0.113.7", "203.0.113.8")
    text = f"""
      detect-master; echo $KUBE_MASTER_IP
      printf %s {shlex.quote(other)} > "$HOME/answer"
      KUBE_GCE_INSTANCE_PREFIX=other
      detect-master; echo $KUBE_MASTER_IP
      KUBE_MASTER_IP=192.0.2.1
      detect-master; echo $KUBE_MASTER_IP
    """
    ended = script(checkout, home, text)
    assert ended.stdout.split() == ["203.0.113.7", "203.0.113.8", "192.0.2.1"], ended.stderr
    assert ended.stderr.count("Looking for address") == 2, "one was given"
    assert len(starts(home)) == 3


def test_the_network_project_is_the_program_s_and_goes_back_to_it_only_when_the_caller_said_it(
    checkout: Path, home: Path
) -> None:
    """A .env may name a host project; PROJECT in its place would make a cluster elsewhere."""
    other = ANSWER.replace("NETWORK_PROJECT=acme", "NETWORK_PROJECT=host")
    (home / "answer").write_text(other)
    ended = script(checkout, home, 'detect-project; echo "$NETWORK_PROJECT"; kube-up')
    assert (ended.status, ended.stdout) == (0, "host\n"), ended.stderr
    assert "Network Project: host" in ended.stderr
    assert "NETWORK_PROJECT" not in starts(home)[-1]["environment"]
    script(checkout, home, "NETWORK_PROJECT=host; detect-project; kube-up")
    assert starts(home)[-1]["environment"]["NETWORK_PROJECT"] == "host"
    script(checkout, home, "detect-project; NETWORK_PROJECT=mine; kube-up")
    assert starts(home)[-1]["environment"]["NETWORK_PROJECT"] == "mine"


def test_a_detection_that_fails_sets_nothing_and_ends_the_script(
    checkout: Path, home: Path
) -> None:
    (home / "answer").write_text("PROJECT=evil; touch $HOME/ran")
    ended = script(checkout, home, "set +e\ndetect-master\necho never", HAKUBE_TEST_STATUS="3")
    assert (ended.status, ended.stdout) == (3, "")
    assert not (home / "ran").exists()
    ended = script(
        checkout, home, "(detect-master) || echo $? ${PROJECT-unset}", HAKUBE_TEST_STATUS="8"
    )
    assert ended.stdout == "8 unset\n"


def test_in_an_interactive_shell_it_only_returns(checkout: Path, home: Path) -> None:
    commands = f"source {shlex.quote(str(checkout / 'bin/kube-util.sh'))}\ndetect-project\necho $?"
    ended = run(
        "bash",
        "--norc",
        "-i",
        stdin=commands + "\n",
        variables={"HOME": str(home), "HAKUBE_TEST_STATUS": "8"},
    )
    assert "8" in ended.stdout.split(), ended.stderr


def test_a_strange_shell_changes_nothing(checkout: Path, home: Path) -> None:
    text = """
      IFS=,; set -f; shopt -s failglob nocasematch; export CDPATH=/tmp:/; set -C
      cd() { echo 'a cd of its own'; builtin cd "$@"; }
      trap 'echo bye' EXIT
      detect-node-names; kube-down
      echo "${#NODE_NAMES[@]}"
    """
    ended = script(checkout, home, text)
    assert (ended.status, ended.stdout) == (0, "2\nbye\n"), ended.stderr
    assert len(starts(home)) == 2


def test_what_a_loop_reads_is_not_eaten(checkout: Path, home: Path) -> None:
    text = "printf '1\\n2\\n' | while read -r n; do detect-project; echo $n; done"
    assert script(checkout, home, text).stdout == "1\n2\n"


def test_when_the_environment_cannot_be_made_no_stale_program_is_started(
    tmp_path: Path, home: Path
) -> None:
    folder = make(tmp_path / "broken", program=PROGRAM)
    (folder / "requirements.lock").write_text("this is no lock file at all ==\n")
    ended = script(folder, home, "if detect-project; then echo yes; fi; echo never")
    assert (ended.status, ended.stdout) == (7, "")
    assert "pip could not install" in ended.stderr


# ----------------------------------------------------------------------- with the real program


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    warm_up()
    root = tmp_path_factory.mktemp("lab")
    with lab_on_records(root / "lab") as lab:
        yield Desk(folder=root / "desk", lab=lab)


@pytest.mark.forks
def test_a_whole_life_in_one_script(desk: Desk, tmp_path: Path) -> None:
    """Only documented functions; the script's own `set -e` is what notices a failure."""
    text = f"""
      set -euo pipefail
      source {ROOT}/bin/kube-util.sh
      KUBE_GCE_ZONE={B}
      kube-up >&2
      KUBE_GCE_ZONE={C} KUBE_REPLICATE_EXISTING_MASTER=true kube-up >&2
      detect-master
      detect-master-names
      detect-node-names
      echo "$KUBE_MASTER $KUBE_MASTER_IP ${{#MASTER_NAMES[@]}} ${{#NODE_NAMES[@]}} $PROJECT"
      echo "$(get-master-replicas-count)"
      KUBE_DELETE_NODES=false kube-down >&2
      echo "$(get-master-replicas-count)"
      KUBE_GCE_ZONE={C} kube-down >&2
      echo "$(get-master-replicas-count)"
      unset KUBE_MASTER_IP
      detect-master
      echo never
    """
    ended = subprocess.run(
        ["bash", "-c", text],
        env={**environment(), **desk.environment()},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = ended.stdout.splitlines()
    assert lines[1:] == ["2", "1", "0"], ended.stderr
    assert re.fullmatch(r"kubernetes-master \d+\.\d+\.\d+\.\d+ 2 0 acme-prod", lines[0])
    assert ended.returncode == 3
    assert "could not detect the masters" in ended.stderr
