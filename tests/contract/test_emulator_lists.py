"""Lists: pages, filters of both dialects, aggregation, and what is on Google's shelves."""

from collections.abc import Iterator

import pytest

from hakube_gce.emulator import filters
from hakube_gce.emulator.catalog import MACHINE_TYPES, REGIONS, ZONES
from hakube_gce.emulator.refusals import Refusal
from tests.contract.emulator_bench import OTHER_ZONE, REGION, ZONE, Bench, bench

RECORD = {"name": "kube-master", "status": "RUNNING", "labels": {"owner": "me"}, "sizeGb": "20"}


@pytest.fixture
def lab() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("name eq kube-master", True),
        ("name eq kube.*", True),
        ("name eq kube", False),  # the whole value must match
        ('name eq "kube-(master|node)"', True),
        ("name ne kube.*", False),
        ("nothing ne x", True),
        ("(name eq kube.*) (status eq RUNNING)", True),
        ("(name eq kube.*) (status eq STOPPED)", False),
        ("name = kube-master", True),
        ("name=kube-master", True),
        ("name = kube", False),
        ("name != other", True),
        ("labels.owner = me", True),
        ('labels.owner="me" AND status="RUNNING"', True),
        ("labels.owner=me AND status=STOPPED", False),
        ("labels.owner:*", True),
        ("labels.team:*", False),
        ("name:master", True),
        ("(status = RUNNING) AND (sizeGb = 20)", True),
    ],
)
def test_a_filter_of_either_dialect_is_obeyed(text: str, fits: bool) -> None:
    assert filters.parse(text)(RECORD) is fits


@pytest.mark.parametrize(
    "text",
    ["name", "name eq", "name > 5", "name eq a OR name eq b", "name eq a AND status = b",
     "(name eq a", "name eq (a", "NOT name = a", "= a", 'name eq "["'],
)  # fmt: skip
def test_a_filter_beyond_the_supported_part_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        filters.parse(text)
    assert (refused.value.status, refused.value.reason) == (400, "invalid")


def test_a_list_comes_in_pages_that_neither_repeat_nor_skip(lab: Bench) -> None:
    names = [f"d{number}" for number in range(7)]
    for name in names:
        lab.disk(name)
    path, seen, token = f"{ZONE}/disks", [], ""
    while True:
        page = lab.get(path, maxResults="3", pageToken=token)
        seen += [disk["name"] for disk in page["items"]]
        if "d4" not in seen and "d2" in seen:
            lab.do("DELETE", f"{path}/d2")  # the last one of the page is gone before the next
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert seen == names


def test_an_empty_list_has_no_items(lab: Bench) -> None:
    answer = lab.get(f"{ZONE}/disks")
    assert "items" not in answer
    assert answer["kind"] == "compute#diskList"


