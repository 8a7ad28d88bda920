"""A machine whose lid is closed in the pause between two attempts of one request.

Its Wi-Fi goes first, so the request fails and is to be sent again; then the machine is suspended
in the pause before that. Meanwhile another machine does the same command, and something after it.
"""

from dataclasses import dataclass

from hakube_gce.emulator.lab import AnswerLost
from tests.simulation.meetings import EXPIRY_S
from tests.simulation.operator import Ended
from tests.simulation.process import Untroubled
from tests.simulation.stage import Actor, Stage
from tests.simulation.stories import Scene
from tests.simulation.wire import Request

NAP_S = 3600.0
_MUCH_LATER_S = 10 * 24 * 3600.0


@dataclass(slots=True)
class Lid:
    """Loses the first request of a method, and closes the lid in the pause that follows."""

    method: str
    stage: Stage
    sleeper: Actor
    other: Actor
    lost: bool = False
    closed: bool = False

    def before(self, request: Request) -> None:
        if request.method == self.method and not self.lost:
            self.lost = True
            raise AnswerLost

    def after(self, request: Request) -> None:
        return

    def over(self) -> bool:
        return False

    def reach(self, what: str) -> None:
        self.sleeper.reach(what)

    def sleep(self, seconds: float) -> None:
        if self.lost and not self.closed:
            self.closed = True
            self.other.wakes_s = self.stage.clock.elapsed_s + EXPIRY_S
            self.sleeper.nap(NAP_S)
        else:
            self.sleeper.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overslept:
    """What came of it."""

    sleeper: Ended
    meanwhile: tuple[Ended, ...]
    slept: bool
    untouched: bool
    """The sleeper has left everything as it was when it woke."""


def oversleep_in_a_pause(
    scene: Scene, argv: tuple[str, ...], method: str, meanwhile: tuple[tuple[str, ...], ...]
) -> Overslept:
    """Let a command sleep before it sends one request again, while another machine goes on."""
    stage = Stage(clock=scene.cloud.clock, choose=lambda _: 0, points=frozenset())
    sleeper, other = stage.actor("sleeper"), stage.actor("other")
    other.wakes_s = scene.cloud.clock.elapsed_s + _MUCH_LATER_S
    lid = Lid(method, stage, sleeper, other)
    desk = scene.operator
    asleep, awake = (desk.elsewhere(n, desk.folder / n) for n in ("asleep", "awake"))
    ended: list[Ended] = []
    seen: list[object] = []

    def work_of_the_sleeper() -> None:
        ended.insert(0, asleep.run(asleep.process("guest-0", lid, lid), argv))

    def work_of_the_other() -> None:
        for number, one in enumerate(meanwhile, start=1):
            ended.append(awake.run(awake.process(f"guest-{number}", other, Untroubled()), one))
        scene.cloud.settle()
        seen.append(scene.cloud.dump())

    stage.enter(sleeper, work_of_the_sleeper)
    stage.enter(other, work_of_the_other)
    stage.play()
    scene.cloud.settle()
    return Overslept(
        sleeper=ended[0],
        meanwhile=tuple(ended[1:]),
        slept=lid.closed,
        untouched=seen == [scene.cloud.dump()],
    )
