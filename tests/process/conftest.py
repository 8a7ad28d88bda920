"""What the tests of the process runtime stand on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakube_gce.emulator.addresses import Claim, claim
from hakube_gce.emulator.etcd_binary import find_etcd
from hakube_gce.emulator.loop_thread import LoopThread
from hakube_gce.errors import SettingsError


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Claim]:
    """Addresses that nobody else uses."""
    with claim(tmp_path / "addresses.json") as held:
        yield held


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    loop = LoopThread("test")
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def etcd() -> Path:
    """The etcd binary that HAKUBE_TEST_ETCD's folder, PATH or the checkout has."""
    folder = os.environ.get("HAKUBE_TEST_ETCD", "")  # noqa: TID251 - how scripts/test names the folder
    path = os.environ.get("PATH", os.defpath)  # noqa: TID251 - where people have theirs
    try:
        return find_etcd(search_path=path, binaries=Path(folder) if folder else None)
    except SettingsError as error:
        pytest.skip(str(error))
