"""Variables about nodes, networks, readiness and labels: values in, values or problems out."""

from dataclasses import replace

import pytest

from hakube_gce import sizes, snapshots
from hakube_gce.errors import SettingsError
from hakube_gce.inheritable import inheritable
from hakube_gce.intents import Command
from hakube_gce.node_settings import Autoscaling
from hakube_gce.settings import Settings

HERE = {"HOME": "/home/me", "KUBERNETES_PROVIDER": "emulator"}
SCOPE = "https://www.googleapis.com/auth/"
LARGEST_DESCRIPTION = 2048
"""Compute Engine's bound for a snapshot's description."""


def settings(**variables: str) -> Settings:
    return Settings.parse({**HERE, **variables})


def problems(**variables: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        settings(**variables)
    return caught.value.problems


def test_with_nothing_set_nodes_and_network_are_kube_ups() -> None:
    nodes, net = settings().nodes, settings().networking
    assert (nodes.count, nodes.wanted, nodes.groups, nodes.group_size) == (3, 3, 1, 1000)
    assert (nodes.machine_type, nodes.disk_size_gb, nodes.disk_type) == (
        "e2-standard-2",
        100,
        "pd-standard",
    )
    assert nodes.image == "projects/debian-cloud/global/images/family/debian-12"
    assert nodes.service_account == "default"
    assert nodes.scopes == (
        f"{SCOPE}monitoring",
        f"{SCOPE}logging.write",
        f"{SCOPE}devstorage.read_only",
    )
    assert (nodes.provisioning, nodes.labels, nodes.autoscaling) == ("standard", (), None)
    assert (net.project, net.name, net.subnetwork) == ("hakube-lab", "default", "")
    assert (net.pod_range, net.node_range, net.master_range, net.service_range) == (
        "10.64.0.0/14",
        "10.40.0.0/22",
        "10.246.0.0/24",
        "10.0.0.0/16",
    )
    switches = (net.create_custom, net.big_subnets, net.delete, net.ip_aliases)
    assert switches == (False, False, None, False)
    assert (net.ipam_mode, net.alias_size) == ("RangeAllocator", 24)
    assert net.alias_subnetwork == "kubernetes-subnet-default"


def test_nodes_are_as_the_variables_say() -> None:
    nodes = settings(
        NUM_NODES="2500",
        NODE_SIZE="n2-standard-8",
        NODE_DISK_SIZE="1TB",
        NODE_DISK_TYPE="pd-ssd",
        KUBE_GCE_NODE_IMAGE="family/ubuntu-2404-lts",
        KUBE_GCE_NODE_PROJECT="ubuntu-os-cloud",
        KUBE_GCE_NODE_SERVICE_ACCOUNT="nodes@p.iam.gserviceaccount.com",
        NODE_SCOPES=f"compute-rw,{SCOPE}pubsub,compute-rw",
        PREEMPTIBLE_NODE="Spot",
        KUBE_NODE_LABELS="b=2,example.com/a=X.y",
        MAX_INSTANCES_PER_MIG="1000",
        KUBE_ENABLE_CLUSTER_AUTOSCALER="yes",
        KUBE_AUTOSCALER_MIN_NODES="0",
        KUBE_AUTOSCALER_MAX_NODES="9",
    ).nodes
    assert (nodes.wanted, nodes.groups) == (2500, 3)
    assert (nodes.machine_type, nodes.disk_size_gb, nodes.disk_type) == (
        "n2-standard-8",
        1024,
        "pd-ssd",
    )
    assert nodes.image == "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts"
    assert nodes.service_account == "nodes@p.iam.gserviceaccount.com"
    assert nodes.scopes == (f"{SCOPE}compute", f"{SCOPE}pubsub")
    assert nodes.provisioning == "spot"
    assert nodes.labels == (("b", "2"), ("example.com/a", "X.y"))
    assert nodes.autoscaling == Autoscaling(least=0, most=9)


def test_without_nodes_to_make_none_are_wanted_and_masters_are_sized_all_the_same() -> None:
    found = settings(KUBE_CREATE_NODES="false", NUM_NODES="101")
    assert (found.nodes.wanted, found.nodes.groups, found.nodes.count) == (0, 0, 101)
    assert found.machine_type == "e2-standard-16"


@pytest.mark.parametrize("size", ["0", "-1", "-999999"])
def test_a_group_of_nothing_is_reset_with_a_message(size: str) -> None:
    found = settings(MAX_INSTANCES_PER_MIG=size)
    assert found.nodes.group_size == 1000
    assert any(f"MAX_INSTANCES_PER_MIG={size}" in w and "1000" in w for w in found.warnings)


def test_the_autoscaler_needs_both_bounds_in_order() -> None:
    (problem,) = problems(KUBE_ENABLE_CLUSTER_AUTOSCALER="true")
    assert "KUBE_AUTOSCALER_MIN_NODES=1 KUBE_AUTOSCALER_MAX_NODES=10" in problem
    (problem,) = problems(KUBE_ENABLE_CLUSTER_AUTOSCALER="true", KUBE_AUTOSCALER_MIN_NODES="1")
    assert "needs KUBE_AUTOSCALER_MAX_NODES" in problem
    bounds = {"KUBE_AUTOSCALER_MIN_NODES": "4", "KUBE_AUTOSCALER_MAX_NODES": "3"}
    (problem,) = problems(KUBE_ENABLE_CLUSTER_AUTOSCALER="true", **bounds)
    assert "is more than KUBE_AUTOSCALER_MAX_NODES=3" in problem
    alone = settings(**bounds)
    assert alone.nodes.autoscaling is None
    assert any("without KUBE_ENABLE_CLUSTER_AUTOSCALER" in w for w in alone.warnings)


@pytest.mark.parametrize(
    ("nodes", "machine", "disk", "root", "pods", "machines"),
    [
        (0, 2, 20, 20, 14, 22),
        (10, 2, 20, 20, 14, 22),
        (11, 4, 20, 20, 14, 22),
        (50, 4, 20, 20, 14, 22),
        (51, 8, 20, 20, 14, 22),
        (100, 8, 20, 20, 14, 22),
        (101, 16, 20, 20, 14, 22),
        (500, 16, 20, 20, 14, 22),
        (501, 32, 20, 100, 14, 22),
        (1000, 32, 20, 100, 14, 22),
        (1001, 32, 100, 100, 13, 21),
        (2000, 32, 100, 100, 13, 21),
        (2001, 32, 200, 100, 12, 20),
        (3001, 32, 200, 500, 12, 20),
        (4000, 32, 200, 500, 12, 20),
        (4001, 32, 200, 500, 11, 19),
    ],
)
def test_masters_and_ranges_are_sized_by_the_number_of_nodes(
    nodes: int, machine: int, disk: int, root: int, pods: int, machines: int
) -> None:
    found = settings(NUM_NODES=str(nodes))
    assert found.machine_type == f"e2-standard-{machine}"
    assert (found.data_disk_size_gb, found.boot_disk_size_gb) == (disk, root)
    assert found.networking.pod_range == f"10.64.0.0/{pods}"
    assert found.networking.node_range == f"10.40.0.0/{machines}"
    assert found.values["MASTER_SIZE"] == sizes.machine_type(nodes)
    assert found.sources["MASTER_SIZE"] == "default"


def test_what_is_set_is_not_sized() -> None:
    found = settings(NUM_NODES="5000", MASTER_SIZE="n4", CLUSTER_IP_RANGE="10.64.0.0/10")
    assert (found.machine_type, found.networking.pod_range) == ("n4", "10.64.0.0/10")


def test_a_network_is_deleted_unless_it_is_the_default_one() -> None:
    for name, goes in (("default", "false"), ("ours", "true")):
        nobody_said = settings(KUBE_GCE_NETWORK=name)
        assert nobody_said.networking.delete is None, "a later run may not know the name"
        assert nobody_said.values["KUBE_DELETE_NETWORK"] == goes
    said = settings(KUBE_GCE_NETWORK="ours", KUBE_DELETE_NETWORK="no")
    assert said.networking.delete is False
    assert settings(KUBE_DELETE_NETWORK="true").networking.delete is True


def test_a_custom_network_has_a_subnetwork_of_its_own_name() -> None:
    custom = {"CREATE_CUSTOM_NETWORK": "true", "KUBE_GCE_NETWORK": "ours"}
    found = settings(**custom)
    assert found.networking.subnetwork == "ours-custom-subnet"
    assert settings(**custom, SUBNETWORK="s").networking.subnetwork == "s"
    (problem,) = problems(CREATE_CUSTOM_NETWORK="true", KUBE_GCE_NETWORK="a" * 60)
    assert "is too long" in problem


def test_aliases_change_who_gives_out_ranges() -> None:
    aliases = {"KUBE_GCE_ENABLE_IP_ALIASES": "true"}
    assert settings(**aliases).networking.ipam_mode == "CloudAllocator"
    kept = settings(**aliases, KUBE_GCE_NODE_IPAM_MODE="RangeAllocator").networking
    assert (kept.ip_aliases, kept.ipam_mode) == (True, "RangeAllocator")
    (problem,) = problems(KUBE_GCE_NODE_IPAM_MODE="CloudAllocator")
    assert "needs KUBE_GCE_ENABLE_IP_ALIASES=true" in problem
    (problem,) = problems(**aliases, KUBE_GCE_IP_ALIAS_SIZE="/16", CLUSTER_IP_RANGE="10.64.0.0/16")
    assert problem.startswith("KUBE_GCE_IP_ALIAS_SIZE='/16': a machine's /16 does not fit")
    named = {"KUBE_GCE_IP_ALIAS_SUBNETWORK": "s", "SECONDARY_RANGE_NAME": "r"}
    found = settings(**aliases, **named, KUBE_GCE_IP_ALIAS_SIZE="/26").networking
    assert (found.alias_size, found.alias_subnetwork, found.secondary_range) == (26, "s", "r")


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("SERVICE_CLUSTER_IP_RANGE", "10.64.0.0/16", "CLUSTER_IP_RANGE=10.64.0.0/14"),
        ("CLUSTER_IP_RANGE", "10.0.0.0/8", "SERVICE_CLUSTER_IP_RANGE=10.0.0.0/16"),
        ("NODE_IP_RANGE", "10.0.128.0/24", "SERVICE_CLUSTER_IP_RANGE=10.0.0.0/16"),
        ("MASTER_IP_RANGE", "10.40.1.0/24", "NODE_IP_RANGE=10.40.0.0/22"),
    ],
)
def test_ranges_that_meet_are_refused(name: str, value: str, other: str) -> None:
    found = problems(**{name: value})
    assert found[0].startswith(f"{name}='{value}': overlaps {other}")


