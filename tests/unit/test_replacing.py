"""`hakube replace`: what is left to do, however far an earlier run came. Values in, values out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from hakube_gce import marks
from hakube_gce.model import Observed, Operation, Replica, Verb
from hakube_gce.plan import replacing
from hakube_gce.plan.graph import Blocker
from hakube_gce.plan.planner import plan
from hakube_gce.steps import CreateInstance
from tests.fakes.clusters import ZONES, cluster, name_of, with_prepared
from tests.unit.test_plan import BLUEPRINT

B, C, D = ZONES
ADD, DROP = (Verb.REPLICATE, C), (Verb.REMOVE, C)
OLD, NEW = name_of(1), name_of(3)
FOUR = (B, C, D, C)
REMOVAL = Operation(id="b" * 12, verb=Verb.REMOVE, zone=C, target=OLD)
ADDITION = Operation(id="b" * 12, verb=Verb.REPLICATE, zone=C, target=NEW)


def verbs(name: str, seen: Observed, *, anew: bool = False) -> list[tuple[Verb, str]]:
    found = replacing.parts(BLUEPRINT, name, seen, anew=anew)
    assert not isinstance(found, Blocker), found
    return [(intent.verb, intent.zone) for intent in found]


def reason(name: str, seen: Observed) -> str:
    found = replacing.parts(BLUEPRINT, name, seen, anew=False)
    assert isinstance(found, Blocker), found
    return found.reason


def in_place(seen: Observed, newcomer: str) -> Observed:
    """Let a VM remember that it was made in the place of the old one."""

    def told(vms: Sequence[Replica]) -> tuple[Replica, ...]:
        return tuple(_told(vm) if vm.name == newcomer else vm for vm in vms)

    return replace(seen, replicas=told(seen.replicas), prepared=told(seen.prepared))


def _told(vm: Replica) -> Replica:
    metadata = {**vm.instance.metadata, marks.IN_PLACE_OF_KEY: OLD}
    return replace(vm, instance=replace(vm.instance, metadata=metadata))


def without(seen: Observed, index: int) -> Observed:
    """Take a master away: VM, member and disk."""
    return replace(
        seen,
        replicas=tuple(r for r in seen.replicas if r.name != name_of(index)),
        members=tuple(m for m in seen.members if m.name != name_of(index)),
        disks=tuple(d for d in seen.disks if d.name != f"{name_of(index)}-pd"),
    )


def test_a_sound_master_is_replaced_by_adding_first() -> None:
    assert verbs(OLD, cluster("+++")) == [ADD, DROP]


def test_beside_a_dead_master_nothing_is_added() -> None:
    assert verbs(OLD, cluster("+?+")) == [DROP, ADD]


def test_a_living_disk_is_used_again_unless_that_is_not_wanted() -> None:
    assert verbs(OLD, cluster("+-+")) == [(Verb.CREATE, C)]
    assert verbs(OLD, cluster("+-+"), anew=True) == [DROP, ADD]


def test_nobody_is_replaced_who_is_not_there() -> None:
    assert reason("kubernetes-master-fff", cluster("+++")) == "NoSuchReplica"


def test_nothing_is_decided_where_something_cannot_be_seen() -> None:
    blind = replace(cluster("+++"), unreadable=("zones/europe-west1-c: UNREACHABLE",))
    assert reason(OLD, blind) == "UnknownState"


GOING = without(cluster("+?+", operation=REMOVAL), 1)
PREPARED = in_place(with_prepared(cluster("+?+"), NEW, C), NEW)
ADDED = in_place(cluster("++++", zones=FOUR), NEW)


@pytest.mark.parametrize(
    ("seen", "left"),
    [
        (PREPARED, [DROP, ADD]),
        (replace(PREPARED, operation=REMOVAL), [DROP, ADD]),
        (replace(without(PREPARED, 1), operation=REMOVAL), [DROP, ADD]),
        (without(PREPARED, 1), [ADD]),
        (replace(without(ADDED, 1), operation=ADDITION), [ADD]),
        (without(ADDED, 1), []),
        (ADDED, [DROP]),
        (replace(ADDED, operation=ADDITION), [ADD, DROP]),
        (replace(ADDED, operation=REMOVAL), [DROP]),
        (replace(without(ADDED, 1), operation=REMOVAL), [DROP]),
        (GOING, [DROP, ADD]),
    ],
)
def test_whoever_runs_it_again_goes_on_where_it_was(
    seen: Observed, left: list[tuple[Verb, str]]
) -> None:
    assert verbs(OLD, seen) == left


def test_a_master_that_is_just_coming_back_is_waited_for() -> None:
    mending = Operation(id="e" * 12, verb=Verb.MEND, zone=C, target=OLD)
    assert verbs(OLD, cluster("+++", operation=mending)) == [(Verb.CREATE, C)]
    other = replace(mending, target=name_of(2))
    assert verbs(OLD, cluster("+++", operation=other)) == [ADD, DROP]


def test_a_founding_whose_end_was_only_not_noted_is_ended_first() -> None:
    first = name_of(0)
    founding = Operation(id="e" * 12, verb=Verb.CREATE, zone=B)
    assert verbs(first, cluster("+", operation=founding)) == [(Verb.CREATE, B)]
    assert verbs(first, cluster("+")) == [(Verb.REPLICATE, B), (Verb.REMOVE, B)]


def test_who_took_the_place_of_an_earlier_master_of_that_name_does_not_count() -> None:
    old, new = ADDED.replicas[1], ADDED.replicas[3]
    younger = replace(old, instance=replace(old.instance, created="2026-11-21T06:00:00Z"))
    seen = replace(ADDED, replicas=(ADDED.replicas[0], younger, ADDED.replicas[2], new))
    assert verbs(OLD, seen) == [ADD, DROP]


def test_who_comes_back_on_its_disk_takes_nobodys_place() -> None:
    """Two lost their VMs, and one is replaced: the other would pass for its newcomer for ever."""
    three = cluster("+++")
    seen = replace(three, replicas=three.replicas[:1], members=(), members_known=False)
    mending = Operation(id="e" * 12, verb=Verb.MEND, zone=C, target=OLD)
    found = plan(replace(BLUEPRINT, in_place_of=OLD), mending, seen)
    made = [p.step.spec for p in found.steps if isinstance(p.step, CreateInstance)]
    assert {spec.name for spec in made} == {OLD, name_of(2)}
    assert not any(marks.IN_PLACE_OF_KEY in spec.metadata for spec in made)


def test_a_replacement_that_nobody_finished_for_long_is_begun_anew() -> None:
    later = replace(ADDED, server_time=ADDED.server_time + timedelta(days=2))
    assert verbs(OLD, later) == [ADD, DROP], "the others may have changed since"
    assert verbs(OLD, without(later, 1)) == [], "whoever is gone is gone"
