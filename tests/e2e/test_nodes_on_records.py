"""Worker nodes through the real program: they come with the cluster, and go with it or alone."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.end_states import lock_and_operation
from tests.e2e.lab_on_records import PROJECT, B, C, D, Desk, ServedLab, lab_on_records, warm_up
from tests.process.waiting import until

pytestmark = pytest.mark.forks

GROUP = "kubernetes-minion-group"
TEMPLATE = "kubernetes-minion-template"
RULES = {
    "kubernetes-minion-all",
    "kubernetes-default-internal-master",
    "kubernetes-default-internal-node",
}
NODES = {"KUBE_CREATE_NODES": "true"}


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Iterator[Desk]:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        yield Desk(folder=tmp_path / "desk", lab=lab, exported=NODES)


def of_kind(lab: ServedLab, kind: str) -> dict[str, dict[str, Any]]:
    """Return a kind's records by short path, without the project."""
    return {
        path.split("/", 2)[2]: record
        for path, record in lab.dump().items()
        if record["kind"] == f"compute#{kind}"
    }


def nodes_by_zone(lab: ServedLab) -> Counter[str]:
    return Counter(path.split("/")[1] for path in of_kind(lab, "instance") if f"/{GROUP}" in path)


def methods(lab: ServedLab) -> list[str]:
    return [call["method"] for call in lab.calls()]


def does(desk: Desk, *argv: str, **variables: str) -> dict[str, Any]:
    ended = desk.run(*argv, "--output", "json", **variables)
    assert ended.status == 0, ended.stderr
    assert not lock_and_operation(desk.lab), ended
    return ended.result()


def test_kube_up_makes_three_nodes_unless_told_otherwise_and_kube_down_takes_all(
    desk: Desk,
) -> None:
    assert desk.status()["verdict"] == "absent"
    untouched = desk.lab.dump()
    does(desk, "up", KUBE_GCE_ZONE=B)
    assert nodes_by_zone(desk.lab) == {B: 3}
    assert desk.status()["nodes"] == [{"group": GROUP, "zone": B, "wanted": 3, "running": 3}]
    (template,) = of_kind(desk.lab, "instanceTemplate").values()
    assert template["name"] == TEMPLATE
    assert template["properties"]["tags"]["items"] == ["kubernetes-minion"]
    assert {r["name"] for r in of_kind(desk.lab, "firewall").values()} >= RULES
    order = methods(desk.lab)
    assert order.index("instances.insert") < order.index("instanceTemplates.insert")
    before = len(order)
    assert desk.up(B).status == 0
    assert len(desk.lab.calls()) == before, "repeated, it changes nothing"

    does(desk, "down", KUBE_GCE_ZONE=B)
    assert desk.lab.dump() == untouched
    assert desk.lab.calls()[-1]["method"] == "addresses.delete"


def test_replicate_and_remove_never_touch_nodes(desk: Desk) -> None:
    does(desk, "up", KUBE_GCE_ZONE=B, NUM_NODES="2")
    nodes = {p: r["id"] for p, r in of_kind(desk.lab, "instance").items() if f"/{GROUP}" in p}
    assert len(nodes) == 2
    new = str(does(desk, "up", KUBE_GCE_ZONE=C, KUBE_REPLICATE_EXISTING_MASTER="true")["replica"])
    does(desk, "down", KUBE_GCE_ZONE=B, KUBE_DELETE_NODES="false")
    left = {p: r["id"] for p, r in of_kind(desk.lab, "instance").items()}
    assert left.keys() - nodes.keys() == {f"zones/{C}/instances/{new}"}
    assert nodes.items() <= left.items()
    touched = [m for m in methods(desk.lab) if "Template" in m or "Manager" in m]
    assert touched == ["instanceTemplates.insert", "instanceGroupManagers.insert"]


def test_nodes_are_added_in_another_zone_and_deleted_there_alone(desk: Desk) -> None:
    refused = desk.up(C, KUBE_USE_EXISTING_MASTER="true")
    assert refused.status == 3, refused
    does(desk, "up", KUBE_GCE_ZONE=B, NUM_NODES="1")
    does(desk, "up", KUBE_GCE_ZONE=C, KUBE_USE_EXISTING_MASTER="true", NUM_NODES="2")
    assert nodes_by_zone(desk.lab) == {B: 1, C: 2}
    assert methods(desk.lab).count("instanceTemplates.insert") == 1, "the template is reused"

    again = len(desk.lab.calls())
    ended = desk.up(C, KUBE_USE_EXISTING_MASTER="true", NUM_NODES="4")
    assert ended.status == 0, ended
    assert "keeps them" in ended.stdout
    assert len(desk.lab.calls()) == again

    shown = desk.down(C, KUBE_DELETE_NODES="true")
    assert shown.status == 0, shown
    assert nodes_by_zone(desk.lab) == {B: 1}
    assert of_kind(desk.lab, "instanceTemplate"), "other zones' groups use it"
    assert desk.status()["verdict"] == "healthy"

    repeated = desk.down(C, KUBE_DELETE_NODES="true")
    assert repeated.status == 3, repeated
    assert "NothingInZone" in repeated.stdout or "neither a master nor nodes" in repeated.stdout
    assert desk.status()["verdict"] == "healthy"


