"""The last look before a recovery deletes anything: what counts as a quorum that is lost."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

import pytest

from hakube_gce.errors import AgentSilent, Refused
from hakube_gce.model import Observed, Replica
from hakube_gce.perform.context import Context, Limits
from hakube_gce.perform.rescue import prove_quorum_lost
from hakube_gce.resources import TargetKind, TargetPool
from hakube_gce.steps import ProveQuorumLost
from tests.fakes.clusters import NOW, cluster, name_of

STEP = ProveQuorumLost(replica=name_of(0), zone="europe-west1-b")


@dataclass(slots=True)
class Clock:
    """Passes when slept on."""

    passed_s: float = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        self.passed_s += seconds


@dataclass(slots=True)
class Looks:
    """The part of a context that the step uses."""

    observe: Callable[[], Observed]
    clock: Clock = field(default_factory=Clock)
    limits: Limits = field(default_factory=Limits)


def prove(*seen: Observed) -> float:
    """Let the step see one picture after the other, the last for ever; return how long it took."""
    pictures = list(seen)

    def observe() -> Observed:
        return pictures.pop(0) if len(pictures) > 1 else pictures[0]

    looks = Looks(observe)
    prove_quorum_lost(cast("Context", looks), "prove-quorum-lost", STEP)
    return looks.clock.passed_s


def says(seen: Observed, *, healthy: bool) -> Observed:
    """Let the first master be heard, and say whether it reads through a quorum."""

    def heard(replica: Replica) -> Replica:
        assert replica.report is not None
        report = replace(replica.report, etcd_healthy=healthy)
        return replace(replica, report=report, fresh=True)

    return replace(seen, replicas=(heard(seen.replicas[0]), *seen.replicas[1:]))


def test_when_all_others_are_off_no_word_of_the_survivor_makes_a_majority() -> None:
    assert prove(says(cluster("?--"), healthy=False)) == 0
    assert prove(says(cluster("?--"), healthy=True)) == 0


def test_while_another_runs_it_must_be_without_quorum_for_longer_than_an_election() -> None:
    silent = says(cluster("???"), healthy=False)
    assert prove(silent) >= Limits().election_s
    for_a_moment = says(cluster("???"), healthy=True)
    assert prove(silent, for_a_moment, silent) >= Limits().election_s + 2


def test_a_survivor_that_goes_on_reading_has_a_quorum() -> None:
    with pytest.raises(Refused, match="goes on reading"):
        prove(says(cluster("???"), healthy=True))


@pytest.mark.parametrize("kind", TargetKind)
def test_others_that_the_load_balancer_finds_ready_have_a_quorum(kind: TargetKind) -> None:
    """A survivor in a zone that is cut off cannot tell itself from the last one alive."""
    silent = says(cluster("???", balancer=True), healthy=False)
    assert silent.backend_service is not None
    health = {name_of(0): "UNHEALTHY", name_of(1): "HEALTHY", name_of(2): "UNHEALTHY"}
    if kind is TargetKind.POOL:
        pool = TargetPool(name="kubernetes-master", health=health)
        ready = replace(silent, backend_service=None, pool=pool)
    else:
        ready = replace(silent, backend_service=replace(silent.backend_service, health=health))
    with pytest.raises(Refused, match=f"the API of {name_of(1)} ready"):
        prove(ready)
    assert prove(ready, silent) >= Limits().election_s, "probes trail by some seconds"


def test_a_majority_that_is_seen_is_refused_at_once() -> None:
    with pytest.raises(Refused, match="2 healthy of 3"):
        prove(cluster("++-"))
    with pytest.raises(Refused, match="2 healthy of 3"):
        prove(says(cluster("???"), healthy=False), cluster("++-"))


def test_a_survivor_that_is_not_heard_proves_nothing() -> None:
    with pytest.raises(AgentSilent, match="nothing was deleted"):
        prove(cluster("?--"))


def test_who_is_not_listed_is_not_off() -> None:
    """In a partial list masters of the zone that could not be read are missing."""
    silent = says(cluster("???"), healthy=False)
    hole = replace(silent, replicas=silent.replicas[:1], unreadable=("zones/europe-west1-c",))
    assert prove(hole, silent) >= Limits().election_s
    assert prove(silent, hole, silent) >= Limits().election_s, "what was proven before is old"
    with pytest.raises(AgentSilent, match="nothing was deleted"):
        prove(hole)
