"""Who answers on the cluster IP as masters come and go. Pure.

As usual a single master holds the address itself, and a load balancer gets it with the second one:
everything is built and proven before it moves. A passthrough balancer sends probes, and its
backends' guests accept its address, only once a forwarding rule exists; so the parts are proven
through a temporary rule on an ephemeral address before the cluster IP leaves its VM. A cluster
whose address is always balanced has its rule from its first master to its last, and nothing moves.

What stands behind the rule, and how, is not known here (`backends`).
"""

from collections.abc import Collection, Mapping, Sequence

from hakube_gce import conditions, names
from hakube_gce.balancer_steps import (
    AttachEphemeral,
    AwaitBackends,
    CarryAddress,
    CreateRule,
    CreateTemporaryRule,
    DeleteTemporaryRule,
    DemoteEndpoint,
    DetachEphemeral,
    PromoteEndpoint,
)
from hakube_gce.model import EndpointMode, Observed, Verb
from hakube_gce.plan.backends import Backends, Place
from hakube_gce.plan.behind_pool import Pool
from hakube_gce.plan.behind_service import Service
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Draft
from hakube_gce.resources import TargetKind

_KINDS: Mapping[TargetKind, type[Service] | type[Pool]] = {
    TargetKind.BACKEND_SERVICE: Service,
    TargetKind.POOL: Pool,
}


def backends_of(blueprint: Blueprint) -> Backends:
    """Give what stands behind this cluster's rule."""
    return _KINDS[blueprint.target.kind](blueprint)


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
    backends = backends_of(blueprint)
    parts = backends.make(draft, seen, places)
    joined = [
        backends.join(draft, place, (*parts, *((ready,) if place[1] == newcomer else ())))
        for place in places
        if not backends.stands(seen, place)
    ]
    after = (*parts, *joined, ready)
    everybody = tuple(name for _, name in places)
    if seen.rule is None:
        _raise_rule(draft, blueprint, seen, everybody, after)
    elif joined:
        _await(draft, blueprint, blueprint.master, everybody, after)
    _tidy_after_promotion(draft, blueprint, seen)


def hold(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    *,
    place: Place,
    ready: str,
    first: tuple[str, ...],
) -> None:
    """Plan that the only master of an always balanced cluster serves behind the rule.

    Args:
        draft: The plan being written.
        blueprint: The cluster; does nothing unless its address is always balanced.
        seen: What is there.
        place: The master, founded or restored by this plan.
        ready: Key of the step after which it is ready.
        first: What everything here comes after: what remembers the kind of the cluster.
    """
    if not blueprint.always_balanced:
        return
    backends = backends_of(blueprint)
    parts = _only(draft, blueprint, seen, [place], joining=[], after=first)
    joined: tuple[str, ...] = ()
    if not backends.stands(seen, place):
        joined = (backends.join(draft, place, (*parts, ready)),)
    if not backends.is_healthy(seen, place[1]) or seen.rule is None:
        _raise_rule(draft, blueprint, seen, (place[1],), (*first, *parts), proven_after=joined)
    _tidy_after_promotion(draft, blueprint, seen)


def _only(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    places: Collection[Place],
    *,
    joining: Collection[Place],
    after: tuple[str, ...],
) -> tuple[str, ...]:
    """Plan room for these masters alone, made anew where there is nothing of it."""
    backends = backends_of(blueprint)
    if not backends.exist(seen):
        after = (*after, *backends.make(draft, seen, places, after))
    return backends.fit(draft, seen, places, joining, after)


def _raise_rule(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    everybody: tuple[str, ...],
    after: tuple[str, ...],
    *,
    proven_after: tuple[str, ...] = (),
) -> None:
    """Plan the rule on the cluster IP: in a window, unless nobody holds or expects the address."""
    if blueprint.always_balanced and not _is_carried(seen):
        _lay_rule(draft, blueprint, seen, everybody, after, proven_after=proven_after)
    else:
        _promote(draft, blueprint, seen, everybody, (*after, *proven_after))


