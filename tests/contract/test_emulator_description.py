"""The emulator against Google's own description of the API: routes, bodies, honesty about gaps."""

import re

import pytest

from hakube_gce.emulator.handlers import Route
from hakube_gce.emulator.refusals import Refusal
from hakube_gce.emulator.routes import ROUTES, find
from tests.contract import emulator_google_description as google


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.method)
def test_a_route_is_googles(route: Route) -> None:
    described = google.methods()[route.method]
    assert (route.verb, route.template) == (described.verb, described.template)


def test_the_table_of_methods_is_what_the_library_says() -> None:
    assert google.METHODS_FILE.read_text(encoding="ascii") == google.methods_text()


def test_the_table_of_bodies_is_what_the_library_says() -> None:
    assert google.BODIES_FILE.read_text(encoding="ascii") == google.bodies_text()


def test_every_method_is_emulated_or_refused_by_its_name() -> None:
    emulated = {route.method for route in ROUTES}
    assert len(google.methods()) > 900
    for method in google.methods().values():
        path = re.sub(
            r"\{\w+=([^}]*)\}", lambda found: found[1].replace("*", "x"), method.template
        )
        path = re.sub(r"\{\w+\}", "bench-project", path)
        if not path.startswith("projects/") or method.id in emulated:
            continue
        with pytest.raises(Refusal) as refused:
            find(method.verb, f"/compute/v1/{path}", {}, {})
        assert refused.value.status == 501, path
        assert f"compute.{method.id} " in refused.value.message


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/compute/v1/projects/bench-project/zones/z/nonsense", 404),
        ("GET", "/compute/v1/projects/bench-project/zones//disks", 404),
        ("GET", "/compute/beta/projects/bench-project/zones", 404),
        ("DELETE", "/compute/v1/projects/bench-project/zones", 404),
        ("GET", "/", 404),
        ("GET", "/compute/v1/projects/Bad_Project", 400),
        ("GET", "/compute/v1/projects/p", 400),
    ],
)
def test_what_is_no_request_of_googles_is_refused(verb: str, path: str, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        find(verb, path, {}, {})
    assert refused.value.status == status


@pytest.mark.parametrize(
    "body",
    [
        {"nome": "typo"},
        {"name": 7},
        {"canIpForward": "yes"},
        {"disks": {"boot": True}},
        {"disks": [{"boot": True, "outoDelete": True}]},
        {"labels": {"a": 1}},
        {"labels": ["a"]},
        {"metadata": {"items": [{"key": "a", "valu": "b"}]}},
        {"disks": [{"initializeParams": {"diskSizeGb": "big"}}]},
    ],
)
def test_a_body_google_would_not_understand_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(Refusal) as refused:
        find("POST", "/compute/v1/projects/bench-project/zones/europe-west1-b/instances", {}, body)
    assert refused.value.status == 400
    assert refused.value.message.startswith("Invalid JSON payload received.")


def test_a_null_is_as_good_as_nothing_and_numbers_may_be_text() -> None:
    path = "/compute/v1/projects/bench-project/zones/europe-west1-b/disks"
    _, call = find("POST", path, {}, {"name": "d", "type": None, "sizeGb": "20"})
    assert call.body == {"name": "d", "sizeGb": 20}
