"""The refusals of `scale` and `replace`. Pure; each reason is a heading of docs/OPERATIONS.md."""

from collections.abc import Sequence

from hakube_gce import conditions
from hakube_gce.model import Observed
from hakube_gce.plan import commands
from hakube_gce.plan.blockers import MISSING, UNSAFE
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker


def even_goal(masters: int) -> Blocker:
    """Refuse an even number as a goal: it tolerates no more than the odd one below it."""
    less, more = masters - 1, masters + 1
    return Blocker(
        reason="EvenMasters",
        message=f"{masters} masters need {conditions.quorum(masters)} to write and tolerate the "
        f"loss of {conditions.tolerates(masters)}, as {less} do; there is one more that can "
        f"fail. Take {less} or {more}",
        exit_status=UNSAFE,
        override=f"HAKUBE_EVEN_MASTERS=true makes {masters} all the same",
    )


def no_free_zone(masters: int, zones: Sequence[str]) -> Blocker:
    return Blocker(
        reason="NoFreeZone",
        message=f"every zone of the region holds a master already ({', '.join(zones)}), so "
        f"{masters} would share zones, and a zone's loss would take several",
        exit_status=UNSAFE,
        override="HAKUBE_SAME_ZONE=true agrees to several masters in one zone",
    )


def nobody_to_replace(blueprint: Blueprint, seen: Observed, name: str) -> Blocker:
    masters = ", ".join(f"{r.name} in {r.zone}" for r in seen.replicas) or "none"
    return Blocker(
        reason="NoSuchReplica",
        message=f"{name} is neither a master nor a member of etcd; the masters are: {masters}. If "
        "it was removed already, add another one in its zone",
        exit_status=MISSING,
        next_command=commands.status(blueprint, seen),
    )
