"""Networks, subnetworks, routes, alias ranges: what Google takes and what it refuses."""

from collections.abc import Iterator
from typing import Any

import pytest

from hakube_gce.emulator.catalog import REGIONS
from tests.contract.emulator_bench import OTHER_REGION, REGION, ZONE, Bench, bench, instance

INVALID = (400, "invalid")
IN_USE = (400, "resourceInUseByAnotherResource")
MISSING = (404, "notFound")
TAKEN = (409, "alreadyExists")
REQUIRED = (400, "required")
NET = "global/networks/mine"


@pytest.fixture
def lab() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


def network(lab: Bench, *, automatic: bool = False) -> None:
    lab.do("POST", "global/networks", {"name": "mine", "autoCreateSubnetworks": automatic})


def subnet(name: str = "s", cidr: str = "10.40.0.0/22", **more: Any) -> dict[str, Any]:
    return {"name": name, "network": NET, "ipCidrRange": cidr, **more}


def kept(lab: Bench, user: str) -> None:
    """Try to delete the network: the operation fails, naming a user, and it is still there."""
    before = lab.get(NET)
    failed = lab.fails("DELETE", NET)
    (error,) = failed["error"]["errors"]
    assert error["code"] == "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"
    assert error["message"].endswith(f"/{user}'")
    assert failed["httpErrorStatusCode"] == 400
    assert lab.get(NET) == before


def on_subnet(name: str, **interface: Any) -> dict[str, Any]:
    nic = {"subnetwork": f"{REGION}/subnetworks/s", **interface}
    return instance(name, networkInterfaces=[nic])


# -------------------------------------------------------------------------------- networks
def test_an_automatic_network_has_a_subnetwork_in_every_region(lab: Bench) -> None:
    network(lab, automatic=True)
    found = lab.get(NET)
    assert found["autoCreateSubnetworks"] is True
    assert len(found["subnetworks"]) == len(REGIONS)
    assert lab.get(f"{REGION}/subnetworks/mine")["ipCidrRange"] == "10.132.0.0/20"
    lab.do("DELETE", NET)
    assert lab.refusal("GET", f"{REGION}/subnetworks/mine") == MISSING


def test_a_custom_network_has_only_what_it_is_given(lab: Bench) -> None:
    network(lab)
    assert "subnetworks" not in lab.get(NET)
    bare = {"network": NET}
    body = instance("vm", networkInterfaces=[bare])
    assert lab.refusal("POST", f"{ZONE}/instances", body) == INVALID
    lab.do("POST", f"{REGION}/subnetworks", subnet())
    assert lab.get(NET)["subnetworks"] == [lab.get(f"{REGION}/subnetworks/s")["selfLink"]]
    assert [n["name"] for n in lab.get("global/networks", filter="name eq mine")["items"]] == [
        "mine"
    ]
    assert lab.refusal("POST", "global/networks", {"name": "mine"}) == TAKEN


def test_a_network_in_use_is_not_deleted(lab: Bench) -> None:
    network(lab)
    lab.do("POST", f"{REGION}/subnetworks", subnet())
    kept(lab, "subnetworks/s")
    lab.do("POST", f"{ZONE}/instances", on_subnet("vm"))
    assert lab.refusal("DELETE", f"{REGION}/subnetworks/s") == IN_USE  # its instance
    lab.do("DELETE", f"{ZONE}/instances/vm")
    lab.do("DELETE", f"{REGION}/subnetworks/s")
    allowed = [{"IPProtocol": "tcp"}]
    lab.do("POST", "global/firewalls", {"name": "f", "network": NET, "allowed": allowed})
    kept(lab, "firewalls/f")
    lab.do("DELETE", "global/firewalls/f")
    way = {"name": "r", "network": NET, "destRange": "10.64.0.0/24", "nextHopIp": "10.0.0.9"}
    lab.do("POST", "global/routes", way)
    kept(lab, "routes/r")
    lab.do("DELETE", "global/routes/r")
    lab.do("DELETE", NET)
    assert lab.refusal("GET", NET) == MISSING


def test_an_automatic_network_keeps_what_was_added_by_hand(lab: Bench) -> None:
    network(lab, automatic=True)
    lab.do("POST", f"{REGION}/subnetworks", subnet())
    kept(lab, "subnetworks/s")
    inside = subnet("t", "10.200.0.0/20")
    assert lab.refusal("POST", f"{REGION}/subnetworks", inside) == INVALID


