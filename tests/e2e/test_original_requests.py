"""Our requests beside the original scripts': field by field, each difference explained.

The original's were recorded through gcloud (tests/golden/original_requests.json). Ours are what
the emulator received from Google's client library while the same scenario ran: create in b,
replicate into c and d, remove two, tear down.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hakube_gce import commands
from hakube_gce.arguments import Arguments
from hakube_gce.clock import SystemClock
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import profile
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from hakube_gce.emulator.server import serve
from hakube_gce.settings import Settings

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "original_requests.json"
B, C, D = (f"europe-west1-{zone}" for zone in "bcd")

# What we set and the original did not, or set otherwise, per method: field → why.
EXPLAINED: Mapping[str, Mapping[str, str]] = {
    "addresses.insert": {
        "description": "carries the mark of ownership: addresses take no labels at their insert",
    },
    "firewalls.insert": {
        "description": "carries the mark of ownership: firewalls have no labels",
        "sourceRanges": "0.0.0.0/0 is the default without any source; we spell it out",
        "allowed": "one etcd ring: 2381, the events ring's port, stays closed",
    },
    "disks.insert": {
        "labels": "carry the mark of ownership",
    },
    "instances.insert": {
        "labels": "carry the mark of ownership",
        "metadata": "no kube-env and no certificates: nothing secret stands in metadata",
        "machineType": "e2-standard-2: etcd wants two cores; n1-standard-1 was of its time",
        "disks": "another image of another time, and the mark on the boot disk; see the parts "
        "below",
        "networkInterfaces": "the first master names the network alone, as replicas always did",
    },
    "instances.addAccessConfig": {},
    "instances.deleteAccessConfig": {},
    "instances.delete": {},
    "addresses.delete": {},
    "instanceTemplates.insert": {
        "description": "carries the mark of ownership",
        "properties": "see the test of a node's properties below",
    },
    "instanceGroupManagers.insert": {
        "description": "carries the mark of ownership",
        "zone": "gcloud repeats in the body what stands in the path",
    },
    "forwardingRules.insert": {
        "description": "carries the mark of ownership: rules take no labels at their insert",
        "IPProtocol": "TCP is the default; a backend service wants it said",
        "backendService": "a backend service with a health check, not a target pool",
        "target": "as above",
        "ports": "a backend service's rule names ports, a target pool's a range",
        "portRange": "as above",
    },
}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Run the scenario and return the mutating requests, in order."""
    folder = tmp_path_factory.mktemp("originals")
    lab = Lab(
        runtime=RecordsRuntime(folder / "lab"),
        clock=SystemClock(),
        latency=profile("none"),
        home=folder,
    )
    (folder / "token").write_text("t", encoding="ascii")
    with serve(lab, token="t") as server:  # noqa: S106 - a lab of this test alone
        for verb, variables in scenario():
            run_command(verb, variables, folder, server.endpoint)
        return list(lab.calls)


def scenario() -> Iterator[tuple[str, dict[str, str]]]:
    grow = {"KUBE_REPLICATE_EXISTING_MASTER": "true"}
    shrink = {"KUBE_DELETE_NODES": "false"}
    yield "up", {"MULTIZONE": "true", "KUBE_GCE_ZONE": B}
    yield "up", {"KUBE_GCE_ZONE": C} | grow
    yield "up", {"KUBE_GCE_ZONE": D} | grow
    yield "down", {"KUBE_GCE_ZONE": C} | shrink
    yield "down", {"KUBE_GCE_ZONE": D} | shrink
    yield "down", {"KUBE_GCE_ZONE": B}


def run_command(verb: str, variables: Mapping[str, str], folder: Path, endpoint: str) -> None:
    environment = {
        "PROJECT": "oracle-project",
        "HAKUBE_COMPUTE_ENDPOINT": endpoint,
        "HAKUBE_HOME": str(folder / "home"),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "HOME": str(folder),
        **variables,
    }
    found = Arguments(verb=verb)
    settings = Settings.parse(environment, command=found.command)
    assert commands.change(found, settings, environment) == 0, sys.stderr


def originals() -> list[dict[str, Any]]:
    content = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return [call for scenario in content["scenarios"].values() for call in scenario["calls"]]


def normal(value: Any) -> Any:
    """Bring both sides into one spelling: short paths, no suffixes or addresses."""
    if isinstance(value, dict):
        return {k: normal(v) for k, v in value.items()}
    if isinstance(value, list):
        return [normal(v) for v in value]
    if isinstance(value, bool):
        return value
    text = re.sub(r"^https://[^ ]*?/compute/v1/", "", str(value))
    text = re.sub(r"^\d+\.\d+\.\d+\.\d+$", "<address>", text)
    return re.sub(r"kubernetes-master-(<r\d>|[0-9a-f]{3})(?=-pd|$)", "kubernetes-master-<r>", text)


def body_of(call: Mapping[str, Any]) -> dict[str, Any]:
    return dict(normal(call.get("body") or {}))


def by_method(calls: list[dict[str, Any]], method: str, name: str) -> dict[str, Any]:
    """Find a request by method and by the (normalised) name it makes."""
    for call in calls:
        short = call["method"].removeprefix("compute.")
        if short == method and body_of(call).get("name") == name:
            return body_of(call)
    msg = f"{method} {name} was never sent"
    raise AssertionError(msg)


