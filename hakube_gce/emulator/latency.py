"""How long operations take, by method.

``none`` is zero seconds: operations still answer RUNNING first, so that a client which does not
wait is caught. ``realistic`` is what real clusters see, roughly. A file of the same form is taken
too. Nothing here waits.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from hakube_gce.emulator.refusals import EmulatorError

REALISTIC: Final[Mapping[str, float]] = MappingProxyType(
    {
        "instances.insert": 8,
        "instances.delete": 20,
        "addresses.insert": 2,
        "addresses.delete": 2,
        "firewalls.*": 4,
        "forwardingRules.*": 5,
        "targetPools.*": 2,
        "disks.*": 2,
        "networks.*": 10,
        "instanceTemplates.*": 2,
        "instanceGroupManagers.insert": 6,
        "instanceGroupManagers.delete": 26,
        "everything_else": 2,
    }
)
PROPAGATION: Final = "forwardingRules.propagation_s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """A latency profile."""

    name: str
    """``none``, ``realistic``, or the path of the file it was read from."""
    seconds: Mapping[str, float]

    def of(self, method: str) -> float:
        """Return how many seconds an operation of a method takes.

        >>> profile("realistic").of("firewalls.delete"), profile("none").of("instances.insert")
        (4.0, 0.0)
        """
        service = method.partition(".")[0]
        for key in (method, f"{service}.*", "everything_else"):
            if key in self.seconds:
                return float(self.seconds[key])
        return 0.0

    @property
    def propagation_s(self) -> float:
        """Return how long a new forwarding rule leads nowhere after its operation is done."""
        return float(self.seconds.get(PROPAGATION, 0.0))

    def probe_pause_s(self, interval_s: float) -> float:
        """Return the pause between health probes: short in a lab without latency."""
        return min(0.1, interval_s) if self.name == "none" else interval_s


def profile(name: str) -> Latency:
    """Return a profile by name, or read it from a file.

    Raises:
        EmulatorError: the file cannot be read or is not a table of seconds.
    """
    if name == "none":
        return Latency(name="none", seconds=MappingProxyType({}))
    if name == "realistic":
        return Latency(name=name, seconds=REALISTIC)
    return Latency(name=name, seconds=_read(Path(name)))


def _read(path: Path) -> Mapping[str, float]:
    hint = 'give none, realistic, or a JSON file like {"disks.*": 2, "everything_else": 2}'
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EmulatorError(f"latency profile {path}: {error}", hint=hint) from error
    if not isinstance(table, dict) or not all(_is_time(s) for s in table.values()):
        raise EmulatorError(f"latency profile {path}: not a table of seconds", hint=hint)
    return MappingProxyType(table)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