def test_machines_stand_in_another_projects_network_by_its_subnetwork_alone(lab: Bench) -> None:
    own, lab.project = lab.project, "host-project"
    network(lab, automatic=True)
    lab.project = own
    host = "projects/host-project"
    bare = instance("vm", networkInterfaces=[{"network": f"{host}/{NET}"}])
    assert lab.refusal("POST", f"{ZONE}/instances", bare) == INVALID
    named = {"subnetwork": f"{host}/{REGION}/subnetworks/mine"}
    lab.do("POST", f"{ZONE}/instances", instance("vm", networkInterfaces=[named]))
    lab.project = "host-project"
    assert lab.refusal("DELETE", f"{REGION}/subnetworks/mine") == IN_USE
    failed = lab.fails("DELETE", NET)
    assert f"{own}/{ZONE}/instances/vm" in failed["error"]["errors"][0]["message"]


def test_alias_ranges_of_two_projects_machines_do_not_meet(lab: Bench) -> None:
    own, lab.project = lab.project, "host-project"
    network(lab)
    lab.do("POST", f"{REGION}/subnetworks", subnet(secondaryIpRanges=SECONDARY))
    path = f"projects/host-project/{REGION}/subnetworks/s"
    nic = {"subnetwork": path, "aliasIpRanges": alias("/24")}
    for lab.project in ("host-project", own):
        lab.do("POST", f"{ZONE}/instances", instance("vm", networkInterfaces=[nic]))
    assert aliases_of(lab, "vm") == ["10.64.1.0/24"]


# ----------------------------------------------------------------------------- subnetworks
SECONDARY = [
    {"rangeName": "pods-default", "ipCidrRange": "10.64.0.0/14"},
    {"rangeName": "services-default", "ipCidrRange": "10.0.0.0/16"},
]


def test_a_subnetwork_shows_its_ranges_in_every_list(lab: Bench) -> None:
    network(lab)
    lab.do("POST", f"{REGION}/subnetworks", subnet(secondaryIpRanges=SECONDARY))
    shown = lab.get(f"{REGION}/subnetworks/s")
    assert shown["secondaryIpRanges"] == SECONDARY
    assert shown["gatewayAddress"] == "10.40.0.1"
    named = lab.get(f"{REGION}/subnetworks", filter="name = s")["items"]
    aggregated = lab.get("aggregated/subnetworks", filter="name = s")["items"]
    assert named == aggregated[REGION]["subnetworks"] == [shown]


@pytest.mark.parametrize(
    "wrong",
    [
        {"cidr": "10.40.0.1/22"},  # host bits
        {"cidr": "10.40.0.0/30"},  # too small
        {"cidr": "10.40.0.0"},
        {"cidr": "ten"},
        {"cidr": "10.50.0.0/22"},  # overlaps another one's primary range
        {"cidr": "10.51.0.0/24"},  # overlaps another one's secondary range
        {"secondaryIpRanges": [{"rangeName": "a", "ipCidrRange": "10.40.1.0/24"}]},
        {"secondaryIpRanges": [{"rangeName": "A", "ipCidrRange": "10.41.1.0/24"}]},
        {"secondaryIpRanges": [{"rangeName": "a"}]},
        {
            "secondaryIpRanges": [
                {"rangeName": "a", "ipCidrRange": "10.41.1.0/24"},
                {"rangeName": "a", "ipCidrRange": "10.41.2.0/24"},
            ]
        },
        {"network": "global/networks/none"},
    ],
)
def test_a_subnetwork_that_cannot_be_is_refused(lab: Bench, wrong: dict[str, Any]) -> None:
    network(lab)
    more = [{"rangeName": "more", "ipCidrRange": "10.51.0.0/16"}]
    other = subnet("other", "10.50.0.0/20", secondaryIpRanges=more)
    lab.do("POST", f"{OTHER_REGION}/subnetworks", other)
    assert lab.refusal("POST", f"{REGION}/subnetworks", subnet(**wrong)) == INVALID
    lab.do("POST", f"{REGION}/subnetworks", subnet())


def test_what_a_subnetwork_must_say(lab: Bench) -> None:
    network(lab)
    for missing in ("network", "ipCidrRange", "name"):
        body = {key: value for key, value in subnet().items() if key != missing}
        assert lab.refusal("POST", f"{REGION}/subnetworks", body) == REQUIRED


