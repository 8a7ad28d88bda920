"""One step, performed: the single place that gives each kind of step its effect."""

from typing import assert_never

from hakube_gce.balancer_steps import (
    AttachEphemeral,
    AwaitBackends,
    CarryAddress,
    CreateBackendService,
    CreateGroup,
    CreateHealthCheck,
    CreateHttpCheck,
    CreatePool,
    CreateRule,
    CreateTemporaryRule,
    DeleteBackendService,
    DeleteGroup,
    DeleteHealthCheck,
    DeleteHttpCheck,
    DeletePool,
    DeleteRule,
    DeleteTemporaryRule,
    DemoteEndpoint,
    DetachEphemeral,
    JoinGroup,
    JoinPool,
    LeaveGroup,
    LeavePool,
    PromoteEndpoint,
    SetBackends,
)
from hakube_gce.errors import ResourceConflict, ResourceNotFound
from hakube_gce.label_steps import LabelRule
from hakube_gce.network_steps import NetworkStep
from hakube_gce.node_steps import NodeStep
from hakube_gce.perform import balancing, endpoint, handover, machines, membership, rescue
from hakube_gce.perform.context import Context
from hakube_gce.perform.networks import perform_network_step
from hakube_gce.perform.nodes import perform_node_step
from hakube_gce.plan.graph import Planned
from hakube_gce.plan.planner import plan
from hakube_gce.steps import (
    AdmitReplica,
    AwaitBoot,
    AwaitReady,
    CreateDisk,
    CreateFirewall,
    CreateInstance,
    CreateSnapshot,
    DeleteDisk,
    DeleteFirewall,
    DeleteInstance,
    DeleteSnapshot,
    ExpelMember,
    ForgetAddress,
    InstallReplica,
    ProveQuorumLost,
    RecoverMember,
    ReleaseAddress,
    RememberAddress,
    RemoveKubeconfig,
    RenewCertificates,
    ReserveAddress,
    StartInstance,
    WriteKubeconfig,
    YieldLeadership,
)


def perform(context: Context, planned: Planned) -> None:
    """Make a step's statement true.

    What another run, or this one before it was killed, has done already counts as done: a name
    that is taken is looked at afresh, and what is gone need not be deleted.

    Raises:
        HakubeError: The step failed.
    """
    context.lock.keep()
    try:
        _dispatch(context, planned)
    except ResourceConflict:
        if _still_due(context, planned):
            raise
    except ResourceNotFound:
        if _still_due(context, planned):
            raise


def _still_due(context: Context, planned: Planned) -> bool:
    again = plan(context.blueprint, context.operation, context.observe())
    return any(p.key == planned.key for p in again.steps) or bool(again.blockers)


def _dispatch(context: Context, planned: Planned) -> None:  # noqa: C901, PLR0912, PLR0915 - one closed union, one match: the type checker proves it complete
    key, step = planned.key, planned.step
    if isinstance(step, NodeStep):
        perform_node_step(context, key, step)
        return
    if isinstance(step, NetworkStep):
        perform_network_step(context, key, step)
        return
    match step:
        case ReserveAddress():
            return  # taking the lock has made it
        case CreateFirewall():
            machines.create_firewall(context, key, step)
        case DeleteFirewall():
            machines.delete_firewall(context, key, step)
        case CreateDisk():
            machines.create_disk(context, key, step)
        case DeleteDisk():
            machines.delete_disk(context, key, step)
        case CreateInstance():
            machines.create_instance(context, key, step)
        case RememberAddress():
            machines.remember_address(context, key, step)
        case StartInstance():
            machines.start_instance(context, key, step)
        case DeleteInstance():
            machines.delete_instance(context, key, step)
        case ReleaseAddress():
            machines.release_address(context, key, step)
        case ForgetAddress():
            machines.forget_address(context, key, step)
        case CreateSnapshot():
            rescue.create_snapshot(context, key, step)
        case DeleteSnapshot():
            rescue.delete_snapshot(context, key, step)
        case ProveQuorumLost():
            rescue.prove_quorum_lost(context, key, step)
            rescue.ask_survivor(context, step)
        case RecoverMember():
            rescue.recover(context, key, step)
        case InstallReplica():
            membership.install(context, key, step)
        case RenewCertificates():
            membership.renew(context, key, step)
        case AdmitReplica():
            membership.admit(context, key, step)
        case AwaitBoot():
            membership.await_boot(context, key, step)
        case AwaitReady():
            membership.await_ready(context, key, step)
        case YieldLeadership():
            membership.yield_leadership(context, key, step)
        case ExpelMember():
            membership.expel(context, key, step)
        case CreateGroup():
            balancing.create_group(context, key, step)
        case DeleteGroup():
            balancing.delete_group(context, key, step)
        case JoinGroup():
            balancing.join_group(context, key, step)
        case LeaveGroup():
            balancing.leave_group(context, key, step)
        case CreateHealthCheck():
            balancing.create_health_check(context, key, step)
        case DeleteHealthCheck():
            balancing.delete_health_check(context, key, step)
        case CreateBackendService():
            balancing.create_backend_service(context, key, step)
        case SetBackends():
            balancing.set_backends(context, key, step)
        case DeleteBackendService():
            balancing.delete_backend_service(context, key, step)
        case CreateHttpCheck():
            balancing.create_http_check(context, key, step)
        case DeleteHttpCheck():
            balancing.delete_http_check(context, key, step)
        case CreatePool():
            balancing.create_pool(context, key, step)
        case DeletePool():
            balancing.delete_pool(context, key, step)
        case JoinPool():
            balancing.join_pool(context, key, step)
        case LeavePool():
            balancing.leave_pool(context, key, step)
        case CreateRule():
            endpoint.create_rule(context, key, step)
        case LabelRule():
            balancing.label_rule(context, key, step)
        case CreateTemporaryRule():
            balancing.create_temporary_rule(context, key, step)
        case DeleteTemporaryRule() | DeleteRule():
            balancing.delete_rule(context, key, step)
        case AwaitBackends():
            balancing.await_backends(context, key, step)
        case PromoteEndpoint():
            endpoint.promote(context, key, step)
        case DemoteEndpoint():
            endpoint.demote(context, key, step)
        case CarryAddress():
            endpoint.carry_address(context, key, step)
        case AttachEphemeral():
            endpoint.attach_ephemeral(context, key, step)
        case DetachEphemeral():
            endpoint.detach_ephemeral(context, key, step)
        case WriteKubeconfig():
            handover.cluster_keys(context, founder=False)  # this machine may be a fresh one
            file = context.write_kubeconfig(step.context, step.server)
            context.say(f"Wrote config for {step.context} to {file}")
        case RemoveKubeconfig():
            if cleared := context.remove_kubeconfig(step.context):
                context.say(f"Cleared config for {step.context} from {cleared}")
        case _:
            assert_never(step)