def _lay_rule(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    everybody: tuple[str, ...],
    after: tuple[str, ...],
    *,
    proven_after: tuple[str, ...] = (),
) -> None:
    """Plan the rule on an address that nobody has: there is nobody to be cut off."""
    if seen.rule is None:
        rule = CreateRule(name=blueprint.master, target=blueprint.target)
        after = (*after, draft.add("create-rule", rule, after=after))
    _await(draft, blueprint, blueprint.master, everybody, (*after, *proven_after))


def _await(
    draft: Draft,
    blueprint: Blueprint,
    rule: str,
    everybody: tuple[str, ...],
    after: tuple[str, ...],
) -> str:
    step = AwaitBackends(target=blueprint.target, rule=rule, replicas=everybody)
    return draft.add("await-backends", step, after=after)


def _promote(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    everybody: tuple[str, ...],
    after: tuple[str, ...],
) -> None:
    probe_rule = names.temporary_rule(blueprint.prefix)
    if seen.temporary_rule is None:
        rule = CreateTemporaryRule(name=probe_rule, target=blueprint.target)
        after = (*after, draft.add("create-temporary-rule", rule, after=after))
    proven = _await(draft, blueprint, probe_rule, everybody, after)
    holder, zone = _address_holder(seen)
    draft.add(
        "promote-endpoint",
        PromoteEndpoint(
            rule=blueprint.master,
            target=blueprint.target,
            address=_cluster_ip(seen),
            holder=holder,
            zone=zone,
        ),
        after=(proven,),
    )


def _cluster_ip(seen: Observed) -> str:
    return seen.address.address if seen.address else ""


def _is_carried(seen: Observed) -> bool:
    """Tell whether a VM carries the cluster IP."""
    return seen.endpoint_mode is EndpointMode.VM


def _address_holder(seen: Observed) -> tuple[str, str]:
    """Find the VM that carries the cluster IP, or lost it to an interrupted promotion."""
    address = _cluster_ip(seen)
    configs = {r.name: r.instance.access_config for r in seen.replicas}
    carrying = [r for r in seen.replicas if (c := configs[r.name]) and c.nat_ip == address]
    bare = [r for r in seen.replicas if configs[r.name] is None]
    holder = next(iter(carrying or bare), None)
    return (holder.name, holder.zone) if holder else ("", "")


