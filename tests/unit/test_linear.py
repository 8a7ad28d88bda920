"""The linearizability checker: histories in, verdicts out, held against a slow oracle."""

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.chaos.history import Operation
from tests.chaos.linear import ANYTHING, Step, anomalies, is_linearizable, steps

# ------------------------------------------------------------------------------------ small words


def put(value: str, start: int, end: int, **more: object) -> Operation:
    return _operation("put", start, end, wrote=value, **more)


def get(value: str | None, start: int, end: int, **more: object) -> Operation:
    return _operation("get", start, end, saw=value, **more)


def cas(expected: str, value: str, start: int, end: int, **more: object) -> Operation:
    told = {"swapped": True} | more
    return _operation("cas", start, end, expected=expected, wrote=value, **told)


def missed(expected: str, saw: str | None, start: int, end: int) -> Operation:
    return _operation("cas", start, end, expected=expected, wrote="never", saw=saw)


def _operation(kind: str, start: int, end: int, **more: object) -> Operation:
    return Operation(
        **{  # type: ignore[arg-type]  # a shorthand of tests
            "client": "c",
            "kind": kind,
            "key": "k",
            "invoked_ns": start,
            "returned_ns": end,
            "outcome": "ok",
            **more,
        }
    )


def unknown(operation: Operation) -> Operation:
    return replace(operation, outcome="unknown", swapped=False)


# ---------------------------------------------------------------------------------- known verdicts

FINE = {
    "nothing at all": [],
    "absent before the first write": [get(None, 0, 1), put("a", 2, 3), get("a", 4, 5)],
    "two writes at once, either order": [put("a", 0, 5), put("b", 1, 4), get("a", 6, 7)],
    "a read during a write sees old or new": [
        put("a", 0, 1), put("b", 2, 9), get("b", 3, 4), get("b", 5, 6),
    ],
    "a lost answer took effect much later": [
        put("a", 0, 1), unknown(put("b", 2, 3)), get("a", 4, 5), get("b", 60, 61),
    ],
    "a lost answer never took effect": [put("a", 0, 1), unknown(put("b", 2, 3)), get("a", 4, 5)],
    "a swap": [put("a", 0, 1), cas("a", "b", 2, 3), get("b", 4, 5)],
    "a swap that missed saw something else": [put("a", 0, 1), missed("b", "a", 2, 3)],
    "a swap with a lost answer took effect": [
        put("a", 0, 1), unknown(cas("a", "b", 2, 3)), get("b", 4, 5),
    ],
    "a failed write is none": [put("a", 0, 1), put("b", 2, 3, outcome="fail"), get("a", 4, 5)],
    "a read that got no answer proves nothing": [put("a", 0, 1), unknown(get("zzz", 2, 3))],
    "the same value twice": [put("a", 0, 1), put("b", 2, 3), put("a", 4, 5), get("a", 6, 7)],
    "touching ends overlap": [put("a", 0, 2), get(None, 2, 3)],
}  # fmt: skip

