"""The engine: order kept, side by side where it may be, forward only."""

import threading

import pytest

from hakube_gce.errors import AgentRefused, HakubeError, QuotaExceeded, StepFailed
from hakube_gce.execute import execute
from hakube_gce.plan.graph import Plan, Planned
from hakube_gce.steps import DeleteFirewall
from tests.fakes.clock import FakeClock


class Notes:
    """Remembers what a run said."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.told_of_a_failure = threading.Event()

    def started(self, planned: Planned) -> None:
        self.events.append(f"started {planned.key}")

    def finished(self, planned: Planned, seconds: float) -> None:
        assert seconds >= 0
        self.events.append(f"finished {planned.key}")

    def failed(self, planned: Planned, error: HakubeError) -> None:
        self.events.append(f"failed {planned.key}: {error.message}")
        self.told_of_a_failure.set()


def graph(**after: tuple[str, ...]) -> Plan:
    return Plan(
        steps=tuple(
            Planned(key=key, step=DeleteFirewall(name=key), after=earlier)
            for key, earlier in after.items()
        )
    )


def go(plan: Plan, perform: object, notes: Notes, stop: threading.Event | None = None) -> bool:
    return execute(
        plan,
        perform,  # type: ignore[arg-type]
        progress=notes,
        clock=FakeClock(),
        stop=stop or threading.Event(),
    )


def test_a_step_begins_only_when_all_before_it_have_ended() -> None:
    notes = Notes()
    assert go(graph(a=(), b=("a",), c=("a", "b")), lambda _: None, notes)
    assert notes.events == [f"{what} {key}" for key in "abc" for what in ("started", "finished")]


def test_independent_steps_run_at_the_same_time() -> None:
    both_in = threading.Barrier(2, timeout=10)
    assert go(graph(a=(), b=()), lambda _: both_in.wait(), Notes())


def test_after_a_failure_nothing_new_begins_and_what_runs_may_end() -> None:
    notes = Notes()

    def perform(planned: Planned) -> None:
        if planned.key == "bad":
            raise QuotaExceeded("no more disks", hint="free some")
        assert notes.told_of_a_failure.wait(10)

    with pytest.raises(StepFailed, match="bad: no more disks") as caught:
        go(graph(bad=(), slow=(), never=("bad",), nor_this=("slow",)), perform, notes)
    assert caught.value.hint == "free some"
    assert "finished slow" in notes.events
    assert not any("never" in event or "nor_this" in event for event in notes.events)


def test_a_refusal_at_the_last_moment_stays_a_refusal() -> None:
    def perform(_: Planned) -> None:
        raise AgentRefused("1 healthy of 2")

    with pytest.raises(AgentRefused):
        go(graph(a=()), perform, Notes())


def test_a_wanted_stop_lets_the_running_step_end_and_begins_no_other() -> None:
    notes, stop = Notes(), threading.Event()
    finished = go(graph(a=(), b=("a",)), lambda _: stop.set(), notes, stop)
    assert not finished
    assert notes.events == ["started a", "finished a"]


def test_a_bug_in_a_step_is_not_swallowed() -> None:
    def perform(_: Planned) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(graph(a=()), perform, Notes())
