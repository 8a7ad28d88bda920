"""What goes wrong, and what our own commands are asked for: all of it chosen from one seed. Pure.

Zones are named, not masters: masters come and go with our own commands, zones stay. Rough
stretches, in which processes and machines die, alternate with gentle ones, in which they only
stop for a moment: etcd agrees to no change of its membership until all its members have been
connected for five seconds, so that in a rough stretch our commands have to hold out.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

ZONES = ("europe-west1-b", "europe-west1-c", "europe-west1-d")
STRETCH = 10
"""Events in a rough or gentle stretch."""
PAUSE_S = (0.3, 1.8)
GENTLE_PAUSE_S = (0.3, 0.9)
VM_OFF_S = (0.2, 1.2)
SILENCE_S = (1.0, 3.0)
REST_S = (0.1, 0.7)

Trouble = Literal[
    "kill etcd", "kill two etcds", "pause etcd", "pause two etcds", "kill VM", "kill two VMs",
    "silence zone", "cut zone",
]  # fmt: skip
_ROUGH: tuple[Trouble, ...] = (
    "kill etcd", "kill etcd", "kill etcd", "kill two etcds", "pause etcd", "pause etcd",
    "pause two etcds", "kill VM", "kill VM", "kill two VMs", "silence zone", "cut zone",
)  # fmt: skip
_GENTLE: tuple[Trouble, ...] = ("pause etcd", "pause etcd", "pause etcd", "pause two etcds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that goes wrong, and is put right again."""

    trouble: Trouble
    zones: tuple[str, ...]
    """Where, in order of preference; as many as the trouble takes are hit."""
    lasts_s: float
    rest_s: float
    """Until the next one."""

    @property
    def hits(self) -> int:
        return 2 if "two" in self.trouble else 1


def choose_events(seed: int, count: int) -> list[Event]:
    """Choose what goes wrong."""
    chance = random.Random(f"{seed}/events")  # noqa: S311 - no secret
    return [_event(chance, gentle=number // STRETCH % 2 == 1) for number in range(count)]


def _event(chance: random.Random, *, gentle: bool) -> Event:
    trouble = chance.choice(_GENTLE if gentle else _ROUGH)
    return Event(
        trouble=trouble,
        zones=tuple(chance.sample(ZONES, len(ZONES))),
        lasts_s=round(chance.uniform(*_duration(trouble, gentle=gentle)), 2),
        rest_s=round(chance.uniform(*REST_S), 2),
    )


def _duration(trouble: Trouble, *, gentle: bool) -> tuple[float, float]:
    match trouble:
        case "kill etcd" | "kill two etcds":
            return (0.0, 0.0)  # its agent starts it again
        case "pause etcd" | "pause two etcds":
            return GENTLE_PAUSE_S if gentle else PAUSE_S
        case "kill VM" | "kill two VMs":
            return VM_OFF_S
        case "silence zone" | "cut zone":
            return SILENCE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Something for our own commands to do."""

    kind: Literal["replace", "add, then remove"]
    zone: str
    newest: bool
    """Where a zone has two masters, the one that came last goes; else the first."""


def choose_errands(seed: int) -> Iterator[Errand]:
    """Choose without end; three masters in three zones are there before and after each."""
    chance = random.Random(f"{seed}/errands")  # noqa: S311 - no secret
    while True:
        yield Errand(
            kind=chance.choice(("replace", "replace", "add, then remove")),
            zone=chance.choice(ZONES),
            newest=chance.random() < 0.5,
        )