MADE = [
    ("addresses.insert", "kubernetes-master-ip"),
    ("firewalls.insert", "kubernetes-master-https"),
    ("firewalls.insert", "kubernetes-master-etcd"),
    ("disks.insert", "kubernetes-master-pd"),
    ("disks.insert", "kubernetes-master-<r>-pd"),
    ("instances.insert", "kubernetes-master"),
    ("instances.insert", "kubernetes-master-<r>"),
    ("forwardingRules.insert", "kubernetes-master"),
    ("firewalls.insert", "kubernetes-minion-all"),
    ("firewalls.insert", "kubernetes-default-internal-master"),
    ("firewalls.insert", "kubernetes-default-internal-node"),
    ("instanceTemplates.insert", "kubernetes-minion-template"),
    ("instanceGroupManagers.insert", "kubernetes-minion-group"),
]


@pytest.mark.parametrize(("method", "name"), MADE)
def test_a_request_differs_from_the_originals_only_where_it_is_explained(
    ours: list[dict[str, Any]], method: str, name: str
) -> None:
    theirs, mine = by_method(originals(), method, name), by_method(ours, method, name)
    different = {k for k in {*theirs, *mine} if theirs.get(k) != mine.get(k)}
    assert different <= set(EXPLAINED[method])
    assert set(theirs) - set(mine) <= set(EXPLAINED[method])


def test_every_explanation_is_needed(ours: list[dict[str, Any]]) -> None:
    """An explanation of a difference that is none would hide the next one."""
    needed: dict[str, set[str]] = {}
    for method, name in MADE:
        theirs, mine = by_method(originals(), method, name), by_method(ours, method, name)
        needed.setdefault(method, set()).update(
            k for k in {*theirs, *mine} if theirs.get(k) != mine.get(k)
        )
    unneeded = {m: set(EXPLAINED[m]) - found for m, found in needed.items()}
    assert not any(unneeded.values()), unneeded


@pytest.mark.parametrize("name", ["kubernetes-master", "kubernetes-master-<r>"])
def test_a_masters_disks_differ_in_image_and_mark_alone(
    ours: list[dict[str, Any]], name: str
) -> None:
    theirs = by_method(originals(), "instances.insert", name)["disks"]
    mine = by_method(ours, "instances.insert", name)["disks"]
    for disk in (*theirs, *mine):
        for field in ("sourceImage", "labels"):
            disk.get("initializeParams", {}).pop(field, None)
    for one, other in zip(theirs, mine, strict=True):
        assert one.pop("source", "").endswith(other.pop("source", "").rpartition("zones")[2])
        assert one == other


def test_the_first_master_carries_the_reserved_address_and_a_replica_none(
    ours: list[dict[str, Any]],
) -> None:
    first, more = (
        by_method(ours, "instances.insert", n)["networkInterfaces"][0]["accessConfigs"]
        for n in ("kubernetes-master", "kubernetes-master-<r>")
    )
    assert first[0].pop("natIP")
    assert first == more == [{"name": "external-nat", "type": "ONE_TO_ONE_NAT"}]


def test_no_secret_stands_in_a_masters_metadata(ours: list[dict[str, Any]]) -> None:
    for name in ("kubernetes-master", "kubernetes-master-<r>"):
        items = by_method(ours, "instances.insert", name)["metadata"]["items"]
        keys = {i["key"] for i in items}
        assert keys == {"cluster-name", "hakube-cloud-config", "hakube-config"}


def test_a_node_differs_in_image_machine_subnetwork_mark_and_metadata_alone(
    ours: list[dict[str, Any]],
) -> None:
    theirs, mine = (
        by_method(calls, "instanceTemplates.insert", "kubernetes-minion-template")["properties"]
        for calls in (originals(), ours)
    )
    assert {i["key"] for i in mine.pop("metadata")["items"]} == {"cluster-name", "startup-script"}
    assert set(mine.pop("labels")) == {"hakube-cluster", "hakube-uid", "hakube-op-id"}
    assert mine.pop("machineType") == "e2-standard-2"  # n1-standard-2 was of its time
    for properties in (theirs, mine):
        properties["disks"][0]["initializeParams"].pop("sourceImage")
        for interface in properties["networkInterfaces"]:
            # the network alone is named, as for masters: Compute Engine finds its subnetwork
            interface.pop("subnetwork", interface.pop("network", ""))
    mine["disks"][0]["initializeParams"].pop("labels")
    assert theirs.keys() - mine.keys() == {"metadata", "machineType"}
    assert mine == {key: theirs[key] for key in mine}


def test_the_firewall_for_ssh_is_the_only_one_missing(
    ours: list[dict[str, Any]],
) -> None:
    theirs, mine = (
        {body_of(c)["name"] for c in calls if c["method"].endswith("firewalls.insert")}
        for calls in (originals(), ours)
    )
    assert mine <= theirs
    assert theirs - mine == {"default-default-ssh"}  # nothing of ours needs port 22


def sent(calls: list[dict[str, Any]], method: str) -> list[dict[str, Any]]:
    return [
        normal({"path": c["path"], "query": c.get("query") or {}, "body": c.get("body") or {}})
        for c in calls
        if c["method"].removeprefix("compute.") == method
    ]


def test_the_address_moves_by_the_same_calls_as_ever(ours: list[dict[str, Any]]) -> None:
    """One access config off and one on in promotion, and the same again in demotion."""
    for method in ("instances.deleteAccessConfig", "instances.addAccessConfig"):
        mine = sent(ours, method)
        assert len(mine) == len(sent(originals(), method)) == 2
        for call in mine:
            assert call["query"]["networkInterface"] == "nic0"
    bodies = [c["body"] for c in sent(ours, "instances.addAccessConfig")]
    assert [set(b) for b in bodies] == [{"name", "type"}, {"name", "type", "natIP"}]


def test_as_many_masters_are_deleted_as_were_made(ours: list[dict[str, Any]]) -> None:
    assert len(sent(ours, "instances.delete")) == len(sent(originals(), "instances.delete")) == 3
    assert len(sent(ours, "addresses.delete")) == 1
