"""A balancer may take twenty minutes to be there; the cluster IP does not move before it is."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from hakube_gce.balancer_steps import AwaitBackends
from hakube_gce.errors import StepFailed
from hakube_gce.perform.balancing import await_backends
from hakube_gce.perform.context import Context, Limits
from hakube_gce.resources import RuleTarget, TargetKind

MINUTE_S = 60.0
STEP = AwaitBackends(
    target=RuleTarget(kind=TargetKind.BACKEND_SERVICE, name="m"),
    replicas=("m", "m-1"),
    rule="m-probe",
)


@dataclass(slots=True)
class Propagating:
    """A balancer that is there after a while, on a clock that is slept away."""

    healthy_after_s: float
    answers_after_s: float
    limits: Limits = field(default_factory=Limits)
    now_s: float = 0.0
    asked: list[tuple[str, str]] = field(default_factory=list)

    def context(self) -> Context:
        clock = SimpleNamespace(monotonic=lambda: self.now_s, sleep=self._sleep)
        balancers = SimpleNamespace(
            backend_health=lambda _region, _target: dict.fromkeys(STEP.replicas, self._health()),
            find_forwarding_rule=lambda _region, _name: SimpleNamespace(address="203.0.113.9"),
        )
        seen = SimpleNamespace(
            clock=clock,
            limits=self.limits,
            gateway=SimpleNamespace(balancers=balancers),
            blueprint=SimpleNamespace(region="r"),
            probe=SimpleNamespace(ready=self._ready),
            cluster_ip=lambda: "203.0.113.5",
        )
        return cast("Context", seen)

    def _sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def _health(self) -> str:
        return "HEALTHY" if self.now_s >= self.healthy_after_s else "UNHEALTHY"

    def _ready(self, address: str, *, server_name: str, timeout_s: float) -> bool:
        self.asked.append((address, server_name))
        return self.now_s + timeout_s * 0 >= self.answers_after_s


@pytest.mark.parametrize(("healthy_min", "answers_min"), [(19, 0), (1, 19), (19, 19.5)])
def test_a_balancer_that_takes_nineteen_minutes_is_waited_for(
    healthy_min: float, answers_min: float
) -> None:
    slow = Propagating(healthy_min * MINUTE_S, answers_min * MINUTE_S)
    await_backends(slow.context(), "key", STEP)
    assert slow.now_s >= max(healthy_min, answers_min) * MINUTE_S


def test_its_answer_counts_only_with_the_certificate_of_the_cluster_ip() -> None:
    slow = Propagating(0, 3)
    await_backends(slow.context(), "key", STEP)
    assert set(slow.asked) == {("203.0.113.9", "203.0.113.5")}


@pytest.mark.parametrize(("healthy_min", "answers_min"), [(31, 0), (0, 31)])
def test_one_that_takes_half_an_hour_fails_before_the_cluster_ip_moves(
    healthy_min: float, answers_min: float
) -> None:
    slow = Propagating(healthy_min * MINUTE_S, answers_min * MINUTE_S)
    with pytest.raises(StepFailed, match=r"within 1200 s .* the cluster IP was not moved"):
        await_backends(slow.context(), "key", STEP)
    assert slow.now_s >= 20 * MINUTE_S
