"""This machine's clock against Compute Engine's: when it is named, when nothing is signed."""

from datetime import timedelta

import pytest

from hakube_gce import clock_check
from hakube_gce.plan.graph import Plan, Planned
from hakube_gce.steps import DeleteInstance, InstallReplica, Step
from tests.fakes.clusters import NOW, ZONES, nothing

INSTALL = InstallReplica(replica="kubernetes-master", zone=ZONES[0], founder=True, peer_urls=())
DELETE = DeleteInstance(name="kubernetes-master", zone=ZONES[0], id="1")


def planned(step: Step) -> Plan:
    return Plan(steps=(Planned(key="a-step", step=step),))


@pytest.mark.parametrize(
    ("off_s", "noted", "refused"),
    [(0, "", 0), (60, "", 0), (61, "61 s ahead of", 0), (-61, "61 s behind", 0),
     (300, "300 s ahead of", 0), (301, "301 s ahead of", 1), (-172800, "172800 s behind", 1)],
)  # fmt: skip
def test_a_clock_that_is_off_is_named_and_far_off_nothing_is_signed(
    off_s: int, noted: str, refused: int
) -> None:
    now, seen = NOW + timedelta(seconds=off_s), nothing()
    said = clock_check.note(now, seen)
    assert noted in said
    assert bool(said) is bool(noted)
    found = clock_check.refusal(now, seen, planned(INSTALL))
    assert [(b.reason, b.exit_status) for b in found] == [("ClockOff", 5)] * refused
    assert clock_check.refusal(now, seen, planned(DELETE)) == ()
