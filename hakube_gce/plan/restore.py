"""`hakube restore`: a new first master on a disk made from a snapshot, when nothing else is left.

Everything written after the snapshot is gone, so the word for it is wanted. Nothing that is there
is overwritten: not a master, not a disk. Pure.
"""

from dataclasses import replace

from hakube_gce import conditions, marks, names, snapshots
from hakube_gce.balancer_steps import DeleteRule
from hakube_gce.model import Intent, Mark, Observed, Operation, Replica, Verb
from hakube_gce.plan import (
    balancer,
    blockers,
    foundations,
    networks,
    rescue_blockers,
    unfinished_blockers,
)
from hakube_gce.plan.blueprint import Blueprint, instance_spec
from hakube_gce.plan.graph import Blocker, Draft, Plan, blocked
from hakube_gce.plan.mend import home_of_disk, remember
from hakube_gce.resources import DiskSnapshot
from hakube_gce.steps import (
    AwaitReady,
    CreateDisk,
    CreateInstance,
    ForgetAddress,
    InstallReplica,
    StartInstance,
)

_NOT_OVERTAKEN = frozenset({Verb.TEARDOWN})
_NOT_RESTORED = frozenset({"waiting-for-certificates", "installed", "failed"})


def wish(
    blueprint: Blueprint, intent: Intent, seen: Observed, *, operation_id: str
) -> Operation | Blocker:
    """Make the wish absolute: which snapshot. Without any master left, older wishes are void."""
    unfinished = seen.operation
    if unfinished is not None and unfinished.verb is Verb.RESTORE:
        if intent.snapshot in {"", unfinished.target} and unfinished.zone == intent.zone:
            return unfinished
        return unfinished_blockers.operation_unfinished(blueprint, seen, unfinished)
    if unfinished is not None and unfinished.verb in _NOT_OVERTAKEN:
        return unfinished_blockers.operation_unfinished(blueprint, seen, unfinished)
    used = [d for d in seen.disks if d.users]
    if seen.replicas or used:
        return rescue_blockers.restore_not_needed(blueprint, seen, used)
    chosen = snapshots.to_restore(seen, intent.snapshot)
    refusal = _refusal(blueprint, intent, seen, chosen)
    if refusal is not None or chosen is None:
        return refusal or rescue_blockers.no_snapshot(blueprint, seen, intent.snapshot)
    return Operation(
        id=operation_id,
        verb=Verb.RESTORE,
        zone=intent.zone,
        target=chosen.name,
        target_id=chosen.id,
    )


def _refusal(
    blueprint: Blueprint, intent: Intent, seen: Observed, chosen: DiskSnapshot | None
) -> Blocker | None:
    there = _disk_in_the_way(blueprint, seen, "")
    if there is not None:
        return there
    if chosen is None:
        return rescue_blockers.no_snapshot(blueprint, seen, intent.snapshot)
    if not snapshots.is_ready(chosen):
        return rescue_blockers.not_ready(blueprint, seen, chosen)
    if seen.uid and snapshots.uid_of(chosen) != seen.uid:
        return rescue_blockers.snapshot_of_another(blueprint, seen, chosen)
    if not intent.confirmed:
        return rescue_blockers.restore_unconfirmed(
            blueprint, intent.zone, chosen, statement(seen, chosen)
        )
    return None


def _disk_in_the_way(blueprint: Blueprint, seen: Observed, operation_id: str) -> Blocker | None:
    name = names.data_disk(names.master(blueprint.prefix))
    for disk in seen.disks:
        if disk.name == name and not marks.is_of_operation(disk.labels, operation_id):
            return rescue_blockers.disk_in_the_way(blueprint, disk)
    return None


def statement(seen: Observed, chosen: DiskSnapshot) -> tuple[str, ...]:
    """Say what comes back and what does not."""
    taken = f"{snapshots.taken_at(chosen):%Y-%m-%d %H:%M:%S} UTC"
    lines = [
        snapshots.summary(chosen),
        f"everything written after {taken} (revision {snapshots.facts_of(chosen).revision}) is "
        "gone, and what was deleted since then is back",
    ]
    kept = [f"{d.name} in {d.zone}" for d in seen.disks if not d.users]
    if kept:
        lines.append(
            f"data disks without a VM may hold newer data, and stay as they are: {', '.join(kept)}"
        )
    return tuple(lines)


def uid_at_birth(operation: Operation, seen: Observed) -> str:
    """Give the uid that a restored cluster is born with: its own, so that its keys fit."""
    if operation.verb is not Verb.RESTORE:
        return ""
    chosen = snapshots.named(seen, operation.target)
    return snapshots.uid_of(chosen) if chosen else ""


