"""Ownership marks, the lock and the unfinished operation, as labels and descriptions. Pure.

Instances and disks take labels when they are made; addresses and forwarding rules take them only
by a later `setLabels`; firewalls, groups, health checks and backend services have none. So the
mark stands in labels where it can be there from birth and in `description` everywhere else. The
cluster's address also carries the lock and the unfinished operation, in its labels, because labels
are the one thing on it that can be written with compare-and-set (`labelFingerprint`, HTTP 412 when
stale).

Label values hold at most 63 characters of ``[a-z0-9_-]``; nothing longer or secret is ever put
there.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address

from hakube_gce.model import Lock, Mark, Operation, Verb

OWNER = "hakube"

UID_LABEL = "hakube-uid"
"""The label that every resource of ours has which can have labels."""

CERTIFICATES_KEY = "hakube-certificates"
"""Metadata key under which a master's public certificates stand: with them a VM is a master."""

PREPARED_KEY = "hakube-prepared"
"""Metadata key of a VM that was made before anybody wanted it as a master."""

IN_PLACE_OF_KEY = "hakube-in-place-of"
"""Metadata key under which a VM remembers whose place it takes."""

_NETWORK_PROJECT = "hakube-network-project"

_CLUSTER, _UID, _OP = "hakube-cluster", UID_LABEL, "hakube-op-id"
_HOME = "hakube-home"


def mark_labels(mark: Mark) -> dict[str, str]:
    """Write a mark as labels."""
    return {_CLUSTER: mark.cluster, _UID: mark.uid, _OP: mark.operation}


def mark_from_labels(labels: Mapping[str, str]) -> Mark | None:
    """Read a mark back from labels, or None when there is none."""
    if _CLUSTER not in labels or _UID not in labels:
        return None
    return Mark(cluster=labels[_CLUSTER], uid=labels[_UID], operation=labels.get(_OP, ""))


def is_of_cluster(mark: Mark | None, prefix: str, uid: str) -> bool:
    """Tell whether a mark is a cluster's; a cluster without a uid has none."""
    return bool(uid) and mark is not None and (mark.cluster, mark.uid) == (prefix, uid)


def is_of_operation(labels: Mapping[str, str], operation_id: str) -> bool:
    """Tell whether the labels' mark is of one operation; without an id none is."""
    mark = mark_from_labels(labels)
    return bool(operation_id) and mark is not None and mark.operation == operation_id


def mark_description(mark: Mark) -> str:
    """Write a mark as a description: canonical JSON, so that equal marks are equal text."""
    facts = {
        "owner": OWNER,
        "cluster": mark.cluster,
        "uid": mark.uid,
        "operation": mark.operation,
    }
    return json.dumps(facts, sort_keys=True)


def mark_from_description(description: str) -> Mark | None:
    """Read a mark back from a description, or None when it is somebody else's text."""
    try:
        facts = json.loads(description)
    except ValueError:
        return None
    if not isinstance(facts, dict) or facts.get("owner") != OWNER:
        return None
    cluster, uid, operation = (facts.get(k) for k in ("cluster", "uid", "operation"))
    if not isinstance(cluster, str) or not isinstance(uid, str):
        return None
    return Mark(cluster=cluster, uid=uid, operation=operation if type(operation) is str else "")


def home_labels(labels: Mapping[str, str], internal_ip: str) -> dict[str, str]:
    """Give what a data disk's labels become when it remembers its master's internal IP."""
    return {**labels, _HOME: internal_ip.replace(".", "-")}


def homeless_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Give what a data disk's labels become when it remembers no address any more."""
    return {key: value for key, value in labels.items() if key != _HOME}


def home_of(labels: Mapping[str, str]) -> str:
    """Read the internal IP at which a data disk's member is known; empty when it has none.

    >>> home_of({"hakube-home": "10-132-0-2"}), home_of({"hakube-home": "10-132-0"})
    ('10.132.0.2', '')
    """
    address = labels.get(_HOME, "").replace("-", ".")
    try:
        return str(IPv4Address(address))
    except ValueError:
        return ""


# --------------------------------------------------------------------------- lock and operation


def lock_labels(lock: Lock) -> dict[str, str]:
    """Write a held lock as labels."""
    return {
        "hakube-lock-nonce": lock.nonce,
        "hakube-lock-holder": lock.holder,
        "hakube-lock-host": lock.host,
        "hakube-lock-pid": str(lock.pid),
        "hakube-lock-epoch": str(lock.epoch),
        "hakube-lock-since": str(int(lock.since.timestamp())),
        "hakube-lock-until": str(int(lock.until.timestamp())),
    }


