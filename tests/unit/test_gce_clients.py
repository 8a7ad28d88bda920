"""Credentials are for Google alone, and their absence has two ways out."""

import random
from pathlib import Path

import pytest
import requests
from google.auth.credentials import AnonymousCredentials, Credentials

from hakube_gce.errors import SettingsError
from hakube_gce.gce import connect
from hakube_gce.gce.clients import build_clients
from hakube_gce.gce.endpoint import parse_endpoint
from tests.fakes.clock import FakeClock


def never_asked() -> Credentials:
    pytest.fail("credentials were looked for although the endpoint is not Google's")


def test_with_an_endpoint_no_credentials_are_looked_for() -> None:
    clients = build_clients(
        parse_endpoint("https://compute.example.org"), never_asked, user_agent="test"
    )
    clients.close()


def test_on_loopback_neither_proxy_nor_netrc_is_read() -> None:
    clients = build_clients(parse_endpoint("http://127.0.0.1:1"), never_asked, user_agent="test")
    assert {session.trust_env for session in clients.sessions} == {False}
    clients.close()


def test_without_an_endpoint_every_client_speaks_to_google() -> None:
    anonymous: Credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # google-auth says no types
    clients = build_clients(None, lambda: anonymous, user_agent="test")
    assert clients.instances.api_endpoint == "compute.googleapis.com"
    assert {session.trust_env for session in clients.sessions} == {True}  # a company's proxy
    clients.close()


def test_netrc_is_not_read_where_a_proxy_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    where = parse_endpoint("https://compute.example.org")
    clients = build_clients(where, never_asked, user_agent="test")
    for session in clients.sessions:
        prepared = session.prepare_request(requests.Request("GET", where.url))
        assert "Authorization" not in prepared.headers
    clients.close()


def test_only_a_list_over_all_zones_asks_for_partial_success() -> None:
    where = parse_endpoint("http://127.0.0.1:1")
    clients = build_clients(where, never_asked, user_agent="test")

    def sent(path: str) -> str:
        request = requests.Request("GET", f"{where.url}/compute/v1/projects/p/{path}")
        return str(clients.sessions[0].prepare_request(request).url)

    assert sent("aggregated/instances?pageToken=x").endswith(
        "?pageToken=x&returnPartialSuccess=true"
    )
    assert sent("regions/r/addresses").endswith("/addresses")
    clients.close()


def test_every_client_shares_the_endpoint_and_the_connections() -> None:
    clients = build_clients(parse_endpoint("http://127.0.0.1:1"), never_asked, user_agent="test")
    adapters = {id(session.get_adapter("http://127.0.0.1:1/")) for session in clients.sessions}
    assert len(adapters) == 1
    assert len(clients.sessions) == 19
    clients.close()


def test_an_endpoint_that_may_not_be_spoken_to_ends_before_anything_is_built() -> None:
    with pytest.raises(SettingsError):
        connect(
            "p",
            endpoint="http://198.51.100.7",
            clock=FakeClock(),
            rng=random.Random(1),  # noqa: S311 - spreads pauses, hides nothing
        )
