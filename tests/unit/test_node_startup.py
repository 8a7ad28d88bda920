"""The startup script of a node: its text, what shellcheck says of it, and that data stays data.

After a change that is meant, write the files anew with
`.venv/bin/python -m tests.unit.test_node_startup`, and read the difference.
"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hakube_gce.node_startup import NodeStartup, ca_pin, startup_script
from hakube_gce.pki import new_cluster_keys

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "node_startup"
SHELLCHECK = Path(sys.executable).parent / "shellcheck"
PIN = f"sha256:{'ab' * 32}"
SCRIPTS = {
    "plain.sh": startup_script(NodeStartup(cluster_ip="203.0.113.5", api_port=443, ca_pin=PIN)),
    "labels.sh": startup_script(
        NodeStartup(
            cluster_ip="203.0.113.5",
            api_port=6443,
            ca_pin=PIN,
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
        NodeStartup(cluster_ip="x", api_port=1, ca_pin=PIN, labels=(("a", HOSTILE),))
    )
    head = script.partition("\nreadonly ATTRIBUTES=")[0]
    done = subprocess.run(
        ["/bin/bash", "-c", head + "\nprintf %s \"${NODE_LABELS}\""],
        cwd=tmp_path, capture_output=True, text=True, timeout=10, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"a={HOSTILE}", "")
    assert not any(tmp_path.iterdir())


def test_the_pin_is_what_openssl_makes_of_the_authoritys_public_key() -> None:
    keys = new_cluster_keys(
        "kubernetes",
        "0123456789abcdef",
        now=datetime(2026, 1, 1, tzinfo=UTC),
        randomness=lambda n: b"7" * n,
    )
    pem = keys.cluster.certificate
    digest = _openssl(_openssl(_openssl(pem.encode(), "x509", "-pubkey", "-noout"), "pkey",
                      "-pubin", "-outform", "der"), "dgst", "-sha256")  # fmt: skip
    assert ca_pin(pem) == f"sha256:{digest.decode().split()[-1]}"
    assert "PRIVATE" not in "".join(SCRIPTS.values())


def _openssl(data: bytes, *argv: str) -> bytes:
    return subprocess.run(
        ["openssl", *argv], input=data, capture_output=True, timeout=10, check=True
    ).stdout


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, text in SCRIPTS.items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
