"""scripts/try: the whole life of a control plane with real etcd, and that its checks can fail.

The tour is the end-to-end test of the whole product; whatever it shows to newcomers is checked
from outside while it goes. Here it is run as people run it, then with commands that lie.
"""

import ast
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.labs import ROOT
from tests.process.waiting import until

EYES = ("scripts/checker.py", "scripts/prober.py", "tests/e2e/writer.py")
SECONDS_AT_MOST = 300
"""On a busy machine; on two idle cores it is well under 90."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toured:
    """A tour that has ended."""

    status: int
    screen: str
    errors: str
    evidence: dict[str, Any]


@contextmanager
def tour(folder: Path, search_path: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start scripts/try in a process group of its own, with its folders under ``folder``."""
    (folder / "tmp").mkdir(exist_ok=True)
    command = [str(ROOT / "scripts/try"), "--json", str(folder / "evidence.json"), *arguments]
    with (
        (folder / "screen").open("w") as screen,
        (folder / "errors").open("w") as errors,
        subprocess.Popen(
            command,
            env={"PATH": search_path, "HOME": str(folder), "TMPDIR": str(folder / "tmp")},
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=errors,
            text=True,
            process_group=0,
        ) as child,
    ):
        yield child


def ended(folder: Path, child: "subprocess.Popen[str]") -> Toured:
    status = child.wait(timeout=SECONDS_AT_MOST)
    evidence = json.loads((folder / "evidence.json").read_text())
    return Toured(
        status=status,
        screen=(folder / "screen").read_text(),
        errors=(folder / "errors").read_text(),
        evidence=evidence,
    )


def what_is_left(folder: Path) -> list[str]:
    """Find folders of tours, and processes that name them."""
    left = [path.name for path in (folder / "tmp").iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder / "tmp") in words and process.name != str(os.getpid()):
            left.append(words.replace("\0", " "))
    return left


# --------------------------------------------------------------------------------------- the truth


@pytest.mark.process
def test_a_master_becomes_three_loses_one_and_shrinks_to_none(
    tmp_path: Path, search_path: str
) -> None:
    with tour(tmp_path, search_path) as child:
        seen = ended(tmp_path, child)
    assert seen.status == 0, seen.errors + seen.screen[-3000:]
    stops = seen.evidence["stops"]
    assert len(stops) == 9
    assert all(stop["checked"] for stop in stops)
    assert [len(s["members"][next(iter(s["members"]))]) for s in stops if "members" in s] == [
        *(1, 2, 3),
        *(2, 3),
        *(2, 1),
    ]
    windows = [stop["window"]["kind"] for stop in stops if "window" in stop]
    assert windows == ["promotion", "demotion"]
    assert seen.evidence["probes"]["good"] > 100
    assert seen.evidence["forgotten"] == 9
    assert seen.evidence["versions"]["etcd"].startswith("3.")
    assert seen.evidence["versions"]["hakube"].startswith("hakube ")
    assert "All of it held" in seen.screen
    assert what_is_left(tmp_path) == []


# ---------------------------------------------------------------------------------------- the lies

LIE = """\
#!{python} -IS
import json, os, re, subprocess, sys
script, truth = os.path.basename(sys.argv[0]), {bin!r}
command = [os.path.join(truth, script), *sys.argv[1:]]
zone, lie = os.environ.get("KUBE_GCE_ZONE", ""), None
said = {{"schema_version": 1, "verb": "", "changed": True, "exit_status": 0, "replica": None,
        "window": None, "next_command": None}}
{lie}
if lie is None:
    os.execv(command[0], command)
print(json.dumps(lie))
"""

REPLICATES_NOTHING = """
if "KUBE_REPLICATE_EXISTING_MASTER" in os.environ:
    subprocess.run([sys.executable, "-c", "pass"])
    print("API unavailable for 0.05 s (promotion)", file=sys.stderr)
    window = {"kind": "promotion", "seconds": 0.05, "probes": 31, "failed_probes": 1}
    lie = said | {"verb": "replicate", "replica": "kubernetes-master-7c1", "window": window}
"""

REMOVES_NOTHING = """
if "KUBE_REPLICA_NAME" in os.environ:
    lie = said | {"verb": "remove", "replica": os.environ["KUBE_REPLICA_NAME"]}
"""

SAYS_A_SECOND_MORE = """
if "MULTIZONE" in os.environ:
    os.environ["HAKUBE_LATENCY"] = os.path.join(os.path.dirname(sys.argv[0]), "latency.json")
if "KUBE_REPLICATE_EXISTING_MASTER" in os.environ:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lie = json.loads(done.stdout)
    lie["window"]["seconds"] += 1
    longer = lambda found: "unavailable for %.2f s" % (float(found[1]) + 1)
    print(re.sub(r"unavailable for ([0-9.]+) s", longer, done.stderr), file=sys.stderr)
"""

