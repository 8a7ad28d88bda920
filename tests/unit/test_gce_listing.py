"""Lists are read to the last page, and holes in them are told."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from hakube_gce.gce.calls import Persistence
from hakube_gce.gce.library import compute
from hakube_gce.gce.listing import read_list, read_region
from tests.fakes.clock import FakeClock

REGION = "europe-west1"


@dataclass(frozen=True, slots=True)
class Pages:
    """The library's pager, which would fetch further pages without repeating them."""

    first: Any

    @property
    def pages(self) -> Iterator[Any]:
        yield self.first
        msg = "a further page was fetched behind the gateway's back"
        raise AssertionError(msg)


class Served:
    """A list method that serves pages by their tokens, some of them only at the second attempt."""

    def __init__(self, pages: Mapping[str, Any], flaky: frozenset[str] = frozenset()) -> None:
        self._pages = pages
        self._flaky = set(flaky)
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, request: Any = None, *, retry: None = None, timeout: float = 0) -> Pages:
        assert timeout > 0
        assert retry is None
        self.asked.append(request)
        token = request.get("page_token", "")
        if token in self._flaky:
            self._flaky.remove(token)
            raise ServiceUnavailable("overloaded")  # type: ignore[no-untyped-call]  # api_core
        return Pages(self._pages[token])


@pytest.fixture
def persistence() -> Persistence:
    rng = random.Random(1)  # noqa: S311 - spreads pauses, hides nothing
    return Persistence(project="p", clock=FakeClock(), rng=rng, budget_s=300)


def addresses(*names: str, following: str = "", warning: str = "") -> compute.AddressList:
    return compute.AddressList(
        items=[compute.Address(name=name) for name in names],
        next_page_token=following,
        warning=compute.Warning(code=warning) if warning else None,
    )


def scoped(*names: str, warning: str = "") -> compute.InstancesScopedList:
    return compute.InstancesScopedList(
        instances=[compute.Instance(name=name) for name in names],
        warning=compute.Warning(code=warning) if warning else None,
    )


def test_every_page_is_read_and_only_the_one_that_failed_is_repeated(
    persistence: Persistence,
) -> None:
    served = Served(
        {
            "": addresses("a", following="2"),
            "2": addresses("b", following="3"),
            "3": addresses("c"),
        },
        flaky=frozenset({"2"}),
    )
    listing = read_list(persistence, served, {"region": REGION}, about="regions/r/addresses")
    assert [item.name for item in listing.items] == ["a", "b", "c"]
    assert listing.unreadable == ()
    assert [asked.get("page_token", "") for asked in served.asked] == ["", "2", "2", "3"]
    assert all(asked["region"] == REGION for asked in served.asked)


def test_a_warning_of_a_list_is_a_hole(persistence: Persistence) -> None:
    served = Served({"": addresses("a", warning="UNREACHABLE")})
    listing = read_list(persistence, served, {}, about="regions/r/addresses")
    assert listing.unreadable == ("regions/r/addresses: UNREACHABLE",)


def test_of_all_zones_only_the_regions_are_taken(persistence: Persistence) -> None:
    page = compute.InstanceAggregatedList(
        items={
            "zones/europe-west1-b": scoped("b"),
            "zones/europe-west1-c": scoped("c"),
            "zones/europe-west10-a": scoped("other region"),
            "zones/us-central1-a": scoped("other continent"),
        }
    )
    listing = read_region(
        persistence, Served({"": page}), "instances", region=REGION, about="instances"
    )
    assert sorted(item.name for item in listing.items) == ["b", "c"]
    assert listing.unreadable == ()


def test_an_empty_zone_is_no_hole_and_a_silent_one_is(persistence: Persistence) -> None:
    page = compute.InstanceAggregatedList(
        items={
            "zones/europe-west1-b": scoped(warning="NO_RESULTS_ON_PAGE"),
            "zones/europe-west1-c": scoped(warning="UNREACHABLE"),
            "zones/us-central1-a": scoped(warning="UNREACHABLE"),
        },
        unreachables=[
            "zones/europe-west1-c",
            "projects/p/zones/europe-west1-d",
            "zones/us-east1-b",
        ],
    )
    listing = read_region(
        persistence, Served({"": page}), "instances", region=REGION, about="instances"
    )
    assert listing.unreadable == (
        "zones/europe-west1-c: UNREACHABLE",
        "zones/europe-west1-d: UNREACHABLE",
    )


def test_a_hole_on_an_early_page_is_still_told(persistence: Persistence) -> None:
    def page(token: str, scope: compute.InstancesScopedList) -> compute.InstanceAggregatedList:
        items = {"zones/europe-west1-b": scope}
        return compute.InstanceAggregatedList(items=items, next_page_token=token)

    served = Served({"": page("2", scoped(warning="UNREACHABLE")), "2": page("", scoped("x"))})
    listing = read_region(persistence, served, "instances", region=REGION, about="instances")
    assert [item.name for item in listing.items] == ["x"]
    assert listing.unreadable == ("zones/europe-west1-b: UNREACHABLE",)
