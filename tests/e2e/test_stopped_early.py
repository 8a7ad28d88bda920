"""A signal before the program has got anywhere: a word, the status, no traceback, the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STOPPED_AT = """\
import runpy, sys

class Signal:
    def find_spec(self, name, *_):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Signal())
sys.argv[0] = "hakube"
runpy.run_module("hakube_gce", run_name="__main__")
"""


def stopped_at(
    module: str, *words: str, home: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command during which Ctrl-C arrives while this module is imported."""
    environment = {"HOME": str(home), "PATH": os.defpath, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, "-P", "-c", STOPPED_AT.format(module=module), *words],
        cwd=home,
        env={"KUBERNETES_PROVIDER": "emulator", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("module", ["hakube_gce.cli", "hakube_gce.settings"])
def test_while_it_loads_it_is_a_line_and_the_status(module: str, tmp_path: Path) -> None:
    ended = stopped_at(module, "up", home=tmp_path)
    said = "error: stopped by SIGINT\nNothing was changed.\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", said)


def test_once_the_variables_are_read_the_last_line_is_the_command(tmp_path: Path) -> None:
    zone = "europe-west1-b"
    ended = stopped_at(
        "hakube_gce.commands",
        "up",
        home=tmp_path,
        KUBE_GCE_ZONE=zone,
        KUBE_REPLICATE_EXISTING_MASTER="true",
    )
    assert ended.returncode == 130
    *_, tells, last = ended.stderr.splitlines()
    assert tells == "To go on, run:"
    assert f"KUBE_GCE_ZONE={zone} KUBE_REPLICATE_EXISTING_MASTER=true" in last
    assert not any(tmp_path.iterdir()), "nothing was made"