_NEVER = 32503680000
"""The year 3000: far from where adding to a date overflows."""


def lock_from_labels(labels: Mapping[str, str]) -> Lock | None:
    """Read the lock, or None when nobody holds it.

    A lock whose numbers do not parse is one that holds until an epoch nobody can reach: damaged is
    not free.
    """
    if "hakube-lock-nonce" not in labels:
        return None
    until = _number(labels.get("hakube-lock-until", ""), default=_NEVER)
    return Lock(
        nonce=labels["hakube-lock-nonce"],
        holder=labels.get("hakube-lock-holder", ""),
        host=labels.get("hakube-lock-host", ""),
        pid=_number(labels.get("hakube-lock-pid", ""), default=0),
        epoch=epoch_from_labels(labels),
        since=datetime.fromtimestamp(_number(labels.get("hakube-lock-since", ""), default=0), UTC),
        until=datetime.fromtimestamp(until, UTC),
    )


def epoch_from_labels(labels: Mapping[str, str]) -> int:
    """Read the highest epoch any holder had; it outlives the lock so that it only grows."""
    return _number(labels.get("hakube-lock-epoch", ""), default=0)


def operation_labels(operation: Operation) -> dict[str, str]:
    """Write an unfinished operation as labels."""
    labels = {
        "hakube-op": operation.verb.value,
        _OP: operation.id,
        "hakube-op-zone": operation.zone,
        "hakube-op-target": operation.target,
        "hakube-op-target-id": operation.target_id,
        "hakube-op-phase": operation.phase,
    }
    if operation.outage_since is not None:
        labels["hakube-outage-since"] = str(int(operation.outage_since.timestamp() * 1000))
    return {key: value for key, value in labels.items() if value}


def operation_from_labels(labels: Mapping[str, str]) -> Operation | None:
    """Read the unfinished operation, or None when the last one was finished."""
    verb = labels.get("hakube-op", "")
    if verb not in set(Verb):
        return None
    outage_ms = _number(labels.get("hakube-outage-since", ""), default=0)
    return Operation(
        id=labels.get(_OP, ""),
        verb=Verb(verb),
        zone=labels.get("hakube-op-zone", ""),
        target=labels.get("hakube-op-target", ""),
        target_id=labels.get("hakube-op-target-id", ""),
        phase=labels.get("hakube-op-phase", ""),
        outage_since=datetime.fromtimestamp(outage_ms / 1000, UTC) if outage_ms else None,
    )


def free_labels(labels: Mapping[str, str], *, keep_operation: bool) -> dict[str, str]:
    """Give what an address's labels become when the lock is let go.

    The epoch stays for ever, as the network project does, the operation only when it is
    unfinished; labels that are not ours are kept as they are.
    """
    kept = {"hakube-lock-epoch", _NETWORK_PROJECT}
    if keep_operation:
        kept |= {k for k in labels if k.startswith(("hakube-op", "hakube-outage"))}
    return {k: v for k, v in labels.items() if not k.startswith("hakube-") or k in kept}


def held_labels(
    labels: Mapping[str, str], lock: Lock, operation: Operation | None
) -> dict[str, str]:
    """Give what an address's labels become while the lock is held for an operation."""
    ours = lock_labels(lock) | (operation_labels(operation) if operation else {})
    return free_labels(labels, keep_operation=False) | ours


def network_project_labels(network_project: str, project: str) -> dict[str, str]:
    """Write for a cluster's address where its firewall rules are, if not in its own project.

    A teardown deletes the address last: whoever goes on when no VM is left to ask learns it there.

    >>> network_project_labels("host", "mine"), network_project_labels("mine", "mine")
    ({'hakube-network-project': 'host'}, {})
    """
    legal = label_value(network_project) == network_project  # not an old one with a domain in it
    another = network_project not in {"", project}
    return {_NETWORK_PROJECT: network_project} if another and legal else {}


def network_project_from_labels(labels: Mapping[str, str]) -> str:
    """Read it back; empty when nothing was written."""
    return labels.get(_NETWORK_PROJECT, "")


def label_value(text: str) -> str:
    """Bring readable text into a label's alphabet.

    >>> label_value("Jane.Doe@build-7:4711")
    'jane-doe-build-7-4711'
    """
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-")[:63]


def _number(text: str, *, default: int) -> int:
    # fullmatch on ASCII digits: int() would also take signs, underscores and other scripts' digits
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else default
