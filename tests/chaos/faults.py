"""Makes what goes wrong go wrong, and puts it right again.

``silence zone`` and ``cut zone`` stand in for a partition: every process of the zone's masters is
stopped, agents included; with ``cut zone`` Compute Engine does not reach the zone either. No link
is cut: nobody there answers, but what was sent meanwhile is read afterwards, and connections stay.
Cutting links between processes on one loopback interface takes rights that we do not ask for.
"""

import json
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.chaos.events import Event, Trouble
from tests.chaos.processes import Process, etcds, machine_of, send
from tests.chaos.roster import Roster
from tests.e2e.labs import CommandFailed

_PATIENCE_S = 20.0
"""For somebody to hit; longer, and nothing lives any more."""
_LOOK_AGAIN_S = 0.1


class NobodyThere(Exception):
    """There was no etcd to hit for a long time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """What an event came to."""

    event: Event
    masters: tuple[str, ...]
    processes: int
    """How many processes were signalled; a VM's power is cut by the emulator."""


@dataclass(slots=True, kw_only=True)
class Faults:
    """Carries out one event after the other."""

    roster: Roster
    clock: threading.Event = field(default_factory=threading.Event)
    """Never set: waiting for it is passing time."""

    def strike(self, event: Event) -> Struck:
        """Carry out an event to its end; everything is put right again when this returns.

        Raises:
            NobodyThere: No etcd ran in `_PATIENCE_S`.
        """
        targets = self._targets(event)
        hit = self._effects()[event.trouble](targets, event)
        return Struck(event=event, masters=tuple(targets), processes=hit)

    def _effects(
        self,
    ) -> Mapping[Trouble, Callable[[Mapping[str, Process], Event], int]]:
        return {
            "kill etcd": self._kill,
            "kill two etcds": self._kill,
            "pause etcd": self._pause,
            "pause two etcds": self._pause,
            "kill VM": self._cut_power,
            "kill two VMs": self._cut_power,
            "silence zone": self._silence,
            "cut zone": self._cut,
        }

    def _targets(self, event: Event) -> dict[str, Process]:
        """Find whom to hit: by preference of zone, whoever runs an etcd."""
        waited_s = 0.0
        while waited_s < _PATIENCE_S:
            running = etcds(self.roster.lab.folder)
            if running.keys() - self.roster.zones.keys():
                self.roster.refresh()
            known = [n for zone in event.zones for n in self.roster.within(zone) if n in running]
            if "zone" in event.trouble and known:
                zone = self.roster.zones[known[0]]
                known = [name for name in known if self.roster.zones.get(name) == zone]
                return {name: running[name] for name in known}
            if len(known) >= event.hits:
                return {name: running[name] for name in known[: event.hits]}
            self.clock.wait(_LOOK_AGAIN_S)
            waited_s += _LOOK_AGAIN_S
        raise NobodyThere(f"no {event.hits} etcd ran in {_PATIENCE_S:.0f} s")

    # ------------------------------------------------------------------------------------- effects

    def _kill(self, targets: Mapping[str, Process], _: Event) -> int:
        return send(targets.values(), signal.SIGKILL)

    def _pause(self, targets: Mapping[str, Process], event: Event) -> int:
        return self._stopped(list(targets.values()), event.lasts_s)

    def _cut_power(self, targets: Mapping[str, Process], event: Event) -> int:
        with ThreadPoolExecutor(len(targets)) as at_once:
            list(at_once.map(lambda name: self._switch("kill", name), targets))
            self.clock.wait(event.lasts_s)
            list(at_once.map(lambda name: self._switch("start", name), targets))
        return len(targets)

    def _silence(self, targets: Mapping[str, Process], event: Event) -> int:
        everything = [p for etcd in targets.values() for p in machine_of(etcd)]
        return self._stopped(everything, event.lasts_s)

    def _cut(self, targets: Mapping[str, Process], event: Event) -> int:
        zone = self.roster.zones.get(next(iter(targets)), event.zones[0])
        script = json.dumps({"unreachable_zone": zone})
        with ThreadPoolExecutor(1) as beside:
            # A command takes a moment: it shall not make the silence longer.
            added = beside.submit(self.roster.lab.hakube, "emulator", "fault", "add", script)
            hit = self._silence(targets, event)
            added.result()
        self.roster.lab.hakube("emulator", "fault", "clear")
        return hit

    def _stopped(self, processes: Sequence[Process], seconds: float) -> int:
        try:
            hit = send(processes, signal.SIGSTOP)
            self.clock.wait(seconds)
        finally:
            send(processes, signal.SIGCONT)
        return hit

    def _switch(self, action: str, name: str) -> None:
        try:
            self.roster.lab.hakube("emulator", "vm", action, name)
        except CommandFailed as failure:
            # Our own commands delete masters while this goes on: then there is nothing to switch.
            if "no VM called" not in str(failure):
                raise

    def start_all(self) -> None:
        """Switch every machine on that is off."""
        for name, vm in self.roster.lab.vms().items():
            if vm["status"] != "RUNNING":
                self._switch("start", name)
