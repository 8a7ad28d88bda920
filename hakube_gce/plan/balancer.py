"""Who answers on the cluster IP: the load balancer's parts as masters come and go. Pure.

Everything is built and proven before the address moves. A passthrough balancer sends probes, and
its backends' guests accept its address, only once a forwarding rule exists; so the parts are
proven through a temporary rule on an ephemeral address before the cluster IP leaves its VM.
"""

from collections.abc import Sequence

from hakube_gce import conditions, names
from hakube_gce.model import EndpointMode, Observed
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Draft
from hakube_gce.steps import (
    AttachEphemeral,
    AwaitBackends,
    CreateBackendService,
    CreateGroup,
    CreateHealthCheck,
    CreateTemporaryRule,
    DeleteBackendService,
    DeleteGroup,
    DeleteHealthCheck,
    DeleteTemporaryRule,
    DemoteEndpoint,
    DetachEphemeral,
    JoinGroup,
    LeaveGroup,
    PromoteEndpoint,
    SetBackends,
)

Place = tuple[str, str]
"""(zone, replica name)."""


def widen(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    *,
    places: Sequence[Place],
    newcomer: str,
    ready: str,
) -> None:
    """Plan the balancer over all these masters, and the cluster IP on it.

    Args:
        draft: The plan being written.
        blueprint: The cluster.
        seen: What is there.
        places: All masters that shall serve, the newcomer included; two or more.
        newcomer: The replica that may join only once it is ready.
        ready: Key of the step after which the newcomer is ready.
    """
    zones = sorted({zone for zone, _ in places})
    parts = _create_parts(draft, blueprint, seen, zones)
    joined = [
        draft.add(
            f"join-group/{name}",
            JoinGroup(group=names.group(blueprint.prefix, zone), zone=zone, replica=name),
            after=(*parts, *((ready,) if name == newcomer else ())),
        )
        for zone, name in places
        if not _in_group(seen, zone, name)
    ]
    after = (*parts, *joined, ready)
    everybody = tuple(name for _, name in places)
    if seen.rule is None:
        _promote(draft, blueprint, seen, everybody, after)
    elif joined:
        draft.add(
            "await-backends",
            AwaitBackends(
                backend_service=blueprint.master, rule=blueprint.master, replicas=everybody
            ),
            after=after,
        )
    _tidy_after_promotion(draft, blueprint, seen)


def _create_parts(
    draft: Draft, blueprint: Blueprint, seen: Observed, zones: Sequence[str]
) -> tuple[str, ...]:
    have = {g.zone for g in seen.groups}
    keys = [
        draft.add(
            f"create-group/{zone}",
            CreateGroup(name=names.group(blueprint.prefix, zone), zone=zone),
            after=("reserve-address",),
        )
        for zone in zones
        if zone not in have
    ]
    if seen.health_check is None:
        keys.append(draft.add("create-health-check", CreateHealthCheck(name=blueprint.master)))
    groups = tuple((zone, names.group(blueprint.prefix, zone)) for zone in zones)
    if seen.backend_service is None:
        service = CreateBackendService(
            name=blueprint.master, health_check=blueprint.master, groups=groups
        )
        keys.append(draft.add("create-backend-service", service, after=tuple(keys)))
    elif not set(groups) <= set(seen.backend_service.groups):
        every = tuple(sorted({*groups, *seen.backend_service.groups}))
        service_step = SetBackends(name=blueprint.master, groups=every)
        keys.append(draft.add("set-backends", service_step, after=tuple(keys)))
    return tuple(keys)