@pytest.mark.parametrize(
    "query",
    [{"maxResults": "501"}, {"maxResults": "-1"}, {"maxResults": "x"}, {"pageToken": "?"},
     {"orderBy": "status"}, {"filter": "name ~ x"}],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(lab: Bench, query: dict[str, str]) -> None:
    assert lab.refusal("GET", f"{ZONE}/disks", None, **query) == (400, "invalid")


def test_a_list_can_be_ordered_by_age(lab: Bench) -> None:
    for name in ("b", "a", "c"):
        lab.disk(name)
        lab.clock.advance(1)
    items = lab.get(f"{ZONE}/disks", orderBy="creationTimestamp desc")["items"]
    assert [disk["name"] for disk in items] == ["c", "a", "b"]


def test_an_aggregated_list_names_every_scope(lab: Bench) -> None:
    lab.disk("here")
    lab.disk("there", OTHER_ZONE)
    answer = lab.get("aggregated/disks")
    assert set(answer["items"]) == {f"zones/{zone}" for zone in ZONES}
    full = {scope for scope, found in answer["items"].items() if "disks" in found}
    assert full == {ZONE, OTHER_ZONE}
    assert answer["items"]["zones/us-east1-b"]["warning"]["code"] == "NO_RESULTS_ON_PAGE"


def test_an_aggregated_list_comes_in_pages(lab: Bench) -> None:
    lab.disk("here")
    lab.disk("there", OTHER_ZONE)
    first = lab.get("aggregated/disks", maxResults="1")
    second = lab.get("aggregated/disks", maxResults="1", pageToken=first["nextPageToken"])
    assert "disks" in first["items"][ZONE]
    assert "disks" not in first["items"][OTHER_ZONE]
    assert "disks" in second["items"][OTHER_ZONE]
    assert "nextPageToken" not in second


@pytest.mark.parametrize(
    "kind",
    ["addresses", "disks", "forwardingRules", "instanceGroups", "instances", "machineTypes",
     "operations", "subnetworks", "targetPools"],
)  # fmt: skip
def test_aggregated_lists_are_what_google_knows(lab: Bench, kind: str) -> None:
    lab.address()
    lab.instance("vm")
    lab.group("g", members=("vm",))
    lab.rule("r", lab.service())
    lab.do("POST", f"{REGION}/targetPools", {"name": "p"})
    found = lab.get(f"aggregated/{kind}")["items"].values()
    assert any(kind in scope for scope in found), "strictly parsed, and not empty"


def test_every_list_is_what_google_knows(lab: Bench) -> None:
    lab.instance("vm", labels={"a": "b"}, tags={"items": ["t", "s", "t"]})
    lab.address()
    lab.rule("r", lab.service(groups=(lab.group("g", members=("vm",)),)))
    lab.do("POST", "global/firewalls", {"name": "f", "allowed": [{"IPProtocol": "tcp"}]})
    for path in (
        "zones", "regions", f"{ZONE}/machineTypes", "global/networks", f"{REGION}/subnetworks",
        "global/firewalls", f"{REGION}/addresses", f"{ZONE}/disks", f"{ZONE}/instances",
        f"{ZONE}/instanceGroups", f"{REGION}/healthChecks", f"{REGION}/backendServices",
        f"{REGION}/forwardingRules", f"{ZONE}/operations", f"{REGION}/operations",
        "global/operations", "projects/debian-cloud/global/images",
    ):  # fmt: skip
        assert lab.get(path)["items"], path
    assert lab.get(f"{ZONE}/instances/vm")["tags"]["items"] == ["s", "t"]


def test_a_project_has_its_default_network_from_the_start(lab: Bench) -> None:
    network = lab.get("global/networks/default")
    assert len(network["subnetworks"]) == len(REGIONS)
    subnet = lab.get(f"{REGION}/subnetworks/default")
    assert subnet["network"] == network["selfLink"]


def test_a_default_network_that_was_deleted_stays_away(lab: Bench) -> None:
    lab.do("DELETE", "global/networks/default")
    assert lab.refusal("GET", "global/networks/default") == (404, "notFound")


def test_projects_do_not_see_each_other(lab: Bench) -> None:
    lab.disk("mine")
    lab.project = "other-project"
    assert "items" not in lab.get(f"{ZONE}/disks")


def test_quotas_count_what_is_there(lab: Bench) -> None:
    lab.address()
    lab.instance("vm")
    lab.disk("d")
    usage = {q["metric"]: q["usage"] for q in lab.get(REGION)["quotas"]}
    assert usage["STATIC_ADDRESSES"] == 1
    assert usage["INSTANCES"] == 1
    assert usage["DISKS_TOTAL_GB"] == 30
    elsewhere = {q["metric"]: q["usage"] for q in lab.get("regions/us-east1")["quotas"]}
    assert set(elsewhere.values()) == {0}


def test_the_shelves_hold_what_clusters_need(lab: Bench) -> None:
    assert lab.get("zones/europe-west1-b")["region"].endswith("/regions/europe-west1")
    assert len(lab.get(REGION)["zones"]) == 3
    for name in MACHINE_TYPES:
        assert lab.get(f"{ZONE}/machineTypes/{name}")["name"] == name
    for project, family in (
        ("debian-cloud", "debian-12"),
        ("ubuntu-os-cloud", "ubuntu-2404-lts-amd64"),
        ("cos-cloud", "cos-stable"),
    ):
        image = lab.get(f"projects/{project}/global/images/family/{family}")
        path = f"projects/{project}/global/images/{image['name']}"
        assert lab.get(path) == image


@pytest.mark.parametrize(
    "image",
    [
        "projects/debian-cloud/global/images/family/debian-12",
        "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/images/family/debian-12",
        "http://127.0.0.1:1/compute/v1/projects/debian-cloud/zones/-/imageFamilyViews/debian-12",
        "projects/cos-cloud/global/images/cos-stable-60-9592-90-0",
    ],
)
def test_an_image_may_be_referred_to_in_all_the_ways_clients_do(lab: Bench, image: str) -> None:
    lab.do("POST", f"{ZONE}/disks", {"name": "d", "sourceImage": image})
    assert lab.get(f"{ZONE}/disks/d")["sizeGb"] == "10"


def test_operations_can_be_listed_and_forgotten(lab: Bench) -> None:
    operation = lab.do("POST", f"{ZONE}/disks", {"name": "d"})
    path = f"{ZONE}/operations/{operation['name']}"
    assert lab.get(f"{ZONE}/operations")["items"][0]["name"] == operation["name"]
    assert operation["targetId"] == lab.get(f"{ZONE}/disks/d")["id"]
    lab.ask("DELETE", path)
    assert lab.refusal("GET", path) == (404, "notFound")