def test_a_range_grows_and_never_shrinks(lab: Bench) -> None:
    network(lab)
    lab.do("POST", f"{REGION}/subnetworks", subnet())
    lab.do("POST", f"{REGION}/subnetworks", subnet("next", "10.40.16.0/20"))
    expand = f"{REGION}/subnetworks/s/expandIpCidrRange"
    for wrong in ("10.40.0.0/22", "10.40.0.0/23", "10.60.0.0/19", "10.40.0.0/19", "x"):
        assert lab.refusal("POST", expand, {"ipCidrRange": wrong}) == INVALID, wrong
    lab.do("POST", expand, {"ipCidrRange": "10.40.0.0/20"})
    assert lab.get(f"{REGION}/subnetworks/s")["ipCidrRange"] == "10.40.0.0/20"
    assert lab.refusal("POST", expand.replace("/s/", "/none/"), {"ipCidrRange": "x"}) == MISSING


def test_the_default_subnetwork_grows_as_big_clusters_want_it(lab: Bench) -> None:
    path = f"{REGION}/subnetworks/default"
    lab.do("POST", f"{path}/expandIpCidrRange", {"ipCidrRange": "10.132.0.0/19"})
    assert lab.get(path)["ipCidrRange"] == "10.132.0.0/19"


# --------------------------------------------------------------------------------- aliases
def alias(cidr: str, name: str = "pods-default") -> list[dict[str, str]]:
    return [{"ipCidrRange": cidr, **({"subnetworkRangeName": name} if name else {})}]


def aliases_of(lab: Bench, name: str) -> list[str]:
    found = lab.get(f"{ZONE}/instances/{name}")["networkInterfaces"][0]["aliasIpRanges"]
    return [entry["ipCidrRange"] for entry in found]


def test_each_node_gets_a_part_of_its_own(lab: Bench) -> None:
    network(lab)
    lab.do("POST", f"{REGION}/subnetworks", subnet(secondaryIpRanges=SECONDARY))
    chosen = [("a", "/24"), ("b", "10.64.1.0/24"), ("c", "/23"), ("d", "/24")]
    for name, cidr in chosen:
        lab.do("POST", f"{ZONE}/instances", on_subnet(name, aliasIpRanges=alias(cidr)))
    assert [aliases_of(lab, name) for name, _ in chosen] == [
        ["10.64.0.0/24"],
        ["10.64.1.0/24"],
        ["10.64.2.0/23"],
        ["10.64.4.0/24"],
    ]
    lab.do("DELETE", f"{ZONE}/instances/b")
    lab.do("POST", f"{ZONE}/instances", on_subnet("e", aliasIpRanges=alias("/24")))
    assert aliases_of(lab, "e") == ["10.64.1.0/24"], "what was given up is free again"
    lab.do("POST", f"{ZONE}/instances", on_subnet("f", aliasIpRanges=alias("/24")))
    assert aliases_of(lab, "f") == ["10.64.5.0/24"]


@pytest.mark.parametrize(
    "wanted",
    [
        alias("/24", "none"),
        alias("/13"),
        alias("/99"),
        alias("10.0.0.0/24"),
        alias("10.64.0.0/25"),
        alias("10.63.0.0/8"),
        alias("10.64.9.0/24") + alias("10.64.9.0/25"),
        alias("words"),
    ],
)
def test_an_alias_range_that_cannot_be_is_refused(
    lab: Bench, wanted: list[dict[str, str]]
) -> None:
    network(lab)
    lab.do("POST", f"{REGION}/subnetworks", subnet(secondaryIpRanges=SECONDARY))
    lab.do("POST", f"{ZONE}/instances", on_subnet("a", aliasIpRanges=alias("/24")))
    body = on_subnet("b", aliasIpRanges=wanted)
    assert lab.refusal("POST", f"{ZONE}/instances", body) == INVALID


def test_a_range_that_is_used_up_says_so(lab: Bench) -> None:
    network(lab)
    small = [{"rangeName": "pods-default", "ipCidrRange": "10.64.0.0/23"}]
    lab.do("POST", f"{REGION}/subnetworks", subnet(secondaryIpRanges=small))
    for name in ("a", "b"):
        lab.do("POST", f"{ZONE}/instances", on_subnet(name, aliasIpRanges=alias("/24")))
    body = on_subnet("c", aliasIpRanges=alias("/24"))
    assert lab.refusal("POST", f"{ZONE}/instances", body) == INVALID


