"""What must be refused, before anything is changed, in words that help.

One project holds clusters of one, two and three masters, the last with a dead one; nothing here
changes any of them. Each refusal must have its documented exit status, name its rule and its
figures, and print the right command where there is one; not a single change may reach Compute
Engine.
"""

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.lab_on_records import B, C, D, Desk, ServedLab, lab_on_records, warm_up
from tests.e2e.refusing import REMOVE, REPLICATE, named, refused

pytestmark = pytest.mark.forks

ELSEWHERE = "us-central1-b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """A project with clusters in all conditions."""

    desk: Desk
    ill: Mapping[str, str]
    """Zone → master of the cluster of three; the one in zone D is dead."""
    two: Mapping[str, str]
    """The same of the cluster of two."""

    @property
    def lab(self) -> ServedLab:
        return self.desk.lab


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    """One lab for all: who refuses changes nothing."""
    warm_up()
    root = tmp_path_factory.mktemp("refusals")
    with lab_on_records(root / "lab") as lab:
        desk = Desk(folder=root / "desk", lab=lab)
        found: dict[str, dict[str, str]] = {}
        for prefix, zones in (("one", (B,)), ("two", (B, C)), ("ill", (B, C, D))):
            found[prefix] = {}
            for zone in zones:
                made = desk.run("up", **named(prefix, zone, **(REPLICATE if zone != B else {})))
                assert made.status == 0, made
            status = desk.run("status", "--output", "json", **named(prefix, B)).result()
            found[prefix] = {r["zone"]: r["name"] for r in status["replicas"]}
        lab.kill(found["ill"][D])
        yield Clusters(desk=desk, ill=found["ill"], two=found["two"])


def reasons(place: Clusters, argv: Sequence[str], variables: Mapping[str, str]) -> dict[str, Any]:
    """Run a command that must be refused, for its JSON."""
    return refused(place.desk, [*argv, "--output", "json"], variables).result()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A wish that must not be fulfilled, and what has to be said to it."""

    argv: str
    variables: Mapping[str, str]
    status: int
    reason: str
    says: tuple[str, ...]
    right: str = ""
    """A part of the command that is right."""