def test_the_template_goes_with_the_last_group_and_comes_back_with_the_next(desk: Desk) -> None:
    does(desk, "up", KUBE_GCE_ZONE=B, KUBE_CREATE_NODES="false")
    assert not of_kind(desk.lab, "instanceTemplate")
    assert not RULES & {r["name"] for r in of_kind(desk.lab, "firewall").values()}
    for _ in range(2):
        does(desk, "up", KUBE_GCE_ZONE=D, KUBE_USE_EXISTING_MASTER="true", NUM_NODES="1")
        assert nodes_by_zone(desk.lab) == {D: 1}
        does(desk, "down", KUBE_GCE_ZONE=D)
        assert not of_kind(desk.lab, "instanceTemplate")
        assert not of_kind(desk.lab, "instanceGroupManager")
    assert desk.status()["verdict"] == "healthy"


def test_teardown_takes_nodes_of_all_zones(desk: Desk) -> None:
    assert desk.status()["verdict"] == "absent"
    untouched = desk.lab.dump()
    does(desk, "up", KUBE_GCE_ZONE=B, NUM_NODES="1")
    does(desk, "up", KUBE_GCE_ZONE=C, KUBE_USE_EXISTING_MASTER="true", NUM_NODES="1")
    does(desk, "down", KUBE_GCE_ZONE=B)
    assert desk.lab.dump() == untouched


def test_nodes_are_split_as_the_original_did(desk: Desk) -> None:
    does(desk, "up", KUBE_GCE_ZONE=B, NUM_NODES="5", MAX_INSTANCES_PER_MIG="2")
    sizes = {
        r["name"]: r["targetSize"] for r in of_kind(desk.lab, "instanceGroupManager").values()
    }
    assert sizes == {f"{GROUP}-1": 1, f"{GROUP}-2": 2, GROUP: 2}
    assert nodes_by_zone(desk.lab) == {B: 5}


