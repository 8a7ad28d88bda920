"""The key store: whole or absent, and never open to others."""

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hakube_gce.cluster_keys import ClusterKeys
from hakube_gce.errors import KeysError
from hakube_gce.keystore import KeyStore
from hakube_gce.pki import new_cluster_keys

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
UID, OTHER_UID = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture(scope="module")
def keys() -> ClusterKeys:
    return new_cluster_keys("kubernetes", UID, now=NOW, randomness=os.urandom)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "clusters" / "p_kubernetes"


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def store(folder: Path, warnings: list[str]) -> KeyStore:
    return KeyStore(folder, warn=warnings.append)


def stored(folder: Path) -> Path:
    return folder / f"keys-{UID}.json"


def test_what_is_saved_is_loaded(store: KeyStore, keys: ClusterKeys) -> None:
    store.save(keys)
    assert store.load(UID) == keys


def test_an_empty_store_holds_nothing_and_makes_nothing(store: KeyStore, folder: Path) -> None:
    assert store.load(UID) is None
    store.remove(UID)
    assert not folder.exists()


def test_files_are_0600_in_0700_folders_whatever_the_umask(
    store: KeyStore, keys: ClusterKeys, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        store.save(keys)
    finally:
        os.umask(before)
    for path in tmp_path.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_removed_keys_are_gone_and_other_files_stay(
    store: KeyStore, keys: ClusterKeys, folder: Path
) -> None:
    store.save(keys)
    (folder / "journal").write_text("for people")
    store.remove(UID)
    assert [p.name for p in folder.iterdir()] == ["journal"]


def test_another_clusters_keys_are_neither_used_nor_destroyed(
    store: KeyStore, keys: ClusterKeys
) -> None:
    store.save(keys)
    assert store.load(OTHER_UID) is None
    other = new_cluster_keys("kubernetes", OTHER_UID, now=NOW, randomness=os.urandom)
    store.save(other)
    assert store.load(UID) == keys


def test_a_file_under_another_clusters_name_is_not_used(
    store: KeyStore, keys: ClusterKeys, folder: Path, warnings: list[str]
) -> None:
    store.save(keys)
    stored(folder).rename(folder / f"keys-{OTHER_UID}.json")
    assert store.load(OTHER_UID) is None
    assert "another cluster" in warnings[0]


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_cut_off_file_counts_as_absent_and_says_so(
    store: KeyStore, keys: ClusterKeys, folder: Path, warnings: list[str], kept: float
) -> None:
    store.save(keys)
    data = stored(folder).read_bytes()
    stored(folder).write_bytes(data[: int(len(data) * kept)])
    assert store.load(UID) is None
    assert str(stored(folder)) in warnings[0]
    assert "damaged" in warnings[0]


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"uid": OTHER_UID},
        {"keys": []},
        {"keys": {}},
        {"keys": {"cluster-ca.key": 7}},
    ],
)
def test_a_file_that_is_not_ours_counts_as_absent(
    store: KeyStore,
    keys: ClusterKeys,
    folder: Path,
    warnings: list[str],
    change: dict[str, object],
) -> None:
    store.save(keys)
    content = json.loads(stored(folder).read_text())
    stored(folder).write_text(json.dumps(content | change))
    assert store.load(UID) is None
    assert len(warnings) == 1
    assert "PRIVATE" not in warnings[0]


def test_a_damaged_store_is_healed_by_saving(
    store: KeyStore, keys: ClusterKeys, folder: Path
) -> None:
    store.save(keys)
    stored(folder).write_bytes(b"{")
    store.save(keys)
    assert store.load(UID) == keys


def test_a_file_open_to_others_is_refused(
    store: KeyStore, keys: ClusterKeys, folder: Path
) -> None:
    store.save(keys)
    stored(folder).chmod(0o644)
    with pytest.raises(KeysError, match="0644") as caught:
        store.load(UID)
    assert "chmod 600" in caught.value.hint


def test_a_folder_open_to_others_is_refused_for_both(
    store: KeyStore, keys: ClusterKeys, folder: Path
) -> None:
    store.save(keys)
    folder.chmod(0o755)
    with pytest.raises(KeysError, match="0755"):
        store.load(UID)
    with pytest.raises(KeysError, match="0755"):
        store.save(keys)


def test_a_linked_file_is_refused(store: KeyStore, keys: ClusterKeys, folder: Path) -> None:
    store.save(keys)
    stored(folder).rename(folder / "elsewhere")
    stored(folder).symlink_to(folder / "elsewhere")
    with pytest.raises(KeysError, match="symbolic link"):
        store.load(UID)


def test_a_uid_from_the_cloud_cannot_name_another_file(store: KeyStore) -> None:
    with pytest.raises(KeysError, match="not 16 hexadecimal digits"):
        store.load("../../../etc/xx")


def test_a_folder_that_cannot_be_made_says_where_else(keys: ClusterKeys, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = KeyStore(tmp_path / "file" / "below", warn=lambda _: None)
    with pytest.raises(KeysError, match="cannot make") as caught:
        store.save(keys)
    assert "HAKUBE_HOME" in caught.value.hint
