"""Configuration files of what runs beside the API server: their text, and how they come there.

After a change that is meant, write the files anew with
`.venv/bin/python -m tests.unit.test_cloud_files`, and read the difference.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from hakube_gce.agent.config_files import FILES, keep_files
from hakube_gce.agent.files import FileStorage
from hakube_gce.cloud_files import (
    AUTOSCALER_KEY,
    CLOUD_CONFIG_KEY,
    CloudFacts,
    autoscaler_flags,
    gce_conf,
)
from hakube_gce.model import Mark, Observed
from hakube_gce.plan.blueprint import Blueprint, instance_spec
from tests.fakes.clusters import UID, ZONES, cluster, nothing
from tests.unit.test_inherit import merged

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "cloud_files"
PLAIN = CloudFacts(
    project="my-project", network_project="my-project", network="default", subnetwork="",
    secondary_range="", prefix="kubernetes", multizone=False,
)  # fmt: skip
WHOLE = CloudFacts(
    project="my-project", network_project="shared", network="mine",
    subnetwork="mine-custom-subnet", secondary_range="pods-default", prefix="prod", multizone=True,
)  # fmt: skip
GROUPS = ("kubernetes-minion-group-1", "kubernetes-minion-group-2", "kubernetes-minion-group")
WHERE = {"project": "my-project", "zone": "europe-west1-b"}
TEXTS = {
    "gce.conf": gce_conf(PLAIN),
    "gce-multizone.conf": gce_conf(WHOLE),
    "autoscaler.flags": autoscaler_flags(GROUPS[2:], **WHERE, least=1, most=10),
    "autoscaler-three.flags": autoscaler_flags(GROUPS, **WHERE, least=4, most=11),
}
AUTOSCALED = {
    "KUBE_ENABLE_CLUSTER_AUTOSCALER": "true",
    "KUBE_AUTOSCALER_MIN_NODES": "1",
    "KUBE_AUTOSCALER_MAX_NODES": "10",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_is_the_one_that_was_read_and_agreed_to(name: str) -> None:
    assert TEXTS[name] == (GOLDEN / name).read_text(encoding="ascii")


def test_every_golden_file_is_compared() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(TEXTS)


def test_bounds_are_divided_without_rest() -> None:
    flags = TEXTS["autoscaler-three.flags"].splitlines()
    bounds = [flag.removeprefix("--nodes=").split(":")[:2] for flag in flags]
    assert sum(int(low) for low, _ in bounds) == 4
    assert sum(int(high) for _, high in bounds) == 11


def metadata(blueprint: Blueprint) -> dict[str, str]:
    mark = Mark(cluster="kubernetes", uid=UID, operation="aaaaaaaaaaaa")
    spec = instance_spec(
        blueprint, replica="m", zone=ZONES[0], mark=mark, cluster_ip="", founder=False
    )
    return dict(spec.metadata)


def with_metadata(found: dict[str, str]) -> Observed:
    seen = cluster("+")
    (only,) = seen.replicas
    instance = replace(only.instance, metadata={**only.instance.metadata, **found})
    return replace(seen, replicas=(replace(only, instance=instance),))


def test_a_replica_has_the_first_masters_files_whatever_its_shell_says() -> None:
    founded = metadata(merged(nothing(), **AUTOSCALED, MULTIZONE="true").blueprint)
    assert "multizone = true" in founded[CLOUD_CONFIG_KEY]
    assert founded[AUTOSCALER_KEY].count("--nodes=1:10:https://") == 1
    later = metadata(merged(with_metadata(founded), NUM_NODES="5000").blueprint)
    assert {k: later[k] for k in FILES} == {k: founded[k] for k in FILES}


def test_without_an_autoscaler_there_are_no_flags() -> None:
    assert AUTOSCALER_KEY not in metadata(merged(nothing()).blueprint)
    later = merged(with_metadata({}), **AUTOSCALED).blueprint
    assert AUTOSCALER_KEY not in metadata(later), "it is told at founding"


def test_the_agent_puts_the_files_there_and_takes_them_away(tmp_path: Path) -> None:
    root = FileStorage(tmp_path)
    keep_files(root, {CLOUD_CONFIG_KEY: "[global]\n", AUTOSCALER_KEY: "--nodes=1:2:x\n"})
    assert (tmp_path / "config/gce.conf").read_text() == "[global]\n"
    assert (tmp_path / "config/autoscaler.flags").read_text() == "--nodes=1:2:x\n"
    assert (tmp_path / "config").stat().st_mode & 0o077 == 0
    written = (tmp_path / "config/gce.conf").stat().st_mtime_ns
    keep_files(root, {CLOUD_CONFIG_KEY: "[global]\n"})
    assert (tmp_path / "config/gce.conf").stat().st_mtime_ns == written
    assert not (tmp_path / "config/autoscaler.flags").exists()


def test_agent_and_operator_mean_the_same_keys() -> None:
    assert set(FILES) == {CLOUD_CONFIG_KEY, AUTOSCALER_KEY}


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, text in TEXTS.items():
        (GOLDEN / name).write_text(text, encoding="ascii")
