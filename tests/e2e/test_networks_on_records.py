"""Networks through the real program: made when they are not there, and deleted only if ours."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.end_states import lock_and_operation
from tests.e2e.forks import Ended
from tests.e2e.lab_on_records import PROJECT, B, C, Desk, ServedLab, lab_on_records, warm_up

pytestmark = pytest.mark.forks

REGION = "europe-west1"
OWN = {"KUBE_GCE_NETWORK": "mine"}
CUSTOM = {**OWN, "CREATE_CUSTOM_NETWORK": "true"}
ALIASES = {"KUBE_GCE_ENABLE_IP_ALIASES": "true", "KUBE_CREATE_NODES": "true", "NUM_NODES": "2"}
SUBNET = "kubernetes-subnet-default"
BEGINS_WITH = {
    "kubernetes-default-internal-master",
    "kubernetes-default-internal-node",
    "mine-default-ssh",
}


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Iterator[Desk]:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        yield Desk(folder=tmp_path / "desk", lab=lab)


def of_kind(lab: ServedLab, kind: str) -> dict[str, dict[str, Any]]:
    """Return a kind's records by short path, without the project."""
    return {
        path.split("/", 2)[2]: record
        for path, record in lab.dump().items()
        if record["kind"] == f"compute#{kind}"
    }


def names(lab: ServedLab, kind: str) -> set[str]:
    return {path.rsplit("/", 1)[1] for path in of_kind(lab, kind)}


def by_hand(lab: ServedLab, collection: str, body: dict[str, Any], project: str = PROJECT) -> None:
    """Make somebody else's resource, as with gcloud."""
    path = f"/compute/v1/projects/{project}/{collection}"
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=10)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


def done(ended: Ended, desk: Desk) -> Ended:
    assert ended.status == 0, ended
    assert not lock_and_operation(desk.lab), ended
    return ended


def untouched(desk: Desk) -> dict[str, Any]:
    assert desk.status()["verdict"] == "absent"
    return desk.lab.dump()


def test_a_network_that_is_not_there_is_made_used_and_deleted_again(desk: Desk) -> None:
    before = untouched(desk)
    done(desk.up(B, **OWN), desk)
    (own,) = [n for path, n in of_kind(desk.lab, "network").items() if path.endswith("/mine")]
    assert own["autoCreateSubnetworks"] is True
    assert json.loads(own["description"])["cluster"] == "kubernetes"
    assert names(desk.lab, "firewall") >= BEGINS_WITH
    (vm,) = of_kind(desk.lab, "instance").values()
    assert vm["networkInterfaces"][0]["network"].endswith("/mine")
    calls = len(desk.lab.calls())
    done(desk.up(B, **OWN), desk)
    assert len(desk.lab.calls()) == calls, "repeated, it changes nothing"

    done(desk.replicate(C), desk)  # the cluster remembers its network
    networks = {
        vm["networkInterfaces"][0]["network"] for vm in of_kind(desk.lab, "instance").values()
    }
    assert len(networks) == 1
    done(desk.down(B, HAKUBE_CONFIRM_TEARDOWN="kubernetes"), desk)
    assert desk.lab.dump() == before
    order = [call["method"] for call in desk.lab.calls()]
    assert order[-2:] == ["networks.delete", "addresses.delete"]


def test_a_custom_network_has_the_one_subnetwork_that_machines_stand_in(desk: Desk) -> None:
    before = untouched(desk)
    done(desk.up(B, **CUSTOM, NODE_IP_RANGE="10.50.0.0/20"), desk)
    subnets = {p: s for p, s in of_kind(desk.lab, "subnetwork").items() if "/mine" in p}
    (path,) = subnets
    assert path == f"regions/{REGION}/subnetworks/mine-custom-subnet"
    assert subnets[path]["ipCidrRange"] == "10.50.0.0/20"
    done(desk.replicate(C), desk)
    for vm in of_kind(desk.lab, "instance").values():
        assert vm["networkInterfaces"][0]["subnetwork"].endswith("/mine-custom-subnet")
        assert vm["canIpForward"] is True
    refused = desk.down(B, KUBE_DELETE_NETWORK="false")
    assert refused.status == 5, refused
    assert "KUBE_DELETE_NETWORK=false" in refused.stdout, "what is printed spares it"
    done(desk.down(B, HAKUBE_CONFIRM_TEARDOWN="kubernetes"), desk)
    assert desk.lab.dump() == before


