"""What gcloud is configured for: found where gcloud keeps it, believed last, and doubted."""

import os
from pathlib import Path

import pytest

from hakube_gce import gcloud_files
from hakube_gce.errors import SettingsError
from hakube_gce.setting_sources import Gcloud
from hakube_gce.settings import Settings

CONFIGURATION = """\
[core]
account = me@example.com
project = from-gcloud

[compute]
zone = europe-west1-c
region = europe-west1
"""


def configured(folder: Path, text: str = CONFIGURATION, name: str = "default") -> dict[str, str]:
    """Write a configuration as gcloud does; return the environment that finds it."""
    files = folder / ".config" / "gcloud" / "configurations"
    files.mkdir(parents=True, exist_ok=True)
    (files / f"config_{name}").write_text(text, encoding="utf-8")
    (files.parent / "active_config").write_text(name, encoding="utf-8")
    return {"HOME": str(folder)}


def settings(environment: dict[str, str], **variables: str) -> Settings:
    return Settings.parse({**environment, **variables}, gcloud=gcloud_files.read(environment))


def test_the_active_configuration_gives_project_and_zone_and_both_are_said(tmp_path: Path) -> None:
    environment = configured(tmp_path, name="work")
    found = settings(environment)
    path = tmp_path / ".config" / "gcloud" / "configurations" / "config_work"
    assert (found.project, found.zone, found.zone_is_chosen) == (
        "from-gcloud",
        "europe-west1-c",
        False,
    )
    assert found.sources["PROJECT"] == found.sources["KUBE_GCE_ZONE"] == f"gcloud ({path})"
    (note,) = found.warnings
    assert note == f"KUBE_GCE_ZONE is not set; this is about europe-west1-c, from gcloud ({path})"


def test_environment_and_file_win_over_gcloud(tmp_path: Path) -> None:
    environment = configured(tmp_path)
    mine = settings(environment, PROJECT="mine", KUBE_GCE_ZONE="us-east1-b")
    assert (mine.project, mine.zone, mine.warnings) == ("mine", "us-east1-b", ())
    filed = Settings.parse(
        environment,
        dotenv={"PROJECT": "filed", "CLOUDSDK_COMPUTE_ZONE": "us-east1-d"},
        dotenv_path="/x/.env",
        gcloud=gcloud_files.read(environment),
    )
    assert (filed.project, filed.zone) == ("filed", "us-east1-d")
    assert filed.sources["KUBE_GCE_ZONE"] == "/x/.env: CLOUDSDK_COMPUTE_ZONE"


def test_gclouds_own_variables_win_over_its_files(tmp_path: Path) -> None:
    variables = {"CLOUDSDK_CORE_PROJECT": "core-1", "CLOUDSDK_COMPUTE_ZONE": "us-east1-b"}
    found = settings(configured(tmp_path), **variables)
    assert (found.project, found.zone) == ("core-1", "us-east1-b")
    assert "CLOUDSDK_COMPUTE_ZONE" in found.warnings[0]


def test_another_folder_and_another_configuration_can_be_named(tmp_path: Path) -> None:
    configured(tmp_path)
    configured(tmp_path, CONFIGURATION.replace("from-gcloud", "second"), name="second")
    folder = str(tmp_path / ".config" / "gcloud")
    active = {"CLOUDSDK_CONFIG": folder}
    assert gcloud_files.read(active).values["PROJECT"] == "second"
    named = {**active, "CLOUDSDK_ACTIVE_CONFIG_NAME": "default"}
    assert gcloud_files.read(named).values["PROJECT"] == "from-gcloud"
    none = {**active, "CLOUDSDK_ACTIVE_CONFIG_NAME": "NONE"}
    assert gcloud_files.read(none) == Gcloud(is_named=True)


