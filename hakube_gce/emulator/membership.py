"""One etcd cluster as a value machine: who is a member, who leads, what is committed.

No process, no network, no wall clock. It refuses what etcd refuses, with etcd's own gRPC codes
and messages, and it lets happen what etcd lets happen, voters added in a hurry and quorums lost
included: whoever uses it must be able to get hurt. It models neither Raft's rounds nor time-outs:
a change either has its majority now or fails now.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hakube_gce.emulator.membership_replication import MonotonicClock, Replication
from hakube_gce.emulator.membership_rules import check_addition, check_new_voter, check_removal
from hakube_gce.emulator.membership_state import (
    EtcdRefused,
    JoinFailed,
    MemberRecord,
    Replicated,
    Rules,
    dump_disk,
    load_disk,
    member_hash,
)

Witness = Callable[[Replicated, Replicated, frozenset[int]], None]
"""Is told of each change of a membership: before, after, and the ids of who ran just before it."""


def nobody(_before: Replicated, _after: Replicated, _running: frozenset[int]) -> None:
    """See nothing."""


class Membership:
    """One etcd cluster: its members' disks and processes."""

    def __init__(
        self,
        *,
        token: str,
        clock: MonotonicClock,
        rules: Rules | None = None,
        witness: Witness = nobody,
    ) -> None:
        self._token = token
        self._clock = clock
        self._rules = rules or Rules()
        self._replication = Replication(clock)
        self._witness = witness
        self.cluster_id = 0
        self.alarms: frozenset[str] = frozenset()
        """Alarms that stand, e.g. ``NOSPACE``: a fault for tests and labs to set."""

    # ------------------------------------------------------------------------ processes

    def found(self, name: str, peer_url: str) -> int:
        """Start the first member of a new cluster; return its id."""
        if self._replication.disks:
            msg = "this cluster has been founded already"
            raise ValueError(msg)
        self.cluster_id = member_hash(self._token, peer_url)
        member_id = member_hash(self._token, peer_url, "founder")
        record = MemberRecord(id=member_id, name=name, peer_url=peer_url, learner=False)
        self._replication.put_disk(member_id, Replicated(applied_index=3, members=(record,)))
        self.start(member_id)
        return member_id

    def join(self, name: str, peer_url: str, initial_cluster: Mapping[str, str]) -> int:
        """Start an added member for the first time, on an empty disk; return its id.

        Raises:
            JoinFailed: The flags do not fit what the members list.
        """
        if initial_cluster.get(name) != peer_url:
            msg = "couldn't find local name in the initial cluster configuration"
            raise JoinFailed(msg)
        state = self._replication.committed
        if state is None:
            msg = "cannot fetch cluster info from peer urls"
            raise JoinFailed(msg)
        listed = {m.peer_url: m for m in state.members}
        if set(listed) != set(initial_cluster.values()):
            msg = "error validating peerURLs: member count is unequal or a URL is unknown"
            raise JoinFailed(msg)
        member_id = listed[peer_url].id
        # A disk that was written before and is empty now forgets its votes: etcd does not notice.
        self._replication.put_disk(member_id, Replicated())
        self.start(member_id)
        self._publish_name(member_id, name)
        return member_id

    def restore(self, name: str, peer_url: str, saved: Replicated) -> int:
        """Make the first member's disk of a new cluster from a saved one's keys; return its id.

        Members, votes and terms are not restored: only keys and their revision are.
        """
        if self._replication.disks:
            msg = "this cluster has been founded already"
            raise ValueError(msg)
        self.cluster_id = member_hash(self._token, peer_url)
        member_id = member_hash(self._token, peer_url, "founder")
        record = MemberRecord(id=member_id, name=name, peer_url=peer_url, learner=False)
        disk = Replicated(
            applied_index=3, members=(record,), keys=saved.keys, revision=saved.revision
        )
        self._replication.put_disk(member_id, disk)
        return member_id

    def force_new(self, member_id: int) -> bool:
        """Start a member with ``--force-new-cluster``: the others are removed, for good.

        Cluster and member keep their ids, as with etcd.
        """
        self._replication.stop(member_id)
        self._replication.be_alone(member_id)
        return self.start(member_id)

    def start(self, member_id: int) -> bool:
        """Start a member on its disk; False when it finds itself removed and ends."""
        self._replication.start(member_id)
        return self._replication.is_running(member_id)

    def stop(self, member_id: int) -> None:
        """End a member's process, as by a kill."""
        self._replication.stop(member_id)

    def wipe(self, member_id: int) -> None:
        """Lose a member's disk; the membership does not notice."""
        self._replication.wipe(member_id)

    def is_running(self, member_id: int) -> bool:
        """Tell whether a member's process runs."""
        return self._replication.is_running(member_id)

    def is_removed(self, member_id: int) -> bool:
        """Tell whether a member's own disk, or any running member, knows of its removal."""
        return any(
            member_id in disk.removed
            for i, disk in self._replication.disks.items()
            if self.is_running(i) or i == member_id
        )

    # ------------------------------------------------------------------- looking, through a member

    @property
    def leader(self) -> int:
        """Return the leader's id, 0 when there is none."""
        return self._replication.leader

    def knows_leader(self, via: int) -> int:
        """Return whom a member follows, 0 when there is nobody."""
        state = self._replication.committed
        return self.leader if state and state.member(via) else 0

    def disk(self, via: int) -> Replicated:
        """Return what a running member has: its own view, possibly old.

        Raises:
            EtcdRefused: It does not run.
        """
        if not self.is_running(via):
            raise EtcdRefused(14, "connection refused")
        return self._replication.disks[via]

    def members(self, via: int) -> tuple[MemberRecord, ...]:
        """Return the membership through a quorum.

        Raises:
            EtcdRefused: No quorum, or a learner was asked.
        """
        return self._quorum(via).members

    def keys(self, via: int, prefix: str) -> tuple[str, ...]:
        """List keys through a quorum.

        Raises:
            EtcdRefused: No quorum, or a learner was asked.
        """
        return tuple(sorted(k for k in self._quorum(via).keys if k.startswith(prefix)))

    def get(self, via: int, key: str) -> str | None:
        """Read a key through a quorum.

        Raises:
            EtcdRefused: No quorum, or a learner was asked.
        """
        return self._quorum(via).keys.get(key)

    # ---------------------------------------------------------- changing, through a member

    def put(self, via: int, key: str, value: str) -> int:
        """Write a key; return the revision.

        Raises:
            EtcdRefused: No quorum, or a learner was asked.
        """
        state = self._quorum(via)
        if "NOSPACE" in self.alarms:
            raise EtcdRefused(8, "etcdserver: mvcc: database space exceeded")
        self._replication.commit(keys={**state.keys, key: value}, revision=state.revision + 1)
        return state.revision + 1

    def delete(self, via: int, key: str) -> None:
        """Delete a key; etcd lets that happen even without space.

        Raises:
            EtcdRefused: No quorum, or a learner was asked.
        """
        state = self._quorum(via)
        kept = {k: v for k, v in state.keys.items() if k != key}
        self._replication.commit(
            keys=kept, revision=state.revision + (len(kept) < len(state.keys))
        )

    def add_learner(self, via: int, peer_url: str) -> int:
        """Add a learner; return its id.

        Raises:
            EtcdRefused: As etcd would.
        """
        state = self._quorum(via)
        if any(m.learner for m in state.members):
            raise EtcdRefused(9, "etcdserver: too many learner members in cluster")
        return self._add(state, peer_url, learner=True)

    def add_voter(self, via: int, peer_url: str) -> int:
        """Add a voter, as etcd lets everybody do; nothing of ours may call this.

        Raises:
            EtcdRefused: As etcd would.
        """
        state = self._quorum(via)
        if self._rules.strict_reconfiguration:
            check_new_voter(state)
        return self._add(state, peer_url, learner=False)

    def promote(self, via: int, member_id: int) -> None:
        """Make a learner a voter.

        Raises:
            EtcdRefused: As etcd would.
        """
        state = self._quorum(via)
        record = self._known(state, member_id)
        if not record.learner:
            raise EtcdRefused(9, "etcdserver: can only promote a learner member")
        if not self._in_sync(member_id):
            raise EtcdRefused(
                9, "etcdserver: can only promote a learner member which is in sync with leader"
            )
        promoted = replace(record, learner=False)
        members = tuple(promoted if m is record else m for m in state.members)
        self._reconfigure(state, replace(state, members=members))

    def remove(self, via: int, member_id: int) -> None:
        """Take a member out; its process, if it runs, ends.

        Raises:
            EtcdRefused: As etcd would.
        """
        state = self._quorum(via)
        record = self._known(state, member_id)
        if self._rules.strict_reconfiguration and not record.learner:
            running = self.is_running(member_id)
            check_removal(state, member_id, running, self._connected_voters(state))
        members = tuple(m for m in state.members if m is not record)
        removed = state.removed | {member_id}
        self._reconfigure(state, replace(state, members=members, removed=removed))

    def transfer_leadership(self, via: int, to: int) -> None:
        """Make another voter lead; only the leader can be asked.

        Raises:
            EtcdRefused: As etcd would.
        """
        state = self._quorum(via)
        if via != self.leader:
            raise EtcdRefused(9, "etcdserver: not leader")
        record = state.member(to)
        if record is None or record.learner:
            raise EtcdRefused(9, "etcdserver: bad leader transferee")
        if not self.is_running(to):
            raise EtcdRefused(14, "etcdserver: request timed out, leader transfer took too long")
        self._replication.lead(to)

    # ------------------------------------------------------------------------------- keeping

    def dump(self) -> dict[str, Any]:
        """Return everything the disks hold, fit for JSON."""
        return {
            "token": self._token,
            "cluster_id": self.cluster_id,
            "disks": {str(i): dump_disk(d) for i, d in self._replication.disks.items()},
        }

    @classmethod
    def load(
        cls,
        content: Mapping[str, Any],
        *,
        clock: MonotonicClock,
        rules: Rules | None = None,
        witness: Witness = nobody,
    ) -> "Membership":
        """Return a cluster from what `dump` returned; nothing runs yet."""
        found = cls(token=content["token"], clock=clock, rules=rules, witness=witness)
        found.cluster_id = content["cluster_id"]
        for key, disk in content["disks"].items():
            found._replication.put_disk(int(key), load_disk(disk))
        return found

    # ------------------------------------------------------------------------------ innards

    def _reconfigure(self, before: Replicated, after: Replicated) -> None:
        running = frozenset(m.id for m in before.members if self.is_running(m.id))
        self._replication.commit(members=after.members, removed=after.removed)
        self._witness(before, after, running)

    def _quorum(self, via: int) -> Replicated:
        """Return the committed state as a request through a member sees it."""
        record = self.disk(via).member(via)
        if record is not None and record.learner:
            raise EtcdRefused(14, "etcdserver: rpc not supported for learner")
        state = self._replication.committed
        if state is None or state.member(via) is None:
            raise EtcdRefused(14, "etcdserver: request timed out")
        return state

    def _publish_name(self, member_id: int, name: str) -> None:
        state = self._replication.committed
        if state is None:
            return
        self._replication.commit(
            members=tuple(replace(m, name=name) if m.id == member_id else m for m in state.members)
        )

    def _known(self, state: Replicated, member_id: int) -> MemberRecord:
        record = state.member(member_id)
        if record is None:
            raise EtcdRefused(5, "etcdserver: member not found")
        return record

    def _add(self, state: Replicated, peer_url: str, *, learner: bool) -> int:
        if any(m.peer_url == peer_url for m in state.members):
            raise EtcdRefused(9, "etcdserver: Peer URLs already exists")
        if self._rules.strict_reconfiguration:
            check_addition(state, self._connected_voters(state), self._rules)
        # etcd hashes URLs, cluster name and the second; an id that was removed never comes back.
        member_id = member_hash(self._token, peer_url, str(int(self._clock.monotonic())))
        if member_id in state.removed:
            raise EtcdRefused(5, "etcdserver: member not found")
        record = MemberRecord(id=member_id, name="", peer_url=peer_url, learner=learner)
        self._reconfigure(state, replace(state, members=(*state.members, record)))
        return member_id

    def _connected_voters(self, state: Replicated) -> int:
        return sum(self._connected(m.id) for m in state.voters())

    def _connected(self, member_id: int) -> bool:
        up_s = self._replication.up_s(member_id)
        return up_s >= 0 and (member_id == self.leader or up_s >= self._rules.health_interval_s)

    def _in_sync(self, member_id: int) -> bool:
        return self._replication.up_s(member_id) >= self._rules.catch_up_s
