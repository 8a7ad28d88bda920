"""What a wish about nodes comes to: which operation, or why none. Pure.

kube-down without KUBE_DELETE_NODES=false means the whole cluster where a master is, and the nodes
alone in a zone that holds no master; where neither is, nothing is guessed.
"""

from hakube_gce.model import Intent, Observed, Operation, Verb
from hakube_gce.plan import node_blockers, unfinished_blockers
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker


def adding(
    blueprint: Blueprint, intent: Intent, seen: Observed, *, operation_id: str
) -> Operation | Blocker | str:
    """Make the wish for nodes beside the masters that are there absolute."""
    unfinished = seen.operation
    if not seen.replicas:
        return node_blockers.no_master_for_nodes(blueprint, intent.zone)
    if unfinished is not None:
        same = unfinished.verb is Verb.ADD_NODES and unfinished.zone == intent.zone
        return (
            unfinished
            if same
            else unfinished_blockers.operation_unfinished(blueprint, seen, unfinished)
        )
    if not blueprint.nodes.count:
        return "no nodes are asked for (NUM_NODES=0 or KUBE_CREATE_NODES=false)"
    return Operation(id=operation_id, verb=Verb.ADD_NODES, zone=intent.zone)


def deleting(
    blueprint: Blueprint, intent: Intent, seen: Observed, *, operation_id: str
) -> Operation | Blocker | None:
    """Tell what kube-down means in a zone without a master; None when it means the cluster."""
    unfinished = seen.operation
    if intent.confirmed_teardown or (unfinished and unfinished.verb is Verb.TEARDOWN):
        return None
    if unfinished and unfinished.verb is Verb.DELETE_NODES and unfinished.zone == intent.zone:
        return unfinished
    if not seen.replicas or any(r.zone == intent.zone for r in seen.replicas):
        return None
    if intent.zone not in seen.nodes.zones():
        return node_blockers.nothing_in_zone(blueprint, seen, intent.zone)
    if unfinished is not None:
        return unfinished_blockers.operation_unfinished(blueprint, seen, unfinished)
    return Operation(id=operation_id, verb=Verb.DELETE_NODES, zone=intent.zone)