def test_the_emulator_takes_no_project_from_gcloud_unless_one_is_named(tmp_path: Path) -> None:
    environment = {**configured(tmp_path), "KUBERNETES_PROVIDER": "emulator"}
    found = settings(environment)
    assert (found.project, found.zone) == ("hakube-lab", "europe-west1-c")
    assert found.sources["PROJECT"] == "default"
    named = {**environment, "CLOUDSDK_ACTIVE_CONFIG_NAME": "default"}
    assert settings(named).project == "from-gcloud"


def test_a_region_alone_chooses_no_zone_and_is_mentioned(tmp_path: Path) -> None:
    only = "[core]\nproject = p\n[compute]\nregion = europe-west1\n"
    found = settings(configured(tmp_path, only))
    assert found.zone == "us-central1-b"
    (note,) = found.warnings
    assert "europe-west1 and no zone" in note
    assert (
        settings(configured(tmp_path, only.replace("europe-west1", "us-central1"))).warnings == ()
    )
    elsewhere = {**configured(tmp_path, only), "CLOUDSDK_COMPUTE_REGION": "asia-east1"}
    assert "asia-east1" in settings(elsewhere).warnings[0]


def test_without_any_file_nothing_is_said(tmp_path: Path) -> None:
    assert gcloud_files.read({"HOME": str(tmp_path)}) == Gcloud()
    assert gcloud_files.read({}) == gcloud_files.read({"HOME": "x"}) == Gcloud()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("project = p\n", "not what gcloud writes"),
        ("[core\nproject = p\n", "not what gcloud writes"),
        ("\ufeff[core]\n", "not what gcloud writes"),
        ("#" * 70_000, "larger than"),
    ],
)
def test_a_broken_file_is_said_to_be_and_passed_over(tmp_path: Path, text: str, word: str) -> None:
    found = settings(configured(tmp_path, text), PROJECT="mine")
    assert (found.project, found.zone) == ("mine", "us-central1-b")
    (note,) = found.warnings
    assert word in note
    assert "config_default" in note
    assert (
        settings(configured(tmp_path, text), PROJECT="p", KUBE_GCE_ZONE="us-east1-b").warnings
        == ()
    )


def test_files_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    environment = configured(tmp_path)
    file = tmp_path / ".config" / "gcloud" / "configurations" / "config_default"
    file.write_bytes(b"[core]\nproject = \xff\n")
    assert "not UTF-8" in gcloud_files.read(environment).notes[0]
    file.unlink()
    assert "there is no such file" in gcloud_files.read(environment).notes[0]
    file.mkdir()
    assert "not a regular file" in gcloud_files.read(environment).notes[0]
    file.rmdir()
    os.mkfifo(file)
    assert "not a regular file" in gcloud_files.read(environment).notes[0]
    file.unlink()
    file.symlink_to(file)
    assert "cannot be read" in gcloud_files.read(environment).notes[0]


@pytest.mark.parametrize("name", ["../../x", "a/b", "A", "x\x1b[2J", "a" * 99, "a\0b"])
def test_a_name_that_is_none_reaches_no_other_file(tmp_path: Path, name: str) -> None:
    environment = configured(tmp_path)
    active = tmp_path / ".config" / "gcloud" / "active_config"
    active.write_text(name, encoding="utf-8")
    for named in ({}, {"CLOUDSDK_ACTIVE_CONFIG_NAME": name}):
        (note,) = gcloud_files.read({**environment, **named}).notes
        assert "is no name of a configuration" in note
        assert note.isprintable()


def test_a_value_that_is_none_of_its_kind_is_passed_over_with_a_word(tmp_path: Path) -> None:
    text = "[core]\nproject = My Project\n[compute]\nzone = europe-west1\n"
    environment = configured(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        settings(environment)
    assert caught.value.problems[0].startswith("PROJECT is not set")
    found = settings(environment, PROJECT="mine")
    assert found.zone == "us-central1-b"
    (note,) = found.warnings
    assert "'europe-west1' for KUBE_GCE_ZONE is a region" in note
    assert "passed over" in note
