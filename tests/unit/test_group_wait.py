"""A group that gets no further says why, once, long before its time is over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from hakube_gce.errors import StepFailed, Unavailable
from hakube_gce.node_resources import GroupError, ManagedGroup
from hakube_gce.node_steps import AwaitNodeGroup
from hakube_gce.perform.context import Context, Limits
from hakube_gce.perform.group_wait import ASK_AFTER_S, await_group

STEP = AwaitNodeGroup(name="minions", zone="z")
QUOTA = GroupError(
    code="QUOTA_EXCEEDED", message="Quota 'CPUS' exceeded. Limit: 24.0 in region r."
)


def plenty(_now_s: float) -> Sequence[GroupError]:
    raise AssertionError("nobody had to ask")


@dataclass(slots=True)
class Growing:
    """A group of four that gets one VM more at each of these moments, on a clock slept away."""

    at_s: tuple[float, ...]
    errors: Callable[[float], Sequence[GroupError]] = plenty
    now_s: float = 0.0
    lines: list[tuple[float, str]] = field(default_factory=list)
    asked_s: list[float] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)

    def context(self) -> Context:
        nodes = SimpleNamespace(find_group=self._find, group_errors=self._why)
        seen = SimpleNamespace(
            clock=SimpleNamespace(monotonic=lambda: self.now_s, sleep=self._sleep),
            limits=self.limits,
            gateway=SimpleNamespace(nodes=nodes),
            say=lambda text: self.lines.append((self.now_s, text)),
        )
        return cast("Context", seen)

    def _sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def _find(self, zone: str, name: str) -> ManagedGroup:
        running = sum(moment <= self.now_s for moment in self.at_s)
        doing = {"creating": 4 - running} if running < 4 else {}
        return ManagedGroup(
            name=name,
            zone=zone,
            template="t",
            target_size=4,
            stable=not doing,
            actions=doing,
            running=running,
        )

    def _why(self, _zone: str, _name: str) -> Sequence[GroupError]:
        self.asked_s.append(self.now_s)
        return self.errors(self.now_s)


def test_a_group_that_grows_is_never_asked_why_it_does_not() -> None:
    growing = Growing((9, 18, 27, 36))
    await_group(growing.context(), STEP)
    assert (growing.now_s, growing.lines) == (36, [])


def test_what_is_in_the_way_is_said_once_and_soon_and_the_wait_goes_on() -> None:
    growing = Growing((1, 2, 500, 501), lambda _now_s: (QUOTA, QUOTA))
    await_group(growing.context(), STEP)
    assert growing.now_s == 501
    ((when_s, line),) = growing.lines
    assert when_s == 2 + ASK_AFTER_S
    assert line.startswith("minions in z: 2 of 4 run; 2 creating. Compute Engine says QUOTA_")
    assert "Limit: 24.0 in region r. It tries again by itself" in line
    assert len(growing.asked_s) <= 500 / ASK_AFTER_S, "a call a minute or so, not one a second"


def test_something_else_in_the_way_is_said_as_well() -> None:
    full = GroupError(code="ZONE_RESOURCE_POOL_EXHAUSTED", message="no room")
    growing = Growing((1, 2, 3, 90), lambda now_s: (QUOTA,) if now_s < 40 else (full, QUOTA))
    await_group(growing.context(), STEP)
    assert [line.split("says ")[1].split(":")[0] for _, line in growing.lines] == [
        QUOTA.code,
        full.code,
    ]


def test_the_end_names_what_was_in_the_way_and_the_way_out() -> None:
    growing = Growing((1,), lambda _now_s: (QUOTA,))
    with pytest.raises(StepFailed, match=r"within 1800 s: 1 of 4 run; 3 creating; .*'CPUS'") as no:
        await_group(growing.context(), STEP)
    assert "KUBE_CREATE_NODES=false goes on without them" in no.value.hint


def test_an_answer_that_fails_does_not_end_the_wait() -> None:
    def broken(_now_s: float) -> Sequence[GroupError]:
        raise Unavailable("503")

    growing = Growing((1, 2, 3, 60), broken)
    await_group(growing.context(), STEP)
    assert growing.lines == []
    assert growing.asked_s


def test_a_reason_cannot_write_over_the_screen() -> None:
    nasty = GroupError(code="A\x1b[2J", message="one\r\ntwo\x07")
    growing = Growing((1, 2, 3, 60), lambda _now_s: (nasty,))
    await_group(growing.context(), STEP)
    ((_, line),) = growing.lines
    assert line.isprintable()
