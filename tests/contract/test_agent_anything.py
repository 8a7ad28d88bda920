"""Whatever is asked, in any order, with masters dying in between: no agent breaks its cluster."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from hakube_gce.emulator.membership import Membership
from hakube_gce.emulator.membership_state import EtcdRefused
from tests.fakes.agent_operator import Line
from tests.fakes.records_lab import RecordsLab

MOST_MASTERS = 7
PICK = st.integers(0, 99)
PAUSE_S = st.sampled_from([0, 1, 10])


class ClusterLife(RuleBasedStateMachine):
    """Any mix of admitting, expelling, yielding, dying and coming back."""

    def __init__(self) -> None:
        super().__init__()
        self.lab = RecordsLab()
        self.written: list[str] = []
        self.cluster_id = 0

    @initialize()
    def found(self) -> None:
        self.lab.found("m0")
        self.cluster_id = self.etcd.cluster_id

    # ------------------------------------------------------------------------------ looking

    @property
    def etcd(self) -> Membership:
        (only,) = self.lab.runtime.world.clusters.values()
        return only

    @property
    def up(self) -> list[str]:
        hosts = self.lab.runtime.world.hosts
        return [name for name, vm in self.lab.vms.items() if vm.internal_ip in hosts]

    def quorum_at(self) -> int:
        """Return a member that reads through a quorum, 0 when nobody does."""
        for name in self.up:
            etcd = self.lab.machine(name).etcd
            if etcd is None:
                continue
            try:
                self.etcd.members(etcd[1])
            except EtcdRefused:
                continue
            return etcd[1]
        return 0

    def ask(self, pick: int, verb: str, **args: object) -> Line:
        """Ask a living master; whatever it answers, it may not cost the cluster its quorum."""
        had_quorum = self.quorum_at() != 0
        before = self.voters()
        answer = self.lab.ask(self.up[pick % len(self.up)], verb, **args)
        assert not had_quorum or self.quorum_at() != 0, f"{verb} {args} cost the quorum: {answer}"
        assert abs(len(self.voters()) - len(before)) <= 1
        return answer

    def voters(self) -> list[str]:
        via = self.quorum_at()
        return [m.name for m in self.etcd.members(via) if not m.learner] if via else []

    # ------------------------------------------------------------------------------- acting

    @precondition(lambda self: self.up and len(self.lab.vms) < MOST_MASTERS)
    @rule(pick=PICK, timeout_s=st.sampled_from([1, 120]))
    def add(self, pick: int, timeout_s: int) -> None:
        name = f"m{len(self.lab.vms)}"
        self.lab.insert(name)
        self.lab.install(name, role="joiner")
        others = self.up[:-1]
        self.ask(
            pick % len(others),
            "admit",
            name=name,
            peer_url=self.lab.peer_url(name),
            timeout_s=timeout_s,
        )

    @precondition(lambda self: self.up and len(self.lab.vms) > 1)
    @rule(pick=PICK, whom=PICK)
    def expel(self, pick: int, whom: int) -> None:
        members = sorted(
            {m["id"] for disk in self.etcd.dump()["disks"].values() for m in disk["members"]}
        )
        self.ask(pick, "expel", member_id=f"{members[whom % len(members)]:x}")

    @precondition(lambda self: self.up)
    @rule(pick=PICK, whom=PICK)
    def yield_leadership(self, pick: int, whom: int) -> None:
        beats = [self.lab.heartbeat(name) for name in self.up]
        to = beats[whom % len(beats)]["member_id"] or "0"
        self.ask(pick, "yield-leadership", to=to)

    @precondition(lambda self: self.up)
    @rule(pick=PICK)
    def kill(self, pick: int) -> None:
        self.lab.kill(self.up[pick % len(self.up)])

    @precondition(lambda self: len(self.up) < len(self.lab.vms))
    @rule(pick=PICK)
    def start(self, pick: int) -> None:
        down = [name for name in self.lab.vms if name not in self.up]
        self.lab.start(down[pick % len(down)])

    @rule(seconds=PAUSE_S)
    def wait(self, seconds: int) -> None:
        self.lab.clock.advance(seconds)

    @rule()
    def write(self) -> None:
        via = self.quorum_at()
        if via:
            key = f"key {len(self.written)}"
            self.etcd.put(via, key, key)
            self.written.append(key)

    # ---------------------------------------------------------------------------- whatever

    @invariant()
    def no_acknowledged_write_is_lost(self) -> None:
        via = self.quorum_at() if self.cluster_id else 0
        if via:
            assert [key for key in self.written if self.etcd.get(via, key) != key] == []

    @invariant()
    def there_is_one_cluster_with_at_most_one_learner(self) -> None:
        via = self.quorum_at() if self.cluster_id else 0
        if via:
            assert self.etcd.cluster_id == self.cluster_id
            assert sum(m.learner for m in self.etcd.members(via)) <= 1

    @invariant()
    def whoever_was_removed_does_not_serve(self) -> None:
        via = self.quorum_at() if self.cluster_id else 0
        if not via:
            return
        listed = {m.peer_url for m in self.etcd.members(via)}
        for name, vm in self.lab.vms.items():
            if self.lab.peer_url(name) not in listed:
                assert not self.lab.runtime.serves(vm)


ClusterLife.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestClusterLife = ClusterLife.TestCase
