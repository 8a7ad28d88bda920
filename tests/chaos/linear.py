"""Is a register's history linearizable? Decided, never guessed.

Just-in-time linearization: events are gone through in order of time, with the set of all states
that the register may be in; an operation is put into the order at the latest when it returned.
The search is exhaustive and has no time limit. The one bound is on memory, and meeting it raises.

Three facts keep it quick; none of them changes the answer (`tests/unit/test_linear.py` compares
with an oracle that knows none of them):

- A read that fits the state may as well happen now: it changes nothing.
- A write whose fate is unknown and whose value nobody ever saw need not have happened.
- A value that one write alone can have made, once overwritten, is never seen again.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tests.chaos.history import Operation, by_key

MOST_STATES: Final = 1_000_000
"""Possible states held at once; a history of our clients has a handful."""


class TooHard(Exception):
    """The history could not be decided in reasonable memory: that is no verdict, and no pass."""


class _Anything:
    """Stands for "any value will do": None is a value, the one of a key that is not there."""


ANYTHING: Final = _Anything()
_Value = str | _Anything | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An operation, reduced to what it does to a register."""

    needs: _Value
    """The state it happened in."""
    becomes: _Value
    """The state it left; `ANYTHING` leaves it as it is."""
    invoked_ns: int
    returned_ns: int
    optional: bool = False
    """It may have happened at any time after its start, or never."""
    origin: Operation | None = None

    @property
    def reads_only(self) -> bool:
        return self.becomes is ANYTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """A key whose history no order explains."""

    key: str
    at: Operation | None
    """The first operation by whose return no order was left."""


def anomalies(history: Iterable[Operation]) -> list[Anomaly]:
    """Find every key whose history is not linearizable.

    Raises:
        TooHard: A key's history could not be decided.
    """
    found = []
    for key, operations in sorted(by_key(history).items()):
        register = steps(operations)
        if not is_linearizable(register):
            found.append(Anomaly(key=key, at=first_impossible(register).origin))
    return found


def steps(operations: Iterable[Operation]) -> list[Step]:
    """Reduce one key's operations; those that prove nothing are left out."""
    return [step for operation in operations for step in _reduced(operation)]


def _reduced(operation: Operation) -> Iterator[Step]:
    unknown = operation.outcome == "unknown"
    if operation.outcome == "fail" or (unknown and operation.kind == "get"):
        return
    read = operation.kind == "get" or (
        operation.kind == "cas" and not operation.swapped and not unknown
    )
    if read and operation.kind == "cas" and operation.saw == operation.expected:
        # It says that it found what it wanted, and that it did not write: no state explains that.
        yield _step(operation, needs="\0never", becomes=ANYTHING)
    elif read:
        yield _step(operation, needs=operation.saw, becomes=ANYTHING)
    elif operation.kind == "put":
        yield _step(operation, needs=ANYTHING, becomes=operation.wrote)
    else:
        yield _step(operation, needs=operation.expected, becomes=operation.wrote)


def _step(operation: Operation, *, needs: _Value, becomes: _Value) -> Step:
    return Step(
        needs=needs,
        becomes=becomes,
        invoked_ns=operation.invoked_ns,
        returned_ns=operation.returned_ns,
        optional=operation.outcome == "unknown",
        origin=operation,
    )


def is_linearizable(history: Sequence[Step]) -> bool:
    """Tell whether some order explains a register's history.

    The register begins as None. Steps overlap unless one returned before the other began.

    Raises:
        TooHard: More than `MOST_STATES` states were possible at once.
    """
    search = _Search(_without_the_unseen(history))
    for number, returns in search.events():
        if not returns:
            search.pending.add(number)
        elif not search.settle(number):
            return False
    return True


def first_impossible(history: Sequence[Step]) -> Step:
    """Return the step of a history without an order by whose return there was none any more."""
    returns = sorted((s for s in history if not s.optional), key=lambda s: s.returned_ns)
    return returns[
        bisect_left(
            returns,
            True,
            key=lambda step: not is_linearizable(_until(history, step.returned_ns)),
        )
    ]


