"""Who may ask the hollow API server what, and what it says about itself to anybody."""

from contextlib import closing

import pytest

from tests.process.authority import Authority
from tests.process.masters import Hollow, ask

pytestmark = pytest.mark.process

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def test_the_version_says_hollow(hollow: Hollow) -> None:
    said = hollow.ask("GET", "/version").json()
    assert said["gitVersion"] == "v1.32.0-hollow"
    assert said["hollow"] is True


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz", "/version", "/readyz?verbose"])
def test_health_and_version_are_open_to_all(hollow: Hollow, path: str) -> None:
    with closing(hollow.connect()) as wire:
        assert ask(wire, "GET", path).status == 200


@pytest.mark.parametrize("path", ["/api/v1/namespaces", "/api", "/openapi/v3", CONFIG_MAPS])
def test_without_a_certificate_nothing_else_is_answered(hollow: Hollow, path: str) -> None:
    with closing(hollow.connect()) as wire:
        said = ask(wire, "GET", path)
    assert (said.status, said.json()["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize("organisation", ["", "developers"])
def test_a_certificate_of_another_organisation_is_forbidden(
    hollow: Hollow, organisation: str
) -> None:
    caller = hollow.cluster.issue(f"jane-{organisation}", organisation=organisation)
    for method, path in (("GET", CONFIG_MAPS), ("POST", CONFIG_MAPS), ("GET", "/api")):
        said = hollow.ask(method, path, {}, caller=caller)
        assert (said.status, said.json()["reason"]) == (403, "Forbidden")
        assert "jane" in said.json()["message"]


def test_a_certificate_of_another_authority_is_refused_in_tls(
    hollow: Hollow, tmp_path_factory: pytest.TempPathFactory
) -> None:
    foreign = Authority(tmp_path_factory.mktemp("foreign"), "foreign-ca")
    caller = foreign.issue("kubernetes-admin", organisation="system:masters")
    with pytest.raises(OSError, match=r"(?i)alert|reset|broken|eof"):
        hollow.ask("GET", CONFIG_MAPS, caller=caller)
