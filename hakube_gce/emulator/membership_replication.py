"""Who runs, who leads, and who has which part of the log: the half of the model that is Raft's.

A leader is a running voter whose own configuration finds a majority running; the longest log wins.
What is committed reaches everybody who runs at once, and those who were down when they come back.
It refuses nothing: `membership` asks etcd's questions first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from hakube_gce.emulator.membership_state import MemberRecord, Replicated


class MonotonicClock(Protocol):
    """Seconds since some moment."""

    def monotonic(self) -> float: ...


@dataclass(slots=True, kw_only=True)
class Process:
    """One member's etcd: its disk, and whether it runs."""

    disk: Replicated
    running: bool = False
    since: float = 0.0
    """Monotonic moment of its last start."""


class Replication:
    """The members' disks and processes, and the leader among them."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self._processes: dict[int, Process] = {}
        self.leader = 0
        """The leader's id, 0 when there is none."""

    # ------------------------------------------------------------------------------ looking

    @property
    def disks(self) -> Mapping[int, Replicated]:
        """Every disk there is, by member id."""
        return {member_id: process.disk for member_id, process in self._processes.items()}

    @property
    def committed(self) -> Replicated | None:
        """What the leader has; None without a leader."""
        return self._processes[self.leader].disk if self.leader else None

    def is_running(self, member_id: int) -> bool:
        """Tell whether a member's process runs."""
        process = self._processes.get(member_id)
        return process is not None and process.running

    def up_s(self, member_id: int) -> float:
        """Return how long a running member has been up; -1 when it is down."""
        if not self.is_running(member_id):
            return -1.0
        return self._clock.monotonic() - self._processes[member_id].since

    # ----------------------------------------------------------------------------- changing

    def put_disk(self, member_id: int, disk: Replicated) -> None:
        """Give a member a disk; it does not run yet."""
        self._processes[member_id] = Process(disk=disk)

    def start(self, member_id: int) -> None:
        """Start a member on its disk."""
        process = self._processes[member_id]
        if not process.running:
            process.running = True
            process.since = self._clock.monotonic()
        self.settle()

    def stop(self, member_id: int) -> None:
        """End a member's process, as by a kill."""
        self._processes[member_id].running = False
        self.settle()

    def be_alone(self, member_id: int) -> None:
        """Let a stopped member's disk know no other voter, whatever was decided elsewhere."""
        process = self._processes[member_id]
        others = frozenset(m.id for m in process.disk.members if m.id != member_id)
        own = tuple(replace(m, learner=False) for m in process.disk.members if m.id == member_id)
        process.disk = replace(
            process.disk,
            members=own,
            removed=process.disk.removed | others,
            applied_index=process.disk.applied_index + len(others),
        )

    def wipe(self, member_id: int) -> None:
        """Lose a member's disk; nobody is told."""
        self._processes.pop(member_id, None)
        self.settle()

    def commit(self, **changes: Any) -> None:
        """Write one entry through the leader, who must exist."""
        leader = self._processes[self.leader]
        index = leader.disk.applied_index + 1
        leader.disk = replace(leader.disk, applied_index=index, **changes)
        # Decided by the old majority, so everybody gets it, whatever it costs the leader.
        self._follow()

    def lead(self, member_id: int) -> None:
        """Make a running voter the leader of a new term."""
        self.leader = member_id
        process = self._processes[member_id]
        term = max(p.disk.term for p in self._processes.values()) + 1
        index = process.disk.applied_index + 1
        process.disk = replace(process.disk, term=term, applied_index=index)
        self._follow()

    def settle(self) -> None:
        """Keep or elect a leader, bring followers up to date, end those that were removed."""
        if not self._has_quorum(self.leader):
            self.leader = 0
            self._elect()
        if self.leader:
            self._follow()

    # ------------------------------------------------------------------------------ innards

    def _elect(self) -> None:
        candidates = sorted(
            (i for i, p in self._processes.items() if p.running),
            key=lambda i: (-self._processes[i].disk.applied_index, i),
        )
        for candidate in candidates:
            if self._has_quorum(candidate):
                self.lead(candidate)
                return

    def _has_quorum(self, member_id: int) -> bool:
        if not self.is_running(member_id):
            return False
        disk = self._processes[member_id].disk
        record = disk.member(member_id)
        if record is None or record.learner:
            return False
        return self._majority_runs(disk.voters())

    def _majority_runs(self, voters: tuple[MemberRecord, ...]) -> bool:
        return sum(self.is_running(m.id) for m in voters) >= len(voters) // 2 + 1

    def _follow(self) -> None:
        state = self._processes[self.leader].disk
        for member_id, process in self._processes.items():
            if not process.running:
                continue
            if state.member(member_id):
                process.disk = state
            elif member_id in state.removed:
                process.disk = replace(process.disk, removed=process.disk.removed | {member_id})
                process.running = False
        if not self._has_quorum(self.leader):
            # It removed itself, or a voter was added that does not run.
            self.leader = 0
            self._elect()
