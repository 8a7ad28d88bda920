"""The hollow API server keeps Kubernetes' promises about objects, on a real etcd."""

import base64
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from tests.process.masters import Hollow, ask

pytestmark = pytest.mark.process

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
_numbers = itertools.count()


@pytest.fixture
def name() -> str:
    return f"map-{next(_numbers)}"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"test": name}},
        "data": data,
    }


def test_what_was_created_is_read_back_with_uid_time_and_version(
    hollow: Hollow, name: str
) -> None:
    made = hollow.ask("POST", CONFIG_MAPS, config_map(name, a="1"))
    assert made.status == 201
    read = hollow.ask("GET", f"{CONFIG_MAPS}/{name}")
    assert (read.status, read.json()) == (200, made.json())
    meta = read.json()["metadata"]
    assert meta["namespace"] == "default"
    assert len(meta["uid"]) == 36
    assert meta["creationTimestamp"].endswith("Z")
    assert int(meta["resourceVersion"]) > 0


def test_the_object_stands_in_etcd_where_kubernetes_puts_it(hollow: Hollow, name: str) -> None:
    made = hollow.ask("POST", CONFIG_MAPS, config_map(name)).json()
    key = f"/registry/configmaps/default/{name}"
    encoded = base64.b64encode(key.encode()).decode()
    (kv,) = hollow.member.ask("kv/range", {"key": encoded})["kvs"]
    assert kv["mod_revision"] == made["metadata"]["resourceVersion"]


def test_creating_again_is_a_conflict(hollow: Hollow, name: str) -> None:
    hollow.ask("POST", CONFIG_MAPS, config_map(name))
    again = hollow.ask("POST", CONFIG_MAPS, config_map(name))
    assert (again.status, again.json()["reason"]) == (409, "AlreadyExists")
    assert again.json()["message"] == f'configmaps "{name}" already exists'


def test_many_who_create_the_same_have_one_winner(hollow: Hollow, name: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(
                lambda i: hollow.ask("POST", CONFIG_MAPS, config_map(name, who=str(i))).status,
                range(8),
            )
        )
    assert sorted(statuses) == [201] + [409] * 7


def test_an_update_based_on_an_old_version_is_refused(hollow: Hollow, name: str) -> None:
    old = hollow.ask("POST", CONFIG_MAPS, config_map(name, a="1")).json()
    path = f"{CONFIG_MAPS}/{name}"
    new = hollow.ask("PUT", path, old | {"data": {"a": "2"}})
    assert new.status == 200
    assert int(new.json()["metadata"]["resourceVersion"]) > int(old["metadata"]["resourceVersion"])
    stale = hollow.ask("PUT", path, old | {"data": {"a": "3"}})
    assert (stale.status, stale.json()["reason"]) == (409, "Conflict")
    assert hollow.ask("GET", path).json()["data"] == {"a": "2"}


def test_an_update_without_a_version_overwrites_and_keeps_the_uid(
    hollow: Hollow, name: str
) -> None:
    old = hollow.ask("POST", CONFIG_MAPS, config_map(name, a="1")).json()
    new = hollow.ask("PUT", f"{CONFIG_MAPS}/{name}", config_map(name, a="2")).json()
    assert new["data"] == {"a": "2"}
    assert new["metadata"]["uid"] == old["metadata"]["uid"]


def test_no_patch_is_lost_among_many(hollow: Hollow, name: str) -> None:
    """However often a patch meets another: so many at once lose eight races and more in a row."""
    hollow.ask("POST", CONFIG_MAPS, config_map(name))
    path = f"{CONFIG_MAPS}/{name}"

    def patch(i: int) -> int:
        return hollow.ask("PATCH", path, {"data": {f"k{i}": "v"}}, headers=MERGE).status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(patch, range(96)))
    assert statuses == [200] * 96
    assert len(hollow.ask("GET", path).json()["data"]) == 96


