"""How long the cluster IP was away, told by a run that goes on where another one died."""

from dataclasses import dataclass, replace

import pytest

from hakube_gce.perform.context import Limits
from tests.simulation.process import Killed
from tests.simulation.stories import Beginnings, C, remove, replicate
from tests.simulation.wire import Request

AWAY_S = 900.0
WINDOWS = {
    "demotion": (2, remove(C), "instances.addAccessConfig"),
    "promotion": (1, replicate(C), "forwardingRules.insert"),
}
"""Kind → masters, the command, and the call that ends its window."""


@dataclass(slots=True)
class KilledInTheWindow:
    """Dies before the call that would end the window: the address is with nobody."""

    method: str
    dead: bool = False

    def before(self, request: Request) -> None:
        if request.method == self.method and "probe" not in str(request.body):
            self.dead = True
            raise Killed

    def after(self, request: Request) -> None:
        return

    def over(self) -> bool:
        return self.dead


@pytest.mark.parametrize("kind", WINDOWS)
def test_a_window_that_another_run_opened_is_told_whole(kind: str, beginnings: Beginnings) -> None:
    masters, argv, closing = WINDOWS[kind]
    scene = beginnings(masters)
    assert scene.operator.alone(argv, KilledInTheWindow(closing)).status == -9
    assert not scene.cloud.cluster_ip_serves()
    scene.cloud.clock.sleep(AWAY_S)
    ended = scene.operator.alone(argv)
    assert ended.status == 0, ended
    assert ended.result is not None
    assert ended.result.window is not None
    seconds = float(str(ended.result.window["seconds"]))
    assert AWAY_S <= seconds <= AWAY_S + 200
    assert f"API unavailable for {seconds:.2f} s ({kind})" in str(ended)


def test_a_window_that_another_run_opened_is_given_its_whole_time(beginnings: Beginnings) -> None:
    """Nobody could have heard the address before: that it was silent makes no machine blind."""
    masters, argv, closing = WINDOWS["demotion"]
    scene = beginnings(masters)
    assert scene.operator.alone(argv, KilledInTheWindow(closing)).status == -9
    began_s = scene.cloud.clock.elapsed_s
    ended = replace(scene.operator, reaches=False).alone(argv)
    assert ended.status == 0, ended
    assert scene.cloud.clock.elapsed_s - began_s >= Limits().window_s