def by_hand(desk: Desk, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Send the lab a request that is none of the program's; return its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", desk.lab.port, timeout=10)
    text = None if body is None else json.dumps(body)
    headers = {"Content-Type": "application/json"} if body else {}
    connection.request(verb, f"/compute/v1/projects/{PROJECT}/{path}", text, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == 200, content
    return json.loads(content)


def route(name: str, to: str) -> dict[str, Any]:
    return {
        "name": name,
        "network": f"projects/{PROJECT}/global/networks/default",
        "destRange": "10.64.1.0/24",
        "nextHopInstance": f"projects/{PROJECT}/{to}",
        "description": "k8s-node-route",
    }


def test_teardown_takes_strays_and_the_clusters_routes_and_nothing_of_others(desk: Desk) -> None:
    """A VM that its group has let go, routes of pods; and another cluster's beside them."""
    assert desk.status()["verdict"] == "absent"
    untouched = desk.lab.dump()
    does(desk, "up", KUBE_GCE_ZONE=B, NUM_NODES="1")
    (node,) = (p for p in of_kind(desk.lab, "instance") if f"/{GROUP}" in p)
    uuid = "0f1e2d3c-0000-4000-8000-00000000000a"
    mine, others = f"kubernetes-{uuid}", f"kubernetes-two-{uuid}"
    by_hand(desk, "POST", "global/routes", route(mine, node))
    by_hand(desk, "POST", "global/routes", route(others, node))
    (template,) = of_kind(desk.lab, "instanceTemplate").values()
    body = {
        "name": f"{GROUP}-7-left",
        "machineType": f"zones/{C}/machineTypes/e2-standard-2",
        "disks": [{"boot": True, "autoDelete": True, "initializeParams": {"diskSizeGb": "10"}}],
        "networkInterfaces": [{"network": "global/networks/default"}],
        "labels": template["properties"]["labels"],
    }
    by_hand(desk, "POST", f"zones/{C}/instances", body)
    by_hand(
        desk, "POST", f"zones/{C}/instances", {**body, "name": f"{GROUP}-8-kept", "labels": {}}
    )

    ended = desk.down(B, HAKUBE_CONFIRM_TEARDOWN="kubernetes")
    assert ended.status == 0, ended
    left = desk.lab.dump().keys() - untouched.keys()
    assert {path.rpartition("/")[2] for path in left} == {others, f"{GROUP}-8-kept"}


def test_what_stands_where_nodes_are_to_be_is_refused_before_anything_is_made(desk: Desk) -> None:
    """A template of our name in another region's or another program's use."""
    assert desk.status()["verdict"] == "absent"
    body = {
        "name": TEMPLATE,
        "properties": {
            "machineType": "e2-standard-2",
            "disks": [{"boot": True, "initializeParams": {"diskSizeGb": "10"}}],
            "networkInterfaces": [{"network": f"projects/{PROJECT}/global/networks/default"}],
        },
    }
    by_hand(desk, "POST", "global/instanceTemplates", body)
    before = desk.lab.dump()
    refused = desk.up(B)
    assert refused.status == 4, refused
    assert TEMPLATE in refused.stdout
    assert desk.lab.dump() == before
    does(desk, "up", KUBE_GCE_ZONE=B, KUBE_CREATE_NODES="false")
    does(desk, "up", KUBE_GCE_ZONE=C, KUBE_REPLICATE_EXISTING_MASTER="true")
    does(desk, "down", KUBE_GCE_ZONE=B, HAKUBE_CONFIRM_TEARDOWN="kubernetes")
    assert desk.lab.dump() == before, "neither replicating nor tearing down minds or takes it"


@pytest.mark.slow
def test_a_group_without_quota_says_so_while_it_is_waited_for(desk: Desk) -> None:
    assert desk.status()["verdict"] == "absent"
    desk.lab.admin("POST", "quotas", {"INSTANCES": 2})
    running = desk.begin(["up"], {"KUBE_GCE_ZONE": B})
    said = "1 of 3 run; 2 creating. Compute Engine says QUOTA_EXCEEDED: Quota 'INSTANCES'"
    until(running.out.exists, "it has begun")
    until(lambda: said in running.out.read_text(encoding="utf-8"), said, timeout_s=40)
    desk.lab.admin("POST", "quotas", {"INSTANCES": 20})
    ended = running.wait()
    assert ended.status == 0, ended
    assert ended.stdout.count(said) == 1
    assert nodes_by_zone(desk.lab) == {B: 3}


def killed_after(desk: Desk, steps: int, *argv: str, **variables: str) -> bool:
    """Run a command that dies after so many finished steps; tell whether it did."""
    ended = desk.begin(argv, variables, fuse=steps).wait()
    assert ended.status in {-9, 0}, ended
    # as the next command would ask for: the kubeconfig is written while nodes are being made
    desk.kubeconfig.with_name("kubeconfig.lock").unlink(missing_ok=True)
    return ended.status != 0


@pytest.mark.slow
def test_killed_among_the_nodes_the_same_command_goes_on(desk: Desk) -> None:
    assert desk.status()["verdict"] == "absent"
    untouched = desk.lab.dump()
    deaths = 0
    for steps in (11, 12, 13):  # of fourteen; the last ones are the template and the groups
        deaths += killed_after(desk, steps, "up", KUBE_GCE_ZONE=B)
        does(desk, "up", KUBE_GCE_ZONE=B)
        assert nodes_by_zone(desk.lab) == {B: 3}
        add = {"KUBE_GCE_ZONE": C, "KUBE_USE_EXISTING_MASTER": "true", "NUM_NODES": "1"}
        deaths += killed_after(desk, 1, "up", **add)
        does(desk, "up", **add)
        assert nodes_by_zone(desk.lab) == {B: 3, C: 1}
        deaths += killed_after(desk, steps - 10, "down", KUBE_GCE_ZONE=C)
        desk.down(C)
        assert nodes_by_zone(desk.lab) == {B: 3}
        deaths += killed_after(desk, steps - 10, "down", KUBE_GCE_ZONE=B)
        does(desk, "down", KUBE_GCE_ZONE=B)
        assert desk.lab.dump() == untouched
    assert deaths >= 8


def test_join_nodes_takes_the_keys_from_a_master_and_says_who_has_not_asked(desk: Desk) -> None:
    """In a lab nothing runs on nodes: they never ask."""
    for never in ("nan", "-1", "1e9"):
        assert desk.run("join-nodes", f"--wait={never}", KUBE_GCE_ZONE=B).status == 2
    nobody = desk.run("join-nodes", KUBE_GCE_ZONE=B)
    assert nobody.status == 3, nobody
    does(desk, "up", KUBE_GCE_ZONE=B, NUM_NODES="2")
    desk.forget()
    found = does(desk, "join-nodes", KUBE_GCE_ZONE=B)
    assert (found["changed"], len(found["nodes"]["silent"])) == (False, 2)
    assert list(desk.home.rglob("*.json")), "the keys are here now"
    before = len(desk.lab.calls())
    waited = desk.run("join-nodes", "--wait", "0.1", KUBE_GCE_ZONE=B)
    assert (waited.status, len(desk.lab.calls())) == (9, before)
    assert "2 of 2 nodes have not asked" in waited.stderr
    assert waited.stderr.splitlines()[-1].endswith("hakube join-nodes --wait 0.1")
