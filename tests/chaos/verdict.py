"""What a campaign came to, and whether that is good enough. Pure.

A check that looked at nothing has not passed: every figure has a least value.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.lab import Ran

PLANTED = 60
"""How many violations are planted into each campaign's own history."""
FEWEST_PLANTED = 50
OPERATIONS_PER_EVENT = 20
WRITES_PER_EVENT = 5
EVENTS_PER_COMMAND = 50
"""At least one of our commands was done in so many events; in few events, at least one. On a
machine that is busy with other things, one takes half a minute and more."""
EXPECTED_STATUSES = frozenset({0, 5, 7, 9})
"""Done, refused as unsafe, a step that failed, a deadline: what trouble may lead to. Anything else
is a bug, a wrong target, or somebody else's lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the checker made of the history."""

    operations: int
    """In the history, last looks included."""
    anomalies: Sequence[str]
    planted: int
    planted_found: int
    seconds: float
    """Of processor time, for the history itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that was counted in one campaign."""

    events_wanted: int
    events: Mapping[str, int]
    """By kind."""
    acknowledged: Mapping[str, int]
    """Operations on registers, by client."""
    unknown: int
    """Writes whose fate nobody knows."""
    checked: Checked
    writes: int
    """Acknowledged by the writer of many keys."""
    lost: Sequence[str]
    diverging: Sequence[str]
    """Members whose data is not the others'."""
    longest_gap_s: float
    premature_voters: Sequence[str]
    looks: int
    """At the membership."""
    commands: Sequence[Ran]
    errands: Sequence[str]
    problem: str = ""
    """What ended the campaign early."""
    final_verdict: str = ""
    """`hakube status` at the end."""
    seconds: float = 0.0
    """From the clients' start to their end."""

    @property
    def commands_done(self) -> int:
        return sum(ran.status == 0 for ran in self.commands)

    def statuses(self) -> dict[str, int]:
        """Count our commands by exit status."""
        counted = Counter(str(ran.status) for ran in self.commands)
        return dict(sorted(counted.items()))


def flaws(seen: Seen) -> list[str]:
    """Say everything that may not be."""
    return [*_broken(seen), *_too_few(seen)]


def _broken(seen: Seen) -> list[str]:
    found = [seen.problem] if seen.problem else []
    found += [f"not linearizable: {anomaly}" for anomaly in seen.checked.anomalies]
    if seen.lost:
        found.append(f"{len(seen.lost)} acknowledged writes are lost, e.g. {seen.lost[0]}")
    found += [f"members' data differs: {difference}" for difference in seen.diverging]
    found += [f"{url} voted before it had started" for url in seen.premature_voters]
    found += [
        f"exit status {ran.status} of: {ran.shown}: {' / '.join(ran.said[-3:])}"
        for ran in seen.commands
        if ran.status not in EXPECTED_STATUSES
    ]
    missed = seen.checked.planted - seen.checked.planted_found
    if missed:
        found.append(f"the checker missed {missed} planted violations")
    if seen.final_verdict != "healthy":
        found.append(f"left alone, the cluster is {seen.final_verdict or 'not known'}")
    return found


def _too_few(seen: Seen) -> list[str]:
    counts = (
        ("events", sum(seen.events.values()), max(1, seen.events_wanted)),
        (
            "acknowledged operations",
            sum(seen.acknowledged.values()),
            seen.events_wanted * OPERATIONS_PER_EVENT,
        ),
        ("clients", len(seen.acknowledged), 5),
        (
            "acknowledged operations of one client",
            min(seen.acknowledged.values(), default=0),
            max(1, seen.events_wanted),
        ),
        ("acknowledged writes", seen.writes, seen.events_wanted * WRITES_PER_EVENT),
        ("looks at the membership", seen.looks, seen.events_wanted),
        (
            "commands of ours that were done",
            seen.commands_done,
            max(1, seen.events_wanted // EVENTS_PER_COMMAND),
        ),
        ("planted violations", seen.checked.planted, FEWEST_PLANTED),
    )
    return [
        f"too few {what}: {had}, at least {least}" for what, had, least in counts if had < least
    ]