LEAVES_KEYS_OPEN = """
if script == "kube-up.sh":
    done = subprocess.run(command, capture_output=True, text=True)
    lie = json.loads(done.stdout)
    os.chmod(os.environ["KUBECONFIG"], 0o644)
"""

SLOW_MOVES = {"instances.deleteAccessConfig": 0.3, "forwardingRules.insert": 0.4}
"""What moving the cluster IP takes where a window is to be long enough to be measured."""

LIES = {
    "replicates-nothing": (REPLICATES_NOTHING, 2, "members by etcd's own port"),
    "removes-nothing": (REMOVES_NOTHING, 5, "members by etcd's own port"),
    "says-a-second-more": (SAYS_A_SECOND_MORE, 2, "s without API, a client saw"),
    "leaves-keys-open": (LEAVES_KEYS_OPEN, 1, "the kubeconfig's mode"),
}
"""How a command lies, at which stop it lies, and what the tour must say of it."""
LONG = ("replicates-nothing", "removes-nothing", "says-a-second-more")
"""Caught in the middle of the tour or late, or in one whose cluster IP moves slowly."""


@pytest.mark.process
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in LIES],
)
def test_a_command_that_lies_is_caught(name: str, tmp_path: Path, search_path: str) -> None:
    lie, stop, reason = LIES[name]
    folder = tmp_path / "bin"
    folder.mkdir()
    for script in ("kube-up.sh", "kube-down.sh"):
        text = LIE.format(python=sys.executable, bin=str(ROOT / "bin"), lie=lie)
        (folder / script).write_text(text)
        (folder / script).chmod(0o755)
    (folder / "latency.json").write_text(json.dumps(SLOW_MOVES))
    with tour(tmp_path, search_path, "--bin", str(folder)) as child:
        seen = ended(tmp_path, child)
    assert seen.status == 1
    assert reason in seen.evidence["problem"], seen.evidence["problem"]
    assert reason in seen.errors
    assert len(seen.evidence["stops"]) == stop
    if lie is SAYS_A_SECOND_MORE:
        window = seen.evidence["stops"][-1]["window"]
        assert window["seen_s"] > sum(SLOW_MOVES.values()), "the window was to last"
        true_s = window["printed_s"] - 1
        assert window["surely_s"] - 0.2 <= true_s <= window["seen_s"] + 0.5, "else right"
    logs = [
        path for path in (tmp_path / "tmp").iterdir() if path.name.startswith("hakube-try-logs")
    ]
    assert [str(path) for path in logs if str(path) in seen.errors] == [str(logs[0])]
    assert list(logs[0].rglob("emulator.log"))
    assert not [path for path in logs[0].rglob("*") if path.suffix == ".key"]
    assert what_is_left(tmp_path) == [logs[0].name]


# ---------------------------------------------------------------------------------- the bystanders


@pytest.mark.process
@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)],
    ids=lambda n: n.name,
)
def test_a_tour_that_is_interrupted_leaves_nothing_behind(
    number: signal.Signals, tmp_path: Path, search_path: str
) -> None:
    """Ctrl-C reaches the whole group, as a terminal's does; SIGTERM the tour alone."""
    with tour(tmp_path, search_path) as child:
        until(lambda: "+ instance" in (tmp_path / "screen").read_text(), "a master is made")
        assert what_is_left(tmp_path) != []
        if number is signal.SIGINT:
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)
        seen = ended(tmp_path, child)
    assert seen.status == 128 + number
    assert f"interrupted by {number.name}" in seen.errors
    assert what_is_left(tmp_path) == []


@pytest.mark.parametrize("name", EYES)
def test_the_eyes_import_nothing_of_what_they_look_at(name: str) -> None:
    known = sys.stdlib_module_names | {"yaml"} | {Path(eye).stem for eye in EYES}
    tree = ast.parse((ROOT / name).read_text())
    assert foreign(tree) - known == set()
    assert foreign(tree) & {"importlib", "runpy", "subprocess", "pkgutil"} == set()


def test_a_hidden_import_would_be_seen() -> None:
    source = "import hakube_gce.pki\nfrom hakube_gce import model\ndef f():\n    import machine\n"
    assert foreign(ast.parse(textwrap.dedent(source))) == {"hakube_gce", "machine"}


def foreign(tree: ast.Module) -> set[str]:
    """List the top-level names of all modules that a module imports, wherever."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or ".").partition(".")[0])
        elif isinstance(node, ast.Name) and node.id == "__import__":
            found.add(node.id)
    return found
