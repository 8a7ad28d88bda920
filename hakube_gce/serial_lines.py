"""Reading a VM's second serial port as lines, from wherever one left off.

Compute Engine keeps the last mebibyte and counts bytes since it began; a reader asks for what came
after an offset and may get half a line, nothing, or a later offset than it asked for when older
output is gone. This hides all of that. It neither waits nor believes.
"""

from typing import Protocol

from hakube_gce.channel_messages import Line, parse_lines
from hakube_gce.resources import Instance, SerialOutput

PORT = 2
TAIL_BYTES = 64 * 1024
"""Enough for several dozen heartbeats, and one small answer of the API."""


class SerialGateway(Protocol):
    """The part of `ComputeGateway` that reads serial ports."""

    def serial_output(
        self, zone: str, instance: str, *, port: int, start: int
    ) -> SerialOutput: ...


class SerialLines:
    """A place on one VM's serial port, moving forward."""

    def __init__(self, gateway: SerialGateway, instance: Instance, *, start: int) -> None:
        """Begin at a byte offset, 0 for all that is kept."""
        self._gateway = gateway
        self._instance = instance
        self._next = start
        self._rest = ""
        self.lost_bytes = 0
        """How many bytes were overwritten before they could be read."""

    def read(self) -> list[Line]:
        """Return the complete lines that came since the last call."""
        output = self._gateway.serial_output(
            self._instance.zone, self._instance.name, port=PORT, start=self._next
        )
        if output.next < self._next:
            # the port counts from the beginning again: the VM's output was reset
            self._next, self._rest = 0, ""
            return self.read()
        if output.start > self._next:
            self.lost_bytes += output.start - self._next
            self._rest = ""
        self._next = output.next
        complete, _, self._rest = (self._rest + output.contents).rpartition("\n")
        return parse_lines(complete)


def end_of(gateway: SerialGateway, instance: Instance) -> int:
    """Return the offset of whatever the VM writes next."""
    # a negative start means "the last bytes" (reference of instances.getSerialPortOutput)
    return gateway.serial_output(instance.zone, instance.name, port=PORT, start=-1).next


def tail_of(gateway: SerialGateway, instance: Instance) -> list[Line]:
    """Return the last lines a VM wrote, oldest first."""
    output = gateway.serial_output(instance.zone, instance.name, port=PORT, start=-TAIL_BYTES)
    return parse_lines(output.contents)
