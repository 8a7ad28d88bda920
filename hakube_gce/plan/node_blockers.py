"""Refusals about worker nodes. Pure; each reason is a heading of docs/OPERATIONS.md."""

from hakube_gce.model import Observed
from hakube_gce.plan import commands
from hakube_gce.plan.blockers import MISSING
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker


def no_master_for_nodes(blueprint: Blueprint, zone: str) -> Blocker:
    """Nodes join a master, and there is none."""
    return Blocker(
        reason="NoMaster",
        message=f"there is no master of cluster {blueprint.prefix} in region {blueprint.region} "
        "that nodes could join",
        exit_status=MISSING,
        next_command=commands.create(blueprint, zone),
    )


def nothing_in_zone(blueprint: Blueprint, seen: Observed, zone: str) -> Blocker:
    """kube-down where the cluster has neither a master nor a node."""
    masters = ", ".join(f"{r.name} in {r.zone}" for r in seen.replicas)
    return Blocker(
        reason="NothingInZone",
        message=f"zone {zone} holds neither a master nor nodes of cluster {seen.cluster}; "
        f"masters: {masters}; kube-down in a zone without a master deletes that zone's nodes "
        "alone",
        exit_status=MISSING,
        override=f"the whole cluster goes with HAKUBE_CONFIRM_TEARDOWN={blueprint.prefix}",
    )
