"""Masters that Compute Engine may take away at any time: said, or refused by the strict. Pure.

Their data is safe, on disks that stay. Their quorum is not: nothing tells which of them are taken
together, and nobody but kube-up starts them again.
"""

from dataclasses import replace

from hakube_gce import conditions
from hakube_gce.model import Observed, Verb
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker, Plan, blocked
from hakube_gce.steps import CreateInstance

_WHEN = {
    "preemptible": "at any time, and within 24 hours",
    "spot": "at any time",
}


def with_preemption(planned: Plan, blueprint: Blueprint, seen: Observed) -> Plan:
    """Say what it means that masters of this plan are born preemptible.

    Refused is only to found such a cluster: one more master, or one made again, helps it.
    """
    born = sum(isinstance(p.step, CreateInstance) for p in planned.steps)
    if not born or blueprint.provisioning not in _WHEN:
        return planned
    text = _risk(blueprint, masters=len(seen.replicas) + born + len(blueprint.prepare))
    founding = planned.operation is not None and planned.operation.verb is Verb.CREATE
    if blueprint.strict and founding:
        return blocked([_preemptible(text)], notes=planned.notes)
    return replace(planned, notes=(*planned.notes, text))


def _risk(blueprint: Blueprint, *, masters: int) -> str:
    tolerated = masters - conditions.quorum(masters)
    up = blueprint.programs[0]
    return (
        f"masters are {blueprint.provisioning}: Compute Engine stops each of them "
        f"{_WHEN[blueprint.provisioning]}, and nothing but {up} starts it again. "
        f"{masters} of them write while {conditions.quorum(masters)} run, so with more than "
        f"{tolerated} stopped there is no API; what is stored stays on their disks"
    )


def _preemptible(text: str) -> Blocker:
    return Blocker(
        reason="PreemptibleMasters",
        message=f"{text}. HAKUBE_STRICT=true refuses that",
        exit_status=5,
        override="HAKUBE_STRICT=false",
    )
