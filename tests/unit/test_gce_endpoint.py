"""Where requests may go."""

import pytest

from hakube_gce.errors import SettingsError
from hakube_gce.gce.endpoint import Endpoint, parse_endpoint


@pytest.mark.parametrize(
    ("text", "url", "loopback"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", True),
        (" http://127.0.0.1:8080/ ", "http://127.0.0.1:8080", True),
        ("http://127.9.8.7:80/compute/v1", "http://127.9.8.7:80", True),
        ("http://localhost:1", "http://localhost:1", True),
        ("http://LOCALHOST:1", "http://localhost:1", True),
        ("http://[::1]:8080", "http://[::1]:8080", True),
        ("https://compute.example.org", "https://compute.example.org", False),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443", True),
    ],
)
def test_what_may_be_spoken_to(text: str, url: str, loopback: bool) -> None:
    assert parse_endpoint(text) == Endpoint(url=url, loopback=loopback)


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("http://10.0.0.1:8080", "plain http to another machine"),
        ("http://compute.example.org", "plain http to another machine"),
        ("http://localhost.example.org", "plain http to another machine"),
        ("http://0.0.0.0:8080", "plain http to another machine"),
        ("http://127.0.0.1:80@10.0.0.1", "no user"),
        ("https://me@compute.example.org", "no user"),
        ("https://compute.example.org/?x=1", "no user, query"),
        ("https://compute.example.org/other/api", "no path"),
        ("ftp://127.0.0.1", "not an http or https URL"),
        ("127.0.0.1:8080", "not an http or https URL"),
        ("http://", "not an http or https URL"),
        ("http://127.0.0.1:port", "not a URL"),
    ],
)
def test_what_may_not_be_spoken_to_is_told_with_an_example(text: str, flaw: str) -> None:
    with pytest.raises(SettingsError, match="HAKUBE_COMPUTE_ENDPOINT") as caught:
        parse_endpoint(text)
    assert flaw in caught.value.message
    assert "http://127.0.0.1:8080" in caught.value.message
