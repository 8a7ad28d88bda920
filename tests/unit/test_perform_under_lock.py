"""No step is begun by a run that has lost its lock."""

from types import SimpleNamespace
from typing import cast

import pytest

from hakube_gce.errors import Locked
from hakube_gce.perform.aloud import perform_aloud
from hakube_gce.perform.context import Context
from hakube_gce.perform.performer import perform
from hakube_gce.plan.graph import Planned
from hakube_gce.steps import AdmitReplica, DeleteInstance, ReleaseAddress, Step

STEPS: tuple[Step, ...] = (
    DeleteInstance(name="kubernetes-master", zone="z", id="1"),
    ReleaseAddress(name="kubernetes-master-ip", region="r"),
)


def lost() -> None:
    raise Locked("this run lost the cluster's lock")


@pytest.mark.parametrize("step", STEPS, ids=lambda s: type(s).__name__)
def test_a_run_that_lost_its_lock_changes_nothing_more(step: Step) -> None:
    """Its context has a lock and nothing else: whoever goes on without asking it stumbles."""
    context = cast("Context", SimpleNamespace(lock=SimpleNamespace(keep=lost)))
    with pytest.raises(Locked, match="lost"):
        perform(context, Planned(key="x", step=step))


def test_a_member_that_is_not_admitted_is_told_in_the_original_s_words() -> None:
    said: list[str] = []
    context = cast(
        "Context",
        SimpleNamespace(
            lock=SimpleNamespace(keep=lost),
            blueprint=SimpleNamespace(prefix="kubernetes"),
            say=said.append,
        ),
    )
    admit = AdmitReplica(replica="b", zone="z", through="a", through_zone="z")
    with pytest.raises(Locked, match="lost"):
        perform_aloud(context, Planned(key="admit", step=admit))
    assert said == ["Failed to add master replica to etcd cluster."]
