"""Where machines stand, what of a network is made, and what of it goes: values in, plans out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from hakube_gce import marks
from hakube_gce.model import Intent, Mark, Networks, Observed, Operation, Verb
from hakube_gce.network_resources import Network, Subnetwork
from hakube_gce.network_steps import CreateNetwork, CreateSubnetwork, ExpandSubnetwork
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.network_blueprint import NetworkBlueprint
from hakube_gce.plan.networks import MADE, detected, remembered
from hakube_gce.plan.node_blueprint import NodeBlueprint
from hakube_gce.plan.planner import plan
from hakube_gce.plan.resolve import resolve
from hakube_gce.render_left import left_behind
from hakube_gce.resources import Firewall, Inventory
from hakube_gce.steps import CreateFirewall, CreateInstance
from hakube_gce.understand_networks import understand_networks
from tests.fakes.clusters import NOW, REGION, UID, ZONES, cluster, nothing

B = ZONES[0]
PLAIN = Blueprint(
    project="p",
    prefix="kubernetes",
    region=REGION,
    machine_type="e2-standard-2",
    image="projects/debian-cloud/global/images/family/debian-12",
    data_disk_gb=20,
    root_disk_gb=20,
)
OWN = replace(PLAIN, network="mine")
CUSTOM = replace(OWN, subnetwork="mine-custom-subnet", networking=NetworkBlueprint(custom=True))
ALIASES = replace(
    PLAIN,
    subnetwork="kubernetes-subnet-default",
    networking=NetworkBlueprint(aliases=True, ipam_mode="CloudAllocator"),
)
BIG = replace(OWN, networking=NetworkBlueprint(big=True))
DEFAULT = Network(name="default", automatic=True)
MINE = Network(name="mine", automatic=True)
BEGINS_WITH = [
    "create-firewall/kubernetes-default-internal-master",
    "create-firewall/kubernetes-default-internal-node",
    "create-firewall/mine-default-ssh",
]


def world(**networks: Any) -> Observed:
    found = Networks(**{"found": (DEFAULT,), **networks})
    return replace(nothing(), uid=UID, networks=found)


def operation(verb: Verb) -> Operation:
    return Operation(id="a" * 12, verb=verb, zone=B)


def founded(blueprint: Blueprint, seen: Observed) -> Plan:
    return plan(blueprint, operation(Verb.CREATE), seen)


def keys(found: Plan) -> list[str]:
    assert not found.blockers, found.blockers
    return [p.key for p in found.steps]


def of_networks(found: Plan) -> list[str]:
    return [k for k in keys(found) if "network" in k]


def step(found: Plan, key: str) -> Any:
    return next(p for p in found.steps if p.key == key).step


def subnet(name: str, ip_range: str = "10.40.0.0/22", **more: Any) -> Subnetwork:
    return Subnetwork(**{"name": name, "network": "mine", "ip_range": ip_range, **more})


# ---------------------------------------------------------------------------------- founding


def test_a_network_that_is_there_is_used_and_none_is_made() -> None:
    assert of_networks(founded(PLAIN, world())) == []
    found = founded(OWN, world(found=(DEFAULT, MINE)))
    assert of_networks(found) == []
    assert not {*BEGINS_WITH} & {*keys(found)}


@pytest.mark.parametrize(
    ("blueprint", "automatic", "more"),
    [(OWN, True, []), (CUSTOM, False, ["create-subnetwork"])],
)
def test_a_network_that_is_not_there_is_made_before_anything_is_put_into_it(
    blueprint: Blueprint, automatic: bool, more: list[str]
) -> None:
    found = founded(blueprint, world())
    assert of_networks(found) == ["create-network", *more]
    made = step(found, "create-network")
    assert isinstance(made, CreateNetwork)
    assert (made.spec.name, made.spec.automatic) == ("mine", automatic)
    mark = marks.mark_from_description(made.spec.description)
    assert mark == Mark(cluster="kubernetes", uid=UID, operation="a" * 12)
    rules = [k for k in keys(found) if k.startswith("create-firewall/")]
    assert set(rules) >= set(BEGINS_WITH)
    after = {p.key: p.after for p in found.steps}
    assert all("create-network" in after[key] for key in (*rules, *more))
    assert {"create-network", *more} <= set(after["create-instance"])


def test_a_rule_of_a_new_network_is_planned_once_with_nodes_and_without() -> None:
    nodes = replace(OWN, nodes=NodeBlueprint(count=1))
    for blueprint in (OWN, nodes):
        planned = keys(founded(blueprint, world()))
        assert len(planned) == len(set(planned))
        assert set(planned) >= set(BEGINS_WITH)


def test_a_creation_cut_short_goes_on_with_what_is_missing() -> None:
    half = world(found=(DEFAULT, replace(MINE, automatic=False)), ours=("mine",))
    assert of_networks(founded(CUSTOM, half)) == ["create-subnetwork"]
    whole = replace(
        half.networks,
        subnetworks=(subnet("mine-custom-subnet"),),
        our_subnetworks=("mine-custom-subnet",),
    )
    found = founded(CUSTOM, replace(half, networks=whole))
    assert of_networks(found) == []
    assert set(keys(found)) >= set(BEGINS_WITH), "the rules of a network of ours are still due"


def test_where_a_master_stands_its_network_is_not_judged() -> None:
    lagging = replace(cluster("+"), networks=Networks())
    assert of_networks(plan(CUSTOM, operation(Verb.MEND), lagging)) == []


def test_masters_that_are_made_again_wait_for_their_network() -> None:
    gone = replace(cluster("+"), replicas=(), members=(), members_known=False)
    gone = replace(gone, networks=Networks(found=(DEFAULT,)))
    found = plan(CUSTOM, operation(Verb.MEND), gone)
    after = {p.key: p.after for p in found.steps}
    made_again = {"create-network", "create-subnetwork"}
    assert made_again <= set(after["create-instance/kubernetes-master"])


# ------------------------------------------------------------------------------- alias ranges


def test_alias_ranges_come_from_a_subnetwork_that_is_made_for_them() -> None:
    found = founded(replace(ALIASES, nodes=NodeBlueprint(count=1)), world())
    assert of_networks(found) == ["create-subnetwork"]
    made = step(found, "create-subnetwork")
    assert isinstance(made, CreateSubnetwork)
    assert made.spec.secondary == (
        ("pods-default", "10.64.0.0/14"),
        ("services-default", "10.0.0.0/16"),
    )
    instance = step(found, "create-instance")
    assert isinstance(instance, CreateInstance)
    assert instance.spec.alias_ranges == (("pods-default", "/24"),)
    assert step(found, "create-node-template").spec.alias_ranges == (("pods-default", "/24"),)


def test_only_compute_engines_allocator_gives_masters_alias_ranges() -> None:
    range_allocator = replace(ALIASES.networking, ipam_mode="RangeAllocator")
    found = founded(
        replace(ALIASES, networking=range_allocator, nodes=NodeBlueprint(count=1)), world()
    )
    assert step(found, "create-instance").spec.alias_ranges == ()
    assert step(found, "create-node-template").spec.alias_ranges == (("pods-default", "/24"),)
    off = founded(replace(PLAIN, nodes=NodeBlueprint(count=1)), world())
    assert step(off, "create-node-template").spec.alias_ranges == ()


# ----------------------------------------------------------------------------------- refusals

THEIRS = subnet("theirs", network="default", secondary=(("pods", "10.64.0.0/14"),))
CASES: Mapping[str, tuple[Blueprint, Mapping[str, Any], str, int, str]] = {
    "no such subnetwork": (
        replace(PLAIN, subnetwork="none"),
        {"subnetworks": (THEIRS,)},
        "NoSubnetwork",
        3,
        "it has theirs",
    ),
    "a custom network without any here": (
        OWN,
        {"found": (replace(MINE, automatic=False),)},
        "NoSubnetwork",
        3,
        "it has none there",
    ),
    "custom, but somebody else's": (
        CUSTOM,
        {"found": (MINE,)},
        "NoSubnetwork",
        3,
        "has no subnetwork mine-custom-subnet in europe-west1",
    ),
    "another network's": (
        replace(OWN, subnetwork="theirs"),
        {"found": (MINE,), "subnetworks": (THEIRS,)},
        "SubnetworkOfAnother",
        4,
        "theirs is of network default, not of mine",
    ),
    "no range of that name": (
        replace(ALIASES, subnetwork="theirs"),
        {"subnetworks": (THEIRS,)},
        "NoSecondaryRange",
        4,
        "no secondary range pods-default that pods' addresses could be taken from; it has pods",
    ),
    "pods' range is taken": (
        ALIASES,
        {"subnetworks": (replace(THEIRS, ip_range="10.200.0.0/22"),)},
        "RangeTaken",
        4,
        "CLUSTER_IP_RANGE=10.64.0.0/14 overlaps 10.64.0.0/14, the range pods of subnetwork theirs",
    ),
    "machines' range is taken": (
        ALIASES,
        {"subnetworks": (replace(THEIRS, secondary=()),)},
        "RangeTaken",
        4,
        "NODE_IP_RANGE=10.40.0.0/22 overlaps 10.40.0.0/22, the range of subnetwork theirs",
    ),
    "what automatic mode keeps": (
        replace(ALIASES, networking=replace(ALIASES.networking, node_range="10.130.0.0/20")),
        {},
        "RangeTaken",
        4,
        "overlaps 10.128.0.0/9, which its automatic mode keeps for itself",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_compute_engine_would_refuse_midway_is_refused_before(case: str) -> None:
    blueprint, networks, reason, status, words = CASES[case]
    (found,) = founded(blueprint, world(**networks)).blockers
    assert (found.reason, found.exit_status) == (reason, status)
    assert words in found.message


def test_a_subnetwork_without_an_ipv4_range_is_in_nobodys_way() -> None:
    seen = world(subnetworks=(subnet("six", "", network="default"),))
    assert of_networks(founded(ALIASES, seen)) == ["create-subnetwork"]


def test_a_run_that_looks_into_another_project_is_refused_whatever_it_wants() -> None:
    elsewhere = replace(
        PLAIN,
        inherited={"NETWORK_PROJECT": "host"},
        networking=NetworkBlueprint(project="p"),
    )
    for verb in (Verb.TEARDOWN, Verb.REMOVE, Verb.REPLICATE, Verb.MEND):
        intent = Intent(verb=verb, zone=B, confirmed_teardown=True)
        (found,) = resolve(elsewhere, intent, cluster("+"), operation_id="c" * 12).blockers
        assert (found.reason, found.exit_status) == ("NetworkProjectDiffers", 2)
        assert "NETWORK_PROJECT=host" in found.message


# ---------------------------------------------------------------------------------- big ones


def test_only_a_subnetwork_that_came_with_a_network_of_ours_grows() -> None:
    fresh = founded(BIG, world())
    assert of_networks(fresh) == ["create-network", "expand-subnetwork"]
    grown = step(fresh, "expand-subnetwork")
    assert grown == ExpandSubnetwork(name="mine", region=REGION, prefix_length=19)
    ours: dict[str, Any] = {"found": (DEFAULT, MINE), "ours": ("mine",)}
    small, large = subnet("mine", "10.132.0.0/20"), subnet("mine", "10.132.0.0/19")
    assert of_networks(founded(BIG, world(**ours, subnetworks=(small,)))) == ["expand-subnetwork"]
    assert of_networks(founded(BIG, world(**ours, subnetworks=(large,)))) == []
    theirs = founded(BIG, world(found=(DEFAULT, MINE), subnetworks=(small,)))
    assert of_networks(theirs) == []
    (note,) = theirs.notes
    assert "ENABLE_BIG_CLUSTER_SUBNETS has no effect" in note
    assert not fresh.notes


# ----------------------------------------------------------------------------------- teardown


def torn_down(networking: NetworkBlueprint | None = None, **networks: Any) -> Plan:
    seen = replace(cluster("+"), networks=Networks(**{"found": (DEFAULT, MINE), **networks}))
    blueprint = replace(OWN, networking=networking or NetworkBlueprint())
    return plan(blueprint, operation(Verb.TEARDOWN), seen)


OURS: Mapping[str, Any] = {
    "ours": ("mine",),
    "subnetworks": (subnet("mine-custom-subnet"), subnet("far", network="default")),
    "our_subnetworks": ("mine-custom-subnet",),
}


def test_what_is_ours_goes_after_all_that_is_in_it_and_before_the_address() -> None:
    found = torn_down(**OURS)
    subnetwork, network = "delete-subnetwork/mine-custom-subnet", "delete-network/mine"
    assert of_networks(found) == [subnetwork, network]
    after = {p.key: set(p.after) for p in found.steps}
    inside = {k for k in keys(found) if k.startswith(("delete-instance/", "delete-firewall/"))}
    assert len(inside) == 3
    assert inside <= after[subnetwork]
    assert {*inside, subnetwork} <= after[network]
    assert network in after["release-address"]


@pytest.mark.parametrize("delete", [None, True])
def test_what_is_not_ours_stays_whatever_is_wished(delete: bool | None) -> None:
    found = torn_down(NetworkBlueprint(delete=delete))
    assert of_networks(found) == []
    assert "network mine stays: this cluster did not make it" in found.notes


def test_what_others_have_in_it_keeps_a_network_and_is_named() -> None:
    found = torn_down(**OURS, guests={"mine": ("firewalls/theirs", "subnetworks/too")})
    assert of_networks(found) == []
    (note,) = [n for n in found.notes if "mine" in n]
    assert "somebody else's firewalls/theirs, subnetworks/too" in note
    assert "gcloud compute networks delete mine" in note


@pytest.mark.parametrize(
    ("name", "delete", "goes"),
    [
        ("mine", None, True),
        ("mine", False, False),
        ("default", None, False),
        ("default", True, True),
    ],
)
def test_the_name_of_the_network_that_was_made_decides_unless_somebody_said(
    name: str, delete: bool | None, goes: bool
) -> None:
    """Not the name in this run's environment, which may have forgotten it."""
    seen = replace(cluster("+"), networks=Networks(found=(Network(name=name),), ours=(name,)))
    blueprint = replace(PLAIN, networking=NetworkBlueprint(delete=delete))
    found = plan(blueprint, operation(Verb.TEARDOWN), seen)
    assert of_networks(found) == [f"delete-network/{name}"] * goes
    assert any("KUBE_DELETE_NETWORK" in note for note in found.notes) is not goes


