"""What we allow, etcd does and goes on writing; what we refuse is beyond it, or merely unwise."""

import itertools
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hakube_gce.emulator.addresses import Claim
from tests.fakes import quorum_oracle
from tests.fakes.quorum_judges import agent_refusal, operator_allows
from tests.process.etcd_verdicts import Question, Site, Verdict, verdict

pytestmark = pytest.mark.process

AT_ONCE = 8
FEW = (
    Question(pattern="+", operation="add"),
    Question(pattern="+", operation="promote"),
    Question(pattern="+", operation="remove", index=0),
    Question(pattern="++", operation="remove", index=0),
    Question(pattern="++-", operation="remove", index=2),
    Question(pattern="+-+", operation="remove", index=0),
    Question(pattern="++-", operation="add"),
    Question(pattern="+-", operation="remove", index=1),
)


def questions() -> list[Question]:
    """Everything that can be asked of one to five voters of whom one is healthy at least."""
    found = []
    for voters in range(1, 6):
        for healths in itertools.product("+-", repeat=voters):
            pattern = "".join(healths)
            found += [Question(pattern=pattern, operation=o) for o in ("add", "promote")]
            found += [
                Question(pattern=pattern, operation="remove", index=i) for i in range(voters)
            ]
    return [q for q in found if "+" in q.pattern]


def sample(allowed: int, refused: int) -> list[Question]:
    """Draw the same questions every time: so many that we allow, so many that we refuse.

    Those about a single voter are few, and all among them.
    """
    chance = random.Random(20161114)  # noqa: S311 - a sample that is the same every time
    alone = [q for q in questions() if len(q.pattern) == 1]
    everything = [q for q in questions() if len(q.pattern) > 1]
    yes = [q for q in everything if we_allow(q)]
    no = [q for q in everything if not we_allow(q)]
    drawn = [*alone, *chance.sample(yes, allowed), *chance.sample(no, refused)]
    return [
        Question(
            pattern=q.pattern,
            operation=q.operation,
            index=q.index,
            frozen=chance.random() < 0.3,
        )
        for q in drawn
    ]


def we_allow(question: Question) -> bool:
    asked = (question.pattern, question.operation, question.index)
    operator, refusal = operator_allows(*asked), agent_refusal(*asked)
    assert operator is (refusal == ""), question
    return operator


def etcd_says(asked: Sequence[Question], *, etcd: Path, number: int, root: Path) -> list[Verdict]:
    free = iter(range(len(asked)))
    sites = [Site(etcd=etcd, folder=root / str(n), prefix=f"127.{number}.{100 + n}") for n in free]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda s, q: verdict(s, q, insist=we_allow(q)), sites, asked))


def faults(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Find what we allow and etcd does not do, or does not survive."""
    return [v for v in verdicts if we_allow(v.question) and not (v.done and v.writable)]


def test_a_cluster_that_ends_in_silence_would_be_noticed() -> None:
    question = Question(pattern="+++", operation="remove", index=1)
    fine = Verdict(question=question, done=True, writable=True)
    mute = Verdict(question=question, done=True, writable=False)
    refused = Verdict(question=question, done=False, writable=True)
    assert faults([fine, mute, refused]) == [mute, refused]


@pytest.mark.slow
def test_a_handful_of_changes(etcd: Path, held: Claim, tmp_path: Path) -> None:
    found = etcd_says(FEW, etcd=etcd, number=held.addresses.number, root=tmp_path)
    assert len(found) == len(FEW)
    assert faults(found) == []
    done = [quorum_oracle.allows(q.pattern, q.operation, q.index) for q in FEW]
    assert [we_allow(q) for q in FEW] == done
    assert sum(done) == 4
    assert [v.done for v in found] == done, "here etcd agrees to the letter"


@pytest.mark.slow
def test_sixty_seven_changes(
    etcd: Path, held: Claim, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = sample(34, 30)
    found = etcd_says(asked, etcd=etcd, number=held.addresses.number, root=tmp_path)
    assert len({v.question for v in found}) == len(asked) == 67
    assert {len(q.pattern) for q in asked} == {1, 2, 3, 4, 5}
    assert {q.operation for q in asked} == {"add", "promote", "remove"}
    assert any(q.frozen and "-" in q.pattern and we_allow(q) for q in asked)
    assert faults(found) == []
    stricter = [v for v in found if v.done and not we_allow(v.question)]
    assert {v.question.operation for v in stricter} <= {"promote", "remove"}, stricter
    with capsys.disabled():
        print(  # noqa: T201 - figures for whoever reads the run
            f"\n{len(found)} changes put to real etcd: {sum(we_allow(q) for q in asked)} allowed "
            f"and done; of those refused etcd would have done {len(stricter)}: "
            + ", ".join(f"{v.question.operation} in {v.question.pattern}" for v in stricter)
        )
    assert len(stricter) < 10, stricter
