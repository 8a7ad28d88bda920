"""The load balancer's parts: groups, pools, health checks, services, the temporary rule."""

from hakube_gce import marks, user_labels
from hakube_gce.balancer_steps import (
    AwaitBackends,
    CreateBackendService,
    CreateGroup,
    CreateHealthCheck,
    CreateHttpCheck,
    CreatePool,
    CreateTemporaryRule,
    DeleteBackendService,
    DeleteGroup,
    DeleteHealthCheck,
    DeleteHttpCheck,
    DeletePool,
    DeleteRule,
    DeleteTemporaryRule,
    JoinGroup,
    JoinPool,
    LeaveGroup,
    LeavePool,
    SetBackends,
)
from hakube_gce.errors import ResourceNotFound, StaleFingerprint, StepFailed
from hakube_gce.label_steps import LabelRule
from hakube_gce.perform.context import Context
from hakube_gce.plan.blueprint import READINESS_PORT

_TRIES = 5


def create_group(context: Context, key: str, step: CreateGroup) -> None:
    context.gateway.balancers.insert_group(
        step.zone,
        step.name,
        network=context.blueprint.network,
        description=marks.mark_description(context.mark),
        request_id=context.request_id(key, "insert"),
    )


def delete_group(context: Context, key: str, step: DeleteGroup) -> None:
    context.gateway.balancers.delete_group(
        step.zone, step.name, request_id=context.request_id(key, "delete")
    )


def join_group(context: Context, key: str, step: JoinGroup) -> None:
    context.gateway.balancers.add_to_group(
        step.zone, step.group, step.replica, request_id=context.request_id(key, "add")
    )


def leave_group(context: Context, key: str, step: LeaveGroup) -> None:
    context.gateway.balancers.remove_from_group(
        step.zone, step.group, step.replica, request_id=context.request_id(key, "remove")
    )
    if step.drain:
        context.clock.sleep(context.limits.drain_s)


def create_health_check(context: Context, key: str, step: CreateHealthCheck) -> None:
    context.gateway.balancers.insert_health_check(
        context.blueprint.region,
        step.name,
        port=context.blueprint.api_port,
        description=marks.mark_description(context.mark),
        request_id=context.request_id(key, "insert"),
    )


def delete_health_check(context: Context, key: str, step: DeleteHealthCheck) -> None:
    context.gateway.balancers.delete_health_check(
        context.blueprint.region, step.name, request_id=context.request_id(key, "delete")
    )


def create_backend_service(context: Context, key: str, step: CreateBackendService) -> None:
    context.gateway.balancers.insert_backend_service(
        context.blueprint.region,
        step.name,
        health_check=step.health_check,
        groups=step.groups,
        drain_s=max(1, round(context.limits.drain_s)),
        description=marks.mark_description(context.mark),
        request_id=context.request_id(key, "insert"),
    )


def set_backends(context: Context, key: str, step: SetBackends) -> None:
    context.gateway.balancers.set_backends(
        context.blueprint.region,
        step.name,
        groups=step.groups,
        request_id=context.request_id(key, "patch"),
    )


def delete_backend_service(context: Context, key: str, step: DeleteBackendService) -> None:
    context.gateway.balancers.delete_backend_service(
        context.blueprint.region, step.name, request_id=context.request_id(key, "delete")
    )


def create_http_check(context: Context, key: str, step: CreateHttpCheck) -> None:
    context.gateway.balancers.insert_http_check(
        step.name,
        port=READINESS_PORT,
        description=marks.mark_description(context.mark),
        request_id=context.request_id(key, "insert"),
    )


def delete_http_check(context: Context, key: str, step: DeleteHttpCheck) -> None:
    context.gateway.balancers.delete_http_check(
        step.name, request_id=context.request_id(key, "delete")
    )


def create_pool(context: Context, key: str, step: CreatePool) -> None:
    context.gateway.balancers.insert_pool(
        context.blueprint.region,
        step.name,
        http_check=step.http_check,
        description=marks.mark_description(context.mark),
        request_id=context.request_id(key, "insert"),
    )


