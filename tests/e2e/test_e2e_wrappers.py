"""The e2e suite's wrappers: four variables by position, empty ones left as they are."""

import json
from pathlib import Path

import pytest

from tests.e2e.checkouts import Ended, make, run

ECHO = """\
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "environment": dict(os.environ)}))
sys.exit(int(os.environ.get("ENDS_WITH", "7")))
"""
GROW, SHRINK = "e2e-grow-cluster.sh", "e2e-shrink-cluster.sh"
BOTH = ("KUBE_GCE_ZONE", "MULTIZONE", "KUBE_USE_EXISTING_MASTER")
ASKED = (*BOTH, "KUBE_REPLICATE_EXISTING_MASTER", "KUBE_DELETE_NODES")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout, set up, whose program says what it was given."""
    folder = make(tmp_path_factory.mktemp("wrappers") / "check out", program=ECHO)
    assert run(folder / "scripts/setup").status == 0
    return folder


def given(ended: Ended) -> tuple[object, dict[str, str]]:
    """Return the verb and those variables that the program got."""
    assert ended.status == 7, ended.stderr
    said = ended.said()
    assert isinstance(said, dict)
    found = said["environment"]
    return said["argv"], {name: found[name] for name in ASKED if name in found}


@pytest.mark.parametrize(
    ("script", "verb", "third"),
    [
        (GROW, "up", "KUBE_REPLICATE_EXISTING_MASTER"),
        (SHRINK, "down", "KUBE_DELETE_NODES"),
    ],
)
def test_each_argument_is_its_variable(
    checkout: Path, tmp_path: Path, script: str, verb: str, third: str
) -> None:
    link = tmp_path / "hack"
    link.symlink_to(checkout / "bin" / script)
    ended = run(link, "europe-west1-b", "true", "$(touch x) *", "false", folder=tmp_path)
    assert given(ended) == (
        [verb],
        {
            "KUBE_GCE_ZONE": "europe-west1-b",
            "MULTIZONE": "true",
            third: "$(touch x) *",
            "KUBE_USE_EXISTING_MASTER": "false",
        },
    )
    assert [path.name for path in tmp_path.iterdir()] == ["hack"]


def test_an_empty_or_missing_argument_leaves_the_environment_s_value(checkout: Path) -> None:
    ended = run(
        checkout / "bin" / GROW,
        "",
        "",
        "true",
        variables={"KUBE_GCE_ZONE": "europe-west1-c", "KUBE_USE_EXISTING_MASTER": "false"},
    )
    assert given(ended) == (
        ["up"],
        {
            "KUBE_GCE_ZONE": "europe-west1-c",
            "KUBE_REPLICATE_EXISTING_MASTER": "true",
            "KUBE_USE_EXISTING_MASTER": "false",
        },
    )
    assert given(run(checkout / "bin" / SHRINK)) == (["down"], {})


@pytest.mark.parametrize("script", [GROW, SHRINK])
def test_too_many_arguments_are_refused_with_their_names(checkout: Path, script: str) -> None:
    ended = run(checkout / "bin" / script, "a", "b", "c", "d", "e")
    assert (ended.status, ended.stdout) == (2, "")
    assert f"{script} takes at most 4 arguments (KUBE_GCE_ZONE MULTIZONE" in ended.stderr
    assert "Nothing was changed" in ended.stderr


def runs(checkout: Path, script: str, *argv: str, **variables: str) -> list[tuple[str, str]]:
    """Return zone and KUBE_USE_EXISTING_MASTER of each run that a wrapper made."""
    ended = run(checkout / "bin" / script, *argv, variables={"ENDS_WITH": "0", **variables})
    assert ended.status == 0, ended.stderr
    found = [json.loads(line)["environment"] for line in ended.stdout.splitlines()]
    return [(e.get("KUBE_GCE_ZONE", ""), e.get("KUBE_USE_EXISTING_MASTER", "")) for e in found]


ZONES = {"MULTIZONE": "true", "E2E_ZONES": "europe-west1-b  europe-west1-c *"}


def test_each_of_e2e_zones_is_gone_through_and_back(checkout: Path) -> None:
    there = [("europe-west1-b", ""), ("europe-west1-c", "true"), ("*", "true")]
    assert runs(checkout, GROW, **ZONES) == there
    back = runs(checkout, SHRINK, **ZONES)
    assert back == [("*", ""), ("europe-west1-c", ""), ("europe-west1-b", "")]


@pytest.mark.parametrize("script", [GROW, SHRINK])
def test_a_zone_given_by_position_is_meant_alone(checkout: Path, script: str) -> None:
    assert runs(checkout, script, "europe-west1-d", **ZONES) == [("europe-west1-d", "")]
    assert runs(checkout, script, "", "false", **ZONES) == [("", "")]


@pytest.mark.parametrize("script", [GROW, SHRINK])
def test_the_first_failure_ends_the_loop_with_its_status(checkout: Path, script: str) -> None:
    ended = run(checkout / "bin" / script, variables=ZONES)
    assert (ended.status, len(ended.stdout.splitlines())) == (7, 1)
