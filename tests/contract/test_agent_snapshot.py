"""`snapshot`, and the snapshot before every membership change, on the model of etcd."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from hakube_gce.agent.ports import DatabaseError, Saved
from hakube_gce.emulator.runtimes.records_databases import RecordsDatabases
from tests.fakes.records_lab import RecordsLab, error, lab_of, members


def saved(lab: RecordsLab, name: str = "m1") -> tuple[str, ...]:
    return lab.machine(name).data.names("snapshots")


class FullDisk(RecordsDatabases):
    """A disk that takes no more."""

    def save(self, name: str) -> None:
        msg = f"{name}: no space left on device"
        raise DatabaseError(msg)


@dataclass
class BigDatabase(RecordsDatabases):
    """One whose copy takes so long that something happens meanwhile."""

    real: RecordsDatabases
    meanwhile: Callable[[], object]

    def save(self, name: str) -> None:
        self.real.save(name)
        self.meanwhile()

    def verify(self, name: str) -> Saved:
        return self.real.verify(name)


def use(lab: RecordsLab, databases: RecordsDatabases, name: str = "m1") -> None:
    machine = lab.machine(name)
    machine.ports = replace(machine.ports, databases=databases)
    agent = machine.agent
    object.__setattr__(agent._master, "ports", machine.ports)  # noqa: SLF001 - a disk of its own


def fill_disk(lab: RecordsLab, name: str = "m1") -> None:
    use(lab, FullDisk(lab.machine(name), lab.runtime.world), name)


def take_long(lab: RecordsLab, meanwhile: Callable[[], object]) -> None:
    real = RecordsDatabases(lab.machine("m1"), lab.runtime.world)
    use(lab, BigDatabase(real=real, meanwhile=meanwhile))


def test_a_snapshot_says_what_it_holds_and_lies_on_the_data_disk() -> None:
    lab = lab_of("m1")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    revision = membership.put(own, "/registry/a", "1")
    answer = lab.ask("m1", "snapshot")["result"]
    assert answer["revision"] == revision
    assert answer["total_keys"] == 1
    assert answer["size_bytes"] > 0
    assert len(answer["hash"]) == 8
    assert saved(lab) == (answer["name"],)
    assert membership.disk(own).revision == revision, "it wrote something"


def test_the_newest_three_are_kept() -> None:
    lab = lab_of("m1")
    names = []
    for _ in range(5):
        lab.clock.advance(1)
        names.append(lab.ask("m1", "snapshot")["result"]["name"])
    assert list(saved(lab)) == names[2:]


def test_a_follower_saves_what_was_acknowledged_anywhere() -> None:
    lab = lab_of("m1", "m2", "m3")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    revision = membership.put(own, "/registry/a", "1")
    assert lab.ask("m3", "snapshot")["result"]["revision"] == revision


def test_without_a_quorum_none_is_taken() -> None:
    lab = lab_of("m1", "m2")
    before = saved(lab)
    lab.kill("m2")
    assert error(lab.ask("m1", "snapshot"))[0] == "refused"
    assert saved(lab) == before


def test_every_membership_change_begins_with_one() -> None:
    lab = lab_of("m1", "m2")
    assert len(saved(lab)) == 1
    lab.clock.advance(10)
    lab.insert("m3")
    lab.install("m3", role="joiner")
    assert lab.admit("m3")["ok"]
    assert len(saved(lab)) == 2
    said = [line["message"] for line in lab.lines("m1") if line["type"] == "progress"]
    assert said[-3].startswith("snapshot ")
    assert "added as learner" in said[-2]
    lab.clock.advance(10)
    assert lab.ask("m1", "expel", member_id=lab.member_id("m3"))["ok"]
    assert len(saved(lab)) == 3


def test_without_one_the_membership_stays_as_it_is() -> None:
    lab = lab_of("m1", "m2", "m3")
    lab.insert("m4")
    lab.install("m4", role="joiner")
    fill_disk(lab)
    code, message = error(lab.admit("m4"))
    assert (code, "no space left" in message) == ("refused", True)
    code, message = error(lab.ask("m1", "expel", member_id=lab.member_id("m3")))
    assert (code, "no snapshot could be taken" in message) == ("refused", True)
    assert sorted(members(lab)) == ["m1", "m2", "m3"]


def test_what_took_longer_than_whoever_asked_waits_changes_nothing() -> None:
    lab = lab_of("m1", "m2", "m3")
    lab.insert("m4")
    lab.install("m4", role="joiner")
    take_long(lab, lambda: lab.clock.advance(3600))
    code, message = error(lab.ask("m1", "expel", member_id=lab.member_id("m3")))
    assert (code, "the request expired at" in message) == ("stale", True)
    code, message = error(lab.admit("m4"))
    assert (code, "the request expired at" in message) == ("stale", True)
    assert sorted(members(lab)) == ["m1", "m2", "m3"]


def test_who_died_during_the_copy_counts_before_the_removal() -> None:
    lab = lab_of("m1", "m2", "m3")
    take_long(lab, lambda: lab.kill("m2"))
    code, message = error(lab.ask("m1", "expel", member_id=lab.member_id("m3")))
    assert (code, "1 of the 2 voters that stay would be healthy" in message) == ("refused", True)
    said = [line["message"] for line in lab.lines("m1") if line["type"] == "progress"]
    assert said[-1].startswith("snapshot "), "etcd was asked, and had to say no itself"
    assert sorted(members(lab)) == ["m1", "m2", "m3"]


def test_where_nothing_has_to_change_none_is_needed() -> None:
    lab = lab_of("m1", "m2", "m3")
    fill_disk(lab)
    assert lab.admit("m3")["ok"]
    assert lab.ask("m1", "expel", member_id="abc")["ok"]


def test_a_learner_left_by_a_killed_run_is_promoted_beside_a_fresh_one() -> None:
    lab = lab_of("m1", "m2")
    lab.insert("m3")
    lab.install("m3", role="joiner")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.add_learner(own, lab.peer_url("m3"))
    lab.clock.advance(dt.timedelta(seconds=10).total_seconds())
    before = saved(lab)
    assert lab.admit("m3")["ok"]
    assert len(saved(lab)) == len(before) + 1


@pytest.mark.parametrize("spoil", [b"", b"garbage", b"0\n{}"])
def test_a_damaged_one_is_noticed(spoil: bytes) -> None:
    lab = lab_of("m1")
    name = lab.ask("m1", "snapshot")["result"]["name"]
    machine = lab.machine("m1")
    machine.data.write(f"snapshots/{name}", spoil)
    with pytest.raises(DatabaseError, match="damaged"):
        machine.ports.databases.verify(f"snapshots/{name}")