def test_a_subnetwork_of_ours_leaves_somebody_elses_network() -> None:
    own = subnet("kubernetes-subnet-default", network="default")
    found = torn_down(
        NetworkBlueprint(delete=False), subnetworks=(own,), our_subnetworks=(own.name,)
    )
    assert of_networks(found) == ["delete-subnetwork/kubernetes-subnet-default"]


# ------------------------------------------------------------------------------ what is whose


def looked_at(**parts: Any) -> Networks:
    inventory = Inventory(server_time=NOW, zones=(), **parts)
    return understand_networks(inventory, prefix="kubernetes", uid=UID)


def described(uid: str = UID, prefix: str = "kubernetes") -> str:
    return marks.mark_description(Mark(cluster=prefix, uid=uid, operation="b" * 12))


def test_only_this_clusters_mark_makes_a_network_ours() -> None:
    networks = (
        replace(MINE, description=described()),
        Network(name="earlier", description=described(uid="f" * 16)),
        Network(name="neighbours", description=described(prefix="other")),
        Network(name="by-hand", description="made by kube-up"),
    )
    found = looked_at(networks=networks)
    assert (found.ours, found.left) == (("mine",), ("earlier",))
    after = replace(nothing(), networks=found)
    assert left_behind(after) == " but networks: earlier"
    assert left_behind(nothing()) == ""
    nobody = Inventory(server_time=NOW, zones=(), networks=networks)
    assert understand_networks(nobody, prefix="kubernetes", uid="").ours == ()


