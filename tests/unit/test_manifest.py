"""An operator's manifest: read whole or refused, applied in order, and no field taken away."""

import json
from pathlib import Path

import pytest

from hakube_gce.addons import read_wanted
from hakube_gce.errors import ClusterSilent, SettingsError, StepFailed
from hakube_gce.manifest import BadManifest, path_of, read_manifest
from hakube_gce.manifest_apply import Applied, apply_manifest
from hakube_gce.settings import Settings
from tests.fakes.clock import FakeClock
from tests.unit.test_inherit import HERE

MANIFEST = """\
# a pod network
apiVersion: v1
kind: Namespace
metadata: {name: pods}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pools.example.com}
---
apiVersion: v1
kind: List
items:
- {apiVersion: example.com/v1, kind: Pool, metadata: {name: default}}
- {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, namespace: pods}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: b}}
---
"""
CORE: list[dict[str, object]] = [
    {"name": "namespaces", "kind": "Namespace", "namespaced": False},
    {"name": "configmaps", "kind": "ConfigMap", "namespaced": True},
    {"name": "secrets", "kind": "Secret", "namespaced": True},
]
APPS: list[dict[str, object]] = [
    {"name": "daemonsets/status", "kind": "DaemonSet", "namespaced": True},
    {"name": "daemonsets", "kind": "DaemonSet", "namespaced": True},
]


class Api:
    """An API server's half of server-side apply: what it refuses, the real one refuses."""

    def __init__(self, *, hollow: bool = False) -> None:
        self.hollow = hollow
        self.groups: dict[str, list[dict[str, object]]] = {"/api/v1": CORE}
        if not hollow:
            definition: dict[str, object] = {
                "name": "customresourcedefinitions",
                "kind": "CustomResourceDefinition",
            }
            self.groups |= {"/apis/apps/v1": APPS, "/apis/apiextensions.k8s.io/v1": [definition]}
        self.applied: list[tuple[str, object]] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked_for_pools = 0
        self.trouble = 0

    def request(
        self, method: str, path: str, body: bytes = b"", *, content_type: str = ""
    ) -> tuple[int, bytes]:
        if self.trouble:
            return self.trouble, b""
        if path == "/version":
            return 200, json.dumps({"hollow": True} if self.hollow else {}).encode()
        if method == "GET":
            return self._discover(path)
        place, _, query = path.partition("?")
        assert (method, content_type) == ("PATCH", "application/apply-patch+yaml")
        assert "fieldManager=hakube" in query
        assert "force" not in query
        if place in self.answers:
            return self.answers[place]
        self.applied.append((place, json.loads(body)))
        return 201, b"{}"

    def _discover(self, path: str) -> tuple[int, bytes]:
        if path == "/apis/example.com/v1" and not self.hollow:
            self.asked_for_pools += 1
            defined = any("customresourcedefinitions" in place for place, _ in self.applied)
            if defined and self.asked_for_pools > 2:
                self.groups[path] = [{"name": "pools", "kind": "Pool", "namespaced": False}]
        if path not in self.groups:
            return 404, b"404 page not found"
        return 200, json.dumps({"resources": self.groups[path]}).encode()


def applied(api: Api) -> Applied:
    return apply_manifest(api, read_manifest(MANIFEST), clock=FakeClock())


def test_all_objects_are_applied_in_order_where_the_server_has_their_kinds() -> None:
    api = Api()
    assert applied(api).lines() == ("applied 5 objects of HAKUBE_CNI_MANIFEST",)
    assert [place for place, _ in api.applied] == [
        "/api/v1/namespaces/pods",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/pools.example.com",
        "/apis/example.com/v1/pools/default",
        "/apis/apps/v1/namespaces/pods/daemonsets/agent",
        "/api/v1/namespaces/default/configmaps/settings",
    ]
    assert api.asked_for_pools == 3, "a new kind is known a moment later"
    assert api.applied[-1][1] == read_manifest(MANIFEST)[-1].body


def test_a_hollow_server_gets_what_it_has_kinds_for_and_the_rest_is_said() -> None:
    api = Api(hollow=True)
    said = applied(api).lines()
    assert [place for place, _ in api.applied] == [
        "/api/v1/namespaces/pods",
        "/api/v1/namespaces/default/configmaps/settings",
    ]
    assert "hollow API server has no such kinds" in said[1]
    assert "DaemonSet pods/agent" in said[1]


