"""No refusal keeps a cluster for ever: what is printed beside it is run, and leads out."""

import shlex

import pytest

from hakube_gce.emulator import faults
from hakube_gce.emulator.refusals import Refusal
from tests.e2e.end_states import lock_and_operation
from tests.simulation.foreign import some_instance
from tests.simulation.operator import Ended
from tests.simulation.stories import (
    B,
    Beginnings,
    C,
    D,
    Scene,
    remove,
    replicate,
    teardown,
    up,
)
from tests.simulation.wire import Request


class Forbidden:
    """Whoever asks may not delete the rule."""

    def before(self, request: Request) -> None:
        if request.method == "forwardingRules.delete":
            raise Refusal(403, "forbidden", "Required 'compute.forwardingRules.delete'")

    def after(self, request: Request) -> None:
        return

    def over(self) -> bool:
        return False


def printed(ended: Ended, word: str) -> tuple[str, ...]:
    """Return the command behind ``next:`` or ``or:``, as an operator's argv here."""
    (line,) = [x for x in ended.output for x in x.splitlines() if x.startswith(f"  {word}: ")]
    words = shlex.split(line.rpartition(": ")[2])
    verb = "up" if words[-1].endswith("kube-up.sh") else "down"
    said = ("KUBE_GCE_ZONE=", "KUBE_REPL", "KUBE_DELETE_NODES=", "HAKUBE_CONFIRM")
    return (verb, *(word for word in words if word.startswith(said)))


def refused(scene: Scene, argv: tuple[str, ...]) -> Ended:
    ended = scene.operator.alone(argv)
    assert ended.result is not None, ended
    assert ended.result.reasons == ("OperationUnfinished",), ended
    return ended


def leads_out(scene: Scene, argv: tuple[str, ...], then: tuple[str, ...]) -> None:
    ended = scene.operator.alone(argv)
    assert ended.status == 0, ended
    assert not lock_and_operation(scene.cloud)
    ended = scene.operator.alone(then)
    assert ended.status == 0, ended
    assert scene.cloud.laws.broken == []


@pytest.mark.parametrize("argv", [replicate(D), remove(C)])
def test_a_teardown_that_was_never_allowed_is_given_up_by_the_printed_command(
    argv: tuple[str, ...], beginnings: Beginnings
) -> None:
    scene = beginnings(3)
    assert scene.operator.alone(teardown(B), Forbidden()).status == 8
    way = printed(refused(scene, argv), "next")
    assert way == up(B)
    leads_out(scene, way, argv)
    assert scene.cloud.cluster_ip_serves()


def exhaust(scene: Scene) -> None:
    code = {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "http": 503}
    script = {"method": "instances.insert", "operation_error": code}
    scene.cloud.lab.faults.add(faults.parse(script))


def test_a_replication_into_a_full_zone_is_given_up_by_the_printed_command(
    beginnings: Beginnings,
) -> None:
    scene = beginnings(2)
    exhaust(scene)
    assert scene.operator.alone(replicate(D)).status == 7
    leads_out(scene, printed(refused(scene, replicate(C)), "or"), replicate(C))


def test_a_founding_in_a_full_zone_is_given_up_by_the_printed_command(
    beginnings: Beginnings,
) -> None:
    scene = beginnings(0)
    exhaust(scene)
    assert scene.operator.alone(up(B)).status == 7
    leads_out(scene, printed(refused(scene, up(C)), "or"), up(C))


def test_whoever_has_a_masters_address_is_named_and_its_leaving_helps(
    beginnings: Beginnings,
) -> None:
    """Compute Engine gives the internal address of a VM that was deleted to the next one."""
    scene = beginnings(1)
    (path, master), *_ = scene.cloud.masters()
    address = master["networkInterfaces"][0]["networkIP"]
    by_hand(scene, path)
    squatter = some_instance("somebody-new", "projects/acme-prod/global/networks/default")
    squatter["networkInterfaces"][0]["networkIP"] = address
    scene.cloud.insert(f"zones/{C}/instances", squatter)
    ended = scene.operator.alone(up(B))
    assert ended.status == 7, ended
    assert ended.error is not None
    assert f"that is the address of VM somebody-new in {C} now" in ended.error.message
    assert "delete somebody-new" in ended.error.hint
    by_hand(scene, f"projects/acme-prod/zones/{C}/instances/somebody-new")
    ended = scene.operator.alone(up(B))
    assert ended.status == 0, ended
    assert scene.cloud.cluster_ip_serves()


def by_hand(scene: Scene, path: str) -> None:
    scene.cloud.lab.answer("DELETE", f"/compute/v1/{path}", {}, {})
    scene.cloud.settle()
    scene.cloud.laws.disturbed()
