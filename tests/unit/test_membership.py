"""The model of etcd refuses what etcd refuses, and gets hurt where etcd gets hurt.

Figures and messages are those measured with etcd 3.4.23 and 3.5.30; the process tests hold a part
of them against a real one.
"""

from collections.abc import Callable

import pytest

from hakube_gce.emulator.membership import Membership
from hakube_gce.emulator.membership_state import EtcdRefused, JoinFailed, Rules
from tests.fakes.clock import FakeClock


def url(number: int) -> str:
    return f"https://10.0.0.{number}:2380"


class Lab:
    """A cluster of members m1, m2, …; ``ids[1]`` is the founder's."""

    def __init__(self, voters: int = 1, rules: Rules | None = None) -> None:
        self.clock = FakeClock()
        self.etcd = Membership(token="uid", clock=self.clock, rules=rules)  # noqa: S106 - no secret
        self.ids = {1: self.etcd.found("m1", url(1))}
        for number in range(2, voters + 1):
            self.add(number)
            self.clock.advance(10)
        self.clock.advance(10)

    def join(self, number: int) -> int:
        flags = {m.name or f"m{number}": m.peer_url for m in self.etcd.members(self.ids[1])}
        return self.etcd.join(f"m{number}", url(number), flags)

    def add(self, number: int) -> None:
        self.ids[number] = self.etcd.add_learner(self.ids[1], url(number))
        self.join(number)
        self.etcd.promote(self.ids[1], self.ids[number])

    def voters(self, via: int = 1) -> int:
        return sum(not m.learner for m in self.etcd.members(self.ids[via]))

    @property
    def has_quorum(self) -> bool:
        for member_id in self.ids.values():
            try:
                self.etcd.members(member_id)
            except EtcdRefused:
                continue
            return True
        return False


def refused(code: int, message: str, change: Callable[[], object]) -> None:
    with pytest.raises(EtcdRefused) as caught:
        change()
    assert (caught.value.code, caught.value.message) == (code, f"etcdserver: {message}")


def test_a_learner_joins_catches_up_and_votes() -> None:
    lab = Lab()
    lab.etcd.put(lab.ids[1], "k", "v")
    lab.add(2)
    assert lab.voters() == 2
    assert lab.etcd.get(lab.ids[2], "k") == "v"
    assert [m.name for m in lab.etcd.members(lab.ids[2])] == ["m1", "m2"]


def test_one_voter_too_hastily_added_stops_a_cluster_of_one() -> None:
    lab = Lab()
    lab.etcd.add_voter(lab.ids[1], url(2))
    refused(14, "request timed out", lambda: lab.etcd.put(lab.ids[1], "k", "v"))
    assert not lab.has_quorum


def test_a_learner_that_never_starts_stops_nobody() -> None:
    lab = Lab()
    learner = lab.etcd.add_learner(lab.ids[1], url(2))
    lab.etcd.put(lab.ids[1], "k", "v")
    refused(
        9,
        "can only promote a learner member which is in sync with leader",
        lambda: lab.etcd.promote(lab.ids[1], learner),
    )
    lab.etcd.remove(lab.ids[1], learner)
    assert [m.name for m in lab.etcd.members(lab.ids[1])] == ["m1"]


def test_a_learner_needs_its_time_to_catch_up() -> None:
    lab = Lab(rules=Rules(catch_up_s=3))
    learner = lab.etcd.add_learner(lab.ids[1], url(2))
    lab.join(2)
    refused(
        9,
        "can only promote a learner member which is in sync with leader",
        lambda: lab.etcd.promote(lab.ids[1], learner),
    )
    lab.clock.advance(3)
    lab.etcd.promote(lab.ids[1], learner)
    assert lab.voters() == 2


def test_a_voter_is_not_promoted() -> None:
    lab = Lab(2)
    refused(
        9, "can only promote a learner member", lambda: lab.etcd.promote(lab.ids[1], lab.ids[2])
    )


def test_there_is_one_learner_at_a_time() -> None:
    lab = Lab()
    lab.etcd.add_learner(lab.ids[1], url(2))
    refused(
        9,
        "too many learner members in cluster",
        lambda: lab.etcd.add_learner(lab.ids[1], url(3)),
    )


def test_a_peer_url_is_taken_once() -> None:
    lab = Lab(2)
    refused(9, "Peer URLs already exists", lambda: lab.etcd.add_learner(lab.ids[1], url(2)))


def test_nobody_is_added_while_a_voter_is_down() -> None:
    lab = Lab(3)
    lab.etcd.stop(lab.ids[3])
    refused(14, "unhealthy cluster", lambda: lab.etcd.add_learner(lab.ids[1], url(4)))
    refused(14, "unhealthy cluster", lambda: lab.etcd.add_voter(lab.ids[1], url(4)))