def _promote(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    everybody: tuple[str, ...],
    after: tuple[str, ...],
) -> None:
    probe_rule = names.temporary_rule(blueprint.prefix)
    if seen.temporary_rule is None:
        rule = CreateTemporaryRule(name=probe_rule, backend_service=blueprint.master)
        after = (*after, draft.add("create-temporary-rule", rule, after=after))
    proven = draft.add(
        "await-backends",
        AwaitBackends(backend_service=blueprint.master, rule=probe_rule, replicas=everybody),
        after=after,
    )
    holder, zone = _address_holder(seen)
    draft.add(
        "promote-endpoint",
        PromoteEndpoint(
            rule=blueprint.master,
            backend_service=blueprint.master,
            address=seen.address.address if seen.address else "",
            holder=holder,
            zone=zone,
        ),
        after=(proven,),
    )


def _address_holder(seen: Observed) -> tuple[str, str]:
    """Find the VM that carries the cluster IP, or lost it to an interrupted promotion."""
    address = seen.address.address if seen.address else ""
    configs = {r.name: r.instance.access_config for r in seen.replicas}
    carrying = [r for r in seen.replicas if (c := configs[r.name]) and c.nat_ip == address]
    bare = [r for r in seen.replicas if configs[r.name] is None]
    holder = next(iter(carrying or bare), None)
    return (holder.name, holder.zone) if holder else ("", "")


def _tidy_after_promotion(draft: Draft, blueprint: Blueprint, seen: Observed) -> None:
    """The first master gets an ephemeral address again, and the temporary rule goes."""
    address = seen.address.address if seen.address else ""
    for replica in seen.replicas:
        config = replica.instance.access_config
        if config is None or config.nat_ip == address:
            draft.add(
                f"attach-ephemeral/{replica.name}",
                AttachEphemeral(replica=replica.name, zone=replica.zone),
                after=("promote-endpoint",),
            )
    if seen.temporary_rule is not None or "create-temporary-rule" in draft.keys:
        draft.add(
            "delete-temporary-rule",
            DeleteTemporaryRule(name=names.temporary_rule(blueprint.prefix)),
            after=("promote-endpoint",),
        )


def rejoin(draft: Draft, blueprint: Blueprint, seen: Observed, places: Sequence[Place]) -> None:
    """Plan that masters which serve, or will when the draft is done, are behind the balancer.

    A VM that was deleted by hand left its group; a new one of its name is not in it.
    """
    serving = {r.name for r in seen.replicas if conditions.is_serving(seen, r)}
    awaited = {k.removeprefix("await-ready/") for k in draft.keys if k.startswith("await-ready/")}
    outside = [
        (zone, name)
        for zone, name in places
        if name in serving | awaited and not _in_group(seen, zone, name)
    ]
    if seen.rule is None or not outside:
        return
    parts = _create_parts(draft, blueprint, seen, sorted({zone for zone, _ in places}))
    for zone, name in outside:
        step = JoinGroup(group=names.group(blueprint.prefix, zone), zone=zone, replica=name)
        draft.add(f"join-group/{name}", step, after=(*parts, f"await-ready/{name}"))


# ------------------------------------------------------------------------------------- shrinking


def leave(draft: Draft, blueprint: Blueprint, seen: Observed, place: Place) -> None:
    """Plan that a replica takes no new connections; those it has may drain while its VM runs."""
    zone, name = place
    if not _in_group(seen, zone, name):
        return
    running = any(r.name == name and r.instance.status == "RUNNING" for r in seen.replicas)
    group = names.group(blueprint.prefix, zone)
    draft.add(
        f"leave-group/{name}",
        LeaveGroup(group=group, zone=zone, replica=name, drain=running and seen.rule is not None),
    )


def narrow(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    *,
    survivors: Sequence[Place],
    after: tuple[str, ...],
) -> tuple[str, ...]:
    """Plan the balancer over the survivors, or the cluster IP back on the only one.

    Returns:
        The keys after which the departing VM serves nobody any more.
    """
    if len(survivors) > 1:
        return _fit_zones(draft, blueprint, seen, survivors, after)
    keys = after
    (zone, name) = survivors[0]
    if seen.endpoint_mode is not EndpointMode.VM:
        keys = _demote(draft, blueprint, seen, zone, name, after)
    delete_parts(draft, blueprint, seen, after=keys)
    return keys


