"""What the next master looks like: the cluster's own, whatever the shell says; or a refusal."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace

import pytest

from hakube_gce.inherit import Inheritance, inherit
from hakube_gce.lab import Place
from hakube_gce.model import Intent, Networks, Observed, Verb
from hakube_gce.network_resources import Network, Subnetwork
from hakube_gce.perform.context import Limits
from hakube_gce.plan import commands
from hakube_gce.plan.blueprint import CONFIG_KEY
from hakube_gce.settings import Settings
from tests.fakes.clusters import cluster, nothing

B = "europe-west1-b"
HERE = {"HOME": "/h", "KUBERNETES_PROVIDER": "emulator", "KUBE_GCE_ZONE": B}
FOUNDED = {"NUM_NODES": "60", "PREEMPTIBLE_MASTER": "spot", "HAKUBE_LABELS": "team=dev"}


def merged(seen: Observed, **variables: str) -> Inheritance:
    settings = Settings.parse({**HERE, **variables})
    return inherit(settings, seen, api_port=443, selectors=(), programs=("u", "d", "h"))


def remembering(kept: Mapping[str, str]) -> Observed:
    """Draw a cluster whose master remembers what it was made with."""
    seen = cluster("+")
    (only,) = seen.replicas
    metadata = {**only.instance.metadata, CONFIG_KEY: json.dumps({"inherited": dict(kept)})}
    instance = replace(only.instance, metadata=metadata)
    return replace(seen, replicas=(replace(only, instance=instance),))


@pytest.fixture
def founded() -> Observed:
    """Return a cluster founded by a shell that said FOUNDED."""
    return remembering(merged(nothing(), **FOUNDED).blueprint.inherited)


def test_a_replica_is_the_first_masters_twin_from_any_shell(founded: Observed) -> None:
    for shell in ({}, {"NUM_NODES": "3"}, {"NUM_NODES": "4000"}, FOUNDED):
        found = merged(founded, **shell)
        assert found.contradictions == ()
        assert found.blueprint.machine_type == "e2-standard-8"
        assert found.blueprint.inherited["PREEMPTIBLE_MASTER"] == "spot"
        assert found.blueprint.inherited["CLUSTER_IP_RANGE"] == "10.64.0.0/14"
        assert found.blueprint.inherited["HAKUBE_LABELS"] == "team=dev"


def test_the_command_that_goes_on_founds_what_was_to_be_founded() -> None:
    told = {
        **FOUNDED,
        "MASTER_SIZE": "n2-standard-8",
        "KUBE_GCE_NETWORK": "mine",
        "CREATE_CUSTOM_NETWORK": "true",
        "NODE_IP_RANGE": "10.50.0.0/20",
        "KUBE_GCE_ENABLE_IP_ALIASES": "true",
        "HAKUBE_API_NAMES": "api.example.com",
    }
    first = merged(nothing(), **told).blueprint
    for line in (commands.create(first, "z"), commands.create_in_zones(first, ("z",))):
        words = [word.split("=", 1) for word in shlex.split(line) if "=" in word]
        printed = {name: value for name, value in words if "ZONE" not in name}
        again = merged(nothing(), **printed).blueprint
        assert again.inherited == first.inherited
        assert (again.networking, again.nodes) == (first.networking, first.nodes)
    assert commands.create(merged(nothing()).blueprint, "z") == "KUBE_GCE_ZONE=z u"


def test_what_goes_on_with_a_course_agrees_to_what_this_one_agreed_to() -> None:
    agreed = {"HAKUBE_SAME_ZONE": "true", "HAKUBE_EVEN_MASTERS": "true"}
    both = merged(nothing(), **agreed).blueprint
    said = "HAKUBE_SAME_ZONE=true HAKUBE_EVEN_MASTERS=true"
    assert commands.scale(both, "z", 4) == f"KUBE_GCE_ZONE=z {said} h scale --to 4"
    assert commands.create_in_zones(both, ("z", "z")) == f"KUBE_MASTER_ZONES=z,z {said} u"
    one = merged(nothing(), HAKUBE_SAME_ZONE="false", HAKUBE_EVEN_MASTERS="true").blueprint
    assert commands.scale(one, "z", 4) == "KUBE_GCE_ZONE=z HAKUBE_EVEN_MASTERS=true h scale --to 4"


def test_what_applies_a_manifest_again_adds_no_second_master() -> None:
    found = merged(nothing(), HAKUBE_CNI_MANIFEST="/pods.yaml").blueprint
    manifest = "HAKUBE_CNI_MANIFEST=/pods.yaml"
    for verb, zones, head in (
        (Verb.CREATE, (), "KUBE_GCE_ZONE=z"),
        (Verb.CREATE, ("z", "y"), "KUBE_MASTER_ZONES=z,y"),
        (Verb.REPLICATE, ("z", "y"), "KUBE_GCE_ZONE=z"),
        (Verb.ADD_NODES, (), "KUBE_GCE_ZONE=z KUBE_USE_EXISTING_MASTER=true"),
    ):
        line = commands.apply_again(found, Intent(verb=verb, zone="z"), zones)
        assert line == f"{head} {manifest} u"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MASTER_SIZE", "e2-standard-2"),
        ("PREEMPTIBLE_MASTER", "false"),
        ("CLUSTER_IP_RANGE", "10.128.0.0/14"),
        ("HAKUBE_LABELS", "team=prod"),
        ("NETWORK_PROJECT", "another"),
        ("KUBE_GCE_ENABLE_IP_ALIASES", "true"),
    ],
)
def test_saying_something_else_than_the_cluster_is_refused(
    founded: Observed, name: str, value: str
) -> None:
    blockers = merged(founded, **{name: value}).contradictions
    assert len(blockers) == 1
    assert name in blockers[0].message
    assert value in blockers[0].message


def test_a_cluster_that_remembers_less_takes_the_rest_from_the_shell() -> None:
    old = remembering({"MASTER_SIZE": "n1-standard-1"})
    found = merged(old, PREEMPTIBLE_MASTER="true")
    assert found.contradictions == ()
    assert found.blueprint.machine_type == "n1-standard-1"
    assert found.blueprint.inherited["PREEMPTIBLE_MASTER"] == "true"


def test_the_kubeconfigs_entry_is_the_shells_own() -> None:
    plain = merged(nothing()).blueprint
    assert (plain.context, plain.server_override) == ("hakube-lab_kubernetes", "")
    chosen = merged(nothing(), OVERRIDE_CONTEXT="c", KUBE_SERVER="https://x").blueprint
    assert (chosen.context, chosen.server_override) == ("c", "https://x")


def test_how_long_a_new_master_may_take_is_the_shells_to_say() -> None:
    for place in (Place(endpoint=""), Place(endpoint="http://127.0.0.1:9", runtime="records")):
        assert place.limits().ready_s == Limits().ready_s
        assert place.limits(ready_s=17) == replace(place.limits(), ready_s=17.0)


# ---------------------------------------------------------------------------------- networks

CUSTOM = Networks(
    found=(Network(name="mine"),),
    subnetworks=(Subnetwork(name="first", network="mine", ip_range="10.40.0.0/22"),),
)


def test_the_first_master_chooses_a_subnetwork_for_all() -> None:
    there = replace(nothing(), networks=CUSTOM)
    chosen = merged(there, KUBE_GCE_NETWORK="mine").blueprint
    assert (chosen.network, chosen.subnetwork) == ("mine", "first")
    assert chosen.inherited["SUBNETWORK"] == "first"
    named = merged(there, KUBE_GCE_NETWORK="mine", SUBNETWORK="other").blueprint
    assert named.subnetwork == "other"
    later = merged(remembering(chosen.inherited)).blueprint
    assert (later.network, later.subnetwork) == ("mine", "first")


def test_what_we_made_is_the_clusters_network_when_no_master_is_left_to_tell() -> None:
    made = replace(CUSTOM, ours=("mine",), our_subnetworks=("first",))
    left = replace(nothing(), networks=made)
    assert merged(left).blueprint.network == "mine"
    assert merged(left).blueprint.subnetwork == "first"
    assert merged(left).contradictions == ()
    (found,) = merged(left, KUBE_GCE_NETWORK="other").contradictions
    assert "KUBE_GCE_NETWORK=mine" in found.message


def test_alias_ranges_are_the_clusters_and_deleting_is_this_runs() -> None:
    aliases = {"KUBE_GCE_ENABLE_IP_ALIASES": "true", "KUBE_GCE_IP_ALIAS_SIZE": "/26"}
    first = merged(nothing(), **aliases).blueprint
    assert first.subnetwork == "kubernetes-subnet-default"
    assert first.networking.of_master == (("pods-default", "/26"),)
    later = merged(remembering(first.inherited), KUBE_DELETE_NETWORK="false").blueprint
    assert later.networking.of_master == first.networking.of_master
    assert (first.networking.delete, later.networking.delete) == (None, False)
    named = merged(nothing(), **aliases, SECONDARY_RANGE_NAME="pods").blueprint
    assert named.networking.of_node == (("pods", "/26"),)


def test_a_founding_that_is_cut_short_goes_on_with_all_that_was_said_of_it() -> None:
    shell = {
        "HAKUBE_LB": "target-pool",
        "HAKUBE_LABELS": "team=dev",
        "MASTER_SIZE": "e2-standard-4",
        "KUBE_GCE_NETWORK": "mine",
        "CREATE_CUSTOM_NETWORK": "true",
        "NODE_IP_RANGE": "10.50.0.0/22",
        "NODE_SIZE": "e2-highmem-2",
        "NUM_NODES": "2",
    }
    blueprint = merged(nothing(), **shell).blueprint
    zones = "europe-west1-b,europe-west1-c,europe-west1-d"
    for command, place in (
        (commands.create(blueprint, B), f"KUBE_GCE_ZONE={B}"),
        (commands.create_in_zones(blueprint, zones.split(",")), f"KUBE_MASTER_ZONES={zones}"),
    ):
        *said, program = command.split()
        assert program == "u"
        assert sorted(said) == sorted([place, *(f"{k}={v}" for k, v in shell.items())])