def test_the_network_stays_when_it_is_to_and_is_then_nobodys_to_delete(desk: Desk) -> None:
    done(desk.up(B, **CUSTOM), desk)
    kept = done(desk.down(B, KUBE_DELETE_NETWORK="false"), desk)
    assert "network mine stays, as KUBE_DELETE_NETWORK says" in kept.stdout
    assert kept.stdout.rstrip().endswith("nothing of the cluster is left but networks: mine.")
    assert {"mine", "default"} == names(desk.lab, "network")
    assert "mine-custom-subnet" in names(desk.lab, "subnetwork")
    assert not of_kind(desk.lab, "firewall")

    before = desk.lab.dump()
    done(desk.up(B, **OWN), desk)  # another cluster: the network is there, and used
    (vm,) = of_kind(desk.lab, "instance").values()
    assert vm["networkInterfaces"][0]["subnetwork"].endswith("/mine-custom-subnet")
    assert not names(desk.lab, "firewall") & BEGINS_WITH, "it is not this cluster's making"
    done(desk.down(B, **OWN), desk)
    assert desk.lab.dump() == before


def test_somebody_elses_things_keep_the_network_and_are_named(desk: Desk) -> None:
    done(desk.up(B, **OWN), desk)
    allowed = [{"IPProtocol": "tcp"}]
    rule = {"name": "theirs", "network": "global/networks/mine", "allowed": allowed}
    by_hand(desk.lab, "global/firewalls", rule)
    kept = done(desk.down(B), desk)
    assert "in it are somebody else's firewalls/theirs" in kept.stdout
    assert names(desk.lab, "firewall") == {"theirs"}
    assert "mine" in names(desk.lab, "network")
    assert "networks.delete" not in [c["method"] for c in desk.lab.calls()]


def test_what_is_out_of_sight_keeps_the_network_too(desk: Desk) -> None:
    """A subnetwork in another region: no list of ours shows it, Compute Engine's refusal does."""
    done(desk.up(B, **OWN), desk)
    body = {"name": "far", "network": "global/networks/mine", "ipCidrRange": "10.50.0.0/20"}
    by_hand(desk.lab, "regions/us-central1/subnetworks", body)
    kept = done(desk.down(B), desk)
    assert "network mine stays: somebody else uses it" in kept.stdout
    assert "subnetworks/far" in kept.stdout
    assert not of_kind(desk.lab, "instance")
    assert not of_kind(desk.lab, "address")


def test_a_network_that_is_there_is_used_and_never_changed(desk: Desk) -> None:
    by_hand(desk.lab, "global/networks", {"name": "mine", "autoCreateSubnetworks": True})
    before = untouched(desk)
    done(desk.up(B, **OWN, ENABLE_BIG_CLUSTER_SUBNETS="true"), desk)
    made = {path: record for path, record in desk.lab.dump().items() if path in before}
    assert made == before
    assert not names(desk.lab, "firewall") & BEGINS_WITH
    done(desk.down(B, **OWN), desk)
    assert desk.lab.dump() == before


def test_nothing_is_made_where_machines_could_not_stand(desk: Desk) -> None:
    by_hand(desk.lab, "global/networks", {"name": "mine", "autoCreateSubnetworks": False})
    before = untouched(desk)
    for variables, reason, status in (
        (OWN, "NoSubnetwork", 3),
        (CUSTOM, "NoSubnetwork", 3),
        ({**OWN, "SUBNETWORK": "default"}, "SubnetworkOfAnother", 4),
        ({"SUBNETWORK": "none"}, "NoSubnetwork", 3),
        ({**ALIASES, "SUBNETWORK": "default"}, "NoSecondaryRange", 4),
        ({**ALIASES, "NODE_IP_RANGE": "10.130.0.0/20"}, "RangeTaken", 4),
    ):
        refused = desk.up(B, **variables)
        assert (refused.status, reason in refused.stdout) == (status, True), refused
        assert desk.lab.dump() == before, variables


