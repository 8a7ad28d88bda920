"""What is said when KUBE_SERVER leads where no certificate of the masters' is good for. Pure."""

from dataclasses import replace

from hakube_gce import api_names
from hakube_gce.model import Observed
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Plan
from hakube_gce.steps import WriteKubeconfig


def with_server_note(planned: Plan, blueprint: Blueprint, seen: Observed) -> Plan:
    """Say it where the kubeconfig is written."""
    if not any(isinstance(p.step, WriteKubeconfig) for p in planned.steps):
        return planned
    note = api_names.unnamed_note(
        blueprint.server_override,
        blueprint.api_names,
        cluster_ip=seen.address.address if seen.address else "",
        prefix=blueprint.prefix,
    )
    return replace(planned, notes=(*planned.notes, note)) if note else planned