def test_nobody_is_added_while_a_voter_was_up_for_less_than_five_seconds() -> None:
    lab = Lab(2)
    lab.etcd.stop(lab.ids[2])
    lab.etcd.start(lab.ids[2])
    refused(14, "unhealthy cluster", lambda: lab.etcd.add_learner(lab.ids[1], url(3)))
    lab.clock.advance(4.9)
    refused(14, "unhealthy cluster", lambda: lab.etcd.add_learner(lab.ids[1], url(3)))
    lab.clock.advance(0.2)
    lab.etcd.add_learner(lab.ids[1], url(3))


def test_the_five_second_rule_can_be_switched_off_but_down_stays_down() -> None:
    lab = Lab(2, Rules(health_interval_s=0))
    lab.etcd.stop(lab.ids[2])
    lab.etcd.start(lab.ids[2])
    lab.etcd.add_learner(lab.ids[1], url(3))
    three = Lab(3, Rules(health_interval_s=0))
    three.etcd.stop(three.ids[3])
    refused(14, "unhealthy cluster", lambda: three.etcd.add_learner(three.ids[1], url(4)))


def test_the_relaxed_etcd_adds_beside_one_dead_of_five_but_not_of_three() -> None:
    rules = Rules(adds_while_quorum_holds=True)
    five = Lab(5, rules)
    five.etcd.stop(five.ids[5])
    five.etcd.add_learner(five.ids[1], url(6))
    three = Lab(3, rules)
    three.etcd.stop(three.ids[3])
    refused(14, "unhealthy cluster", lambda: three.etcd.add_learner(three.ids[1], url(4)))


def test_phantom_voters_are_refused_once_the_started_ones_are_too_few() -> None:
    lab = Lab(3, Rules(health_interval_s=0, adds_while_quorum_holds=True))
    lab.etcd.add_voter(lab.ids[1], url(4))
    assert lab.has_quorum


def test_of_three_with_one_down_only_the_dead_one_may_leave() -> None:
    lab = Lab(3)
    lab.etcd.stop(lab.ids[3])
    refused(14, "unhealthy cluster", lambda: lab.etcd.remove(lab.ids[1], lab.ids[2]))
    lab.etcd.remove(lab.ids[1], lab.ids[3])
    assert lab.voters() == 2


def test_of_two_with_one_down_nothing_goes_any_more() -> None:
    lab = Lab(2)
    lab.etcd.stop(lab.ids[2])
    for change in (
        lambda: lab.etcd.remove(lab.ids[1], lab.ids[2]),
        lambda: lab.etcd.add_learner(lab.ids[1], url(3)),
        lambda: lab.etcd.put(lab.ids[1], "k", "v"),
        lambda: lab.etcd.members(lab.ids[1]),
    ):
        refused(14, "request timed out", change)


def test_the_last_voter_is_not_removed() -> None:
    lab = Lab()
    refused(
        2,
        "re-configuration failed due to not enough started members",
        lambda: lab.etcd.remove(lab.ids[1], lab.ids[1]),
    )


def test_an_unknown_id_is_not_found() -> None:
    lab = Lab(2)
    refused(5, "member not found", lambda: lab.etcd.remove(lab.ids[1], 12345))
    refused(5, "member not found", lambda: lab.etcd.promote(lab.ids[1], 12345))


def test_a_removed_member_ends_and_does_not_start_again() -> None:
    lab = Lab(3)
    lab.etcd.remove(lab.ids[1], lab.ids[3])
    assert not lab.etcd.is_running(lab.ids[3])
    assert not lab.etcd.start(lab.ids[3])
    assert lab.etcd.is_removed(lab.ids[3])


def test_a_member_removed_while_it_was_down_ends_when_it_starts() -> None:
    lab = Lab(3)
    lab.etcd.stop(lab.ids[3])
    lab.etcd.remove(lab.ids[1], lab.ids[3])
    assert not lab.etcd.start(lab.ids[3])


def test_the_same_url_within_the_second_gets_a_removed_id() -> None:
    lab = Lab(rules=Rules(health_interval_s=0))
    first = lab.etcd.add_learner(lab.ids[1], url(2))
    lab.etcd.remove(lab.ids[1], first)
    refused(5, "member not found", lambda: lab.etcd.add_learner(lab.ids[1], url(2)))
    lab.clock.advance(1)
    assert lab.etcd.add_learner(lab.ids[1], url(2)) != first


def test_the_leader_may_be_removed_and_another_leads() -> None:
    lab = Lab(3)
    term = lab.etcd.disk(lab.ids[2]).term
    lab.etcd.remove(lab.ids[2], lab.ids[1])
    assert lab.etcd.leader in (lab.ids[2], lab.ids[3])
    assert lab.voters(2) == 2
    assert lab.etcd.disk(lab.ids[2]).term > term


