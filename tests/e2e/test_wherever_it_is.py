"""A snapshot and a recovery are asked of a cluster wherever it is, when no zone is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.labs import B, CommandFailed, Lab


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Lab]:
    """A lab of records, gone afterwards."""
    lab = Lab(folder=tmp_path, variables={"HAKUBE_RUNTIME": "records"})
    yield lab
    lab.destroy()


def test_the_region_is_found_out_when_no_zone_is_named(records: Lab) -> None:
    records.up(B)
    saved = records.hakube("snapshot", KUBE_GCE_ZONE="")
    assert saved["snapshot"]["replica"] == "kubernetes-master"
    alone = records.hakube("recover", "--survivor", "kubernetes-master", KUBE_GCE_ZONE="")
    assert (alone["exit_status"], alone["changed"]) == (0, False)
    with pytest.raises(CommandFailed, match="OtherRegion"):  # a zone that is named is meant
        records.hakube("snapshot", KUBE_GCE_ZONE="us-central1-b")
