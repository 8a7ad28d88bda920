"""What stands in the project after each of the original's scenarios, beside what it left there.

Kind by kind and name by name, with HAKUBE_LB=target-pool: the balancer kube-up made. What differs
is listed with its reason, and a reason that is not needed any more fails. With the default there
is a list of our own.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hakube_gce.clock import SystemClock
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import profile
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from hakube_gce.emulator.server import serve
from tests.e2e.test_original_requests import B, C, D, run_command, scenario

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "original_inventory.json"
LETTERS = "ABCDEF"
HEAD = "projects/oracle-project/"

# ---- what the original had and we have not

NOT_MADE = {
    "global/firewalls/default-default-ssh": "nothing of ours needs port 22",
}

# ---- what we have and the original had not

ADDED: Mapping[str, tuple[str, str]] = {
    "global/firewalls/kubernetes-master-health": (
        "ABCDE",
        "lets Google's probers, and nobody else, reach the agents' readiness port",
    ),
    "global/httpHealthChecks/kubernetes-master": (
        "BCD",
        "the original's pool had no check, so that dead masters kept their share of clients",
    ),
}
"""Path → the scenarios after which it is there, and why."""

FIELDS: Mapping[str, str] = {
    "description": "carries the mark of ownership: rules and pools take no labels at their insert",
    "healthChecks": "as above",
}
"""Fields of the balancer's parts that only ours have."""

# ---- with the default, a backend service

_NODES = (
    "global/firewalls/kubernetes-default-internal-master",
    "global/firewalls/kubernetes-default-internal-node",
    "global/firewalls/kubernetes-minion-all",
    "global/instanceTemplates/kubernetes-minion-template",
    f"zones/{B}/instanceGroupManagers/kubernetes-minion-group",
    f"zones/{B}/instanceGroups/kubernetes-minion-group",
    *(
        f"zones/{B}/{kind}/kubernetes-minion-group-<n{n}>"
        for kind in ("disks", "instances")
        for n in (1, 2, 3)
    ),
)
_ALWAYS = (
    *_NODES,
    "global/firewalls/kubernetes-master-etcd",
    "global/firewalls/kubernetes-master-https",
    "regions/europe-west1/addresses/kubernetes-master-ip",
)
_BALANCED = (
    "regions/europe-west1/backendServices/kubernetes-master",
    "regions/europe-west1/forwardingRules/kubernetes-master",
    "regions/europe-west1/healthChecks/kubernetes-master",
)


def _master(zone: str, name: str) -> tuple[str, ...]:
    return (
        f"zones/{zone}/disks/{name}",
        f"zones/{zone}/disks/{name}-pd",
        f"zones/{zone}/instances/{name}",
    )


def _group(zone: str) -> str:
    return f"zones/{zone}/instanceGroups/kubernetes-master-{zone}"


_FIRST = _master(B, "kubernetes-master")
_R1, _R2 = _master(C, "kubernetes-master-<r1>"), _master(D, "kubernetes-master-<r2>")
BY_DEFAULT: Mapping[str, tuple[str, ...]] = {
    "A": (*_ALWAYS, *_FIRST),
    "B": (*_ALWAYS, *_FIRST, *_R1, *_BALANCED, _group(B), _group(C)),
    "C": (*_ALWAYS, *_FIRST, *_R1, *_R2, *_BALANCED, _group(B), _group(C), _group(D)),
    "D": (*_ALWAYS, *_FIRST, *_R2, *_BALANCED, _group(B), _group(D)),
    "E": (*_ALWAYS, *_FIRST),
    "F": (),
}


