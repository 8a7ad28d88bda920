"""The four calls of Compute Engine that the channel runs over, in memory.

Refuses what the real thing refuses: a write under an old fingerprint, a VM that is not there,
output that was overwritten. What a VM prints can be due later; time passes when the clock says so.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from hakube_gce.errors import GatewayError, RequestInvalid, ResourceNotFound, StaleFingerprint
from hakube_gce.resources import Instance, SerialOutput
from tests.fakes.clock import FakeClock


@dataclass(slots=True, kw_only=True)
class _Machine:
    instance: Instance
    printed: list[tuple[float, str]] = field(default_factory=list)
    """(monotonic second it is due, text)."""
    on_metadata: Callable[[Instance], None] | None = None


class SerialCloud:
    """VMs with metadata and a second serial port."""

    def __init__(self, clock: FakeClock, *, buffer_bytes: int = 1 << 20) -> None:
        self._clock = clock
        self._buffer_bytes = buffer_bytes
        self._overwritten_bytes = 0
        self._machines: dict[tuple[str, str], _Machine] = {}
        self._guard = Lock()
        self.request_ids: list[str] = []
        self.reads: list[tuple[str, int]] = []
        """(instance, start) of each look at a serial port."""
        self.failures: list[GatewayError] = []
        """Raised, one each, by the next looks at serial ports."""
        self.before_write: Callable[[Instance], None] | None = None
        """Runs once before the next metadata write: somebody who writes in between."""

    def insert(
        self,
        name: str,
        *,
        instance_id: str,
        metadata: Mapping[str, str] | None = None,
    ) -> Instance:
        """Make a running VM, or another one in the place of the one of that name."""
        metadata = dict(metadata or {})
        instance = Instance(
            name=name,
            zone="europe-west1-b",
            id=instance_id,
            status="RUNNING",
            internal_ip="10.0.0.2",
            access_config=None,
            machine_type="e2-standard-2",
            metadata=metadata,
            metadata_fingerprint=_fingerprint(metadata, 0),
            labels={},
        )
        self._machines[instance.zone, name] = _Machine(instance=instance)
        return instance

    def watch(self, instance: Instance, on_metadata: Callable[[Instance], None]) -> None:
        """Call a VM's own program whenever its metadata changed."""
        self._machines[instance.zone, instance.name].on_metadata = on_metadata

    def delete(self, instance: Instance) -> None:
        del self._machines[instance.zone, instance.name]

    def print(self, instance: Instance, text: str, *, after_s: float = 0.0) -> None:
        """Let a VM write to its second serial port, now or later."""
        machine = self._machines[instance.zone, instance.name]
        machine.printed.append((self._clock.monotonic() + after_s, text))
        machine.printed.sort(key=lambda line: line[0])

    def lose_output(self, instance: Instance) -> None:
        """Overwrite all that was printed so far; offsets count on."""
        printed = self._machines[instance.zone, instance.name].printed
        self._overwritten_bytes = len("".join(text for _, text in printed).encode())

    def reset_output(self, instance: Instance) -> None:
        """Forget what was printed; offsets count from zero again."""
        self._machines[instance.zone, instance.name].printed.clear()

    # ------------------------------------------------------------------ what the channel calls

    def server_time(self) -> datetime:
        return self._clock.now()

    def find_instance(self, zone: str, name: str) -> Instance | None:
        machine = self._machines.get((zone, name))
        return machine.instance if machine else None

    def serial_output(self, zone: str, instance: str, *, port: int, start: int) -> SerialOutput:
        with self._guard:
            self.reads.append((instance, start))
            if self.failures:
                raise self.failures.pop(0)
        if port != 2:
            raise RequestInvalid(f"nothing of ours is on port {port}")
        now = self._clock.monotonic()
        printed = "".join(t for due, t in self._machine(zone, instance).printed if due <= now)
        data = printed.encode()
        oldest = max(self._overwritten_bytes, len(data) - self._buffer_bytes)
        begin = max(oldest, len(data) + start if start < 0 else start)
        return SerialOutput(
            contents=data[begin:].decode(),
            start=begin,
            next=max(begin, len(data)) if start <= len(data) else len(data),
        )

    def set_metadata(
        self,
        zone: str,
        instance: str,
        *,
        items: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None:
        if self.before_write is not None:
            interloper, self.before_write = self.before_write, None
            interloper(self._machine(zone, instance).instance)
        machine = self._machine(zone, instance)
        if fingerprint != machine.instance.metadata_fingerprint:
            raise StaleFingerprint("Supplied fingerprint does not match current metadata")
        if request_id in self.request_ids:
            raise RequestInvalid(f"request id {request_id} was used for another request")
        self.request_ids.append(request_id)
        self.overwrite(machine.instance, items)

    def overwrite(self, instance: Instance, items: Mapping[str, str]) -> None:
        """Set an instance's metadata from elsewhere."""
        machine = self._machine(instance.zone, instance.name)
        machine.instance = replace(
            machine.instance,
            metadata=dict(items),
            metadata_fingerprint=_fingerprint(items, len(self.request_ids)),
        )
        if machine.on_metadata is not None:
            machine.on_metadata(machine.instance)

    def _machine(self, zone: str, name: str) -> _Machine:
        machine = self._machines.get((zone, name))
        if machine is None:
            raise ResourceNotFound(f"zones/{zone}/instances/{name} was not found")
        return machine


def _fingerprint(items: Mapping[str, str], generation: int) -> str:
    return hashlib.sha256(repr((sorted(items.items()), generation)).encode()).hexdigest()[:16]