REFUSALS = {
    "another region": Refusal(
        argv="up",
        variables=named("one", ELSEWHERE, **REPLICATE),
        status=5,
        reason="OtherRegion",
        says=("cluster one is in region europe-west1", "us-central1"),
    ),
    "no master to replicate": Refusal(
        argv="up",
        variables=named("nothing", C, **REPLICATE),
        status=3,
        reason="NoMaster",
        says=("no master of cluster nothing in region europe-west1",),
        right="KUBE_GCE_ZONE=europe-west1-c",
    ),
    "a zone without a master of the cluster": Refusal(
        argv="down",
        variables=named("two", D, **REMOVE),
        status=3,
        reason="NoReplicaInZone",
        says=("europe-west1-d", "two-master in europe-west1-b"),
    ),
    "a name that is not in the zone": Refusal(
        argv="down",
        variables=named("two", C, KUBE_REPLICA_NAME="two-master", **REMOVE),
        status=3,
        reason="NoSuchReplica",
        says=("two-master is not a master in zone europe-west1-c",),
        right="KUBE_GCE_ZONE=europe-west1-b",
    ),
    "a name that is nowhere": Refusal(
        argv="down",
        variables=named("two", C, KUBE_REPLICA_NAME="two-master-zzz", **REMOVE),
        status=3,
        reason="NoSuchReplica",
        says=("two-master-zzz",),
    ),
    "loss of quorum": Refusal(
        argv="down",
        variables=named("ill", C, **REMOVE),
        status=5,
        reason="QuorumAtRisk",
        says=("2 healthy of 3 voters", "1 healthy of 2 voters, 2 needed"),
        right="KUBE_GCE_ZONE=europe-west1-d",
    ),
    "the last master": Refusal(
        argv="down",
        variables=named("one", B, **REMOVE),
        status=5,
        reason="LastMaster",
        says=("one-master is the last master", "1 master - 1 = 0", "  or: to delete the whole"),
    ),
    "many masters without the word": Refusal(
        argv="down",
        variables=named("two", B),
        status=5,
        reason="TeardownUnconfirmed",
        says=("2 masters", "HAKUBE_CONFIRM_TEARDOWN=two"),
        right="KUBE_DELETE_NODES=false",
    ),
    "adding beside a dead voter": Refusal(
        argv="up",
        variables=named("ill", C, **REPLICATE),
        status=5,
        reason="DeadVoter",
        says=("2 healthy of 3 voters",),
        right="KUBE_GCE_ZONE=europe-west1-d",
    ),
    "a contradiction of what the cluster has": Refusal(
        argv="up",
        variables=named("one", C, MASTER_SIZE="n1-standard-64", **REPLICATE),
        status=2,
        reason="InheritedDiffers",
        says=("MASTER_SIZE=n1-standard-64", "contradicts"),
    ),
    "a crowded zone when strict": Refusal(
        argv="up",
        variables=named("one", B, HAKUBE_STRICT="true", **REPLICATE),
        status=5,
        reason="CrowdedZone",
        says=("europe-west1-c, europe-west1-d", "HAKUBE_STRICT"),
    ),
    "creating a cluster that is elsewhere": Refusal(
        argv="up",
        variables=named("one", C),
        status=4,
        reason="ClusterExists",
        says=("one-master in europe-west1-b",),
        right="KUBE_REPLICATE_EXISTING_MASTER=true",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_it_is_refused_with_the_rule_the_figures_and_the_right_command(
    name: str, clusters: Clusters
) -> None:
    wish = REFUSALS[name]
    shown = refused(clusters.desk, [wish.argv], wish.variables)
    assert shown.status == wish.status, shown
    for text in wish.says:
        assert text in shown.stdout, (text, shown)
    found = reasons(clusters, [wish.argv], wish.variables)
    assert found["exit_status"] == wish.status
    assert not found["changed"]
    assert wish.reason in found["reasons"], found
    assert wish.right in (found["next_command"] or ""), found
    if wish.right:
        assert found["next_command"] in shown.stdout


def test_the_right_command_for_a_dead_voter_is_right(clusters: Clusters) -> None:
    wish = REFUSALS["adding beside a dead voter"]
    words = shlex.split(reasons(clusters, [wish.argv], wish.variables)["next_command"])
    variables = dict(word.split("=", 1) for word in words[:-1])
    assert words[-1].endswith("kube-down.sh")
    planned = clusters.desk.begin(["down", "--dry-run"], variables).wait()
    assert planned.status == 0, planned
    assert clusters.ill[D] in planned.stdout


def test_the_command_that_destroys_a_cluster_is_never_the_next_one(clusters: Clusters) -> None:
    """Last lines are pasted at night; a teardown of a last master asks nobody any more."""
    wish = REFUSALS["the last master"]
    shown = refused(clusters.desk, [wish.argv], wish.variables)
    assert "  next:" not in shown.stdout
    assert not reasons(clusters, [wish.argv], wish.variables)["next_command"]


def test_an_unknown_zone_is_not_found_and_near_ones_are_named(clusters: Clusters) -> None:
    for argv in ("up", "down"):
        ended = refused(clusters.desk, [argv], named("one", "europe-west1-x"))
        assert ended.status == 3, ended
        assert "europe-west1-b" in ended.stderr


@pytest.mark.parametrize("more", [{}, REPLICATE], ids=["first", "replica"])
def test_real_compute_engine_is_refused_with_the_way_to_try_it(
    clusters: Clusters, more: Mapping[str, str]
) -> None:
    """Before anything is sent, or an account looked for: there is none, and it is not missed."""
    ended = refused(clusters.desk, ["up"], named("one", B, HAKUBE_COMPUTE_ENDPOINT="", **more))
    assert ended.status == 5, ended
    assert "does not yet install Kubernetes on a real VM" in ended.stderr
    assert "KUBERNETES_PROVIDER=emulator" in ended.stderr


def test_a_second_run_is_told_who_holds_the_lock_and_does_not_wait(clusters: Clusters) -> None:
    lab, desk = clusters.lab, clusters.desk
    lab.fault(method="firewalls.insert", match="busy-master", hold=True)
    first = desk.begin(["up"], named("busy", B))
    try:
        while not any(c["method"] == "firewalls.insert" for c in lab.calls() if "busy" in str(c)):
            assert time.monotonic() < first.began_s + 20
        calls = len([c for c in lab.calls() if c["method"] == "addresses.setLabels"])
        began_s = time.monotonic()
        second = desk.begin(["up"], named("busy", B)).wait()
        assert time.monotonic() - began_s <= 5
        assert second.status == 6, second
        assert f"-{first.pid}" in second.stderr, (first.pid, second)
        assert "create" in second.stderr
        assert "Nothing was changed" in second.stderr
        now = len([c for c in lab.calls() if c["method"] == "addresses.setLabels"])
        assert now == calls, "it wrote to a lock that is not its own"
    finally:
        lab.heal()
        assert first.wait().status == 0
    assert desk.begin(["down"], named("busy", B)).wait().status == 0


# ------------------------------------------------------------------------------ unknown ≠ absent


@pytest.mark.parametrize(
    "variables",
    [
        named("two", D, **REPLICATE),
        named("two", B, **REMOVE),
        named("two", B, KUBE_REPLICA_NAME="two-master", **REMOVE),
        named("two", B, HAKUBE_CONFIRM_TEARDOWN="two"),
        named("one", B),
        named("fresh", B),
    ],
    ids=lambda v: "-".join(v.values()),
)
def test_a_zone_that_cannot_be_read_is_unknown_and_never_absent(
    variables: Mapping[str, str], clusters: Clusters
) -> None:
    verbs = (
        ["down"] if {"KUBE_DELETE_NODES", "HAKUBE_CONFIRM_TEARDOWN"} & set(variables) else ["up"]
    )
    clusters.lab.fault(unreachable_zone=C)
    try:
        ended = refused(clusters.desk, verbs, variables)
        status = clusters.desk.run("status", **named("two", B))
    finally:
        clusters.lab.heal()
    assert ended.status == 5, ended
    assert "europe-west1-c" in ended.stdout
    assert "unknown" in ended.stdout, ended
    assert status.status == 0, status
    assert "could not read" in status.stdout
    assert "verdict: unknown" in status.stdout or "verdict: degraded" in status.stdout, status
