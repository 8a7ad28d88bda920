"""`admit`, told through the channel: the agent's core over the model of etcd."""

from hakube_gce.emulator.membership_state import Rules
from tests.fakes.records_lab import RecordsLab, error, lab_of, members

# ------------------------------------------------------------------------------------ admit


def test_admit_makes_a_healthy_voter_of_a_waiting_joiner() -> None:
    lab = lab_of("m1")
    answer = lab.join("m2")
    assert [m["role"] for m in answer["result"]["members"]] == ["voter", "voter"]
    beat = lab.heartbeat("m2")
    assert beat["member_id"] == answer["result"]["member_id"]
    assert (beat["etcd_healthy"], beat["apiserver_ready"]) == (True, True)


def test_a_third_is_admitted_at_once_in_spite_of_the_five_second_rule() -> None:
    lab = RecordsLab()
    lab.found("m1")
    for name in ("m2", "m3"):
        assert lab.join(name)["ok"]
    assert members(lab) == {"m1": "voter", "m2": "voter", "m3": "voter"}


def test_what_was_admitted_is_not_admitted_twice() -> None:
    lab = lab_of("m1", "m2")
    before = lab.heartbeat("m1")["members"]
    assert lab.admit("m2")["result"]["members"] == before


def test_a_learner_that_was_left_half_way_is_carried_on_with() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.add_learner(own, lab.peer_url("m2"))
    answer = lab.admit("m2")
    assert answer["ok"], answer
    assert members(lab) == {"m1": "voter", "m2": "voter"}


def test_nobody_is_admitted_while_a_voter_is_down() -> None:
    lab = lab_of("m1", "m2", "m3")
    lab.kill("m3")
    assert error(lab.join("m4")) == (
        "refused",
        "every voter must be healthy before one is added; not healthy: m3",
    )
    assert sorted(members(lab)) == ["m1", "m2", "m3"]


def test_nobody_is_admitted_beside_another_learner() -> None:
    lab = lab_of("m1")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.add_learner(own, "https://10.132.0.99:2380")
    code, message = error(lab.join("m2"))
    assert (code, "another newcomer" in message) == ("refused", True)


def test_a_newcomer_that_cannot_be_reached_changes_nothing() -> None:
    lab = lab_of("m1", "m2")
    lab.insert("m3")
    lab.install("m3", role="joiner")
    lab.cut("m1", "m3")
    code, message = error(lab.admit("m3"))
    assert (code, "does not answer" in message) == ("refused", True)
    assert members(lab) == {"m1": "voter", "m2": "voter"}


def test_a_newcomer_that_does_not_reach_every_voter_changes_nothing() -> None:
    lab = lab_of("m1", "m2")
    lab.insert("m3")
    lab.install("m3", role="joiner")
    lab.cut("m2", "m3")
    code, message = error(lab.admit("m3"))
    assert (code, "it does not reach m2" in message) == ("refused", True)
    assert members(lab) == {"m1": "voter", "m2": "voter"}


def test_a_newcomer_of_another_name_is_refused() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    answer = lab.ask("m1", "admit", name="m9", peer_url=lab.peer_url("m2"), timeout_s=5)
    assert error(answer)[0] == "refused"
    assert members(lab) == {"m1": "voter"}


def test_a_learner_that_never_starts_is_taken_out_again() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    lab.stall("m2")
    code, message = error(lab.admit("m2", timeout_s=30))
    assert code == "failed"
    assert "its etcd has not started" in message
    assert "taken out again" in message
    assert members(lab) == {"m1": "voter"}


def test_a_learner_that_does_not_catch_up_is_taken_out_again() -> None:
    lab = RecordsLab(rules=Rules(catch_up_s=3600))
    lab.found("m1")
    code, message = error(lab.join("m2"))
    assert (code, "in sync with leader" in message) == ("failed", True)
    assert members(lab) == {"m1": "voter"}


def test_a_slow_learner_is_waited_for_while_it_lives() -> None:
    lab = RecordsLab(rules=Rules(catch_up_s=100))
    lab.found("m1")
    assert lab.join("m2")["ok"]


def test_a_joiner_does_not_take_the_place_of_a_member_that_has_been_there() -> None:
    """An empty disk in an old voter's place is a voter that forgot what it acknowledged."""
    lab = lab_of("m1", "m2", "m3")
    lab.kill("m3")
    lab.runtime.forget_disk(lab.vms["m3"].data_disk_id)
    address = lab.vms["m3"].internal_ip
    lab.insert("m4", address=address)
    assert lab.install("m4", role="joiner")["ok"]
    beat = lab.heartbeat("m4")
    assert (beat["phase"], beat["member_id"]) == ("installed", "")
    assert "expel it first" in beat["detail"]


def test_nobody_is_admitted_while_an_alarm_stands() -> None:
    lab = lab_of("m1")
    membership, _ = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.alarms = frozenset({"NOSPACE"})
    code, message = error(lab.join("m2"))
    assert (code, "NOSPACE" in message) == ("refused", True)
    assert members(lab) == {"m1": "voter"}


def test_a_learner_that_went_silent_is_not_promoted_whatever_etcd_thinks() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.add_learner(own, lab.peer_url("m2"))
    lab.clock.advance(1)
    lab.ask("m2", "report")
    assert lab.heartbeat("m2")["role"] == "learner"
    lab.cut("m1", "m2")
    code, message = error(lab.admit("m2"))
    assert (code, "does not answer" in message) == ("failed", True)
    assert members(lab) == {"m1": "voter"}


def test_who_was_expelled_a_moment_ago_can_be_admitted_again() -> None:
    """Within the second etcd hands the removed id out again, and refuses it."""
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    lab.runtime.hung.add(lab.vms["m2"].id)
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.remove(own, membership.add_learner(own, lab.peer_url("m2")))
    lab.runtime.hung.clear()
    assert lab.admit("m2")["ok"]


def test_a_phantom_voter_counts_as_unhealthy() -> None:
    """A voter that somebody else added and that never started: nothing may be built on that."""
    lab = lab_of("m1", "m2", "m3")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.add_voter(own, "https://10.132.0.99:2380")
    code, message = error(lab.join("m4"))
    assert (code, "never started" in message) == ("refused", True)
    phantom = next(m["id"] for m in lab.heartbeat("m1")["members"] if not m["name"])
    assert lab.ask("m1", "expel", member_id=phantom)["ok"]


def test_only_a_voter_admits() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    assert error(lab.admit("m2", via="m2"))[0] == "refused"
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.add_learner(own, lab.peer_url("m2"))
    lab.ask("m2", "report")
    for verb in ("admit", "expel", "export-keys", "yield-leadership"):
        answer = lab.ask("m2", verb, name="m3", peer_url="u", member_id="1", to="1", recipient="r")
        assert error(answer) == ("refused", "m2 is a learner: ask a voter")


def test_a_place_that_another_member_holds_is_not_given_away() -> None:
    lab = lab_of("m1", "m2", "m3")
    answer = lab.ask("m1", "admit", name="m9", peer_url=lab.peer_url("m3"), timeout_s=5)
    code, message = error(answer)
    assert (code, "belongs to member m3" in message) == ("refused", True)


def test_a_learner_has_no_api_server_yet() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    learner = membership.add_learner(own, lab.peer_url("m2"))
    lab.ask("m2", "report")
    beat = lab.heartbeat("m2")
    assert (beat["phase"], beat["role"], beat["etcd_healthy"]) == ("running", "learner", False)
    assert not lab.machine("m2").services.apiserver_started
    membership.promote(own, learner)
    lab.ask("m2", "report")
    assert lab.heartbeat("m2")["apiserver_ready"]
