"""What is said while an earlier operation is unfinished: how to go on, or to give it up. Pure.

Which operation gives way by itself, `superseding` decides.
"""

from hakube_gce.model import Observed, Operation, Replica, Verb
from hakube_gce.plan import blockers, commands, superseding
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Blocker


def operation_unfinished(blueprint: Blueprint, seen: Observed, operation: Operation) -> Blocker:
    """Refuse whatever else is wished while something is not finished."""
    target = f" of {operation.target}" if operation.target else ""
    keeps, gives_up = ways_on(blueprint, seen, operation)
    return Blocker(
        reason="OperationUnfinished",
        message=f"an earlier {operation.verb.value}{target} (zone {operation.zone}) is not "
        "finished",
        exit_status=blockers.UNSAFE,
        next_command=keeps,
        override=gives_up,
    )


def newcomer_failed(blueprint: Blueprint, newcomer: Replica) -> Blocker:
    """Refuse to go on with a newcomer that says itself that nothing will come of it.

    Its etcd was taken out again before it voted, say, and etcd takes no member back under the
    same data.
    """
    detail = newcomer.report.detail if newcomer.report is not None else ""
    return Blocker(
        reason="NewcomerFailed",
        message=f"{newcomer.name}, which was to become a master, cannot any more: "
        f"{detail or 'it says that it failed'}. It has never voted, so nothing is lost with it",
        exit_status=blockers.UNSAFE,
        next_command=commands.remove(blueprint, newcomer.zone, newcomer.name),
    )


def ways_on(blueprint: Blueprint, seen: Observed, operation: Operation) -> tuple[str, str]:
    """Give the command that goes on with what is not finished, and the way that it is given up.

    A teardown is gone on with by nobody who did not ask for it: what goes on is what keeps the
    cluster, where that is still possible. A zone without machines must hold nobody up for ever.
    """
    zone, target = operation.zone, operation.target
    match operation.verb:
        case Verb.TEARDOWN:
            rest = commands.teardown(blueprint, zone, confirmed=False)
            return _keeping(blueprint, seen), f"to delete the cluster, and its data: {rest}"
        case Verb.REPLICATE:
            other = f"to give it up: {commands.remove(blueprint, zone, target)}"
        case Verb.CREATE | Verb.RESTORE:
            # with the word: what stands there by now may be a disk that looks like data
            undone = commands.teardown(blueprint, zone, confirmed=True)
            other = f"to give it up, which keeps all snapshots: {undone}"
        case _:
            other = ""
    return commands.finish(blueprint, operation), other


def _keeping(blueprint: Blueprint, seen: Observed) -> str:
    if not seen.replicas or not superseding.nobody_was_deleted(seen):
        return ""
    return commands.create(blueprint, seen.replicas[0].zone)