def test_guests_are_what_does_not_carry_the_mark() -> None:
    ours = marks.mark_labels(Mark(cluster="kubernetes", uid=UID, operation="b" * 12))
    vm = replace(cluster("+").replicas[0].instance, network="mine", labels=ours)
    found = looked_at(
        networks=(replace(MINE, description=described()), DEFAULT),
        instances=(
            vm,
            replace(vm, name="theirs", labels={}),
            replace(vm, name="far", labels={}, network="default"),
        ),
        firewalls=(
            Firewall(name="ours", network="mine", description=described()),
            Firewall(name="theirs", network="mine"),
            Firewall(name="far", network="default"),
        ),
        subnetworks=(
            subnet("mine", "10.132.0.0/20"),
            subnet("ours", description=described()),
            subnet("theirs", "10.50.0.0/22"),
            subnet("far", network="default"),
        ),
    )
    assert found.our_subnetworks == ("ours",)
    assert found.guests == {
        "mine": (f"zones/{B}/instances/theirs", "firewalls/theirs", "subnetworks/theirs")
    }


def test_a_subnetwork_is_chosen_only_where_compute_engine_finds_none() -> None:
    custom = Networks(
        found=(DEFAULT, replace(MINE, automatic=False)),
        subnetworks=(subnet("b"), subnet("a"), subnet("0", network="default")),
    )
    assert detected(custom, "default", shared=False) == ""
    assert detected(custom, "default", shared=True) == "default"
    assert detected(custom, "mine", shared=False) == "a"
    assert detected(custom, "none", shared=False) == ""
    assert detected(custom, "none", shared=True) == "none"


