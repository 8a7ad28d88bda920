"""A machine that has a way to Compute Engine and none to the cluster IP, as CI often is."""

from dataclasses import dataclass, replace

from tests.e2e.end_states import lock_and_operation
from tests.simulation.crashes import Kill
from tests.simulation.operator import Ended
from tests.simulation.stories import B, Beginnings, C, Scene, remove
from tests.simulation.wire import Request


def blind(scene: Scene) -> Scene:
    return replace(scene, operator=replace(scene.operator, reaches=False))


def noted(ended: Ended) -> bool:
    assert ended.status == 0, ended
    assert ended.result is not None
    return any("does not answer to this machine" in note for note in ended.result.notes)


def test_the_last_but_one_goes_and_the_address_moves_once(beginnings: Beginnings) -> None:
    scene = blind(beginnings(2))
    before = len(scene.cloud.trace)
    ended = scene.operator.alone(remove(C))
    assert noted(ended), ended
    assert ended.result is not None
    assert ended.result.window is None, "nobody saw how long it was"
    calls = [line.split()[2] for line in scene.cloud.trace[before:]]
    assert (calls.count("forwardingRules.delete"), calls.count("forwardingRules.insert")) == (1, 0)
    assert scene.cloud.cluster_ip_serves()
    assert not lock_and_operation(scene.cloud)
    assert scene.cloud.laws.broken == []


def test_a_removal_that_was_cut_short_ends_well_without_a_path(beginnings: Beginnings) -> None:
    scene = blind(beginnings(3))
    assert scene.operator.alone(remove(C), Kill(6, "after send")).status == -9
    assert noted(scene.operator.alone(remove(C)))
    assert not lock_and_operation(scene.cloud)


@dataclass(frozen=True, slots=True)
class Outage:
    """The survivor's VM fails as it gets the address."""

    scene: Scene

    def before(self, request: Request) -> None:
        if request.method == "instances.addAccessConfig":
            vm = f"projects/acme-prod/zones/{B}/instances/kubernetes-master"
            self.scene.cloud.power("kill", vm)

    def after(self, request: Request) -> None:
        return

    def over(self) -> bool:
        return False


def test_where_no_master_says_that_it_serves_the_address_goes_back(beginnings: Beginnings) -> None:
    """Silence is no proof, and nobody's word is none either."""
    scene = blind(beginnings(2))
    ended = scene.operator.alone(remove(C), Outage(scene))
    assert ended.status == 7, ended
    assert "was rolled back" in str(ended.error)
