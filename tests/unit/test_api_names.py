"""Names of the API beside the cluster's own: chosen at founding, in every master's certificate."""

from dataclasses import replace

import pytest

from hakube_gce import api_names
from hakube_gce.plan.planner import plan
from hakube_gce.settings import Settings
from tests.fakes.clusters import IP, ZONES, cluster, nothing
from tests.unit.test_inherit import HERE, merged, remembering
from tests.unit.test_plan import BLUEPRINT, CREATE, replicate

SERVER = "https://Api.Example.com:6443"


def test_kube_servers_host_is_one_of_them_at_founding() -> None:
    founded = merged(nothing(), KUBE_SERVER=SERVER, HAKUBE_API_NAMES="10.1.2.3,a.example.com")
    assert founded.blueprint.api_names == ("10.1.2.3", "a.example.com", "api.example.com")
    assert merged(nothing()).blueprint.api_names == ()


def test_replicas_have_the_clusters_whatever_their_shell_says() -> None:
    founded = merged(nothing(), KUBE_SERVER=SERVER).blueprint
    there = remembering(founded.inherited)
    for shell in ({}, {"KUBE_SERVER": "https://other.example.com"}):
        found = merged(there, **shell)
        assert (found.blueprint.api_names, found.contradictions) == (("api.example.com",), ())
    (refused,) = merged(there, HAKUBE_API_NAMES="other.example.com").contradictions
    assert "HAKUBE_API_NAMES=other.example.com contradicts" in refused.message


@pytest.mark.parametrize(
    "host", ["a_b.example.com", f"{'a' * 60}.{'b' * 60}.com", "-x", "10.0.0.300"]
)
def test_what_a_certificate_cannot_name_is_left_out(host: str) -> None:
    assert Settings.parse({**HERE, "KUBE_SERVER": f"https://{host}"}).api_names == ()


def test_who_writes_a_server_that_no_certificate_names_is_told() -> None:
    wished = replace(BLUEPRINT, server_override="https://other.example.com")
    (note,) = [n for n in plan(wished, CREATE, nothing()).notes if "KUBE_SERVER" in n]
    assert "names other.example.com, and the masters' certificates do not" in note
    for server in (f"https://{IP}:6443", "https://kubernetes-master", ""):
        fine = replace(BLUEPRINT, server_override=server)
        assert not [
            n for n in plan(fine, replicate(ZONES[1]), cluster("+")).notes if "SERVER" in n
        ]
    named = replace(wished, inherited={"HAKUBE_API_NAMES": "other.example.com"})
    assert not [n for n in plan(named, CREATE, nothing()).notes if "SERVER" in n]


def test_a_damaged_memory_names_nothing_odd() -> None:
    assert api_names.read("a b,api.example.com,$(x),10.0.0.300") == ("api.example.com",)
