"""What may happen between two looks of the agent: staged at the very call where it hurts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from hakube_gce.agent.admit import admit
from hakube_gce.agent.expel import expel, remove_learner
from hakube_gce.agent.job import Config, Job, Master
from hakube_gce.agent.life import tend
from hakube_gce.agent.notebook import Memory, Notebook, Phase
from hakube_gce.agent.ports import (
    Etcd,
    EtcdError,
    EtcdStatus,
    EtcdTrouble,
    Member,
    Peers,
    Reach,
    Role,
)
from hakube_gce.agent.protocol import Code, Request, RequestError
from hakube_gce.agent.quorum import look_at_members
from hakube_gce.emulator.runtimes.records_world import DiskFiles
from tests.fakes.agent_operator import UID
from tests.fakes.records_lab import RecordsLab


class StagedEtcd:
    """A real member of the model, with things happening around its calls."""

    def __init__(self, etcd: Etcd) -> None:
        self._etcd = etcd
        self.after_add: Callable[[], None] = lambda: None
        self.after_remove: Callable[[], None] = lambda: None
        self.elections = 0
        """How many times nobody leads when the status is asked for."""

    def status(self) -> EtcdStatus:
        status = self._etcd.status()
        if self.elections:
            self.elections -= 1
            return replace(status, leader_id="")
        return status

    def read_linearizable(self) -> None:
        self._etcd.read_linearizable()

    def members(self) -> tuple[Member, ...]:
        return self._etcd.members()

    def members_locally(self) -> tuple[Member, ...]:
        return self._etcd.members_locally()

    def add_learner(self, peer_url: str) -> str:
        added = self._etcd.add_learner(peer_url)
        self.after_add()
        return added

    def promote(self, member_id: str) -> None:
        self._etcd.promote(member_id)

    def remove(self, member_id: str) -> None:
        self._etcd.remove(member_id)
        self.after_remove()

    def transfer_leadership(self, to: str) -> None:
        self._etcd.transfer_leadership(to)

    def prove_writable(self) -> None:
        self._etcd.prove_writable()

    def keys(self, prefix: str) -> tuple[str, ...]:
        return self._etcd.keys(prefix)

    def delete(self, key: str) -> None:
        self._etcd.delete(key)


class StagedPeers:
    """The lab's wires, with answers changed on the way."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self.answer: Callable[[str, bool], bool] = lambda _, truth: truth
        self.lists: list[tuple[Member, ...]] = []
        """Lists to be given before the true ones."""

    def answers(self, peer_url: str) -> bool:
        return self.answer(peer_url, self._peers.answers(peer_url))

    def listed(self, peer_url: str) -> tuple[Member, ...]:
        return self.lists.pop(0) if self.lists else self._peers.listed(peer_url)

    def reach(self, peer_url: str) -> Reach:
        return self._peers.reach(peer_url)


class Stage:
    """A lab of three and the first master's ports, staged."""

    def __init__(self, on: str = "m1") -> None:
        self.lab = RecordsLab()
        self.lab.found("m1")
        for name in ("m2", "m3"):
            assert self.lab.join(name)["ok"]
        self.lab.insert("m4")
        assert self.lab.install("m4", role="joiner")["ok"]
        self.lab.clock.advance(10)
        machine = self.lab.machine(on)
        self.etcd = StagedEtcd(machine.ports.etcd)
        self.peers = StagedPeers(machine.ports.peers)
        self.master = Master(
            identity=machine.identity,
            config=Config(uid=UID, replica=on, nonce="n"),
            ports=replace(machine.ports, etcd=self.etcd, peers=self.peers),
            notebook=Notebook(DiskFiles(), machine.identity.instance_id),
        )

    def job(self, verb: str, **args: object) -> Job:
        request = Request(
            id="r",
            verb=verb,
            instance_id="4711",
            epoch=7,
            expires=self.lab.clock.now() + timedelta(hours=1),
            args=args,
        )
        return Job(master=self.master, request=request, attributes={}, progress=lambda _: None)

    def admission(self) -> Job:
        return self.job("admit", name="m4", peer_url=self.lab.peer_url("m4"), timeout_s=60)

    def roles(self) -> dict[str, str]:
        return {m["name"]: m["role"] for m in self.lab.heartbeat("m1")["members"]}


THREE = {"m1": "voter", "m2": "voter", "m3": "voter"}