def test_a_patch_removes_what_it_says_null_for(hollow: Hollow, name: str) -> None:
    hollow.ask("POST", CONFIG_MAPS, config_map(name, a="1", b="2"))
    path = f"{CONFIG_MAPS}/{name}"
    said = hollow.ask("PATCH", path, {"data": {"a": None, "c": "3"}}, headers=MERGE)
    assert said.json()["data"] == {"b": "2", "c": "3"}


def test_a_patch_that_changes_nothing_makes_no_new_version(hollow: Hollow, name: str) -> None:
    made = hollow.ask("POST", CONFIG_MAPS, config_map(name, a="1")).json()
    path = f"{CONFIG_MAPS}/{name}"
    assert hollow.ask("PATCH", path, {"data": {"a": "1"}}, headers=MERGE).json() == made


def test_a_patch_of_a_kind_not_understood_is_refused(hollow: Hollow, name: str) -> None:
    hollow.ask("POST", CONFIG_MAPS, config_map(name))
    headers = {"Content-Type": "application/json-patch+json"}
    said = hollow.ask("PATCH", f"{CONFIG_MAPS}/{name}", {}, headers=headers)
    assert (said.status, said.json()["reason"]) == (415, "UnsupportedMediaType")


def test_server_side_apply_creates_and_then_changes(hollow: Hollow, name: str) -> None:
    headers = {"Content-Type": "application/apply-patch+yaml"}
    path = f"{CONFIG_MAPS}/{name}?fieldManager=me"
    assert hollow.ask("PATCH", path, config_map(name, a="1"), headers=headers).status == 201
    said = hollow.ask("PATCH", path, config_map(name, a="2"), headers=headers)
    assert (said.status, said.json()["data"]) == (200, {"a": "2"})


def test_what_was_deleted_is_gone_and_gone_twice_is_not_found(hollow: Hollow, name: str) -> None:
    hollow.ask("POST", CONFIG_MAPS, config_map(name))
    path = f"{CONFIG_MAPS}/{name}"
    first = hollow.ask("DELETE", path, {"propagationPolicy": "Background"})
    assert (first.status, first.json()["status"]) == (200, "Success")
    assert [hollow.ask(verb, path).status for verb in ("GET", "DELETE")] == [404, 404]


def test_a_deletion_with_the_wrong_uid_is_refused(hollow: Hollow, name: str) -> None:
    hollow.ask("POST", CONFIG_MAPS, config_map(name))
    said = hollow.ask("DELETE", f"{CONFIG_MAPS}/{name}", {"preconditions": {"uid": "another"}})
    assert said.status == 409


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"not json", 400, "BadRequest"),
        (b"[]", 400, "BadRequest"),
        ({"metadata": {}}, 422, "Invalid"),
        ({"metadata": {"name": "Upper_Case"}}, 422, "Invalid"),
        ({"metadata": {"name": "../../../etc"}}, 422, "Invalid"),
        ({"metadata": {"name": "a\n"}}, 422, "Invalid"),
        ({"kind": "Secret", "metadata": {"name": "a"}}, 400, "BadRequest"),
        ({"metadata": {"name": "a", "namespace": "kube-system"}}, 400, "BadRequest"),
        ({"metadata": {"name": "a"}, "data": {"k": 1}}, 400, "BadRequest"),
        ({"metadata": {"name": "a"}, "data": {"k/": "v"}}, 422, "Invalid"),
        ({"metadata": {"name": "a"}, "data": {"k": "v" * (1 << 20) + "v"}}, 422, "Invalid"),
        ({"metadata": {"name": "a"}, "binaryData": {"k": "?"}}, 422, "Invalid"),
        (b"k8s\x00\xff", 415, "UnsupportedMediaType"),
        (b"x" * (4 << 20), 413, "RequestEntityTooLarge"),
    ],
)
def test_what_is_not_valid_is_refused(
    hollow: Hollow, body: object, status: int, reason: str
) -> None:
    said = hollow.ask("POST", CONFIG_MAPS, body)
    assert (said.status, said.json()["reason"]) == (status, reason)
    assert said.json()["kind"] == "Status"


