"""What the tests of the process runtime stand on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakube_gce.emulator.addresses import Claim, claim
from hakube_gce.emulator.etcd_binary import find_etcd
from hakube_gce.emulator.loop_thread import LoopThread
from hakube_gce.errors import SettingsError
from tests.process.authority import Authority
from tests.process.masters import Hollow, Member


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


@pytest.fixture(scope="module")
def long_held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Claim]:
    """Addresses for a whole module."""
    with claim(tmp_path_factory.mktemp("addresses") / "addresses.json") as held:
        yield held


@pytest.fixture
def members(etcd: Path, held: Claim, tmp_path: Path) -> Iterator[list[Member]]:
    """Three members, not started."""
    authority = Authority(tmp_path, "etcd-ca")
    members = [Member(etcd, tmp_path, authority, held.addresses.internal_ip(i)) for i in range(3)]
    yield members
    for member in members:
        member.kill()


@pytest.fixture(scope="module")
def member(
    etcd: Path, long_held: Claim, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Member]:
    """A single etcd member, running."""
    folder = tmp_path_factory.mktemp("etcd")
    member = Member(etcd, folder, Authority(folder, "etcd-ca"), long_held.addresses.internal_ip(0))
    member.start([member])
    yield member
    member.kill()


@pytest.fixture(scope="module")
def hollow(member: Member, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hollow]:
    """A hollow API server on it, ready."""
    hollow = Hollow(tmp_path_factory.mktemp("hollow"), member)
    hollow.start()
    hollow.await_ready()
    yield hollow
    hollow.terminate()
