"""How a VM asks to be a node of the cluster, and whether it is to be answered. Pure.

A node says a line with its certificate request on its second serial port; the answer is a
certificate in its metadata. Neither is a secret, and no token exists that somebody else could use:
the certificate names the very VM on whose port its request was said, and is of use to nobody
without that VM's key. Whoever can write to that port is root on the VM. What a VM says is parsed
without trust.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ec

from hakube_gce import marks, names
from hakube_gce.cluster_keys import load_certificate
from hakube_gce.errors import KeysError
from hakube_gce.pki import requested_key, signed_by
from hakube_gce.resources import Instance, Inventory
from hakube_gce.timestamps import parse_rfc3339

REQUEST_TYPE = "node-request"
"""What the line says it is."""

CERTIFICATE_KEY = "hakube-node-certificate"
"""Instance metadata in which a node finds its certificate, PEM."""

Line = Mapping[str, object]
"""One parsed line of a serial port; nothing in it is believed yet."""

_FRESH = timedelta(minutes=2)
"""A node that waits says its request every ten seconds; one that has joined says none."""


class Standing(StrEnum):
    """How far a node is."""

    CERTIFIED = "certified"
    """It was given a certificate, and asks for no other."""
    ASKS = "asks"
    SILENT = "silent"
    """It has none, and has not asked of late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRequest:
    """A certificate request that proves to be its sender's own."""

    pem: str
    key: ec.EllipticCurvePublicKey
    said: datetime


def candidates(inventory: Inventory, *, prefix: str, uid: str) -> tuple[Instance, ...]:
    """List the running VMs that say of themselves that they are this cluster's nodes.

    That their groups say so, too, is still to be asked: labels can be given to any VM.
    """
    ours = {
        (g.zone, g.name)
        for g in inventory.managed_groups
        if marks.is_of_cluster(marks.mark_from_description(g.description), prefix, uid)
    }
    found = (
        i
        for i in inventory.instances
        if i.status == "RUNNING"
        and names.is_node(prefix, i.name)
        and marks.is_of_cluster(marks.mark_from_labels(i.labels), prefix, uid)
        and group_of(i) in ours
    )
    return tuple(sorted(found, key=lambda i: (i.zone, i.name)))


def group_of(instance: Instance) -> tuple[str, str]:
    """Give zone and name of the managed group that a node is of, by its name."""
    return instance.zone, instance.name.rpartition("-")[0]


def newest_request(lines: Sequence[Line], *, instance_id: str) -> NodeRequest | None:
    """Find a VM's newest request; none that is malformed, or another VM's."""
    found = (_request(line, instance_id) for line in reversed(lines))
    return next((request for request in found if request is not None), None)


def standing(instance: Instance, request: NodeRequest | None, *, now: datetime) -> Standing:
    """Judge a node by its metadata and its newest request, if it was listened to."""
    if request is not None and abs(now - request.said) <= _FRESH:
        return Standing.ASKS
    return Standing.CERTIFIED if CERTIFICATE_KEY in instance.metadata else Standing.SILENT


def needs_listening(instance: Instance, *, authority: str, now: datetime) -> bool:
    """Tell whether a node may be asking: not while its certificate, by this cluster, is good.

    One that lost its key within that day is heard once the day is over: listening costs a request
    for every node.
    """
    pem = instance.metadata.get(CERTIFICATE_KEY, "")
    try:
        certificate = load_certificate(pem, what="a node's certificate")
        ours = signed_by(pem, authority)
    except KeysError:
        return True
    begun, over = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return not (ours and begun <= now < over)


def _request(line: Line, instance_id: str) -> NodeRequest | None:
    said, pem = parse_rfc3339(line.get("time")), line.get("request")
    if (line.get("type"), line.get("instance_id")) != (REQUEST_TYPE, instance_id):
        return None
    if said is None or not isinstance(pem, str):
        return None
    try:
        return NodeRequest(pem=pem, key=requested_key(pem, what="a node's request"), said=said)
    except KeysError:
        return None
