"""What the tests of the whole product stand on: a PATH with etcd, and a lab of one's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.labs import ROOT, Lab


@pytest.fixture(scope="session")
def search_path() -> str:
    """A PATH that leads to etcd and etcdctl."""
    named = os.environ.get("HAKUBE_TEST_ETCD", "")  # noqa: TID251 - how scripts/test names the folder
    path = os.environ.get("PATH", os.defpath)  # noqa: TID251 - where people have theirs
    folders = [named, *path.split(os.pathsep), str(ROOT / ".cache/etcd/usr/bin")]
    for folder in filter(None, folders):
        if Path(folder, "etcd").is_file() and Path(folder, "etcdctl").is_file():
            return os.pathsep.join([folder, path])
    pytest.skip("no etcd on PATH; scripts/test finds one")


@pytest.fixture
def lab(tmp_path: Path, search_path: str) -> Iterator[Lab]:
    """A lab of processes, gone afterwards."""
    lab = Lab(folder=tmp_path, search_path=search_path)
    yield lab
    lab.destroy()
