"""The user's labels on the forwarding rule, which takes labels only once it is there. Pure.

A step of its own behind every verb's plan: a run that was killed between a rule and its labels is
seen by the labels that the rule lacks. Whoever has no labels to set has no such step.
"""

from dataclasses import replace

from hakube_gce.label_steps import LabelRule
from hakube_gce.model import Observed, Verb
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Plan, Planned
from hakube_gce.user_labels import is_marked

_RAISING = frozenset({"create-rule", "promote-endpoint"})
_TAKING = frozenset({"demote-endpoint", "delete-rule"})
_OF_MASTERS = frozenset(
    {Verb.CREATE, Verb.MEND, Verb.REPLICATE, Verb.REMOVE, Verb.RESTORE, Verb.RECOVER}
)


def with_rule_labels(planned: Plan, blueprint: Blueprint, seen: Observed) -> Plan:
    """Add what labels the cluster's rule, where it will stand and lacks them."""
    if planned.blockers or planned.operation is None or not blueprint.labels:
        return planned
    if planned.operation.verb not in _OF_MASTERS or not _will_lack(planned, seen):
        return planned
    after = tuple(p.key for p in planned.steps if p.key in _RAISING)
    step = Planned(key="label-rule", step=LabelRule(name=blueprint.master), after=after)
    return replace(planned, steps=(*planned.steps, step))


def _will_lack(planned: Plan, seen: Observed) -> bool:
    keys = {p.key for p in planned.steps}
    if keys & _TAKING:
        return False
    if seen.rule is None:
        return bool(keys & _RAISING)
    return not is_marked(seen.rule.labels)