def test_strict_validation_names_an_unknown_field(hollow: Hollow, name: str) -> None:
    body = config_map(name) | {"dota": {}}
    strict = hollow.ask("POST", f"{CONFIG_MAPS}?fieldValidation=Strict", body)
    assert (strict.status, "dota" in strict.json()["message"]) == (400, True)
    assert "dota" not in hollow.ask("POST", CONFIG_MAPS, body).json()


def test_lists_are_of_one_namespace_or_of_all(hollow: Hollow, name: str) -> None:
    other = "/api/v1/namespaces/kube-system/configmaps"
    for path in (CONFIG_MAPS, other):
        assert hollow.ask("POST", path, config_map(name)).status == 201
    selector = f"?labelSelector=test={name}"
    here = hollow.ask("GET", CONFIG_MAPS + selector).json()
    everywhere = hollow.ask("GET", f"/api/v1/configmaps{selector}").json()
    assert here["kind"] == "ConfigMapList"
    assert [len(found["items"]) for found in (here, everywhere)] == [1, 2]
    by_field = hollow.ask("GET", f"{CONFIG_MAPS}?fieldSelector=metadata.name%3D{name}").json()
    assert [thing["metadata"]["name"] for thing in by_field["items"]] == [name]


def test_a_selector_that_is_not_understood_is_refused_not_ignored(hollow: Hollow) -> None:
    assert hollow.ask("GET", f"{CONFIG_MAPS}?labelSelector=a+in+(b)").status == 400
    assert hollow.ask("GET", f"{CONFIG_MAPS}?fieldSelector=data.a=b").status == 400


def test_nothing_is_created_in_a_namespace_that_is_not_there(hollow: Hollow, name: str) -> None:
    said = hollow.ask("POST", "/api/v1/namespaces/nowhere/configmaps", config_map(name))
    assert (said.status, said.json()["message"]) == (404, 'namespaces "nowhere" not found')


def test_a_namespace_takes_what_is_in_it_along(hollow: Hollow, name: str) -> None:
    made = hollow.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert (made.status, made.json()["status"]["phase"]) == (201, "Active")
    inside = f"/api/v1/namespaces/{name}/configmaps"
    hollow.ask("POST", inside, config_map("a"))
    assert hollow.ask("DELETE", f"/api/v1/namespaces/{name}").status == 200
    assert hollow.ask("GET", f"{inside}/a").status == 404
    assert hollow.ask("GET", CONFIG_MAPS).status == 200


def test_a_cluster_begins_with_its_namespaces_and_one_service(hollow: Hollow) -> None:
    found = hollow.ask("GET", "/api/v1/namespaces").json()["items"]
    assert {"default", "kube-system"} <= {thing["metadata"]["name"] for thing in found}
    assert hollow.ask("DELETE", "/api/v1/namespaces/default").status == 403
    services = hollow.ask("GET", "/api/v1/namespaces/default/services").json()["items"]
    assert [(s["metadata"]["name"], s["spec"]["clusterIP"]) for s in services] == [
        ("kubernetes", "10.0.0.1")
    ]
    assert hollow.ask("GET", "/api/v1/namespaces/kube-system/services").json()["items"] == []
    assert hollow.ask("GET", "/api/v1/nodes?limit=500").json()["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/nodes", 405),
        ("DELETE", CONFIG_MAPS, 405),
        ("POST", "/api/v1/configmaps", 405),
        ("POST", "/api/v1", 405),
        ("GET", "/api/v1/pods", 404),
        ("GET", f"{CONFIG_MAPS}/a/b", 404),
        ("GET", "/", 404),
        ("GET", "/openapi/v2", 404),
        ("POST", f"{CONFIG_MAPS}?dryRun=All", 400),
    ],
)
def test_what_is_not_offered_is_refused(
    hollow: Hollow, method: str, path: str, status: int
) -> None:
    said = hollow.ask(method, path, config_map("x") if method == "POST" else None)
    assert (said.status, said.json()["kind"]) == (status, "Status")


