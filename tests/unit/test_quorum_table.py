"""Every membership change, on every cluster of one to seven voters, in every state of health.

Two judges, the operator's planner and the master's agent, against an oracle that imports nothing.
"""

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import quorum_oracle
from tests.fakes.quorum_judges import agent_refusal, operator_allows, operator_plan

MOST_VOTERS = 7
TUPLES = 2046
"""Per pattern of V voters: one addition, one promotion, V removals; patterns: 2 to the V."""

Question = tuple[str, str, int]
"""Pattern, operation, index of the voter that leaves (-1 when none does)."""


def questions(voters: int) -> Iterator[Question]:
    for healths in itertools.product("+-", repeat=voters):
        pattern = "".join(healths)
        yield pattern, "add", -1
        yield pattern, "promote", -1
        for index in range(voters):
            yield pattern, "remove", index


TABLE = [q for voters in range(1, MOST_VOTERS + 1) for q in questions(voters)]


def of(operation: str) -> list[Question]:
    found = [q for q in TABLE if q[1] == operation]
    assert found, "no question is no proof"
    return found


def both_allow(question: Question) -> bool:
    """Give the verdict of operator and agent, who must not differ."""
    operator, refusal = operator_allows(*question), agent_refusal(*question)
    assert operator is (refusal == ""), (question, refusal)
    return operator


def test_the_table_is_whole() -> None:
    assert len(TABLE) == len(set(TABLE)) == TUPLES


def test_the_oracle_imports_nothing() -> None:
    tree = ast.parse(Path(quorum_oracle.__file__).read_text(encoding="utf-8"))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [quorum_oracle.allows(p, "remove", 0) for p in ("+", "++", "+-", "-++")] == [
        False, True, False, True,
    ]  # fmt: skip


def test_additions_and_removals_are_judged_as_the_oracle_does() -> None:
    asked = [*of("add"), *of("remove")]
    assert [q for q in asked if both_allow(q) is not quorum_oracle.allows(*q)] == []
    assert len(asked) == TUPLES - 254
    assert (
        sum(map(both_allow, asked)) == 525
    )  # 7 additions, and 0+2+6+20+50+132+308 removals for 1 to 7 voters


def test_promotions_are_never_laxer_than_the_oracle_and_ask_for_every_voter() -> None:
    asked = of("promote")
    allowed = {q for q in asked if both_allow(q)}
    sound = {q for q in asked if quorum_oracle.allows(*q)}
    assert allowed <= sound
    assert {pattern for pattern, _, _ in allowed} == {"+" * v for v in range(1, 8)}
    assert len(sound - allowed) == 58, "stricter than need be, by exactly so much"


def test_silence_is_judged_as_death_by_the_operator() -> None:
    """Unknown is not healthy; what it would be to call it gone is in the removal's tests."""
    asked = [q for q in TABLE if "-" in q[0]]
    assert len(asked) > 1900
    for pattern, operation, index in asked:
        silent = pattern.replace("-", "?")
        assert operator_allows(silent, operation, index) is operator_allows(
            pattern, operation, index
        )


# ------------------------------------------------------------------------- the rules, one by one


def test_nobody_is_added_while_a_voter_is_down() -> None:
    ill = [q for q in of("add") if "-" in q[0]]
    assert len(ill) == 247
    assert not any(both_allow(q) for q in ill)
    assert {b.reason for b in operator_plan("++-", "add").blockers} == {"DeadVoter"}


def test_a_promotion_leaves_a_majority_should_the_newcomer_fail_at_once() -> None:
    allowed = [q for q in of("promote") if both_allow(q) and len(q[0]) > 1]
    assert len(allowed) == MOST_VOTERS - 1
    for pattern, _, _ in allowed:
        assert 2 * pattern.count("+") > len(pattern) + 1


@pytest.mark.parametrize("voters", range(1, MOST_VOTERS + 1))
def test_nobody_is_promoted_whose_etcd_does_not_answer(voters: int) -> None:
    """With one voter so far it would be the end of all writing."""
    assert agent_refusal("+" * voters, "promote", newcomer_alive=True) == ""
    assert agent_refusal("+" * voters, "promote", newcomer_alive=False) != ""
    assert not quorum_oracle.allows("+", "promote", newcomer_alive=False)


def test_nobody_leaves_without_todays_majority() -> None:
    lost = [q for q in of("remove") if 2 * q[0].count("+") <= len(q[0])]
    assert len(lost) > 500
    assert not any(both_allow(q) for q in lost)


def test_nobody_leaves_without_a_majority_of_those_who_stay() -> None:
    narrow = [
        (pattern, operation, index)
        for pattern, operation, index in of("remove")
        if 2 * pattern.count("+") > len(pattern)
        and 2 * (pattern[:index] + pattern[index + 1 :]).count("+") <= len(pattern) - 1
    ]
    assert len(narrow) > 50
    assert not any(both_allow(q) for q in narrow)


def test_the_last_voter_never_leaves() -> None:
    assert not both_allow(("+", "remove", 0))
    assert not both_allow(("-", "remove", 0))


def test_with_one_of_two_dead_nothing_may_change() -> None:
    pairs = [q for q in TABLE if q[0] in {"+-", "-+"}]
    assert len(pairs) == 8
    assert not any(both_allow(q) for q in pairs)


def test_a_dead_voter_may_leave_where_a_healthy_one_may_not() -> None:
    assert both_allow(("++-", "remove", 2))
    assert not both_allow(("++-", "remove", 0))
    assert both_allow(("+++--", "remove", 4))
    assert not both_allow(("+++--", "remove", 0))


@pytest.mark.parametrize("operation", ["add", "remove"])
def test_while_one_newcomer_is_on_its_way_nobody_else_comes_or_goes(operation: str) -> None:
    planned = operator_plan("+++l", operation, 0 if operation == "remove" else -1)
    assert "LearnerPending" in {b.reason for b in planned.blockers}