def test_a_voter_that_dies_after_the_learner_came_stops_the_promotion() -> None:
    stage = Stage()
    stage.etcd.after_add = lambda: stage.lab.kill("m3")
    with pytest.raises(RequestError, match="not healthy: m3") as caught:
        admit(stage.admission())
    assert caught.value.code is Code.FAILED
    assert stage.roles() == THREE


def test_a_newcomer_that_falls_silent_once_promoted_is_not_called_healthy() -> None:
    stage = Stage()
    url = stage.lab.peer_url("m4")
    looks_as_voter = iter([True])

    def falls_silent(peer_url: str, truth: bool) -> bool:
        if peer_url != url or stage.roles().get("m4") != "voter":
            return truth
        return next(looks_as_voter, False)

    stage.peers.answer = falls_silent
    with pytest.raises(RequestError, match="not seen as a healthy voter") as caught:
        admit(stage.admission())
    assert caught.value.code is Code.FAILED
    assert stage.roles() == {**THREE, "m4": "voter"}


def test_an_answer_that_was_lost_on_the_way_is_looked_for() -> None:
    """The addition was made, its answer never came: that is no reason to add once more."""
    stage = Stage()

    def lose_it() -> None:
        raise EtcdError(EtcdTrouble.UNREACHABLE, "connection reset")

    stage.etcd.after_add = lose_it
    assert admit(stage.admission())["member_id"] == stage.lab.member_id("m4")
    stage.etcd.after_remove = lose_it
    expel(stage.job("expel", member_id=stage.lab.member_id("m4")))
    assert stage.roles() == THREE


def test_taking_a_learner_out_never_takes_a_voter_out() -> None:
    stage = Stage()
    with pytest.raises(RequestError, match="became a voter after all"):
        remove_learner(stage.master, stage.lab.member_id("m3"))
    assert stage.roles() == THREE


def test_a_voter_without_a_name_is_not_healthy_whoever_answers_there() -> None:
    stage = Stage()
    membership, own = stage.lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    phantom = f"{membership.add_voter(own, 'https://10.132.0.99:2380'):x}"
    stage.peers.answer = lambda *_: True
    seen = look_at_members(stage.master)
    assert [m.id for m in seen.unhealthy_voters] == [phantom]


def test_a_joiner_starts_on_no_list_with_somebody_else_unstarted() -> None:
    stage = Stage(on="m4")
    stage.master.notebook.keep(
        Memory(
            instance_id=stage.master.identity.instance_id,
            phase=Phase.INSTALLED,
            certified=True,
            peers=(stage.lab.peer_url("m1"),),
        )
    )
    own = Member(id="a", name="", peer_url=stage.lab.peer_url("m4"), role=Role.LEARNER)
    phantom = Member(id="b", name="", peer_url="https://10.132.0.99:2380", role=Role.VOTER)
    stage.peers.lists = [(own, phantom)]
    tend(stage.master)
    assert stage.master.memory.phase is Phase.INSTALLED
    assert stage.master.memory.launch is None


def test_a_joiner_that_was_shown_an_old_list_begins_again() -> None:
    stage = Stage(on="m4")
    membership, leader = stage.lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    stage.lab.runtime.hung.add(stage.lab.vms["m4"].id)
    membership.add_learner(leader, stage.lab.peer_url("m4"))
    peer_url = stage.lab.peer_url("m1")
    stage.master.notebook.keep(
        Memory(
            instance_id=stage.master.identity.instance_id,
            phase=Phase.INSTALLED,
            certified=True,
            peers=(peer_url,),
        )
    )
    true_list = stage.master.ports.peers.listed(peer_url)
    stage.peers.lists = [tuple(m for m in true_list if m.name != "m2")]
    tend(stage.master)
    assert stage.master.memory.phase is Phase.RUNNING
    assert stage.lab.machine("m4").etcd is None
    for _ in range(3):
        tend(stage.master)
    assert stage.master.memory.phase is Phase.RUNNING
    assert stage.lab.machine("m4").etcd is not None


def test_an_election_is_waited_for_and_the_loss_of_a_quorum_is_not_taken_for_one() -> None:
    stage = Stage()
    stage.etcd.elections = 3
    expel(stage.job("expel", member_id=stage.lab.member_id("m3")))
    assert sorted(stage.roles()) == ["m1", "m2"]
    stage.etcd.elections = 1000
    with pytest.raises(RequestError, match="knows of no leader") as caught:
        expel(stage.job("expel", member_id=stage.lab.member_id("m2")))
    assert caught.value.code is Code.REFUSED
    assert sorted(stage.roles()) == ["m1", "m2"]
