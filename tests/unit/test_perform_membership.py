"""A member leaves by what holds, not by one word in the moment when leaders change."""

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from hakube_gce.errors import KeysError, Refused, StepFailed
from hakube_gce.model import Observed
from hakube_gce.perform.context import Context, Limits
from hakube_gce.perform.handover import cluster_keys
from hakube_gce.perform.membership import expel, yield_leadership
from hakube_gce.steps import ExpelMember, YieldLeadership
from tests.fakes.clock import FakeClock
from tests.fakes.clusters import cluster, name_of
from tests.unit.test_settling import saying

THREE = cluster("+++", leader=1)
UNWELL = saying(THREE, 2, etcd_healthy=False)
EXPEL = ExpelMember(member_id="a1", member_name=name_of(1), through=name_of(0))
YIELD = YieldLeadership(replica=name_of(1), zone="europe-west1-c", to=name_of(0))


def asked(step: ExpelMember | YieldLeadership, *seen: Observed) -> list[str]:
    """Carry a step out over one picture after the other, the last for ever; give the verbs."""
    pictures, verbs = list(seen), list[str]()
    context = cast(
        "Context",
        SimpleNamespace(
            observe=lambda: pictures.pop(0) if len(pictures) > 1 else pictures[0],
            clock=FakeClock(),
            limits=Limits(),
            lock=SimpleNamespace(epoch=1),
            channel=SimpleNamespace(ask=lambda _vm, verb, *_, **__: verbs.append(verb)),
        ),
    )
    if isinstance(step, ExpelMember):
        expel(context, "expel", step)
    else:
        yield_leadership(context, "yield", step)
    return verbs


def test_a_removal_waits_for_a_survivor_that_is_unwell_for_a_moment() -> None:
    assert asked(EXPEL, UNWELL, UNWELL, THREE) == ["expel"]
    nobody_reads = saying(saying(UNWELL, 0, etcd_healthy=False), 1, etcd_healthy=False)
    unknown = replace(nobody_reads, members_known=False, members=())
    assert asked(EXPEL, unknown, THREE) == ["expel"]


def test_a_removal_that_stays_unsafe_is_refused_and_not_asked_for() -> None:
    with pytest.raises(Refused, match="not safe any more"):
        asked(EXPEL, UNWELL)
    unknown = replace(THREE, members_known=False, members=())
    with pytest.raises(StepFailed, match="cannot be asked any more"):
        asked(EXPEL, unknown)


def test_the_leadership_is_moved_though_nobody_agrees_for_a_moment_who_leads() -> None:
    torn = saying(THREE, 0, leader_id="")
    assert asked(YIELD, torn, THREE) == ["yield-leadership"]
    elsewhere = cluster("+++", leader=0)
    assert asked(YIELD, torn, elsewhere) == []


def test_keys_are_not_drawn_anew_while_a_zone_cannot_be_read() -> None:
    """Whoever has them may stand there."""
    waiting = saying(cluster("v"), 0, phase="waiting-for-certificates")
    hole = replace(waiting, unreadable=("zones/europe-west1-c",))
    context = SimpleNamespace(
        keys_guard=threading.Lock(),
        keys=SimpleNamespace(load=lambda _uid: None),
        mark=SimpleNamespace(uid="0123456789abcdef"),
        observe=lambda: hole,
    )
    with pytest.raises(KeysError, match="no keys of the cluster"):
        cluster_keys(cast("Context", context), founder=False, returning=True)
