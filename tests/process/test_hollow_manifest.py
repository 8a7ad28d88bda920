"""An operator's manifest reaches a hollow API server over TLS, twice, and changes it once."""

import pytest

from hakube_gce.cluster_api import AdminApi
from hakube_gce.kubeconfig_text import Entry
from hakube_gce.manifest import read_manifest
from hakube_gce.manifest_apply import apply_manifest
from tests.fakes.clock import FakeClock
from tests.process.masters import Hollow

pytestmark = pytest.mark.process

MANIFEST = """\
{apiVersion: v1, kind: Namespace, metadata: {name: pods}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: pods}, data: {a: b}}
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, namespace: pods}}
"""


def test_a_manifest_is_applied_and_applied_again(hollow: Hollow) -> None:
    entry = Entry(
        name="lab",
        server=hollow.url,
        certificate_authority=hollow.cluster.certificate.read_text(),
        client_certificate=hollow.admin.certificate.read_text(),
        client_key=hollow.admin.key.read_text(),
    )
    api, manifest = AdminApi(entry=entry), read_manifest(MANIFEST)
    first = apply_manifest(api, manifest, clock=FakeClock())
    assert first.done == ["Namespace pods", "ConfigMap pods/settings"]
    assert first.unknown == ["DaemonSet pods/agent"]
    made = hollow.ask("GET", "/api/v1/namespaces/pods/configmaps/settings").json()
    assert made["data"] == {"a": "b"}
    apply_manifest(api, manifest, clock=FakeClock())
    assert hollow.ask("GET", "/api/v1/namespaces/pods/configmaps/settings").json() == made
