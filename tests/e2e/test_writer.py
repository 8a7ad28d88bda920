"""Nothing that etcd acknowledged is lost while masters come and go, and writing hardly pauses.

The same drive over a copy of the program whose agent adds voters where it should add learners must
not pass: a check that cannot fail is none.
"""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.labs import ROOT, B, C, CommandFailed, D, Lab
from tests.e2e.writer import Witness, Writer, client_context, read_back

pytestmark = pytest.mark.process

FEWEST_WRITES = 1000
LONGEST_GAP_S = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """What was seen from the first master to three and back to one."""

    problem: str
    """The command that failed, if one did."""
    acknowledged: int
    lost: tuple[str, ...]
    longest_gap_s: float
    failures: tuple[str, ...]
    """Attempts to write that had to be repeated."""
    looks: int
    premature: tuple[str, ...]
    """Members that voted before they had started."""

    def flaws(self) -> list[str]:
        """Judge: everything that may not be."""
        found = [f"a command failed: {self.problem}"] if self.problem else []
        found += [f"{url} voted before it had started" for url in self.premature]
        if self.lost:
            found.append(f"{len(self.lost)} acknowledged writes are lost, e.g. {self.lost[0]}")
        if self.longest_gap_s > LONGEST_GAP_S:
            found.append(f"nothing was acknowledged for {self.longest_gap_s:.2f} s")
        return found

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} writes acknowledged, {len(self.lost)} lost, longest gap "
            f"{self.longest_gap_s:.2f} s, {len(self.failures)} attempts repeated; "
            f"{self.looks} looks at the membership, {len(self.premature)} premature voters"
        )


def drive(lab: Lab) -> Drive:
    """Go from one master to three, and to one that was not the first; end at the first flaw."""
    first = str(lab.up(B)["replica"])
    context = client_context(lab.hakube("emulator", "env", first))
    urls = etcd_urls(lab)
    writer, witness = Writer(context=context, urls=urls), Witness(context=context, url=urls[0])
    writer.start()
    witness.start()
    problem = ""
    try:
        for _ in there_and_back(lab, first):
            writer.urls = etcd_urls(lab)
            witness.url = writer.urls[-1]
            if witness.premature:
                break
    except CommandFailed as failure:
        problem = str(failure)
    finally:
        writer.stop()
        witness.stop()
    # After a command that failed there may be nobody to ask; the drive's flaw is known then.
    kept = writer.acknowledged if problem else read_back(etcd_urls(lab)[0], context)
    return Drive(
        problem=problem,
        acknowledged=len(writer.acknowledged),
        lost=tuple(k for k, v in writer.acknowledged.items() if kept.get(k) != v),
        longest_gap_s=writer.longest_gap_s(),
        failures=tuple(writer.failures),
        looks=witness.looks,
        premature=tuple(sorted(witness.premature)),
    )


def there_and_back(lab: Lab, first: str) -> Iterator[None]:
    second = str(lab.replicate(C)["replica"])
    yield
    lab.replicate(D)
    yield
    lab.remove(B, first)  # which most likely leads
    yield
    lab.remove(C, second)
    yield


def etcd_urls(lab: Lab) -> list[str]:
    return [vm["etcd_client_url"] for vm in lab.vms().values()]


def tell(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Show figures whether or not the test passes."""
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")


@pytest.mark.slow
def test_no_acknowledged_write_is_lost_from_one_to_three_to_one(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = drive(lab)
    tell(capsys, f"from one to three to one: {seen}")
    assert seen.flaws() == [], seen.failures[:5]
    assert seen.acknowledged >= FEWEST_WRITES, f"too few to tell anything: {seen}"
    assert seen.looks >= FEWEST_WRITES // 10, f"too few to tell anything: {seen}"


@pytest.mark.slow
def test_an_agent_that_adds_voters_does_not_pass(
    tmp_path: Path, search_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even where it does no harm: a newcomer that starts at once hardly stops the writing."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "hakube_gce", copy / "hakube_gce")
    replace(copy / "hakube_gce/agent/etcd.py", ', "isLearner": True}', "}")
    # The newcomer's own guard against being made a voter is in the way of the planted mistake.
    replace(copy / "hakube_gce/agent/life.py", "own.role is not Role.LEARNER", "not own.role")
    lab = Lab(folder=tmp_path, search_path=search_path, package=copy, timeout_s=30)
    try:
        seen = drive(lab)
    finally:
        lab.destroy()
    tell(capsys, f"with voters added: {seen}: {'; '.join(seen.flaws())[:400]}")
    assert seen.flaws() != []


def replace(path: Path, old: str, new: str) -> None:
    """Replace one text in a file; it must stand there exactly once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} has changed: plant it anew"
    path.write_text(text.replace(old, new))
