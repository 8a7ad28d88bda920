"""No private key stands in anything Compute Engine keeps, and none is printed or written down."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab_on_records import B, C, Desk, lab_on_records, warm_up

pytestmark = pytest.mark.forks

MARKERS = ("PRIVATE KEY", "BEGIN RSA", "BEGIN EC", base64.b64encode(b"-----BEGIN").decode()[:12])


def secrets_of(desk: Desk) -> list[str]:
    """Every line of every private key on the operator's machine; each is a secret of its own."""
    found = []
    for store in desk.home.rglob("keys-*.json"):
        keys = json.loads(store.read_text(encoding="ascii"))["keys"]
        for name, text in keys.items():
            if name.endswith(".key"):
                found += [line for line in text.splitlines() if line and "-----" not in line]
    return found


def leaks(secrets: list[str], text: str) -> Iterator[str]:
    yield from (marker for marker in MARKERS if marker in text)
    for secret in secrets:
        hidden = base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]
        yield from (s[:8] for s in (secret, hidden, secret.encode().hex()) if s in text)


def test_a_leak_would_be_found() -> None:
    line = "MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49"
    wrapped = base64.b64encode(line.encode()).decode()
    for text in (line, f"x{wrapped}", line.encode().hex(), "-----BEGIN PRIVATE KEY-----"):
        assert list(leaks([line], json.dumps({"metadata": text}))) != []
    assert list(leaks([line], "nothing")) == []


def test_no_private_key_is_in_metadata_labels_descriptions_or_output(tmp_path: Path) -> None:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        desk = Desk(folder=tmp_path / "desk", lab=lab)
        said = [desk.up(B), desk.replicate(C)]
        assert [ended.status for ended in said] == [0, 0]
        secrets = secrets_of(desk)
        kept = json.dumps([lab.dump(), lab.calls()])
    assert len(secrets) > 10, "no secret to look for is no proof"
    assert kept.count("hakube-certificates") > 1
    journal = "".join(p.read_text(encoding="utf-8") for p in desk.home.rglob("*.jsonl"))
    for where, text in (
        ("the lab", kept),
        ("the screen", "".join(e.stdout + e.stderr for e in said)),
        ("the journal", journal),
    ):
        assert text, where
        assert list(leaks(secrets, text)) == [], where
