"""Real processes, from one master to three and back to one, and a client that looks all the time.

Where the address is always balanced it never sees anything but the API. The same client sees the
window of a usual cluster, so it can see one.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.labs import B, C, D, Lab
from tests.e2e.looking import Looking

pytestmark = pytest.mark.process

SLOW_MOVES = {"instances.deleteAccessConfig": 0.3, "forwardingRules.insert": 0.4}
"""A window that exists cannot be missed."""
ALWAYS = {"HAKUBE_ENDPOINT_MODE": "always-lb"}
POOL = {"HAKUBE_LB": "target-pool"}


@pytest.fixture
def slow_lab(tmp_path: Path, search_path: str) -> Iterator[Lab]:
    latency = tmp_path / "latency.json"
    latency.write_text(json.dumps(SLOW_MOVES))
    lab = Lab(folder=tmp_path, search_path=search_path, variables={"HAKUBE_LATENCY": str(latency)})
    yield lab
    lab.destroy()


def there_and_back(lab: Lab) -> list[dict[str, object]]:
    """Go from one master to three, and to one that is not the first."""
    first = lab.replicate(C)
    second = lab.replicate(D)
    return [
        first,
        second,
        lab.remove(B, "kubernetes-master"),
        lab.remove(C, str(first["replica"])),
    ]


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(ALWAYS, id="service"),
        pytest.param(ALWAYS | POOL, id="pool", marks=pytest.mark.slow),
    ],
)
def test_no_look_fails_from_one_master_to_three_and_back(
    shape: Mapping[str, str], slow_lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    slow_lab.up(B, **shape)
    with Looking(slow_lab.folder / "kubeconfig") as looking:
        results = there_and_back(slow_lab)
    with capsys.disabled():
        print(f"\nalways balanced, 1 to 3 to 1: {looking}")  # noqa: T201 - a figure for readers
    assert looking.good > 100
    assert not looking.failures, looking
    assert not looking.late, looking
    assert [result["window"] for result in results] == [None] * 4
    status = slow_lab.hakube("status")
    assert (status["verdict"], status["endpoint"]["mode"]) == ("healthy", "load-balancer")
    slow_lab.hakube("down", KUBE_GCE_ZONE=D)


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [pytest.param({}, id="service"), pytest.param(POOL, id="pool", marks=pytest.mark.slow)],
)
def test_the_same_looks_see_the_window_of_a_usual_cluster(
    shape: Mapping[str, str], slow_lab: Lab
) -> None:
    slow_lab.up(B, **shape)
    with Looking(slow_lab.folder / "kubeconfig") as looking:
        window = slow_lab.replicate(C)["window"]
    assert looking.failures or looking.late, looking
    assert looking.good > 20
    assert window["kind"] == "promotion"
    assert window["seconds"] > sum(SLOW_MOVES.values())
    assert slow_lab.hakube("status")["verdict"] == "healthy"