def test_what_we_made_tells_which_network_is_the_clusters() -> None:
    assert remembered(Networks(found=(DEFAULT, MINE))) == {}
    assert remembered(Networks(ours=("mine",))) == {"KUBE_GCE_NETWORK": "mine"}
    own = subnet("kubernetes-subnet-default", network="default")
    made = Networks(subnetworks=(own,), our_subnetworks=(own.name,))
    assert remembered(made) == {"KUBE_GCE_NETWORK": "default", "SUBNETWORK": own.name}


def test_people_reach_a_network_of_our_making_by_ssh_and_no_other() -> None:
    made = step(founded(OWN, world()), "create-firewall/mine-default-ssh")
    assert isinstance(made, CreateFirewall)
    assert (made.spec.network, made.spec.allowed) == ("mine", (("tcp", ("22",)),))
    assert made.spec.target_tags == ()


@pytest.mark.parametrize("blueprint", [OWN, CUSTOM, BIG, ALIASES])
def test_vms_that_are_prepared_wait_for_their_network_too(blueprint: Blueprint) -> None:
    found = founded(replace(blueprint, prepare=ZONES[1:]), world())
    made = {key for key in keys(found) if key in MADE}
    after = {p.key: set(p.after) for p in found.steps}
    vms = [p.key for p in found.steps if isinstance(p.step, CreateInstance)]
    assert (len(vms), bool(made)) == (3, True)
    for vm in vms:
        assert made <= after[vm], vm
    for key in made:
        assert keys(found).count(key) == 1
