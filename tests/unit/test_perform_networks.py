"""A network that Compute Engine calls used: asked again for a while, then left, and said."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from hakube_gce.errors import ResourceInUse
from hakube_gce.network_steps import DeleteNetwork, DeleteSubnetwork, NetworkStep
from hakube_gce.perform.context import Limits
from hakube_gce.perform.networks import perform_network_step
from tests.fakes.clock import FakeClock
from tests.unit.test_request_ids import context

STEPS = [DeleteNetwork(name="mine"), DeleteSubnetwork(name="mine", region="europe-west1")]


@dataclass(slots=True)
class Networks:
    """Refuses so many deletions; answers a request's id that it knows as it did at first."""

    refusals: int
    known: list[str] = field(default_factory=list)

    def delete_network(self, name: str, *, request_id: str) -> None:
        assert request_id not in self.known
        self.known.append(request_id)
        if len(self.known) <= self.refusals:
            raise ResourceInUse(f"{name} is used by another resource")

    def delete_subnetwork(self, _region: str, name: str, *, request_id: str) -> None:
        self.delete_network(name, request_id=request_id)


def performed(
    step: NetworkStep, networks: Networks, limits: Limits
) -> tuple[list[str], FakeClock]:
    said: list[str] = []
    clock = FakeClock()
    parts: dict[str, Any] = {
        "gateway": SimpleNamespace(networks=networks),
        "clock": clock,
        "limits": limits,
        "say": said.append,
    }
    perform_network_step(replace(context(epoch=1), **parts), "delete", step)
    return said, clock


@pytest.mark.parametrize("step", STEPS, ids=["network", "subnetwork"])
def test_a_user_that_was_deleted_just_now_is_waited_for(step: NetworkStep) -> None:
    networks = Networks(refusals=3)
    said, clock = performed(step, networks, Limits())
    assert (said, len(networks.known)) == ([], 4)
    assert clock.naps == (5.0,) * 3


@pytest.mark.parametrize("step", STEPS, ids=["network", "subnetwork"])
def test_what_somebody_else_uses_stays_and_is_said(step: NetworkStep) -> None:
    said, clock = performed(step, Networks(refusals=1000), Limits())
    assert len(said) == 1
    assert "mine stays: somebody else uses it" in said[0]
    assert sum(clock.naps) == Limits().release_s
    at_once = Networks(refusals=1000)
    performed(step, at_once, Limits(release_s=0))
    assert len(at_once.known) == 1, "a lab forgets at once"