def test_readiness_is_carried() -> None:
    found = settings(
        ALLOWED_NOTREADY_NODES="2",
        CLUSTER_READY_ADDITIONAL_TIME_SECONDS="0",
        KUBE_CLUSTER_INITIALIZATION_TIMEOUT="900",
    ).readiness
    assert (found.allowed_not_ready_nodes, found.additional_time_s) == (2, 0)
    assert found.initialization_timeout_s == 900
    assert settings().readiness.initialization_timeout_s is None


def test_the_kubeconfig_is_the_operators() -> None:
    found = settings(
        OVERRIDE_CONTEXT="me@staging", SECONDARY_KUBECONFIG="1", KUBE_SERVER="https://api.test/"
    ).kubeconfig
    assert (found.context, found.server, found.set_current) == (
        "me@staging",
        "https://api.test",
        False,
    )
    assert settings().kubeconfig.set_current


# ------------------------------------------------------------------------------------------ zones


def test_masters_in_several_zones_found_in_the_first() -> None:
    zones = "europe-west1-b,europe-west1-c,europe-west1-d"
    found = settings(KUBE_MASTER_ZONES=zones)
    assert found.master_zones == tuple(zones.split(","))
    assert (found.zone, found.zone_is_chosen) == ("europe-west1-b", True)
    assert found.sources["KUBE_GCE_ZONE"] == "environment: KUBE_MASTER_ZONES"
    elsewhere = settings(KUBE_MASTER_ZONES=zones, KUBE_GCE_ZONE="europe-west1-c")
    assert elsewhere.zone == "europe-west1-c"