def test_a_dead_leader_is_followed_by_another_while_a_majority_runs() -> None:
    lab = Lab(3)
    lab.etcd.put(lab.ids[1], "k", "v")
    lab.etcd.stop(lab.ids[1])
    assert lab.etcd.leader in (lab.ids[2], lab.ids[3])
    assert lab.etcd.get(lab.ids[2], "k") == "v"
    lab.etcd.stop(lab.etcd.leader)
    assert lab.etcd.leader == 0


def test_leadership_goes_to_voters_only_and_is_asked_of_the_leader() -> None:
    lab = Lab(2)
    lab.etcd.transfer_leadership(lab.ids[1], lab.ids[2])
    assert lab.etcd.leader == lab.ids[2]
    refused(9, "not leader", lambda: lab.etcd.transfer_leadership(lab.ids[1], lab.ids[1]))
    learner = lab.etcd.add_learner(lab.ids[1], url(3))
    refused(9, "bad leader transferee", lambda: lab.etcd.transfer_leadership(lab.ids[2], learner))


def test_a_learner_serves_nothing_that_needs_a_quorum() -> None:
    lab = Lab()
    learner = lab.etcd.add_learner(lab.ids[1], url(2))
    lab.join(2)
    for question in (
        lambda: lab.etcd.members(learner),
        lambda: lab.etcd.get(learner, "k"),
        lambda: lab.etcd.promote(learner, learner),
    ):
        refused(14, "rpc not supported for learner", question)


def test_a_member_that_was_down_sees_old_things_until_it_is_back() -> None:
    lab = Lab(3)
    lab.etcd.stop(lab.ids[3])
    lab.etcd.put(lab.ids[1], "k", "new")
    lab.etcd.stop(lab.ids[1])
    lab.etcd.stop(lab.ids[2])
    lab.etcd.start(lab.ids[3])
    assert "k" not in lab.etcd.disk(lab.ids[3]).keys
    lab.etcd.start(lab.ids[1])
    assert lab.etcd.get(lab.ids[3], "k") == "new"


def test_what_a_majority_of_disks_held_is_gone_with_them() -> None:
    lab = Lab(3)
    lab.etcd.wipe(lab.ids[1])
    assert lab.has_quorum
    lab.etcd.wipe(lab.ids[2])
    assert not lab.has_quorum


def test_a_voter_whose_disk_was_emptied_may_come_back_and_nobody_notices() -> None:
    """The danger that the agent guards against: the model must be able to show it."""
    lab = Lab(3)
    lab.etcd.wipe(lab.ids[3])
    assert lab.join(3) == lab.ids[3]
    assert lab.voters() == 3


@pytest.mark.parametrize(
    "flags",
    [
        {"m1": url(1)},
        {"m2": url(9), "m1": url(1)},
        {"m2": url(2)},
        {"m2": url(2), "m1": url(1), "m3": url(3)},
    ],
    ids=["not in its own flags", "other url", "a member missing", "one too many"],
)
def test_a_joiner_with_wrong_flags_does_not_start(flags: dict[str, str]) -> None:
    lab = Lab()
    lab.etcd.add_learner(lab.ids[1], url(2))
    with pytest.raises(JoinFailed):
        lab.etcd.join("m2", url(2), flags)


def test_a_full_disk_stops_writes_and_nothing_else() -> None:
    lab = Lab(2)
    lab.etcd.alarms = frozenset({"NOSPACE"})
    refused(8, "mvcc: database space exceeded", lambda: lab.etcd.put(lab.ids[1], "k", "v"))
    lab.etcd.add_learner(lab.ids[1], url(3))


def test_index_and_revision_grow_with_what_is_written() -> None:
    lab = Lab(2)
    before = lab.etcd.disk(lab.ids[2])
    lab.etcd.put(lab.ids[1], "k", "v")
    after = lab.etcd.disk(lab.ids[2])
    assert after.applied_index == before.applied_index + 1
    assert after.revision == before.revision + 1


def test_a_cluster_is_the_same_after_being_kept_and_started_again() -> None:
    lab = Lab(3)
    lab.etcd.put(lab.ids[1], "k", "v")
    again = Membership.load(lab.etcd.dump(), clock=lab.clock)
    assert again.leader == 0
    again.start(lab.ids[1])
    assert again.leader == 0
    again.start(lab.ids[2])
    assert again.get(lab.ids[2], "k") == "v"
    assert again.members(lab.ids[1]) == lab.etcd.members(lab.ids[1])
    assert again.cluster_id == lab.etcd.cluster_id