def test_an_object_that_others_manage_is_left_and_said() -> None:
    api = Api()
    api.answers["/api/v1/namespaces/pods"] = (409, b'{"reason": "Conflict"}')
    found = applied(api)
    assert (found.left, len(found.done)) == (["Namespace pods"], 4)
    assert "others manage fields" in found.lines()[1]


def test_a_refusal_stops_with_the_servers_words_but_never_a_secrets() -> None:
    api = Api()
    api.answers["/api/v1/namespaces/pods"] = (422, b'{"message": "pods is invalid"}')
    with pytest.raises(StepFailed, match=r"refused Namespace pods .* 422: 'pods is invalid'"):
        applied(api)
    confidential = "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: hunter2}}"
    api.answers["/api/v1/namespaces/default/secrets/s"] = (400, b'{"message": "bad: hunter2"}')
    with pytest.raises(StepFailed) as failed:
        apply_manifest(api, read_manifest(confidential), clock=FakeClock())
    assert "hunter2" not in str(failed.value)
    assert "hunter2" not in repr(read_manifest(confidential))


def test_a_kind_that_no_real_server_has_is_an_error_after_a_while() -> None:
    clock = FakeClock()
    odd = "{apiVersion: nowhere/v1, kind: Odd, metadata: {name: o}}"
    with pytest.raises(StepFailed, match="knows no Odd of nowhere/v1"):
        apply_manifest(Api(), read_manifest(odd), clock=clock)
    assert 5 < len(clock.naps) < 60


def test_a_server_in_trouble_is_not_taken_for_one_without_the_kind() -> None:
    api = Api()
    api.trouble = 503
    with pytest.raises(ClusterSilent, match="503"):
        applied(api)


def aliases(form: str, depth: int) -> str:
    """Write an object in which each of many names stands for the one before it."""
    named = "".join(f"  a{i}: &a{i} {form.format(f'a{i - 1}')}\n" for i in range(1, depth))
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    return f"{head}data:\n  a0: &a0 [x]\n{named}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "holds no object"),
        ("--- \n---\n", "holds no object"),
        ("a: [", "is no YAML at line"),
        ("just words", "no Kubernetes object"),
        ("{apiVersion: v1, kind: Namespace}", "no Kubernetes object"),
        ("{kind: Namespace, metadata: {name: a}}", "apiVersion is missing"),
        ("{apiVersion: v1, kind: Namespace, metadata: {name: ../../nodes/a}}", "metadata.name"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b/c}}", "namespace"),
        ("{apiVersion: v-1, kind: Pod, metadata: {name: a}}", "apiVersion"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: a}, at: 2026-01-01}", "JSON cannot say"),
        ("!!python/object/apply:os.system ['touch owned']", "is no YAML"),
        ("x" * (5 << 20), "larger than 4 MiB"),
        ("at: 2026-13-01", "is no YAML"),
        ("at: !!timestamp never", "is no YAML"),
        ("on: !!bool maybe", "is no YAML"),
        ("port: 0x_", "is no YAML"),
        ("{kind: List, items: 5}", "no Kubernetes object"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: a}, at: .nan}", "JSON cannot say"),
        (aliases("[*{0}, *{0}]", 40), "larger than 16 MiB, written out"),
        (aliases("[*{0}]", 300), "nested deeper than 200 levels"),
        (aliases("[*{0}]", 5000), "nested deeper than 200 levels"),
    ],
)
def test_what_is_no_manifest_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(BadManifest, match=why):
        read_manifest(text)
    assert not Path("owned").exists()


def test_a_kind_is_no_subresource() -> None:
    (thing,) = read_manifest("{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: a}}")
    assert path_of(thing, APPS) == "/apis/apps/v1/namespaces/default/daemonsets/a"
    assert path_of(thing, APPS[:1]) is None


def test_the_file_is_read_before_anything_is_done(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(MANIFEST, encoding="utf-8")
    bad.write_bytes(b"\xff\xfe")
    assert len(read_wanted(Settings.parse({**HERE, "HAKUBE_CNI_MANIFEST": str(good)}))) == 5
    assert read_wanted(Settings.parse(HERE)) == ()
    endless = Path("/dev/zero")
    for path, why in (
        (tmp_path / "none", "cannot be read"),
        (bad, "not UTF-8"),
        (endless, "is larger than"),
    ):
        with pytest.raises(SettingsError, match=why):
            read_wanted(Settings.parse({**HERE, "HAKUBE_CNI_MANIFEST": str(path)}))
