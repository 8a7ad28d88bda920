"""When the removal of a dead master may overtake an operation that was not finished. Pure.

An unfinished operation shuts every other change out, and a dead voter shuts out what the operation
still wants of etcd: without an exception here each refusal would print the other's command for
ever. The exception is narrow. Only the removal of a voter that is down overtakes, and only where
the unfinished operation can be begun anew later from what is there then.
"""

from hakube_gce import conditions, names
from hakube_gce.model import Observed, Operation, Role, Verb

_KEEPS_THE_CLUSTER = frozenset({Verb.CREATE, Verb.MEND, Verb.SNAPSHOT})


def gives_up(unfinished: Operation, target: str) -> bool:
    """Tell whether the target is the replica that an unfinished replication was making."""
    return unfinished.verb is Verb.REPLICATE and target == unfinished.target


def gives_way(seen: Observed, wished: Verb) -> bool:
    """Tell whether the unfinished operation is given up for whatever else is wished.

    A snapshot always is, and so are mending and nodes: nothing depends on them, and where they
    cannot be done they must not keep the masters from coming back, or from being replaced. A
    recovery is where a majority came back, because then it is not done; and for kube-up while it
    has deleted nobody yet, or once its survivor's VM is gone: first that has to be made again. A
    teardown that has deleted no master is given up by whoever runs kube-up or takes a snapshot:
    it may have been meant for another cluster, and there must be a way back that is no teardown.
    """
    unfinished = seen.operation
    if unfinished is None:
        return False
    if unfinished.verb is Verb.MEND:
        return True  # to another mending, too: it finds out afresh what is missing
    if unfinished.verb is wished:
        return False
    if unfinished.verb is Verb.DELETE_NODES:
        return wished is not Verb.TEARDOWN  # the same wish, said in a zone without a master
    if unfinished.verb is Verb.RECOVER:
        return _recovery_gives_way(seen, unfinished, wished)
    keeps = unfinished.verb is Verb.TEARDOWN and wished in _KEEPS_THE_CLUSTER
    return unfinished.verb in {Verb.SNAPSHOT, Verb.ADD_NODES} or (
        keeps and nobody_was_deleted(seen)
    )


def _recovery_gives_way(seen: Observed, unfinished: Operation, wished: Verb) -> bool:
    now = conditions.majority(seen, seen.members)
    if seen.members_known and now.voters > 1 and now.holds:
        return True
    gone = conditions.replica_named(seen, unfinished.target) is None
    return wished is Verb.CREATE and (gone or nobody_was_deleted(seen))


def nobody_was_deleted(seen: Observed) -> bool:
    """Tell whether a recovery or a teardown has not deleted any master's VM yet."""
    known = conditions.last_known_voters(seen)
    return bool(known) and all(conditions.replica_of(seen, m) is not None for m in known)


def overtakes(seen: Observed, unfinished: Operation, target: str) -> bool:
    """Tell whether removing the target may come before the unfinished operation.

    Args:
        seen: What is there.
        unfinished: The operation noted on the address.
        target: The replica to remove.
    """
    if target == unfinished.target or not _is_dead_voter(seen, target):
        return False
    member = conditions.member_named(seen, unfinished.target)
    match unfinished.verb:
        case Verb.REMOVE:
            # once its member has left, a removal waits for nobody: then it is finished first
            return member is not None
        case Verb.REPLICATE:
            is_voter = member is not None and member.role is Role.VOTER
            return is_voter or not has_begun(seen, unfinished)
        case _:
            return False


def has_begun(seen: Observed, replication: Operation) -> bool:
    """Tell whether anything of the replica that it was to make is there."""
    disk = names.data_disk(replication.target)
    return (
        conditions.replica_named(seen, replication.target) is not None
        or conditions.member_named(seen, replication.target) is not None
        or any(d.name == disk for d in seen.disks)
    )


def _is_dead_voter(seen: Observed, name: str) -> bool:
    member = conditions.member_named(seen, name)
    is_voter = member is not None and member.role is Role.VOTER
    return member is not None and is_voter and not conditions.is_healthy(seen, member)