def inventories(folder: Path, shape: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Run the scenarios one after another; yield what stands there before, and after each."""
    lab = Lab(
        runtime=RecordsRuntime(folder / "lab"),
        clock=SystemClock(),
        latency=profile("none"),
        home=folder,
    )
    (folder / "token").write_text("t", encoding="ascii")
    with serve(lab, token="t") as server:  # noqa: S106 - a lab of this test alone
        run_command("down", {"KUBE_GCE_ZONE": B}, folder, server.endpoint)  # makes the network
        yield _inventory(lab)
        for number, (verb, variables) in enumerate(scenario()):
            first = shape if number == 0 else {}
            run_command(verb, {**variables, **first}, folder, server.endpoint)
            yield _inventory(lab)


def _inventory(lab: Lab) -> dict[str, Any]:
    with lab.changed:
        lab.tick()
        records = dict(lab.world.store.records)
    suffixes = {
        _suffix(path): f"<r{number}>"
        for number, zone in ((1, C), (2, D))
        for path in records
        if f"/zones/{zone}/instances/kubernetes-master-" in path
    }
    text = _with_numbered_nodes(json.dumps(records))
    for suffix, stand_in in suffixes.items():
        text = re.sub(rf"kubernetes-master-{suffix}\b", f"kubernetes-master-{stand_in}", text)
    found: dict[str, Any] = json.loads(text)
    return {p.removeprefix(HEAD): r for p, r in found.items()}


def _with_numbered_nodes(text: str) -> str:
    """Number the nodes, whose names end at random."""
    names = sorted(set(re.findall(r"kubernetes-minion-group-[0-9a-z]{4}\b", text)))
    for number, name in enumerate(names, start=1):
        text = text.replace(name, f"kubernetes-minion-group-<n{number}>")
    return text


def _suffix(path: str) -> str:
    return path.rsplit("-", 1)[1]


def ours(inventory: Mapping[str, Any]) -> set[str]:
    return {path for path in inventory if "networks/" not in path}


def original(letter: str) -> Mapping[str, Any]:
    content = json.loads(GOLDEN.read_text(encoding="utf-8"))
    found: Mapping[str, Any] = content["scenarios"][letter]
    return found


@pytest.fixture(scope="module")
def on_a_pool(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("pool")
    return list(inventories(folder, {"HAKUBE_LB": "target-pool"}))


@pytest.fixture(scope="module")
def by_default(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return list(inventories(tmp_path_factory.mktemp("default"), {}))


@pytest.mark.parametrize("letter", LETTERS)
def test_a_pool_leaves_what_the_original_left(
    letter: str, on_a_pool: list[dict[str, Any]]
) -> None:
    theirs = set(original(letter)["exists"])
    added = {path for path, (letters, _) in ADDED.items() if letter in letters}
    mine = ours(on_a_pool[1 + LETTERS.index(letter)])
    assert mine == (theirs - set(NOT_MADE)) | added
    assert not theirs & added


@pytest.mark.parametrize("letter", "BCD")
def test_the_balancer_is_the_originals_field_by_field(
    letter: str, on_a_pool: list[dict[str, Any]]
) -> None:
    inventory = on_a_pool[1 + LETTERS.index(letter)]
    parts = original(letter)["balancer"]
    assert len(parts) == 2
    for path, theirs in parts.items():
        mine = _shortened(inventory[path])
        assert {f: mine[f] for f in theirs} == theirs, path
        assert set(mine) - set(theirs) <= {*FIELDS, *_OF_EVERY_RESOURCE}


_OF_EVERY_RESOURCE = frozenset(
    {"kind", "id", "creationTimestamp", "selfLink", "fingerprint", "labelFingerprint", "IPAddress"}
)
"""Random, or Google's own: left out of the record."""


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _shortened(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_shortened(v) for v in value]
    return re.sub(rf"^https://[^ ]*?/{HEAD}", "", value) if isinstance(value, str) else value


def test_every_reason_is_needed(on_a_pool: list[dict[str, Any]]) -> None:
    everything = {p for letter in LETTERS for p in original(letter)["exists"]}
    assert set(NOT_MADE) <= everything
    fields = {
        f
        for path in original("C")["balancer"]
        for f in on_a_pool[3][path]
        if f not in original("C")["balancer"][path]
    }
    assert fields >= set(FIELDS)


@pytest.mark.parametrize("letter", LETTERS)
def test_by_default_there_is_a_backend_service(
    letter: str, by_default: list[dict[str, Any]]
) -> None:
    assert ours(by_default[1 + LETTERS.index(letter)]) == set(BY_DEFAULT[letter])


@pytest.mark.parametrize("kind", ["on_a_pool", "by_default"])
def test_a_teardown_leaves_the_project_as_it_was(
    kind: str, request: pytest.FixtureRequest
) -> None:
    before, *_, after = request.getfixturevalue(kind)
    assert before == after
    assert before, "nothing was looked at"