def test_masters_share_a_region_and_only_on_demand_a_zone() -> None:
    (problem,) = problems(KUBE_MASTER_ZONES="europe-west1-b,us-east1-b")
    assert "2 regions" in problem
    (problem,) = problems(KUBE_MASTER_ZONES="europe-west1-b", KUBE_GCE_ZONE="us-east1-b")
    assert problem.startswith("KUBE_GCE_ZONE=")
    twice = {"KUBE_MASTER_ZONES": "europe-west1-b,europe-west1-b"}
    (problem,) = problems(**twice)
    assert "HAKUBE_SAME_ZONE=true" in problem
    assert len(settings(**twice, HAKUBE_SAME_ZONE="true").master_zones) == 2


def test_several_masters_in_one_run_are_no_replication() -> None:
    three = {**HERE, "KUBE_MASTER_ZONES": "europe-west1-b,europe-west1-c,europe-west1-d"}
    with pytest.raises(SettingsError, match="contradict each other"):
        Settings.parse({**three, "KUBE_REPLICATE_EXISTING_MASTER": "true"}, command=Command.UP)


def test_zones_of_the_wrappers_have_blanks_between() -> None:
    assert settings(E2E_ZONES="us-east1-b europe-west1-c").e2e_zones == (
        "us-east1-b",
        "europe-west1-c",
    )
    assert problems(E2E_ZONES="us-east1-b,europe-west1-c")