# ---------------------------------------------------------------------------------- routes
def route(name: str = "r", **more: Any) -> dict[str, Any]:
    hop = {"nextHopInstance": f"{ZONE}/instances/node", "destRange": "10.64.3.0/24"}
    return {"name": name, "network": "global/networks/default", **hop, **more}


def test_a_route_outlives_its_instance_and_says_so(lab: Bench) -> None:
    lab.instance("node", canIpForward=True)
    lab.do("POST", "global/routes", route())
    shown = lab.get("global/routes/r")
    assert (shown["priority"], shown["destRange"]) == (1000, "10.64.3.0/24")
    assert "warnings" not in shown
    lab.do("DELETE", f"{ZONE}/instances/node")
    assert [w["code"] for w in lab.get("global/routes/r")["warnings"]] == [
        "NEXT_HOP_INSTANCE_NOT_FOUND"
    ]
    lab.instance("node")
    assert [w["code"] for w in lab.get("global/routes/r")["warnings"]] == [
        "NEXT_HOP_CANNOT_IP_FORWARD"
    ]


def test_routes_are_found_by_name_and_network(lab: Bench) -> None:
    lab.instance("node", canIpForward=True)
    guid = "kubernetes-6f8b1c2e-0000-11ec-9621-0242ac130002"
    for name in (guid, "other"):
        lab.do("POST", "global/routes", route(name))
    link = lab.get("global/networks/default")["selfLink"]
    for wanted in ('name eq "kubernetes-.{8}-.{4}-.{4}-.{4}-.{12}"', f'name="{guid}"'):
        found = lab.get("global/routes", filter=wanted)["items"]
        assert [r["name"] for r in found] == [guid]
    assert len(lab.get("global/routes", filter=f'network eq "{link}"')["items"]) == 2
    first = lab.get("global/routes", maxResults="1")
    second = lab.get("global/routes", maxResults="1", pageToken=first["nextPageToken"])
    assert [r["name"] for r in first["items"] + second["items"]] == [guid, "other"]


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"nextHopIp": "10.0.0.9"}, INVALID),  # a second next hop
        ({"nextHopInstance": None}, INVALID),
        ({"nextHopInstance": f"{ZONE}/instances/none"}, MISSING),
        ({"nextHopInstance": None, "nextHopGateway": "global/gateways/mine"}, INVALID),
        ({"nextHopInstance": None, "nextHopIlb": "10.0.0.9"}, (501, "notImplemented")),
        ({"destRange": "10.64.3.1/24"}, INVALID),
        ({"destRange": None}, REQUIRED),
        ({"network": "global/networks/none"}, INVALID),
    ],
)
def test_a_route_that_cannot_be_is_refused(
    lab: Bench, wrong: dict[str, Any], refusal: tuple[int, str]
) -> None:
    lab.instance("node")
    assert lab.refusal("POST", "global/routes", route(**wrong)) == refusal


def test_a_way_to_the_internet_is_taken(lab: Bench) -> None:
    gateway = "global/gateways/default-internet-gateway"
    body = {"name": "r", "destRange": "0.0.0.0/0", "nextHopGateway": gateway}
    lab.do("POST", "global/routes", body)
    assert lab.get("global/routes/r")["nextHopGateway"].endswith(gateway)


# ------------------------------------------------------------------------------ scheduling
@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ({}, (True, "MIGRATE", False, "STANDARD")),
        ({"preemptible": True}, (False, "TERMINATE", True, "STANDARD")),
        ({"provisioningModel": "SPOT"}, (False, "TERMINATE", True, "SPOT")),
        ({"automaticRestart": False}, (False, "MIGRATE", False, "STANDARD")),
    ],
)
def test_a_spot_instance_says_what_it_is(
    lab: Bench, wanted: dict[str, Any], shown: tuple[object, ...]
) -> None:
    scheduling = lab.instance("vm", scheduling=wanted, canIpForward=True)["scheduling"]
    keys = ("automaticRestart", "onHostMaintenance", "preemptible", "provisioningModel")
    assert tuple(scheduling[key] for key in keys) == shown
    assert lab.get(f"{ZONE}/instances/vm")["canIpForward"] is True


def test_what_may_be_taken_away_does_not_restart_by_itself(lab: Bench) -> None:
    for wrong in ({"automaticRestart": True}, {"onHostMaintenance": "MIGRATE"}):
        body = instance("vm", scheduling={"preemptible": True, **wrong})
        assert lab.refusal("POST", f"{ZONE}/instances", body) == INVALID
