"""The startup script of a node: its text, what shellcheck says of it, and that data stays data.

After a change that is meant, write the files anew with
`.venv/bin/python -m tests.unit.test_node_startup`, and read the difference.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from hakube_gce.node_startup import NodeStartup, startup_script

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "node_startup"
SHELLCHECK = Path(sys.executable).parent / "shellcheck"
AUTHORITY = "-----BEGIN CERTIFICATE-----\nAUTHORITY\n-----END CERTIFICATE-----\n"
SCRIPTS = {
    "plain.sh": startup_script(
        NodeStartup(cluster_ip="203.0.113.5", api_port=443, authority=AUTHORITY)
    ),
    "labels.sh": startup_script(
        NodeStartup(
            cluster_ip="203.0.113.5",
            api_port=6443,
            authority=AUTHORITY,
            labels=(("pool", "workers"), ("example.com/team", "dev")),
        )
    ),
}
HOSTILE = "$(touch pwned); `touch pwned`; ' \" \\ \n EOF_JOIN ${PATH}"


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_is_the_one_that_was_read_and_agreed_to(name: str) -> None:
    assert SCRIPTS[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_every_golden_file_is_compared() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(SCRIPTS)


@pytest.mark.parametrize("script", [*SCRIPTS.values()], ids=[*SCRIPTS])
def test_shellcheck_finds_nothing(script: str) -> None:
    argv = [str(SHELLCHECK), "--norc", "--enable=all", "--exclude=SC2310,SC2311,SC2312", "-"]
    done = subprocess.run(
        argv, input=script, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_a_label_says_is_data_to_the_shell(tmp_path: Path) -> None:
    script = startup_script(
        NodeStartup(cluster_ip="x", api_port=1, authority=AUTHORITY, labels=(("a", HOSTILE),))
    )
    head = script.partition("\nreadonly METADATA=")[0]
    done = subprocess.run(
        ["/bin/bash", "-c", head + "\nprintf %s \"${NODE_LABELS}\""],
        cwd=tmp_path, capture_output=True, text=True, timeout=10, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"a={HOSTILE}", "")
    assert not any(tmp_path.iterdir())


def test_no_secret_is_in_the_script() -> None:
    assert "PRIVATE" not in "".join(SCRIPTS.values())
    assert "token" not in "".join(SCRIPTS.values())


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, text in SCRIPTS.items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
