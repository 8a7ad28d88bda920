"""etcd's refusals, told apart by gRPC code and message.

Never by HTTP status: etcd 3.4 and 3.5 put different ones on the same refusal. Pure.
"""

from hakube_gce.agent.ports import EtcdError, EtcdTrouble

_MESSAGES = (
    ("unhealthy cluster", EtcdTrouble.UNHEALTHY_CLUSTER),
    ("in sync with leader", EtcdTrouble.NOT_IN_SYNC),
    ("too many learner members", EtcdTrouble.TOO_MANY_LEARNERS),
    ("can only promote a learner member", EtcdTrouble.NOT_A_LEARNER),
    ("member not found", EtcdTrouble.MEMBER_NOT_FOUND),
    ("peer urls already exists", EtcdTrouble.PEER_URL_EXISTS),
    ("not enough started members", EtcdTrouble.NOT_ENOUGH_STARTED),
    ("rpc not supported for learner", EtcdTrouble.LEARNER_CANNOT),
    ("bad leader transferee", EtcdTrouble.BAD_TRANSFEREE),
    ("not leader", EtcdTrouble.NOT_LEADER),
    ("no leader", EtcdTrouble.NO_LEADER),
    ("timed out", EtcdTrouble.TIMEOUT),
    ("deadline exceeded", EtcdTrouble.TIMEOUT),
    ("leader changed", EtcdTrouble.LEADER_CHANGED),
)
"""Part of the message, lower case → trouble; the first that fits counts, so narrower ones come
first."""

_CODES = {4: EtcdTrouble.TIMEOUT}
"""gRPC code → trouble, where the message says nothing we know."""


def classify(code: int, message: str) -> EtcdError:
    """Return the error for a gRPC code and message.

    >>> classify(9, "can only promote a learner member which is in sync with leader").trouble.name
    'NOT_IN_SYNC'
    >>> classify(9, "etcdserver: can only promote a learner member").trouble.name
    'NOT_A_LEARNER'
    """
    lowered = message.lower()
    for part, trouble in _MESSAGES:
        if part in lowered:
            return EtcdError(trouble, message)
    return EtcdError(_CODES.get(code, EtcdTrouble.OTHER), message)