# ----------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("text", "legal"),
    [
        ("Team=Dev,Owner=John Doe", "legal would be team=dev,owner=john_doe"),
        ("1st=a", "legal would be st=a"),
        ("=a", "legal would be label=a"),
        ("a=" + "b" * 64, "legal would be a=" + "b" * 63),
        ("cost centre=4711", "legal would be cost_centre=4711"),
        ("team", "which is not NAME=VALUE"),
        ("a=b,", "which is not NAME=VALUE"),
        ("a=b,a=c", "says 'a' twice"),
        ("hakube-uid=0", "not yours to set"),
        ("goog-fleet=a", "not yours to set"),
        (",".join(f"l{n}=v" for n in range(17)), "holds 17 labels"),
    ],
)
def test_labels_that_would_be_refused_are_shown_in_their_legal_form(text: str, legal: str) -> None:
    (problem,) = problems(HAKUBE_LABELS=text)
    assert legal in problem


def test_the_legal_form_that_is_shown_is_legal() -> None:
    (problem,) = problems(HAKUBE_LABELS="Team=Dev,Owner=John Doe")
    legal = problem.partition("legal would be ")[2].partition(";")[0]
    assert settings(HAKUBE_LABELS=legal).labels == (("owner", "john_doe"), ("team", "dev"))


@pytest.mark.parametrize("text", ["a", "a b=c", "-a=b", "a=b=c", "x/y/z=1", "a=b c", "A/=x"])
def test_labels_of_nodes_are_kubernetes_own(text: str) -> None:
    (problem,) = problems(KUBE_NODE_LABELS=text)
    assert problem.startswith("KUBE_NODE_LABELS=")


# -------------------------------------------------------------------------------------- inheriting


def test_all_that_a_cluster_remembers_fits_into_a_snapshots_description() -> None:
    """A restore has nothing else to go by when no master is left."""
    name = "a" * 63
    long = settings(
        KUBE_GCE_INSTANCE_PREFIX="p" * 36,
        PROJECT="example.com:" + "p" * 30,
        NETWORK_PROJECT="example.com:" + "n" * 30,
        KUBE_GCE_NETWORK=name,
        SUBNETWORK=name,
        MASTER_SIZE=name,
        KUBE_GCE_MASTER_IMAGE=f"family/{name}",
        KUBE_GCE_MASTER_PROJECT="q" * 30,
        KUBE_DNS_DOMAIN=("d" * 63 + ".") + "d" * 63,
        KUBE_GCE_ENABLE_IP_ALIASES="true",
        KUBE_GCE_IP_ALIAS_SUBNETWORK=name,
        SECONDARY_RANGE_NAME=name,
        HAKUBE_LABELS=",".join(f"k{n:02}{'x' * 9}={'v' * 9}" for n in range(16)),
    )
    long = replace(
        long,
        api_names=settings(
            HAKUBE_API_NAMES=",".join(("a" * 31, "b" * 31, "c" * 31, "d" * 32)),
            KUBE_SERVER=f"https://{'e' * 50}.{'f' * 29}",
        ).api_names,
    )
    values = {each.name: each.value for each in inheritable(long)}
    assert len(values["HAKUBE_LABELS"]) > 360
    assert len(values["HAKUBE_API_NAMES"]) == 209
    assert len(snapshots.description(values)) < LARGEST_DESCRIPTION


def test_labels_are_remembered_in_one_order() -> None:
    one, other = settings(HAKUBE_LABELS="b=2,a=1"), settings(HAKUBE_LABELS="a=1,b=2")
    assert one.labels == other.labels
    assert replace(one, values={}, sources=other.sources) == replace(other, values={})


def test_machines_stand_where_their_alias_ranges_are_taken_from() -> None:
    aliases = {"KUBE_GCE_ENABLE_IP_ALIASES": "true"}
    of_aliases = {**aliases, "KUBE_GCE_IP_ALIAS_SUBNETWORK": "lent"}
    custom = {**aliases, "CREATE_CUSTOM_NETWORK": "true", "KUBE_GCE_NETWORK": "ours"}
    for variables, where in (
        (aliases, "kubernetes-subnet-default"),
        (of_aliases, "lent"),
        ({**aliases, "SUBNETWORK": "named"}, "named"),
        ({**of_aliases, "SUBNETWORK": "lent"}, "lent"),
        (custom, "ours-custom-subnet"),
        ({"KUBE_GCE_IP_ALIAS_SUBNETWORK": "lent"}, ""),
    ):
        assert settings(**variables).networking.subnetwork == where, variables
    (problem,) = problems(**of_aliases, SUBNETWORK="named")
    assert "machines are to stand in SUBNETWORK=named" in problem
