"""The one place where a run's course is decided: (blueprint, operation, observed) → plan. Pure."""

from hakube_gce.model import Observed, Operation, Verb
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.create import plan_create
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.mend import plan_mend
from hakube_gce.plan.node_teardown import plan_delete_nodes
from hakube_gce.plan.nodes import plan_add_nodes
from hakube_gce.plan.preemption import with_preemption
from hakube_gce.plan.prepare import adopted, with_prepared
from hakube_gce.plan.recover import plan_recover
from hakube_gce.plan.remove import plan_remove
from hakube_gce.plan.replicate import plan_replicate
from hakube_gce.plan.restore import plan_restore
from hakube_gce.plan.rule_labels import with_rule_labels
from hakube_gce.plan.server_note import with_server_note
from hakube_gce.plan.snapshot import plan_snapshot
from hakube_gce.plan.teardown import plan_teardown


def plan(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan what is still missing to the operation's end; an empty plan means it is done.

    The same inputs give the same plan, and the plan after a finished run is empty.
    """
    there = adopted(operation, seen)
    planned = with_rule_labels(_plan(blueprint, operation, there), blueprint, there)
    planned = with_preemption(planned, blueprint, there)
    planned = with_server_note(planned, blueprint, there)
    return with_prepared(blueprint, operation, there, planned)


def _plan(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:  # noqa: C901, PLR0911 - one row a verb
    match operation.verb:
        case Verb.CREATE:
            return plan_create(blueprint, operation, seen)
        case Verb.MEND:
            return plan_mend(blueprint, operation, seen)
        case Verb.REPLICATE:
            return plan_replicate(blueprint, operation, seen)
        case Verb.REMOVE:
            return plan_remove(blueprint, operation, seen)
        case Verb.TEARDOWN:
            return plan_teardown(blueprint, operation, seen)
        case Verb.SNAPSHOT:
            return plan_snapshot(blueprint, operation, seen)
        case Verb.RESTORE:
            return plan_restore(blueprint, operation, seen)
        case Verb.RECOVER:
            return plan_recover(blueprint, operation, seen)
        case Verb.ADD_NODES:
            return plan_add_nodes(blueprint, operation, seen)
        case Verb.DELETE_NODES:
            return plan_delete_nodes(operation, seen)
