"""What others own and did: strangers with our names, namesakes, a VM deleted by hand."""

import http.client
import json
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.lab_on_records import PROJECT, B, C, D, Desk, ServedLab, lab_on_records, warm_up
from tests.e2e.refusing import REMOVE, REPLICATE, named, refused

pytestmark = pytest.mark.forks


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An operator with one cluster, in a project full of strangers."""
    warm_up()
    root = tmp_path_factory.mktemp("strangers")
    with lab_on_records(root / "lab") as lab:
        desk = Desk(folder=root / "desk", lab=lab)
        made = desk.run("up", **named("one", B))
        assert made.status == 0, made
        yield desk


def make(lab: ServedLab, path: str, body: Mapping[str, object]) -> None:
    """Make a resource as somebody else would, and see it done."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=10)
    try:
        base = f"/compute/v1/projects/{PROJECT}"
        for verb, where, said in (("POST", path, body), ("GET", path, {})):
            headers = {"Content-Type": "application/json"}
            connection.request(verb, f"{base}/{where}", body=json.dumps(said), headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content
    finally:
        connection.close()


def delete(lab: ServedLab, path: str) -> None:
    """Delete a resource as somebody would in the console, and see it gone."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=10)
    try:
        connection.request("DELETE", f"/compute/v1/projects/{PROJECT}/{path}")
        assert connection.getresponse().status == 200
    finally:
        connection.close()
    deadline = time.monotonic() + 10
    while any(record.endswith(path) for record in lab.dump()):
        assert time.monotonic() < deadline, f"{path} is still there"


STRANGERS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "address": ("regions/europe-west1/addresses", {"name": "alien0-master-ip"}),
    "firewall": (
        "global/firewalls",
        {"name": "alien1-master-https", "allowed": [{"IPProtocol": "tcp", "ports": ["80"]}]},
    ),
    "disk": (f"zones/{C}/disks", {"name": "alien2-master-pd", "sizeGb": "10"}),
    "group": (f"zones/{B}/instanceGroups", {"name": f"alien3-master-{B}"}),
    "health check": (
        "regions/europe-west1/healthChecks",
        {"name": "alien4-master", "type": "TCP", "tcpHealthCheck": {"port": 80}},
    ),
    "target pool": ("regions/europe-west1/targetPools", {"name": "alien6-master"}),
    "legacy health check": ("global/httpHealthChecks", {"name": "alien7-master"}),
    "instance": (
        f"zones/{B}/instances",
        {
            "name": "alien5-master",
            "machineType": f"zones/{B}/machineTypes/e2-small",
            "disks": [
                {
                    "boot": True,
                    "initializeParams": {
                        "sourceImage": "projects/debian-cloud/global/images/family/debian-12"
                    },
                }
            ],
            "networkInterfaces": [{"network": "global/networks/default"}],
        },
    ),
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_bears_our_name_and_is_not_ours_is_a_conflict(kind: str, desk: Desk) -> None:
    path, body = STRANGERS[kind]
    make(desk.lab, path, body)
    prefix = str(body["name"]).partition("-")[0]
    for argv in ("up", "up --dry-run"):
        ended = refused(desk, argv.split(), named(prefix, B))
        assert ended.status == 4, ended
        assert str(body["name"]) in ended.stdout
    # and a teardown of a cluster that is not there leaves the stranger alone
    gone = refused(desk, ["down"], named(prefix, B))
    assert gone.status in {0, 4}, gone


ORIGINAL = "old-master"
"""A cluster of the original scripts: its VM carries their kube-env and nobody's mark."""


@pytest.mark.parametrize("shape", [{}, {"HAKUBE_LB": "target-pool"}], ids=["service", "pool"])
def test_a_cluster_of_the_original_scripts_and_its_pool_are_never_changed(
    shape: Mapping[str, str], tmp_path: Path
) -> None:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        desk = Desk(folder=tmp_path / "desk", lab=lab)
        desk.status()
        _, vm = STRANGERS["instance"]
        metadata = {"items": [{"key": "kube-env", "value": "A: b"}]}
        make(lab, f"zones/{B}/instances", {**vm, "name": ORIGINAL, "metadata": metadata})
        region, instance = "regions/europe-west1", f"zones/{B}/instances/{ORIGINAL}"
        make(lab, f"{region}/targetPools", {"name": ORIGINAL, "instances": [instance]})
        rule = {"name": ORIGINAL, "target": f"{region}/targetPools/{ORIGINAL}"}
        make(lab, f"{region}/forwardingRules", {**rule, "portRange": "443"})
        shown = desk.run("status", **named("old", B))
        assert shown.status == 0, shown
        assert "made by the original kube-up scripts" in shown.stdout
        for argv, more in (
            ("up", dict(shape)),
            ("up", {**shape, **REPLICATE}),
            ("down", {}),
            ("down", REMOVE),
        ):
            ended = refused(desk, [argv, "--output", "json"], named("old", B, **more))
            assert (ended.status, ended.result()["reasons"]) == (4, ["MadeByKubeUp"]), ended


def test_a_master_whose_vm_somebody_deleted_can_be_removed_and_replaced(tmp_path: Path) -> None:
    """It still counts in etcd; the refusal to add prints the command that ends that."""
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        desk = Desk(folder=tmp_path / "desk", lab=lab)
        assert desk.up(B).status == 0
        assert desk.replicate(C).status == 0
        third = desk.replicate(D, HAKUBE_STRICT="true")
        assert third.status == 0, third
        lost = next(r["name"] for r in desk.status()["replicas"] if r["zone"] == D)
        delete(lab, f"zones/{D}/instances/{lost}")
        assert desk.status()["verdict"] == "at-risk"

        adding = desk.run("up", "--output", "json", **named("kubernetes", D, **REPLICATE))
        assert (adding.status, adding.result()["reasons"]) == (5, ["DeadVoter"]), adding
        words = shlex.split(adding.result()["next_command"])
        removed = desk.run("down", **dict(word.split("=", 1) for word in words[:-1]))
        assert removed.status == 0, removed
        assert not [path for path in lab.dump() if lost in path], "something of it is left"
        assert desk.replicate(D).status == 0
        assert desk.status()["verdict"] == "healthy"


@pytest.mark.slow
def test_one_clusters_whole_life_leaves_its_namesake_as_it_was(tmp_path: Path) -> None:
    """``kubernetes`` and ``test-kubernetes``: each name contains the other's masters' names."""
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        desk = Desk(folder=tmp_path / "desk", lab=lab)
        for quiet, busy in (("test-kubernetes", "kubernetes"), ("kubernetes", "test-kubernetes")):
            _live_and_die(desk, quiet=quiet, busy=busy)


def _live_and_die(desk: Desk, *, quiet: str, busy: str) -> None:
    untouched = desk.run("status", "--output", "json", **named(quiet, B))
    assert untouched.result()["verdict"] == "absent", untouched
    for zone in (B, C):
        more = REPLICATE if zone != B else {}
        assert desk.run("up", **named(quiet, zone, **more)).status == 0
    before = json.dumps(desk.lab.dump())
    for argv, variables in (
        ("up", named(busy, B)),
        ("up", named(busy, C, **REPLICATE)),
        ("down", named(busy, B, **REMOVE)),
        ("down", named(busy, C)),
    ):
        ended = desk.run(argv, **variables)
        assert ended.status == 0, ended
        mine = {p: r for p, r in desk.lab.dump().items() if p in json.loads(before)}
        assert json.dumps(mine) == before
    assert json.dumps(desk.lab.dump()) == before
    for variables in (named(quiet, C, **REMOVE), named(quiet, B)):
        assert desk.run("down", **variables).status == 0