def _tidy_after_promotion(draft: Draft, blueprint: Blueprint, seen: Observed) -> None:
    """The first master gets an ephemeral address again, and the temporary rule goes."""
    for replica in seen.replicas:
        config = replica.instance.access_config
        if config is None or config.nat_ip == _cluster_ip(seen):
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

    A VM that was deleted by hand left its group; a new one of its name is not in it. A balancer
    that is gone is made again: where the address is always balanced, and where it leads nowhere.
    """
    unfinished = seen.operation is not None and seen.operation.verb is not Verb.MEND
    unexpected = _leads_nowhere(seen) and not unfinished  # else its window is still to be closed
    if unexpected and len(places) == 1 and not blueprint.always_balanced:
        _carry(draft, seen, places[0])
        return
    raised = seen.rule is None and (blueprint.always_balanced or unexpected)
    wanted = raised or seen.rule is not None
    backends = backends_of(blueprint)
    able = [place for place in places if place[1] in _able(draft, seen)]
    outside = [place for place in able if not backends.stands(seen, place)]
    if not wanted or not able or not (outside or raised):
        return
    parts = backends.make(draft, seen, places)
    ready = {name: f"await-ready/{name}" for _, name in able}
    joined = [backends.join(draft, place, (*parts, ready[place[1]])) for place in outside]
    if raised:
        everybody, after = tuple(name for _, name in able), (*parts, *joined, *ready.values())
        put = _lay_rule if unexpected else _raise_rule
        put(draft, blueprint, seen, everybody, after)
        _tidy_after_promotion(draft, blueprint, seen)


def _leads_nowhere(seen: Observed) -> bool:
    """Tell whether there is a cluster IP, and neither a rule nor a VM of ours has it."""
    return seen.rule is None and seen.address is not None and not _is_carried(seen)


def _carry(draft: Draft, seen: Observed, place: Place) -> None:
    """Plan that a lone master that is there carries the cluster IP."""
    zone, name = place
    if conditions.replica_named(seen, name) is None:
        return  # its VM is made again, with the address
    step = CarryAddress(replica=name, zone=zone, address=_cluster_ip(seen))
    draft.add(f"carry-address/{name}", step, after=draft.keys)


def _able(draft: Draft, seen: Observed) -> set[str]:
    """Name the masters that serve, or are waited for in this draft."""
    serving = {r.name for r in seen.replicas if conditions.is_serving(seen, r)}
    return serving | {
        k.removeprefix("await-ready/") for k in draft.keys if k.startswith("await-ready/")
    }


# ------------------------------------------------------------------------------------- shrinking


def leave(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    place: Place,
    *,
    after: tuple[str, ...] = (),
    drain: bool = True,
) -> tuple[str, ...]:
    """Plan that a replica takes no new connections; those it has may drain while its VM runs.

    Returns:
        The keys after which it is out.
    """
    running = any(r.name == place[1] and r.instance.status == "RUNNING" for r in seen.replicas)
    drain = drain and running and seen.rule is not None
    return backends_of(blueprint).leave(draft, seen, place, drain=drain, after=after)


def narrow(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    *,
    survivors: Sequence[Place],
    after: tuple[str, ...],
    awaited: str = "",
) -> tuple[str, ...]:
    """Plan the balancer over the survivors, or the cluster IP back on the only one.

    Args:
        draft: The plan being written.
        blueprint: The cluster.
        seen: What is there.
        survivors: The masters that stay.
        after: What it comes after.
        awaited: A survivor that does not serve yet, but will by then.

    Returns:
        The keys after which the departing VM serves nobody any more.
    """
    if len(survivors) > 1 or blueprint.always_balanced:
        return _stay_balanced(draft, blueprint, seen, survivors, awaited, after)
    keys = after
    (zone, name) = survivors[0]
    if seen.endpoint_mode is not EndpointMode.VM:
        keys = _demote(draft, blueprint, seen, zone, name, after)
    delete_parts(draft, blueprint, seen, after=keys)
    return keys


def _stay_balanced(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    survivors: Sequence[Place],
    awaited: str,
    after: tuple[str, ...],
) -> tuple[str, ...]:
    """Plan room for the survivors, and every survivor that serves behind the balancer.

    One is outside when an earlier operation, given up since, took it out or had not yet brought it
    in.
    """
    backends = backends_of(blueprint)
    balanced = blueprint.always_balanced or _leads_nowhere(seen)
    if not backends.exist(seen) and not balanced:
        return backends.fit(draft, seen, survivors, [], after)
    able = [p for p in survivors if p[1] in _able(draft, seen) | {awaited}]
    joining = [p for p in able if not backends.stands(seen, p)]
    keys = _only(draft, blueprint, seen, survivors, joining=joining, after=after)
    if balanced and seen.rule is None:
        joined = tuple(k for k in draft.keys if k.startswith("join-"))
        everybody = tuple(name for _, name in able)
        put = _lay_rule if _leads_nowhere(seen) else _raise_rule
        put(draft, blueprint, seen, everybody, keys, proven_after=joined)
        _tidy_after_promotion(draft, blueprint, seen)
    return keys


def _demote(
    draft: Draft,
    blueprint: Blueprint,
    seen: Observed,
    zone: str,
    name: str,
    after: tuple[str, ...],
) -> tuple[str, ...]:
    survivor = next(r for r in seen.replicas if r.name == name)
    if survivor.instance.access_config is not None:
        detach = DetachEphemeral(replica=name, zone=zone, address=_cluster_ip(seen))
        after = (draft.add(f"detach-ephemeral/{name}", detach, after=after),)
    step = DemoteEndpoint(
        rule=blueprint.master,
        target=blueprint.target,
        address=_cluster_ip(seen),
        holder=name,
        zone=zone,
    )
    return (draft.add("demote-endpoint", step, after=after),)


def delete_parts(
    draft: Draft, blueprint: Blueprint, seen: Observed, *, after: tuple[str, ...]
) -> None:
    """Delete what only a balancer needs, of whichever kind it is."""
    if seen.temporary_rule is not None:
        rule = DeleteTemporaryRule(name=names.temporary_rule(blueprint.prefix))
        after = (*after, draft.add("delete-temporary-rule", rule, after=after))
    for kind in _KINDS.values():
        kind(blueprint).delete(draft, seen, after)