def _demote(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    zone: str,
    name: str,
    after: tuple[str, ...],
) -> tuple[str, ...]:
    address = seen.address.address if seen.address else ""
    survivor = next(r for r in seen.replicas if r.name == name)
    if survivor.instance.access_config is not None:
        detach = DetachEphemeral(replica=name, zone=zone, address=address)
        after = (draft.add(f"detach-ephemeral/{name}", detach, after=after),)
    step = DemoteEndpoint(
        rule=blueprint.master,
        backend_service=blueprint.master,
        address=address,
        holder=name,
        zone=zone,
    )
    return (draft.add("demote-endpoint", step, after=after),)


def _fit_zones(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    survivors: Sequence[Place],
    after: tuple[str, ...],
) -> tuple[str, ...]:
    """Plan groups and backends for the survivors' zones, and every serving survivor in its group.

    A survivor is outside when an earlier operation, given up since, took it out or had not yet
    brought it in.
    """
    outside = [] if seen.backend_service is None else _outside(seen, survivors)
    have = {g.zone for g in seen.groups}
    made = tuple(
        draft.add(
            f"create-group/{zone}",
            CreateGroup(name=names.group(blueprint.prefix, zone), zone=zone),
            after=after,
        )
        for zone in sorted({zone for zone, _ in outside} - have)
    )
    after = _fit_backends(draft, blueprint, seen, survivors, (*after, *made))
    for zone, name in outside:
        step = JoinGroup(group=names.group(blueprint.prefix, zone), zone=zone, replica=name)
        draft.add(f"join-group/{name}", step, after=after)
    for group in seen.groups:
        if group.zone not in {zone for zone, _ in survivors}:
            drop = DeleteGroup(name=group.name, zone=group.zone)
            draft.add(f"delete-group/{group.zone}", drop, after=after)
    return after


def _outside(seen: Observed, survivors: Sequence[Place]) -> list[Place]:
    serving = {r.name for r in seen.replicas if conditions.is_serving(seen, r)}
    return [(z, n) for z, n in survivors if n in serving and not _in_group(seen, z, n)]


def _fit_backends(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    survivors: Sequence[Place],
    after: tuple[str, ...],
) -> tuple[str, ...]:
    service = seen.backend_service
    have = {g.zone for g in seen.groups} | {
        p.step.zone for p in draft.steps if isinstance(p.step, CreateGroup)
    }
    zones = sorted({zone for zone, _ in survivors} & have)
    wanted = tuple((zone, names.group(blueprint.prefix, zone)) for zone in zones)
    if service is None or set(service.groups) == set(wanted):
        return after
    step = SetBackends(name=service.name, groups=wanted)
    return (draft.add("set-backends", step, after=after),)


def delete_parts(
    draft: Draft, blueprint: Blueprint, seen: Observed, *, after: tuple[str, ...]
) -> None:
    """Delete what only a balancer needs: the users of each part before the part."""
    if seen.temporary_rule is not None:
        rule = DeleteTemporaryRule(name=names.temporary_rule(blueprint.prefix))
        after = (*after, draft.add("delete-temporary-rule", rule, after=after))
    if seen.backend_service is not None:
        service = DeleteBackendService(name=seen.backend_service.name)
        after = (*after, draft.add("delete-backend-service", service, after=after))
    if seen.health_check is not None:
        check = DeleteHealthCheck(name=seen.health_check.name)
        draft.add("delete-health-check", check, after=after)
    for group in seen.groups:
        step = DeleteGroup(name=group.name, zone=group.zone)
        draft.add(f"delete-group/{group.zone}", step, after=after)


def _in_group(seen: Observed, zone: str, replica: str) -> bool:
    return any(g.zone == zone and replica in g.members for g in seen.groups)
