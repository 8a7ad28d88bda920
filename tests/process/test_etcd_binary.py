"""The right etcd is found, and an unusable one is refused by name."""

from pathlib import Path

import pytest

from hakube_gce.emulator.etcd_binary import find_etcd
from hakube_gce.errors import SettingsError


def fake_etcd(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    etcd = folder / "etcd"
    etcd.write_text(f"#!/bin/sh\necho 'etcd Version: {version}'\n")
    etcd.chmod(0o755)
    return etcd


def test_the_folder_that_was_named_wins_over_the_path(tmp_path: Path) -> None:
    named = fake_etcd(tmp_path / "named", "3.5.16")
    other = fake_etcd(tmp_path / "other", "3.5.16")
    found = find_etcd(search_path=str(other.parent), binaries=named.parent, checkout=tmp_path)
    assert found == named


def test_one_on_the_path_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    old = fake_etcd(tmp_path / "old", "3.3.25")
    new = fake_etcd(tmp_path / "new", "3.4.0")
    path = f"{tmp_path}/missing:{old.parent}:{new.parent}"
    assert find_etcd(search_path=path, checkout=tmp_path) == new


def test_the_checkout_s_own_is_the_last_resort(tmp_path: Path) -> None:
    unpacked = fake_etcd(tmp_path / ".cache/etcd/usr/bin", "3.4.23")
    assert find_etcd(search_path="", checkout=tmp_path) == unpacked


def test_a_named_one_that_is_too_old_is_not_passed_over(tmp_path: Path) -> None:
    old = fake_etcd(tmp_path / "old", "3.3.25")
    new = fake_etcd(tmp_path / "new", "3.5.0")
    with pytest.raises(SettingsError, match=r"old/etcd is 3\.3"):
        find_etcd(search_path=str(new.parent), binaries=old.parent, checkout=tmp_path)


def test_none_at_all_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="apt-get install etcd-server etcd-client"):
        find_etcd(search_path=str(tmp_path), checkout=tmp_path)


def test_one_that_does_not_run_is_told_from_none(tmp_path: Path) -> None:
    broken = fake_etcd(tmp_path / "broken", "3.5.0")
    broken.chmod(0o600)
    with pytest.raises(SettingsError, match="broken/etcd does not run"):
        find_etcd(search_path=str(broken.parent), checkout=tmp_path)