@pytest.mark.slow
def test_a_big_cluster_has_a_subnetwork_of_8192_addresses(desk: Desk) -> None:
    before = untouched(desk)
    done(desk.up(B, **OWN, ENABLE_BIG_CLUSTER_SUBNETS="true"), desk)
    grown = of_kind(desk.lab, "subnetwork")[f"regions/{REGION}/subnetworks/mine"]
    assert grown["ipCidrRange"] == "10.132.0.0/19"
    assert of_kind(desk.lab, "subnetwork")[f"regions/{REGION}/subnetworks/default"][
        "ipCidrRange"
    ] == ("10.132.0.0/20")
    done(desk.down(B), desk)
    assert desk.lab.dump() == before


@pytest.mark.slow
def test_a_restored_cluster_gets_its_network_back(desk: Desk) -> None:
    before = untouched(desk)
    done(desk.up(B, **OWN), desk)
    done(desk.run("snapshot", KUBE_GCE_ZONE=B), desk)
    done(desk.down(B), desk)
    assert names(desk.lab, "network") == {"default"}
    done(desk.run("restore", KUBE_GCE_ZONE=C, HAKUBE_CONFIRM_RESTORE="kubernetes"), desk)
    (vm,) = of_kind(desk.lab, "instance").values()
    assert interface(vm)["network"].endswith("/mine"), "its snapshot remembers the name"
    assert desk.status()["verdict"] == "healthy"
    done(desk.down(C), desk)
    left = {p for p in desk.lab.dump() if p not in before}
    assert {p.split("/")[-2] for p in left} == {"snapshots"}


# ------------------------------------------------------------------------------ alias ranges


def interface(record: dict[str, Any]) -> dict[str, Any]:
    (found,) = record["networkInterfaces"]
    return dict(found)


def test_pods_get_alias_ranges_in_a_subnetwork_made_for_them(desk: Desk) -> None:
    before = untouched(desk)
    done(desk.up(B, **ALIASES), desk)
    subnet = of_kind(desk.lab, "subnetwork")[f"regions/{REGION}/subnetworks/{SUBNET}"]
    assert subnet["ipCidrRange"] == "10.40.0.0/22"
    assert subnet["secondaryIpRanges"] == [
        {"rangeName": "pods-default", "ipCidrRange": "10.64.0.0/14"},
        {"rangeName": "services-default", "ipCidrRange": "10.0.0.0/16"},
    ]
    done(desk.replicate(C), desk)
    vms = of_kind(desk.lab, "instance").values()
    assert len(vms) == 4
    ranges = [a["ipCidrRange"] for vm in vms for a in interface(vm)["aliasIpRanges"]]
    assert len(set(ranges)) == 4
    assert all(r.startswith("10.64.") and r.endswith("/24") for r in ranges)
    assert {vm.get("canIpForward") for vm in vms} <= {False, None}
    assert all(interface(vm)["subnetwork"].endswith(SUBNET) for vm in vms)
    assert not of_kind(desk.lab, "route")
    done(desk.down(B, HAKUBE_CONFIRM_TEARDOWN="kubernetes"), desk)
    assert desk.lab.dump() == before, "the subnetwork goes, the network it was put into stays"


@pytest.mark.slow
def test_with_the_range_allocator_masters_have_no_alias_range(desk: Desk) -> None:
    done(desk.up(B, **ALIASES, **CUSTOM, KUBE_GCE_NODE_IPAM_MODE="RangeAllocator"), desk)
    vms = {p.rsplit("/", 1)[1]: vm for p, vm in of_kind(desk.lab, "instance").items()}
    master = vms.pop("kubernetes-master")
    assert "aliasIpRanges" not in interface(master)
    assert master["canIpForward"] is True
    assert [len(interface(vm)["aliasIpRanges"]) for vm in vms.values()] == [1, 1]
    assert {interface(vm)["subnetwork"].rsplit("/", 1)[1] for vm in vms.values()} == {
        "mine-custom-subnet"
    }


