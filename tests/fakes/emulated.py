"""The emulator in this process, and the gateway connected to it over HTTP.

Operations take a few hundredths of a second, so that whoever does not wait for them is caught; the
gateway's own pauses take no time at all.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from hakube_gce.clock import SystemClock
from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.faults import Fault
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import Latency
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from hakube_gce.emulator.server import serve
from hakube_gce.emulator.world import LIMITS
from hakube_gce.gce import connect
from hakube_gce.gce.gateway import GoogleCompute
from tests.fakes.clock import FakeClock

PROJECT = "acme-prod"


@dataclass(frozen=True, slots=True)
class Emulated:
    """A lab and a gateway to it."""

    lab: Lab
    gateway: GoogleCompute
    clock: FakeClock
    """The gateway's; the lab runs on the machine's."""
    endpoint: str

    def suffer(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        self.lab.faults.add(fault)

    def sent(self, method: str) -> list[Json]:
        """Return the mutating requests of one method that arrived."""
        return [call for call in self.lab.calls if call["method"] == method]

    def post(self, path: str) -> None:
        """Do what the gateway has no method for; returns when the operation is done."""
        base = f"/compute/v1/projects/{PROJECT}"
        operation = self.lab.answer("POST", f"{base}/{path}", {}, {})
        scope = "/".join(path.split("/")[:2])
        self.lab.answer("POST", f"{base}/{scope}/operations/{operation['name']}/wait", {}, {})


@contextmanager
def emulated(
    limits: Mapping[str, float] = LIMITS, *, network_project: str = ""
) -> Iterator[Emulated]:
    """Run a lab of simulated VMs for one test."""
    latency = Latency(name="test", seconds={"everything_else": 0.02})
    lab = Lab(runtime=RecordsRuntime(), clock=SystemClock(), latency=latency, limits=limits)
    with serve(lab) as server:
        clock = FakeClock()
        rng = random.Random(1)  # noqa: S311 - spreads pauses, hides nothing
        gateway = connect(
            PROJECT,
            endpoint=server.endpoint,
            network_project=network_project,
            clock=clock,
            rng=rng,
        )
        try:
            yield Emulated(lab, gateway, clock, server.endpoint)
        finally:
            gateway.close()
