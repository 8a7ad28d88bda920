"""Who is in the lab: masters' names, zones and addresses, by the emulator's own listing."""

import threading
from dataclasses import dataclass, field

from tests.chaos.clients import Board
from tests.e2e.labs import Lab

CLIENT_PORT = 2379


@dataclass(slots=True, kw_only=True)
class Roster:
    """The masters as last listed; what clients look at follows."""

    lab: Lab
    board: Board
    zones: dict[str, str] = field(default_factory=dict)
    """By name; machines that are off included."""
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self) -> None:
        """List the lab's machines anew."""
        with self._guard:
            vms = self.lab.vms()
            self.zones = {name: str(vm["zone"]) for name, vm in vms.items()}
            urls = (f"https://{vm['internal_ip']}:{CLIENT_PORT}" for vm in vms.values())
            self.board.urls = tuple(sorted(urls)) or self.board.urls

    def within(self, zone: str) -> list[str]:
        """List the masters of a zone, in the order in which they came."""
        return [name for name, where in self.zones.items() if where == zone]