@pytest.mark.slow
def test_a_subnetwork_that_is_there_lends_its_range(desk: Desk) -> None:
    ranges = [{"rangeName": "pods", "ipCidrRange": "10.64.0.0/14"}]
    body = {
        "name": "theirs",
        "network": "global/networks/default",
        "ipCidrRange": "10.40.0.0/22",
        "secondaryIpRanges": ranges,
    }
    assert desk.status()["verdict"] == "absent"
    by_hand(desk.lab, f"regions/{REGION}/subnetworks", body)
    before = desk.lab.dump()
    lent = {"KUBE_GCE_IP_ALIAS_SUBNETWORK": "theirs", "SECONDARY_RANGE_NAME": "pods"}
    done(desk.up(B, **ALIASES, **lent, KUBE_GCE_IP_ALIAS_SIZE="/26"), desk)
    for vm in of_kind(desk.lab, "instance").values():
        (alias,) = interface(vm)["aliasIpRanges"]
        assert alias["subnetworkRangeName"] == "pods"
        assert alias["ipCidrRange"].endswith("/26")
    done(desk.down(B), desk)
    assert desk.lab.dump() == before


# ----------------------------------------------------------------------- another project's


def test_a_network_in_another_project(desk: Desk) -> None:
    host = {"NETWORK_PROJECT": "acme-network"}
    before = untouched(desk)
    done(desk.up(B, **CUSTOM, **host), desk)
    made = set(desk.lab.dump()) - set(before)
    in_host = {p.split("/", 2)[2].rsplit("/", 1)[0] for p in made if "/acme-network/" in p}
    assert in_host >= {"global/firewalls", "global/networks", f"regions/{REGION}/subnetworks"}
    ours = {p.split("/", 2)[2] for p in made if f"/{PROJECT}/" in p}
    assert not {p for p in ours if "network" in p or "firewall" in p}

    lost = desk.down(B)
    assert lost.status == 2, lost
    assert "NETWORK_PROJECT=acme-network" in lost.stdout
    done(desk.replicate(C, **host), desk)
    done(desk.down(B, **host, HAKUBE_CONFIRM_TEARDOWN="kubernetes"), desk)
    left = {p for p in desk.lab.dump() if p not in before}
    assert {p.split("/")[-2] for p in left} <= {"networks", "subnetworks"}
    assert {p.split("/")[-1] for p in left} == {"default"}, "the lab gives it to every project"


def test_a_cut_short_run_without_the_network_project_leaves_nothing_there(desk: Desk) -> None:
    """With no VM left, or none yet, the address alone knows where the firewall rules are."""
    host = {"NETWORK_PROJECT": "acme-network"}
    no = {"http": 403, "reason": "forbidden", "message": "no"}
    desk.lab.fault(method="instances.insert", error=no)
    assert desk.up(B, **OWN, **host).status == 8
    desk.lab.heal()
    begun = desk.lab.dump()
    assert desk.up(B, **OWN).status == 2, "not founded again, in a network of this project"
    assert desk.down(B).status == 2
    assert set(desk.lab.dump()) == set(begun)
    done(desk.up(B, **OWN, **host), desk)
    desk.lab.fault(method="firewalls.delete", error=no)
    assert desk.down(B, **host).status == 8
    desk.lab.heal()
    lost = desk.down(B)
    assert lost.status == 2, lost
    assert "NETWORK_PROJECT=acme-network" in lost.stdout
    done(desk.down(B, **host), desk)
    assert "mine" not in names(desk.lab, "network")
    assert not of_kind(desk.lab, "firewall")


def test_in_another_projects_network_machines_name_their_subnetwork(desk: Desk) -> None:
    host = {"NETWORK_PROJECT": "acme-network"}
    done(desk.up(B, **host), desk)
    (vm,) = of_kind(desk.lab, "instance").values()
    assert interface(vm)["subnetwork"].endswith(
        f"projects/acme-network/regions/{REGION}/subnetworks/default"
    )
