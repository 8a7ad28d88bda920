"""A request that was due before the laptop's sleep is not sent into another time."""

import pytest

from tests.simulation.late import oversleep_in_a_pause
from tests.simulation.stories import (
    B,
    Beginnings,
    C,
    remove,
    replicate,
    teardown,
    up,
)

ELSEWHERE_MEANWHILE = {
    "a rule": (2, remove(C), "forwardingRules.delete", (remove(C), replicate(C))),
    "an address of a VM": (
        2,
        remove(C),
        "instances.deleteAccessConfig",
        (remove(C), replicate(C)),
    ),
    "a master": (1, teardown(B), "instances.delete", (teardown(B), up(B))),
    "a disk": (1, teardown(B), "disks.delete", (teardown(B), up(B))),
    "a firewall": (1, teardown(B), "firewalls.delete", (teardown(B), up(B))),
    "the cluster IP": (1, teardown(B), "addresses.delete", (teardown(B), up(B))),
    "a new master": (1, replicate(C), "instances.insert", (replicate(C), remove(C))),
}
"""What is at stake → masters, the sleeper's command and request, the other's commands."""


@pytest.mark.parametrize("what", ELSEWHERE_MEANWHILE)
def test_a_run_that_slept_in_a_pause_changes_nothing_of_what_came_meanwhile(
    what: str, beginnings: Beginnings
) -> None:
    masters, argv, method, meanwhile = ELSEWHERE_MEANWHILE[what]
    scene = beginnings(masters)
    night = oversleep_in_a_pause(scene, argv, method, meanwhile)
    assert night.slept, "the request was never sent, so there was no pause"
    assert [ended.status for ended in night.meanwhile] == [0, 0], night.meanwhile
    assert night.sleeper.status == 6, night.sleeper
    assert night.untouched
    assert scene.cloud.laws.broken == []
    assert scene.cloud.cluster_ip_serves()