def test_tables_have_a_row_per_object_and_a_cell_per_column(hollow: Hollow, name: str) -> None:
    hollow.ask("POST", CONFIG_MAPS, config_map(name, a="1", b="2"))
    table = hollow.ask("GET", f"{CONFIG_MAPS}/{name}", headers=TABLE).json()
    assert (table["kind"], [c["name"] for c in table["columnDefinitions"]]) == (
        "Table",
        ["Name", "Data", "Age"],
    )
    assert table["rows"][0]["cells"][:2] == [name, 2]
    assert table["rows"][0]["object"]["metadata"]["name"] == name
    for path in ("namespaces", "nodes", "services"):
        table = hollow.ask("GET", f"/api/v1/{path}", headers=TABLE).json()
        width = len(table["columnDefinitions"])
        assert all(len(row["cells"]) == width for row in table["rows"])


def test_a_client_that_reads_no_json_is_told_so(hollow: Hollow) -> None:
    headers = {"Accept": "application/vnd.kubernetes.protobuf"}
    assert hollow.ask("GET", CONFIG_MAPS, headers=headers).status == 406


def test_one_connection_carries_many_requests(hollow: Hollow, name: str) -> None:
    with closing(hollow.connect(hollow.admin)) as wire:
        wire.connect()
        socket = wire.sock
        statuses = [
            ask(wire, "POST", CONFIG_MAPS, config_map(name)).status,
            ask(wire, "POST", CONFIG_MAPS, config_map(name)).status,
            ask(wire, "GET", f"{CONFIG_MAPS}/{name}").status,
            ask(wire, "DELETE", f"{CONFIG_MAPS}/{name}").status,
        ]
        assert statuses == [201, 409, 200, 200]
        assert wire.sock is socket


def test_a_watch_tells_what_happens_after_a_list(hollow: Hollow, name: str) -> None:
    version = hollow.ask("GET", CONFIG_MAPS).json()["metadata"]["resourceVersion"]
    path = f"{CONFIG_MAPS}/{name}"
    hollow.ask("POST", CONFIG_MAPS, config_map(name, a="1"))
    query = f"watch=true&resourceVersion={version}&labelSelector=test%3D{name}"
    with closing(hollow.connect(hollow.admin)) as wire:
        wire.request("GET", f"{CONFIG_MAPS}?{query}&timeoutSeconds=20")
        answer = wire.getresponse()
        first = json.loads(answer.readline())
        hollow.ask("POST", CONFIG_MAPS, config_map(f"{name}-other"))
        hollow.ask("PATCH", path, {"data": {"a": "2"}}, headers=MERGE)
        second = json.loads(answer.readline())
        hollow.ask("PATCH", path, {"metadata": {"labels": None}}, headers=MERGE)
        third = json.loads(answer.readline())
        answer.close()
    assert [event["type"] for event in (first, second, third)] == ["ADDED", "MODIFIED", "DELETED"]
    assert second["object"]["data"] == {"a": "2"}
    assert hollow.ask("GET", path).status == 200  # gone for who selects by label, not for others


def test_a_watch_without_a_version_begins_with_what_is_there(hollow: Hollow, name: str) -> None:
    hollow.ask("POST", CONFIG_MAPS, config_map(name))
    query = f"watch=1&fieldSelector=metadata.name%3D{name}&timeoutSeconds=1"
    said = hollow.ask("GET", f"{CONFIG_MAPS}?{query}", headers=TABLE)
    (event,) = map(json.loads, said.body.splitlines())
    assert (event["type"], event["object"]["rows"][0]["cells"][0]) == ("ADDED", name)


def test_a_watch_from_a_compacted_version_ends_in_gone(hollow: Hollow, name: str) -> None:
    revision = hollow.ask("POST", CONFIG_MAPS, config_map(name)).json()["metadata"]
    for i in range(3):
        hollow.ask("PATCH", f"{CONFIG_MAPS}/{name}", {"data": {"i": str(i)}}, headers=MERGE)
    made = int(revision["resourceVersion"])
    hollow.member.ask("kv/compaction", {"revision": str(made + 2)})
    query = f"watch=1&resourceVersion={made - 1}&timeoutSeconds=20"
    said = hollow.ask("GET", f"{CONFIG_MAPS}?{query}")
    (event,) = map(json.loads, said.body.splitlines())
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