WRONG = {
    "a stale read": [put("a", 0, 1), put("b", 2, 3), get("a", 4, 5)],
    "a lost write": [put("a", 0, 1), get(None, 2, 3)],
    "a value from nowhere": [get("a", 0, 1)],
    "new, then old again": [put("a", 0, 1), put("b", 2, 9), get("b", 3, 4), get("a", 5, 6)],
    "seen before it was asked for": [get("a", 0, 1), put("a", 2, 3)],
    "two swaps of one value": [put("a", 0, 1), cas("a", "b", 2, 9), cas("a", "c", 3, 8)],
    "a swap of what was overwritten": [put("a", 0, 1), put("b", 2, 3), cas("a", "c", 4, 5)],
    "a miss that saw what it wanted": [put("a", 0, 1), missed("a", "a", 2, 3)],
    "a write that failed for certain was seen": [put("a", 0, 1, outcome="fail"), get("a", 2, 3)],
    "a lost answer seen, then unseen": [
        put("a", 0, 1), unknown(put("b", 2, 3)), get("b", 4, 5), get("a", 6, 7),
    ],
    "a lost answer took effect before its request": [
        put("a", 0, 1), get("b", 2, 3), unknown(put("b", 4, 5)),
    ],
    "a swap's lost answer twice": [
        put("a", 0, 1), unknown(cas("a", "b", 2, 3)), get("b", 4, 5), cas("a", "c", 6, 7),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", FINE)
def test_an_order_is_found(name: str) -> None:
    assert anomalies(FINE[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_that_there_is_no_order_is_found(name: str) -> None:
    (found,) = anomalies(WRONG[name])
    assert found.at in WRONG[name]


def test_keys_are_registers_of_their_own() -> None:
    elsewhere = [replace(o, key="other") for o in WRONG["a stale read"]]
    found = anomalies([*FINE["a swap"], *elsewhere])
    assert [anomaly.key for anomaly in found] == ["other"]


# ------------------------------------------------------------------------------------- the oracle


def has_an_order(history: Sequence[Step], state: object = None) -> bool:
    """Try every order there is: slow, and plainly right."""
    if all(step.optional for step in history):
        return True
    for n, step in enumerate(history):
        rest = [*history[:n], *history[n + 1 :]]
        if any(o.returned_ns < step.invoked_ns and not o.optional for o in rest):
            continue
        if step.needs is ANYTHING or step.needs == state:
            after = state if step.becomes is ANYTHING else step.becomes
            if has_an_order(rest, after):
                return True
    return False


VALUES = st.sampled_from(["a", "b", "c"])
WANTED = st.sampled_from(["a", "b", "c", None])


@st.composite
def some_steps(draw: st.DrawFn) -> Step:
    start = draw(st.integers(0, 12))
    end = start + draw(st.integers(0, 6))
    kind = draw(st.sampled_from(["get", "put", "cas", "lost put", "lost cas"]))
    return Step(
        needs=ANYTHING if "put" in kind else draw(WANTED),
        becomes=ANYTHING if kind == "get" else draw(VALUES),
        invoked_ns=start,
        returned_ns=end,
        optional=kind.startswith("lost"),
    )


@settings(max_examples=600, deadline=None)
@given(st.lists(some_steps(), max_size=7))
@example([])
def test_it_agrees_with_the_oracle_where_values_repeat(history: list[Step]) -> None:
    assert is_linearizable(history) == has_an_order(history)


@settings(max_examples=600, deadline=None)
@given(st.lists(some_steps(), max_size=7))
def test_it_agrees_with_the_oracle_where_every_write_is_its_own(history: list[Step]) -> None:
    """As our clients write: what is needed are the names of some of the writes."""
    made = [n for n, step in enumerate(history) if not step.reads_only]
    names = {value: f"w{n}" for value, n in zip("abc", made, strict=False)}
    unique = [
        replace(
            step,
            becomes=step.becomes if step.reads_only else f"w{n}",
            needs=names.get(str(step.needs), step.needs),
        )
        for n, step in enumerate(history)
    ]
    assert is_linearizable(unique) == has_an_order(unique)


def test_the_oracle_knows_the_known_verdicts() -> None:
    assert all(has_an_order(steps(history)) for history in FINE.values())
    assert not any(has_an_order(steps(history)) for history in WRONG.values())


# ------------------------------------------------------------------------------------------- pace


def long_history(*, count: int, clients: int) -> list[Operation]:
    """Make a history in which clients overlap all the time; every ninth write's answer is lost."""
    found: list[Operation] = []
    held = "w0"
    found.append(put("w0", 0, 1))
    for n in range(1, count):
        start, end = 10 * n, 10 * (n + clients)
        at = {"client": f"c{n % clients}", "key": "k"}
        if n % 3 == 0:
            found.append(get(held, start, end, **at))
        elif n % 3 == 1:
            write = put(f"w{n}", start, end, **at)
            found.append(unknown(write) if n % 9 == 1 else write)
            held = f"w{n}"
        else:
            found.append(cas(held, f"w{n}", start, end, **at))
            held = f"w{n}"
    return found


def test_seventeen_thousand_operations_of_one_key_take_seconds() -> None:
    """Of one key, which is harder than what the clients do; processor time, not the wall's."""
    history = long_history(count=17_000, clients=5)
    began = time.process_time()
    assert anomalies(history) == []
    assert time.process_time() - began < 10


def test_nor_does_it_give_up_on_a_lie_at_the_end() -> None:
    history = long_history(count=3_000, clients=5)
    end = 10 * 4_000
    (found,) = anomalies([*history, get("w0", end, end + 1)])
    assert found.at is not None
    assert found.at.saw == "w0"
