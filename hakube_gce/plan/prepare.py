"""VMs of masters to come, made while something else goes on: booted, and nobody's member. Pure.

What makes a master slow is its VM: disk, boot, installation. None of that touches etcd, so several
are made side by side, or one before the master whose place it takes has gone. A prepared VM holds
no certificate and counts nowhere; the replication in its zone takes it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from hakube_gce import marks, names
from hakube_gce.model import EndpointMode, Mark, Observed, Operation, Replica, Verb
from hakube_gce.plan import foundations, networks
from hakube_gce.plan.blueprint import Blueprint, instance_spec
from hakube_gce.plan.graph import Draft, Plan, Planned
from hakube_gce.steps import AwaitBoot, CreateInstance, StartInstance

_PREPARING = frozenset({Verb.CREATE, Verb.REPLICATE, Verb.REMOVE})
_STOOD_ON = frozenset({"reserve-address", *networks.MADE})
"""Keys of the steps without which no VM can be made."""


def adopted(operation: Operation, seen: Observed) -> Observed:
    """Count a prepared VM among the masters for the operation whose target it is.

    A teardown's targets are all of them.
    """
    everybody = operation.verb is Verb.TEARDOWN
    taken = tuple(r for r in seen.prepared if everybody or r.name == operation.target)
    left = tuple(r for r in seen.prepared if r not in taken)
    masters = sorted([*seen.replicas, *taken], key=lambda r: r.name)
    return replace(seen, replicas=tuple(masters), prepared=left)


def in_zone(blueprint: Blueprint, seen: Observed, zone: str) -> Replica | None:
    """Give the prepared VM that a replication in a zone takes, if there is any."""
    found = [r for r in seen.prepared if r.zone == zone]
    wanted = blueprint.in_place_of

    def is_for_another(vm: Replica) -> bool:
        return vm.instance.metadata.get(marks.IN_PLACE_OF_KEY, "") != wanted

    return min(found, key=is_for_another, default=None)


def with_prepared(blueprint: Blueprint, operation: Operation, seen: Observed, plan: Plan) -> Plan:
    """Add to a plan the VMs that are wanted for what comes after it.

    Args:
        blueprint: Its ``prepare`` lists a zone for each of them.
        operation: The plan's operation.
        seen: With the operation's own target among the masters.
        plan: Without them. A removal waits until they have booted, unless the cluster IP is down.
    """
    if operation.verb not in _PREPARING or plan.blockers or not blueprint.prepare:
        return plan
    draft, removes = Draft(), operation.verb is Verb.REMOVE
    draft.steps += [p for p in plan.steps if p.key in _STOOD_ON]
    first = draft.keys
    for zone, name in _missing(blueprint, operation, seen):
        _virtual_machine(draft, blueprint, operation, seen, zone=zone, name=name, after=first)
    if removes and plan.steps:
        _await_boot(draft, blueprint, seen)
    made = draft.keys[len(first) :]
    waits = made if removes and seen.endpoint_mode is not EndpointMode.NONE else ()
    rest = [
        Planned(key=p.key, step=p.step, after=(*p.after, *waits))
        for p in plan.steps
        if p.key not in first
    ]
    return replace(plan, steps=(*draft.steps, *rest))


def _missing(
    blueprint: Blueprint, operation: Operation, seen: Observed
) -> Iterator[tuple[str, str]]:
    """Yield zone and name of each VM that is wanted and not there.

    The names come from the operation's id, so a run that goes on gives the same ones.
    """
    wanted = _wanted(blueprint, operation, seen)
    there = {r.name for r in seen.prepared}
    others = Counter(
        r.zone for r in seen.prepared if (r.zone, r.name) not in wanted and _will_do(blueprint, r)
    )
    for zone, name in wanted:
        if name in there:
            continue
        if others[zone]:
            others[zone] -= 1
            continue
        yield zone, name


def _will_do(blueprint: Blueprint, vm: Replica) -> bool:
    """Tell whether a VM that another operation prepared is as good as one of ours.

    Not for whoever takes a master's place: by its memory of that alone a later run goes on.
    """
    wanted = blueprint.in_place_of
    return not wanted or vm.instance.metadata.get(marks.IN_PLACE_OF_KEY) == wanted


def _wanted(
    blueprint: Blueprint, operation: Operation, seen: Observed
) -> tuple[tuple[str, str], ...]:
    """Give zone and name of every VM that is wanted, whether or not it is there."""
    own = [r for r in seen.prepared if marks.is_of_operation(r.instance.labels, operation.id)]
    taken = {r.name for r in (*seen.replicas, *seen.prepared) if r not in own}
    taken |= {
        d.name.removesuffix("-pd")
        for d in seen.disks
        if not marks.is_of_operation(d.labels, operation.id)
    }
    taken.add(operation.target)
    found = []
    for place, zone in enumerate(sorted(blueprint.prepare)):
        seed = f"{operation.id}/prepared/{place}"
        name = names.new_replica(blueprint.prefix, seed, frozenset(taken))
        taken.add(name)
        found.append((zone, name))
    return tuple(found)


def _virtual_machine(  # noqa: PLR0913 - a plan's four, and which VM
    draft: Draft,
    blueprint: Blueprint,
    operation: Operation,
    seen: Observed,
    *,
    zone: str,
    name: str,
    after: tuple[str, ...],
) -> None:
    key = f"create-disk/{name}"
    after = foundations.data_disk(draft, blueprint, seen, place=(zone, name), key=key, after=after)
    spec = instance_spec(
        blueprint,
        replica=name,
        zone=zone,
        mark=Mark(cluster=blueprint.prefix, uid=seen.uid, operation=operation.id),
        cluster_ip=seen.address.address if seen.address else "",
        founder=False,
    )
    spec = replace(spec, metadata={**spec.metadata, marks.PREPARED_KEY: operation.id})
    draft.add(f"create-instance/{name}", CreateInstance(spec=spec), after=after)


def _await_boot(draft: Draft, blueprint: Blueprint, seen: Observed) -> None:
    """Plan to hear of every VM that is wanted, made just now or by a run before.

    Whether one has booted cannot be seen: what agents say without a certificate proves nothing
    and is heard only by whoever listens for it.
    """
    specs = [p.step.spec for p in draft.steps if isinstance(p.step, CreateInstance)]
    places = [(spec.name, spec.zone) for spec in specs]
    places += [(r.name, r.zone) for r in seen.prepared if r.zone in blueprint.prepare]
    off = {r.name for r in seen.prepared if r.instance.status == "TERMINATED"}
    for name, zone in places:
        first = f"create-instance/{name}"
        if name in off:  # what nobody starts never boots, and the removal would wait for ever
            first = draft.add(f"start-instance/{name}", StartInstance(name=name, zone=zone))
        step = AwaitBoot(replica=name, zone=zone)
        draft.add(f"await-boot/{name}", step, after=(first,))
