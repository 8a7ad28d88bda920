"""A master says once that it is not well, just when somebody looks: an election, a slow disk."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from hakube_gce.agent.ports import Clock, Etcd, EtcdError, EtcdTrouble, Member
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from hakube_gce.emulator.runtimes.records_machine import Machine
from tests.simulation.operator import Ended
from tests.simulation.stories import B, Beginnings, C, D, Scene, remove, replicate, scale
from tests.simulation.wire import Request

FEWEST_LOOKS = 8
LASTS_S = 1.5
"""As an election does."""


class NoQuorum:
    """An etcd that answers, and reads nothing through a quorum for a moment."""

    def __init__(self, real: Etcd, clock: Clock) -> None:
        self._real = real
        self._clock = clock
        self._until_s = clock.monotonic() + LASTS_S

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def members(self) -> tuple[Member, ...]:
        if self._clock.monotonic() < self._until_s:
            raise EtcdError(EtcdTrouble.TIMEOUT, "etcdserver: request timed out")
        return self._real.members()


@dataclass(slots=True)
class Hiccup:
    """A moment without a quorum at one master, from the nth read of a serial port on."""

    scene: Scene
    at: int
    reads: int = 0

    def before(self, request: Request) -> None:
        if request.method == "instances.getSerialPortOutput":
            self.reads += 1
            if self.reads == self.at:
                self._begin()

    def after(self, request: Request) -> None:
        return

    def over(self) -> bool:
        return False

    def _begin(self) -> None:
        runtime = self.scene.cloud.lab.runtime
        assert isinstance(runtime, RecordsRuntime)
        agent = next(m for m in runtime.world.hosts.values() if isinstance(m, Machine)).agent
        master = agent._master  # noqa: SLF001 - its etcd has a bad moment
        unwell = cast("Etcd", NoQuorum(master.ports.etcd, master.ports.clock))
        object.__setattr__(master, "ports", replace(master.ports, etcd=unwell))
        agent.heartbeat()


def every_moment(
    masters: int, argv: tuple[str, ...], beginnings: Beginnings, *, every: int = 1
) -> Iterator[tuple[Scene, Ended]]:
    """Run a command again and again, each time with the bad word at another of its looks."""
    for at in itertools.count(1, every):
        scene = beginnings(masters)
        hiccup = Hiccup(scene, at)
        ended = scene.operator.alone(argv, hiccup)
        if hiccup.reads < at:
            assert at > FEWEST_LOOKS, "hardly anything was looked at"
            return
        yield scene, ended


COMMANDS = {
    "replicate 1 to 2": (1, replicate(D)),
    "replicate 2 to 3": (2, replicate(D)),
    "replicate 3 to 4": (3, replicate(D)),
    "remove 3 to 2": (3, remove(C)),
    "remove 2 to 1": (2, remove(C)),
    "scale 1 to 3": (1, scale(3)),
    "scale 3 to 1": (3, scale(1)),
    "snapshot of 1": (1, ("snapshot", f"KUBE_GCE_ZONE={B}")),
    "snapshot of 2": (2, ("snapshot", f"KUBE_GCE_ZONE={B}")),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_is_refused_for_one_bad_word(name: str, beginnings: Beginnings) -> None:
    for _, ended in every_moment(*COMMANDS[name], beginnings):
        assert ended.status == 0, ended


def test_a_sound_master_is_replaced_by_adding_first_whatever_it_says_once(
    beginnings: Beginnings,
) -> None:
    argv = ("replace", "kubernetes-master", f"KUBE_GCE_ZONE={C}")
    for scene, ended in every_moment(3, argv, beginnings, every=4):
        assert ended.status == 0, ended
        calls = [line.split()[2] for line in scene.cloud.trace]
        last = [c for c in calls if c in {"instances.insert", "instances.delete"}][-2:]
        assert last == ["instances.insert", "instances.delete"], ended
