"""How long was it gone? From the last good answer to the first one after a bad one."""

import threading
from dataclasses import dataclass, field

import pytest

from hakube_gce.clock import SystemClock
from hakube_gce.errors import Unavailable
from hakube_gce.watch import Score, Watch


@pytest.mark.parametrize(
    ("answers", "gap_s", "failed"),
    [
        ("+++", 0.0, 0),
        ("+-+", 2.0, 1),
        ("+--+", 3.0, 2),
        ("+-+--+", 3.0, 3),
        ("+--++-+", 3.0, 3),
        ("--+", 0.0, 2),  # it never answered before: nothing was lost that was there
        ("+--", 0.0, 2),  # and it has not come back: the window is not closed
    ],
)
def test_the_gap_is_counted_between_good_answers(answers: str, gap_s: float, failed: int) -> None:
    score = Score()
    for second, answer in enumerate(answers):
        score.count(float(second), good=answer == "+")
    assert (score.gap_s, score.failed_probes, score.probes) == (gap_s, failed, len(answers))


def test_a_bad_answer_that_comes_late_counts_for_when_it_began() -> None:
    score = Score()
    for moment, good in ((1.0, True), (2.0, True), (3.0, True), (1.5, False)):
        score.count(moment, good=good)
    assert score.gap_s == 1.0


@dataclass(slots=True)
class HangsOnce:
    """The first probe hangs until it is let go, and fails; all others are answered at once."""

    let_go: threading.Event = field(default_factory=threading.Event)
    probes: int = 0

    def ready(self, address: str, *, server_name: str, timeout_s: float) -> bool:  # noqa: ARG002 - the port's
        self.probes += 1
        if self.probes > 1:
            return True
        self.let_go.wait()
        return False


def test_a_probe_that_hangs_keeps_no_other_from_looking() -> None:
    """It was connected to what has just gone; the address answers everybody else."""
    probe = HangsOnce()
    watch = Watch(probe=probe, clock=SystemClock(), address="127.0.0.1")
    watch.start()
    assert watch.await_good(since_s=-1.0, timeout_s=10)
    assert watch.score.failed_probes == 0
    probe.let_go.set()
    watch.stop()
    assert watch.score.failed_probes == 1


@dataclass(slots=True)
class Fails:
    """What it has to know first cannot be had, ten times."""

    probes: int = 0

    def ready(self, address: str, *, server_name: str, timeout_s: float) -> bool:  # noqa: ARG002 - the port's
        self.probes += 1
        if self.probes <= 10:
            raise Unavailable("503")
        return True


def test_a_probe_that_cannot_even_begin_is_a_bad_answer_and_looking_goes_on() -> None:
    probe = Fails()
    watch = Watch(probe=probe, clock=SystemClock(), address="127.0.0.1")
    watch.start()
    assert watch.await_good(since_s=-1.0, timeout_s=10)
    watch.stop()
    assert watch.score.failed_probes == 10
