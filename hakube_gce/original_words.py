"""Lines of kube-up's own screen that scripts grep for, said where the same thing happens. Pure.

A script learnt a new replica's name, or that the load balancer was made, from these lines alone.
They are said besides our own, word for word and without colours. A line whose claim would be false
here is not said at all: docs/COMPATIBILITY.md lists those.
"""

from hakube_gce import names
from hakube_gce.balancer_steps import AwaitBackends, PromoteEndpoint
from hakube_gce.model import Observed, Operation, Verb
from hakube_gce.plan.graph import Plan
from hakube_gce.steps import AdmitReplica, ExpelMember, Step

ETCD_PORT = 2379


def before(plan: Plan, seen: Observed) -> tuple[str, ...]:
    """Say what a run is about to do to the load balancer, and which master becomes which."""
    steps = [planned.step for planned in plan.steps]
    admitted = [step for step in steps if isinstance(step, AdmitReplica)]
    promoted = [step for step in steps if isinstance(step, PromoteEndpoint)]
    lines = [
        f"Creating load balancer in front of an already existing master in {step.zone}"
        for step in promoted
    ]
    if admitted and seen.rule is not None:
        lines.append("Load balancer already exists")
    lines += [
        f"Experimental: replicating existing master {step.through_zone}/{step.through} "
        f"as {step.zone}/{step.replica}"
        for step in admitted
    ]
    return tuple(lines)


def at_start(step: Step, prefix: str) -> tuple[str, ...]:
    """Say what a step is waiting for."""
    if not _proves_the_balancer(step, prefix):
        return ()
    return ("Waiting for the load balancer configuration to propagate...",)


def at_end(step: Step, prefix: str) -> tuple[str, ...]:
    """Say what a step has come to."""
    if isinstance(step, ExpelMember):
        name = step.member_name
        return (f"Removing etcd replica, name: {name}, port: {ETCD_PORT}, result: 0",)
    return ("DONE",) if _proves_the_balancer(step, prefix) else ()


def at_failure(step: Step) -> tuple[str, ...]:
    """Say what a step has not come to."""
    if isinstance(step, AdmitReplica):
        return ("Failed to add master replica to etcd cluster.",)
    return ()


def after(operation: Operation, url: str) -> tuple[str, ...]:
    """Say where a new cluster is to be found."""
    if operation.verb is not Verb.CREATE:
        return ()
    return ("Kubernetes cluster is running.  The master is running at:", "", f"  {url}")


def _proves_the_balancer(step: Step, prefix: str) -> bool:
    """Tell whether the balancer that is to get the cluster IP is waited for, as at promotion."""
    return isinstance(step, AwaitBackends) and step.rule == names.temporary_rule(prefix)
