"""HAKUBE_CNI_MANIFEST through the real program: read before anything is done, told at the end."""

from pathlib import Path

import pytest

from tests.e2e.lab_on_records import B, Desk, lab_on_records, warm_up

pytestmark = pytest.mark.forks


def test_a_manifest_is_read_first_and_spoken_of_last(tmp_path: Path) -> None:
    warm_up()
    file = tmp_path / "cni.yaml"
    with lab_on_records(tmp_path / "lab") as lab:
        desk = Desk(folder=tmp_path / "desk", lab=lab)
        missing = desk.up(B, HAKUBE_CNI_MANIFEST=str(file))
        assert missing.status == 2, missing
        assert "HAKUBE_CNI_MANIFEST=" in missing.stderr
        assert not lab.calls()
        file.write_text("{apiVersion: v1, kind: Namespace, metadata: {name: pods}}")
        done = desk.run(
            "up", "--output", "json", KUBE_GCE_ZONE=B, HAKUBE_CNI_MANIFEST=str(file)
        ).result()
        assert done["exit_status"] == 0
        assert any("lab of records" in note for note in done["notes"])