def plan_restore(blueprint: Blueprint, operation: Operation, seen: Observed) -> Plan:
    """Plan that a first master serves what the snapshot holds."""
    name = names.master(blueprint.prefix)
    found = _blockers(blueprint, operation, seen, name)
    if found:
        return blocked(found)
    draft = Draft()
    mark = foundations.begin(draft, blueprint, operation, seen)
    _balancer_goes(draft, blueprint, seen)
    _disk(draft, blueprint, operation, seen, name)
    _master(draft, blueprint, operation, seen, name, mark)
    remember(draft, seen, name, operation.zone)
    _forget_others(draft, seen, name)
    foundations.kubeconfig(draft, blueprint, seen)
    chosen = snapshots.named(seen, operation.target)
    notes = statement(seen, chosen) if chosen is not None and not seen.replicas else ()
    return Plan(operation=operation, steps=tuple(draft.steps), notes=notes)


def _blockers(
    blueprint: Blueprint, operation: Operation, seen: Observed, name: str
) -> list[Blocker]:
    found = [blockers.conflict(c) for c in seen.conflicts]
    if seen.unreadable:
        found.append(blockers.unreadable(seen))
    found += networks.conflicts(blueprint, seen)
    if any(r.name != name for r in seen.replicas):
        found.append(rescue_blockers.restore_not_needed(blueprint, seen, ()))
    there = _disk_in_the_way(blueprint, seen, operation.id)
    if there is not None:
        found.append(there)
    has_disk = any(d.name == names.data_disk(name) for d in seen.disks)
    if not found and not has_disk and snapshots.named(seen, operation.target) is None:
        found.append(rescue_blockers.no_snapshot(blueprint, seen, operation.target))
    return found


def _balancer_goes(draft: Draft, blueprint: Blueprint, seen: Observed) -> None:
    """A balancer without masters still holds the cluster IP; where it always does, it may."""
    if blueprint.always_balanced:
        return
    rules: tuple[str, ...] = ()
    if seen.rule is not None:
        rules = (draft.add("delete-rule", DeleteRule(name=seen.rule.name)),)
    balancer.delete_parts(draft, blueprint, seen, after=rules)


def _disk(
    draft: Draft, blueprint: Blueprint, operation: Operation, seen: Observed, name: str
) -> None:
    disk = names.data_disk(name)
    chosen = snapshots.named(seen, operation.target)
    if any(d.name == disk for d in seen.disks):
        return
    size_gb = max(blueprint.data_disk_gb, chosen.disk_size_gb if chosen else 0)
    step = CreateDisk(
        name=disk,
        zone=operation.zone,
        size_gb=size_gb,
        disk_type=blueprint.data_disk_type,
        snapshot=operation.target,
    )
    draft.add("create-disk", step, after=("reserve-address",))


def _master(
    draft: Draft,
    blueprint: Blueprint,
    operation: Operation,
    seen: Observed,
    name: str,
    mark: Mark,
) -> None:
    existing = conditions.replica_named(seen, name)
    zone = operation.zone
    if existing is None:
        spec = instance_spec(
            blueprint,
            replica=name,
            zone=zone,
            mark=mark,
            cluster_ip=seen.address.address if seen.address else "",
            founder=True,
        )
        spec = replace(spec, internal_ip=home_of_disk(seen, names.data_disk(name)))
        draft.add("create-instance", CreateInstance(spec=spec), after=draft.keys)
    elif existing.instance.status == "TERMINATED":
        draft.add("start-instance", StartInstance(name=name, zone=zone))
    if existing is None or _is_not_restored(existing):
        install = InstallReplica(replica=name, zone=zone, founder=True, peer_urls=(), restore=True)
        draft.add("install", install, after=draft.keys)
    if existing is None or not conditions.is_ready(existing):
        draft.add("await-ready", AwaitReady(replica=name, zone=zone), after=draft.keys)
    first = ("create-disk",)
    place = (zone, name)
    balancer.hold(draft, blueprint, seen, place=place, ready="await-ready", first=first)


def _forget_others(draft: Draft, seen: Observed, name: str) -> None:
    """Disks of the lost cluster stay, but nobody is made a member on them any more."""
    for disk in seen.disks:
        if disk.name != names.data_disk(name) and marks.home_of(disk.labels):
            step = ForgetAddress(disk=disk.name, zone=disk.zone)
            draft.add(f"forget-address/{disk.name}", step, after=("await-ready",))


def _is_not_restored(replica: Replica) -> bool:
    said = replica.report.phase if replica.fresh and replica.report else ""
    return conditions.needs_install(replica) or said in _NOT_RESTORED
