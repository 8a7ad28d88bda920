"""Recovery drills: lose what a cluster lives of, get it back by the documented commands, count.

Before every loss a known set of keys is acknowledged; afterwards what was promised must be there,
the cluster must take writes, and another master must be able to join.
"""

import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.chaos.company import build
from tests.chaos.compute import delete_data_disks, delete_machines
from tests.chaos.events import ZONES
from tests.chaos.gateway import Gateway, NoAnswer, NotDone, encoded
from tests.chaos.lab import Operator, Ran
from tests.chaos.read_back import read_back
from tests.e2e.labs import Lab

PREFIX = "drill/"
CLUSTER = "kubernetes"
KEYS = 2000
KEYS_AT_ONCE = 100
LATE_KEYS = 300
RESTORED_SHARE = 0.999
SERVING_WITHIN_S = 90.0
CLIENT_PORT = 2379
LOOK_EVERY_S = 0.2


Loss = Literal["power cut", "VMs deleted", "VMs and disks deleted"]


class DrillFailed(Exception):
    """A drill did not get where it could count anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """What came of one drill."""

    kind: str
    how: str
    """In which way things were lost."""
    acknowledged: int
    promised: int
    """How many of them had to be there afterwards."""
    kept: int
    """How many of the promised ones were."""
    least_share: float
    given_up: int
    """Acknowledged, not promised and not there: what the loss cost."""
    outage_s: float
    """From the loss to the first write acknowledged, the refusals that were provoked included."""
    commands: Sequence[Ran]
    problem: str = ""

    def flaws(self) -> list[str]:
        """Say everything that may not be."""
        found = [self.problem] if self.problem else []
        if self.promised < KEYS:
            found.append(f"only {self.promised} keys were promised: too few to tell anything")
        if self.kept < self.promised * self.least_share:
            found.append(f"{self.promised - self.kept} of {self.promised} promised keys are lost")
        return [f"{self.kind} ({self.how}): {flaw}" for flaw in found]


@dataclass(slots=True, kw_only=True)
class Drill:
    """One drill under way."""

    operator: Operator
    context: ssl.SSLContext
    chance: random.Random
    turn: int
    """How often this kind of drill has been done before: each time in another way."""
    commands: list[Ran] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    lost_at: float = 0.0
    """By the monotonic clock."""

    @property
    def lab(self) -> Lab:
        return self.operator.lab

    # ---------------------------------------------------------------------------------------- keys

    def url(self, name: str) -> str:
        return f"https://{self.lab.vms()[name]['internal_ip']}:{CLIENT_PORT}"

    def write(self, url: str, count: int) -> None:
        """Write new keys through one member; each is acknowledged when this returns."""
        gateway = Gateway(url, self.context, timeout_s=20)
        for start in range(0, count, KEYS_AT_ONCE):
            fresh = {
                f"{PREFIX}{len(self.acknowledged) + n:06d}": f"value-{self.chance.getrandbits(64)}"
                for n in range(min(KEYS_AT_ONCE, count - start))
            }
            puts = [
                {"requestPut": {"key": encoded(key), "value": encoded(value)}}
                for key, value in fresh.items()
            ]
            gateway.ask("kv/txn", {"success": puts})
            self.acknowledged |= fresh
        gateway.close()

    def writes_work(self, url: str) -> bool:
        gateway = Gateway(url, self.context, timeout_s=3)
        try:
            gateway.put("drilled", "yes")
        except (NotDone, NoAnswer):
            return False
        finally:
            gateway.close()
        return True

    def await_writes(self, url: str) -> None:
        deadline = time.monotonic() + SERVING_WITHIN_S
        while not self.writes_work(url):
            if time.monotonic() > deadline:
                raise DrillFailed(f"no write was acknowledged within {SERVING_WITHIN_S:.0f} s")
            threading.Event().wait(LOOK_EVERY_S)

    def applied(self, url: str) -> dict[str, str]:
        """Read what one member has, majority or not."""
        return read_back(url, self.context, PREFIX, serializable=True)

    # ------------------------------------------------------------------------------------ commands

    def must(self, ran: Ran) -> Ran:
        """Insist that a command was done."""
        self.commands.append(ran)
        if ran.status != 0:
            said = " / ".join(ran.said[-6:])
            raise DrillFailed(f"exit status {ran.status}: {ran.shown}: {said}")
        return ran

    def must_refuse(self, ran: Ran) -> None:
        """Insist that a command was refused."""
        self.commands.append(ran)
        if ran.status != 5:
            raise DrillFailed(f"exit status {ran.status}, a refusal was due: {ran.shown}")

    def way(self, *ways: Loss) -> Loss:
        """Choose in which way to lose things, in turns."""
        return ways[self.turn % len(ways)]

    def lose_all_but(self, survivor: str, masters: Sequence[str]) -> Loss:
        """Lose all other masters, each time in another way."""
        how = self.way("VMs and disks deleted", "power cut", "VMs deleted")
        self.lose_machines({name for name in masters if name != survivor}, how)
        return how

    def recover(self, survivor: str) -> None:
        """Go on with one master; without the word it must be refused."""
        self.must_refuse(self.operator.hakube("recover", "--survivor", survivor))
        confirmed = {"HAKUBE_CONFIRM_RECOVER": CLUSTER}
        self.must(self.operator.hakube("recover", "--survivor", survivor, **confirmed))

    def lose_machines(self, names: set[str], how: Loss) -> None:
        """Lose VMs: their power only, or the VMs with or without their data disks."""
        self.lost_at = time.monotonic()
        if how == "power cut":
            for name, vm in self.lab.vms().items():
                if name in names and vm["status"] == "RUNNING":
                    self.lab.hakube("emulator", "vm", "kill", name)
            return
        delete_machines(self.lab, names)
        if how == "VMs and disks deleted":
            delete_data_disks(self.lab, names)


Course = Callable[[Drill, Sequence[str]], tuple[str, Mapping[str, str], str]]
"""Loses things and gets them back; returns in which way, what was promised, and whom to ask."""


def one_of_two(drill: Drill, masters: Sequence[str]) -> tuple[str, Mapping[str, str], str]:
    """Lose one of two masters: no majority is left; the other has what it had applied."""
    survivor = drill.chance.choice(masters)
    url = drill.url(survivor)
    how = drill.lose_all_but(survivor, masters)
    if drill.writes_work(url):
        raise DrillFailed("writes went on without a majority: nothing was lost")
    promised = drill.applied(url)
    drill.recover(survivor)
    return how, promised, url


def two_of_three(drill: Drill, masters: Sequence[str]) -> tuple[str, Mapping[str, str], str]:
    """Lose the two masters that took the last writes: the survivor has what it had got before."""
    survivor = drill.chance.choice(masters)
    others = [name for name in masters if name != survivor]
    # Looked at beforehand: an etcd that starts without a majority answers nobody.
    drill.await_writes(drill.url(survivor))
    promised = drill.applied(drill.url(survivor))
    # Only stopped, it would find the others' last words in its sockets when it goes on.
    drill.lab.hakube("emulator", "vm", "kill", survivor)
    url = drill.url(others[0])
    drill.await_writes(url)  # the survivor may have led
    drill.write(url, LATE_KEYS)
    for name in others:
        drill.lab.hakube("emulator", "vm", "kill", name)
    drill.lab.hakube("emulator", "vm", "start", survivor)
    how = drill.lose_all_but(survivor, masters)
    drill.recover(survivor)
    return how, promised, drill.url(survivor)


def all_machines(drill: Drill, masters: Sequence[str]) -> tuple[str, Mapping[str, str], str]:
    """Lose every VM; the data disks live."""
    how = drill.way("VMs deleted", "power cut")
    drill.lose_machines(set(masters), how)
    drill.must(drill.operator.script("kube-up.sh", KUBE_GCE_ZONE=ZONES[0]))
    return how, dict(drill.acknowledged), drill.url(masters[0])


def all_disks(drill: Drill, masters: Sequence[str]) -> tuple[str, Mapping[str, str], str]:
    """Lose everything but the snapshot."""
    drill.must(drill.operator.hakube("snapshot"))
    promised = dict(drill.acknowledged)
    drill.write(drill.url(masters[0]), LATE_KEYS)
    how = drill.way("VMs and disks deleted")
    drill.lose_machines(set(masters), how)
    drill.must_refuse(drill.operator.hakube("restore"))
    confirmed = {"HAKUBE_CONFIRM_RESTORE": CLUSTER}
    drill.must(drill.operator.hakube("restore", **confirmed))
    (name,) = drill.lab.vms()
    return how, promised, drill.url(name)


COURSES: Mapping[str, tuple[int, Course]] = {
    "one of two masters": (2, one_of_two),
    "two of three masters": (3, two_of_three),
    "all machines, disks alive": (3, all_machines),
    "all disks": (3, all_disks),
}
"""Each with the masters it begins with."""


def run(kind: str, operator: Operator, *, seed: int, turn: int) -> Drilled:
    """Build a cluster, fill it, lose things, get them back, and count.

    Args:
        kind: One of `COURSES`.
        operator: Gives our commands, in an empty lab.
        seed: What is chosen from.
        turn: How often this kind was done before.
    """
    size, course = COURSES[kind]
    context = build(operator, ZONES[:size])
    masters = list(operator.lab.vms())
    chance = random.Random(f"{seed}/{kind}/{turn}")  # noqa: S311 - no secret
    drill = Drill(operator=operator, context=context, chance=chance, turn=turn)
    drill.write(drill.url(masters[0]), KEYS)
    promised: Mapping[str, str] = {}
    kept: Mapping[str, str] = {}
    how, outage_s, problem = "", 0.0, ""
    try:
        how, promised, url = course(drill, masters)
        drill.await_writes(url)
        outage_s = time.monotonic() - drill.lost_at
        kept = read_back(url, context, PREFIX)
        drill.must(operator.replicate(ZONES[-1]))
    except Exception as error:  # noqa: BLE001 - it ends the drill, and its flaws say so
        problem = f"{type(error).__name__}: {error}"
    return Drilled(
        kind=kind,
        how=how,
        acknowledged=len(drill.acknowledged),
        promised=len(promised),
        kept=sum(kept.get(key) == value for key, value in promised.items()),
        least_share=RESTORED_SHARE if course is all_disks else 1.0,
        given_up=sum(
            key not in promised and kept.get(key) != value
            for key, value in drill.acknowledged.items()
        ),
        outage_s=round(outage_s, 1),
        commands=tuple(drill.commands),
        problem=problem,
    )
