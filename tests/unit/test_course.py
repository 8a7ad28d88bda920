"""Several operations in one command: which comes next. Values in, values out."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from hakube_gce.model import Intent, Observed, Operation, Verb
from hakube_gce.plan import course
from hakube_gce.plan.course import Goal, Next
from hakube_gce.plan.graph import Blocker
from hakube_gce.resources import Zone
from tests.fakes.clusters import REGION, ZONES, cluster, name_of, nothing, with_prepared
from tests.unit.test_plan import BLUEPRINT

B, C, D = ZONES


def next_of(masters: int, seen: Observed, **wishes: object) -> Next | Blocker | None:
    return course.towards(BLUEPRINT, replace(Goal(masters=masters), **wishes), seen)  # type: ignore[arg-type]  # one helper for all of a goal's fields


def towards(masters: int, seen: Observed, **wishes: object) -> Intent | Blocker | None:
    found = next_of(masters, seen, **wishes)
    return found.intent if isinstance(found, Next) else found


def ahead(masters: int, seen: Observed, **wishes: object) -> tuple[str, ...]:
    found = next_of(masters, seen, **wishes)
    assert isinstance(found, Next), found
    return found.prepare


def refused(found: object) -> str:
    assert isinstance(found, Blocker), found
    return found.reason


@pytest.mark.parametrize(
    ("sketch", "masters", "verb", "zone"),
    [
        ("+", 3, Verb.REPLICATE, C),
        ("++", 3, Verb.REPLICATE, D),
        ("+++", 1, Verb.REMOVE, ""),
        ("++", 1, Verb.REMOVE, ""),
    ],
)
def test_masters_come_into_free_zones_and_go_one_at_a_time(
    sketch: str, masters: int, verb: Verb, zone: str
) -> None:
    found = towards(masters, cluster(sketch))
    assert isinstance(found, Intent)
    assert found.verb is verb
    assert found.zone == zone or verb is Verb.REMOVE


def test_a_goal_that_is_reached_wishes_nothing() -> None:
    assert towards(3, cluster("+++")) is None


def test_an_even_goal_is_refused_and_can_be_agreed_to() -> None:
    assert refused(towards(4, cluster("+++"))) == "EvenMasters"
    assert refused(towards(2, cluster("+"))) == "EvenMasters"
    assert isinstance(towards(2, cluster("+"), even=True), Intent)
    assert isinstance(towards(5, cluster("++++"), share_zones=True), Intent), "passed through"


def test_zones_are_shared_only_when_that_is_agreed_to() -> None:
    assert refused(towards(5, cluster("+++"))) == "NoFreeZone"
    found = towards(5, cluster("+++"), share_zones=True)
    assert isinstance(found, Intent)
    assert found.zone == B
    second = towards(5, cluster("++++"), share_zones=True)
    assert isinstance(second, Intent)
    assert second.zone == C, "the least crowded"


def test_named_zones_come_first() -> None:
    found = towards(3, cluster("+"), zones=(B, D, D), share_zones=True)
    assert isinstance(found, Intent)
    assert found.zone == D
    more = towards(3, cluster("++", zones=(B, D)), zones=(B, D, D), share_zones=True)
    assert isinstance(more, Intent)
    assert more.zone == D


@pytest.mark.parametrize(
    ("sketch", "zones", "victim"),
    [
        ("++-", (B, C, D), 2),
        ("+-+", (B, C, D), 1),
        ("++++", (B, C, D, D), 3),
        ("+++", (B, B, C), 1),
    ],
)
def test_the_dead_go_first_then_the_crowded_and_the_leader_last(
    sketch: str, zones: Sequence[str], victim: int
) -> None:
    found = towards(1, cluster(sketch, zones=zones))
    assert isinstance(found, Intent)
    assert found.replica_name == name_of(victim)


def test_what_is_unfinished_is_finished_first() -> None:
    half = Operation(id="b" * 12, verb=Verb.REPLICATE, zone=D, target="kubernetes-master-0ff")
    found = towards(1, cluster("++", operation=half))
    assert found == Intent(verb=Verb.REPLICATE, zone=D)
    going = Operation(id="c" * 12, verb=Verb.REMOVE, zone=C, target=name_of(1))
    found = towards(3, cluster("++", operation=going))
    assert found == Intent(verb=Verb.REMOVE, zone=C, replica_name=name_of(1))
    torn = Operation(id="d" * 12, verb=Verb.TEARDOWN, zone=B)
    assert refused(towards(3, cluster("++", operation=torn))) == "OperationUnfinished"


def test_only_kube_up_founds_and_it_removes_nobody() -> None:
    assert refused(towards(3, nothing())) == "NoMaster"
    found = towards(3, nothing(), zones=ZONES, founding=True)
    assert found == Intent(verb=Verb.CREATE, zone=B)
    assert towards(1, cluster("+++"), zones=(B,), founding=True) is None
    crowded = cluster("+++", zones=(B, B, C))
    assert refused(towards(3, crowded, zones=ZONES, founding=True)) == "EvenMasters"
    short = towards(3, crowded, zones=ZONES, founding=True, even=True)
    assert short == Intent(verb=Verb.REPLICATE, zone=D), "a master in each of the zones"


def test_kube_up_brings_masters_back_before_it_counts_them() -> None:
    def up(seen: Observed) -> Next | Blocker | None:
        return next_of(3, seen, zones=ZONES, founding=True)

    assert up(cluster("+++")) is None
    off = up(cluster("+-+"))
    assert off == Next(intent=Intent(verb=Verb.CREATE, zone=B))
    seen = cluster("+-+")
    gone = replace(seen, replicas=tuple(r for r in seen.replicas if r.name != name_of(1)))
    assert up(gone) == off
    silent = up(cluster("???"))
    assert silent == off, "and is refused: nobody knows who is a member"
    half = Operation(id="b" * 12, verb=Verb.REPLICATE, zone=D, target=name_of(2))
    assert up(cluster("+-+", operation=half)) == off, "what is half made waits"
    outage = replace(cluster("+-+", operation=half), rule=None)
    assert up(outage) == Next(intent=Intent(verb=Verb.REPLICATE, zone=D)), "an outage does not"
    fresh = replace(cluster("+++"), kubeconfig_current=False)
    assert up(fresh) == off, "a fresh machine gets its kubeconfig"
    assert next_of(3, seen) is None, "`scale` counts, and no more"


def test_whoever_comes_later_is_prepared_for_now() -> None:
    assert ahead(3, nothing(), zones=ZONES, founding=True) == (C, D)
    assert ahead(3, cluster("+")) == (D,)
    assert ahead(3, cluster("++")) == ()
    assert ahead(7, cluster("+"), share_zones=True) == (D, B, C, D, B)
    assert ahead(3, cluster("+"), zones=(B, D, D), share_zones=True) == (D,)
    assert ahead(1, cluster("+++")) == ()


def test_whoever_goes_on_prepares_for_the_same() -> None:
    founded = Operation(id="a" * 12, verb=Verb.CREATE, zone=B)
    for there in ("", "v"):
        seen = replace(cluster(there, operation=founded), members=())
        assert ahead(3, seen, zones=ZONES, founding=True) == (C, D)
    half = Operation(id="b" * 12, verb=Verb.REPLICATE, zone=C, target=name_of(1))
    for there in ("+", "+v", "+l"):
        assert ahead(3, cluster(there, operation=half)) == (D,)


def test_a_zone_with_a_prepared_vm_comes_first() -> None:
    seen = with_prepared(cluster("+"), name_of(9), D)
    assert towards(3, seen) == Intent(verb=Verb.REPLICATE, zone=D)
    assert ahead(3, seen) == (C,)


def test_what_was_prepared_for_nothing_goes_before_any_master() -> None:
    seen = with_prepared(cluster("+++"), name_of(9), C)
    gone = Intent(verb=Verb.REMOVE, zone=C, replica_name=name_of(9))
    assert towards(3, seen) == towards(1, seen) == gone
    assert towards(3, seen, zones=ZONES, founding=True) is None, "kube-up removes nobody"


def test_nothing_is_decided_where_something_cannot_be_seen() -> None:
    blind = replace(cluster("+"), unreadable=("zones/europe-west1-c: UNREACHABLE",))
    assert refused(towards(3, blind)) == "UnknownState"


def test_what_a_zones_loss_means_is_said_for_every_zone() -> None:
    assert course.survives(cluster("+++", zones=(B, B, C))) == (
        f"lose zone {B}: 1 of 3 voters left, 2 needed: quorum lost",
        f"lose zone {C}: 2 of 3 voters left, 2 needed: quorum kept",
    )


@pytest.mark.parametrize("silent", ["-", "?"], ids=["dead", "silent"])
def test_who_does_not_answer_today_is_not_left_when_a_zone_is_lost(silent: str) -> None:
    one_down = cluster(f"+{silent}+", zones=(B, C, D))
    assert course.survives(one_down) == (
        f"lose zone {B}: 1 of 3 voters left, 2 needed: quorum lost",
        f"lose zone {C}: 2 of 3 voters left, 2 needed: quorum kept",
        f"lose zone {D}: 1 of 3 voters left, 2 needed: quorum lost",
    )


@pytest.mark.parametrize(
    ("places", "kept"),
    [
        (B + C + D, {B: True, C: True, D: True}),
        (B + B + C, {B: False, C: True}),
        (B + B + B, {B: False}),
        (B + B + C + C + D, {B: True, C: True, D: True}),
        (B + B + B + C + C, {B: False, C: True}),
    ],
    ids=["1-1-1", "2-1", "3", "2-2-1", "3-2"],
)
def test_a_zones_loss_is_computed_from_the_places(places: str, kept: dict[str, bool]) -> None:
    zones = re.findall(f"{B}|{C}|{D}", places)
    said = course.survives(cluster("+" * len(zones), zones=zones))
    assert {line.split()[2].rstrip(":"): line.endswith("kept") for line in said} == kept


def test_a_region_of_two_zones_is_told_so() -> None:
    two = replace(cluster("++"), zones=tuple(Zone(name=z, region=REGION) for z in (B, C)))
    assert "has two zones" in course.advice(two, [B, C])
    assert course.advice(two, [B, B]) == ""
    assert course.advice(cluster("++"), [B, C]) == ""