def delete_pool(context: Context, key: str, step: DeletePool) -> None:
    context.gateway.balancers.delete_pool(
        context.blueprint.region, step.name, request_id=context.request_id(key, "delete")
    )


def join_pool(context: Context, key: str, step: JoinPool) -> None:
    context.gateway.balancers.add_to_pool(
        context.blueprint.region,
        step.pool,
        step.zone,
        step.replica,
        request_id=context.request_id(key, "add"),
    )


def leave_pool(context: Context, key: str, step: LeavePool) -> None:
    """Take a replica out; a pool drains nothing, so that its VM is left a while to answer."""
    context.gateway.balancers.remove_from_pool(
        context.blueprint.region,
        step.pool,
        step.zone,
        step.replica,
        request_id=context.request_id(key, "remove"),
    )
    if step.drain:
        context.clock.sleep(context.limits.drain_s)


def create_temporary_rule(context: Context, key: str, step: CreateTemporaryRule) -> None:
    context.gateway.balancers.insert_forwarding_rule(
        context.blueprint.region,
        step.name,
        address="",
        port=context.blueprint.api_port,
        target=step.target,
        description=marks.mark_description(context.mark),
        request_id=context.request_id(key, "insert"),
    )


def label_rule(context: Context, key: str, step: LabelRule) -> None:
    """Set the user's labels on the cluster's rule, with our mark; others' labels stay.

    Raises:
        StepFailed: Somebody else kept writing the rule's labels.
    """
    region = context.blueprint.region
    for _ in range(_TRIES):
        found = context.gateway.balancers.find_forwarding_rule(region, step.name)
        if found is None:
            raise ResourceNotFound(f"forwarding rule {step.name} is not there any more")
        wanted = {**context.blueprint.labels, **marks.mark_labels(context.mark)}
        try:
            context.gateway.balancers.set_rule_labels(
                region,
                step.name,
                labels=user_labels.beside(found.labels, wanted),
                fingerprint=found.label_fingerprint,
                request_id=context.request_id(key, "set-labels"),
            )
        except StaleFingerprint:
            continue
        return
    raise StepFailed(f"the labels of rule {step.name} changed {_TRIES} times under our hands")


def delete_rule(context: Context, key: str, step: DeleteRule | DeleteTemporaryRule) -> None:
    context.gateway.balancers.delete_forwarding_rule(
        context.blueprint.region, step.name, request_id=context.request_id(key, "delete")
    )


def await_backends(context: Context, _key: str, step: AwaitBackends) -> None:
    """Wait until Compute Engine's probes and our own TLS handshake agree that the balancer serves.

    Raises:
        StepFailed: They did not within the deadline; says which backend lacked health.
    """
    deadline = context.clock.monotonic() + context.limits.backends_s
    health: dict[str, str] = {}
    while context.clock.monotonic() < deadline:
        probed = context.gateway.balancers.backend_health(context.blueprint.region, step.target)
        health = {name: probed.get(name, "not probed yet") for name in step.replicas}
        if all(state == "HEALTHY" for state in health.values()) and _answers(context, step.rule):
            return
        context.clock.sleep(context.limits.poll_s)
    states = ", ".join(f"{name}: {state}" for name, state in sorted(health.items()))
    raise StepFailed(
        f"the load balancer did not become healthy within {context.limits.backends_s:.0f} s "
        f"({states}); the cluster IP was not moved",
        hint="look at the masters' API servers and at the firewall for health probes",
    )


def _answers(context: Context, rule: str) -> bool:
    """Ask through a rule's address for the cluster's own name, so that the certificate counts."""
    found = context.gateway.balancers.find_forwarding_rule(context.blueprint.region, rule)
    if found is None or not found.address:
        return False
    return context.probe.ready(found.address, server_name=context.cluster_ip(), timeout_s=2.0)
