"""What counts as a second signal: another hand's, or the same one's a moment later."""

import signal
from dataclasses import dataclass, field

import pytest

from hakube_gce.stopping import SIGNALS, Stopping


@dataclass(slots=True)
class Heard:
    """What a stop came to."""

    at_s: float = 100.0
    first: int = 0
    second: list[int] = field(default_factory=list)

    def stopping(self) -> Stopping:
        def count() -> None:
            self.first += 1

        return Stopping(on_first=count, on_second=self.second.append, time_s=lambda: self.at_s)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_program_and_its_group_are_stopped_once(number: signal.Signals) -> None:
    heard = Heard()
    stopping = heard.stopping()
    stopping.handle(number, None)
    heard.at_s += 0.01
    stopping.handle(number, None)
    assert (heard.first, heard.second) == (1, [])
    heard.at_s += 0.2
    stopping.handle(number, None)
    assert (heard.first, heard.second) == (1, [number])


def test_another_signal_at_once_is_another() -> None:
    heard = Heard()
    stopping = heard.stopping()
    stopping.handle(signal.SIGINT, None)
    stopping.handle(signal.SIGTERM, None)
    assert heard.second == [signal.SIGTERM]