def _until(history: Sequence[Step], moment_ns: int) -> list[Step]:
    """Give a history as it was known at a moment: what had not returned may or may not happen."""
    begun = (step for step in history if step.invoked_ns <= moment_ns)
    return [
        step if step.returned_ns <= moment_ns else replace(step, optional=True)
        for step in begun
        if step.returned_ns <= moment_ns or not step.reads_only
    ]


def _without_the_unseen(history: Sequence[Step]) -> list[Step]:
    """Leave out optional steps whose value no step needs, until none is left."""
    kept = list(history)
    while True:
        needed = {step.needs for step in kept}
        fewer = [step for step in kept if not step.optional or step.becomes in needed]
        if len(fewer) == len(kept):
            return kept
        kept = fewer


_State = tuple[_Value, frozenset[int]]
"""What the register holds, and which of the pending steps have happened already."""


@dataclass(slots=True)
class _Search:
    """All states that are possible at one moment of a history."""

    all: list[Step]
    pending: set[int] = field(default_factory=set)
    """Steps that have begun and not returned; optional ones never return."""
    states: set[_State] = field(default_factory=lambda: {(None, frozenset())})
    _once_only: set[_Value] = field(default_factory=set)
    """Values that come at most once."""
    _to_come: Counter[_Value] = field(default_factory=Counter)
    """How many steps that must happen need a value and have not returned."""

    def __post_init__(self) -> None:
        made = Counter(step.becomes for step in self.all if not step.reads_only)
        made[None] += 1  # the register begins with it
        self._once_only = {value for value, times in made.items() if times == 1}
        self._to_come = Counter(step.needs for step in self.all if not step.optional)

    def events(self) -> list[tuple[int, bool]]:
        """List beginnings and returns in order of time; of equal times, beginnings first."""
        found = [(step.invoked_ns, False, n) for n, step in enumerate(self.all)]
        found += [(s.returned_ns, True, n) for n, s in enumerate(self.all) if not s.optional]
        return [(number, returns) for _, returns, number in sorted(found)]

    def settle(self, number: int) -> bool:
        """Have a step that returned happen in every state; False when none is left."""
        after: set[_State] = set()
        seen: set[_State] = set()
        for state in self.states:
            self._explore(state, number, after, seen)
        self.states = after
        self.pending.discard(number)
        self._to_come[self.all[number].needs] -= 1
        self._forget_what_happened_for_certain()
        return bool(after)

    def _forget_what_happened_for_certain(self) -> None:
        """Optional steps never return: drop those that have happened in every state."""
        if not self.states:
            return
        everywhere = frozenset.intersection(*(done for _, done in self.states))
        certain = {n for n in everywhere if self.all[n].optional}
        if certain:
            self.pending -= certain
            self.states = {(value, done - certain) for value, done in self.states}

    def _explore(self, start: _State, number: int, after: set[_State], seen: set[_State]) -> None:
        """Follow every order of pending steps up to the one that returned."""
        to_do = [start]
        while to_do:
            state = self._with_reads(to_do.pop())
            if state in seen:
                continue
            seen.add(state)
            if len(seen) > MOST_STATES:
                raise TooHard(f"over {MOST_STATES} possible states at one moment of one key")
            value, done = state
            if number in done:
                after.add((value, done - {number}))
                continue
            to_do += [
                (self.all[n].becomes, done | {n})
                for n in self.pending - done
                if self._may_follow(self.all[n], state)
            ]

    def _with_reads(self, state: _State) -> _State:
        """Let every pending read that fits happen."""
        value, done = state
        fitting = {
            n
            for n in self.pending - done
            if self.all[n].reads_only and self.all[n].needs in (value, ANYTHING)
        }
        return (value, done | fitting) if fitting else state

    def _may_follow(self, step: Step, state: _State) -> bool:
        value, done = state
        if step.reads_only or step.needs not in (value, ANYTHING):
            return False
        if value not in self._once_only:
            return True
        happened = sum(1 for n in done if self.all[n].needs == value and not self.all[n].optional)
        itself = step.needs == value and not step.optional
        return self._to_come[value] - happened - itself <= 0
