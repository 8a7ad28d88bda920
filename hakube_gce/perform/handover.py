"""Certificates and keys on their way to a new master, or to a machine that has none.

Nothing but cloud credentials is needed on the operator's machine: a run that finds no keys here
has a healthy master seal them to a key drawn for that one request.
"""

import json
from collections.abc import Mapping
from datetime import timedelta

from hakube_gce import conditions, sealing
from hakube_gce.cluster_keys import ClusterKeys
from hakube_gce.errors import ChannelError, KeysError
from hakube_gce.leaves import ReplicaNames
from hakube_gce.marks import CERTIFICATES_KEY
from hakube_gce.model import Observed, Replica
from hakube_gce.perform.context import Context
from hakube_gce.pki import issue_leaves, new_cluster_keys, reissue_leaves
from hakube_gce.ports import Hello
from hakube_gce.resources import Instance

_NEW_KEYS = (
    "note: neither this machine nor another master has the cluster's keys, so new ones are made: "
    "kubeconfigs and service account tokens from before no longer work"
)
_ENVELOPE_LIFE = timedelta(minutes=10)


def cluster_keys(context: Context, *, founder: bool, returning: bool = False) -> ClusterKeys:
    """Find the cluster's keys: here, else at a healthy master; drawn only for a founder.

    Where all masters lost their VMs at once, and with them their boot disks, nobody has the keys:
    then new ones are drawn for all of them, and said so.

    Raises:
        KeysError: They are nowhere to be had.
    """
    with context.keys_guard:
        return _find_or_draw(context, founder=founder, returning=returning)


def _find_or_draw(context: Context, *, founder: bool, returning: bool) -> ClusterKeys:
    uid = context.mark.uid
    here = context.keys.load(uid)
    if here is not None:
        return here
    seen = context.observe()
    source = _key_source(seen)
    if source is not None:
        keys = _fetch(context, source)
    elif founder or (returning and _nobody_has_them(seen)):
        if returning:
            context.say(_NEW_KEYS)
        keys = new_cluster_keys(
            context.blueprint.prefix, uid, now=context.clock.now(), randomness=context.randomness
        )
    else:
        raise KeysError(
            "this machine has no keys of the cluster and no healthy master can hand them over",
            hint="start a master that is off, or run this where the keys are (HAKUBE_HOME)",
        )
    context.keys.save(keys)
    return keys


def _nobody_has_them(seen: Observed) -> bool:
    return not seen.unreadable and all(conditions.needs_install(r) for r in seen.replicas)


def _key_source(seen: Observed) -> Replica | None:
    healthy = [conditions.replica_of(seen, m) for m in conditions.healthy_voters(seen)]
    return next((r for r in healthy if r is not None), None)


def _fetch(context: Context, source: Replica) -> ClusterKeys:
    now = context.clock.now()
    recipient = context.new_recipient("hakube", now=now, randomness=context.randomness)
    request_id = context.randomness(16).hex()
    answer = context.channel.ask(
        source.instance,
        "export-keys",
        {"recipient": recipient.certificate},
        epoch=context.lock.epoch,
        timeout_s=context.limits.verb_s,
        request_id=request_id,
    )
    sealed = answer.get("sealed")
    if not isinstance(sealed, str):
        raise ChannelError(f"{source.name} answered without keys", replica=source.name)
    return sealing.unseal(
        sealed,
        recipient,
        request_id=request_id,
        instance_id=source.instance.id,
        uid=context.mark.uid,
        now=context.gateway.server_time(),
    )


def issue(context: Context, keys: ClusterKeys, instance: Instance, hello: Hello) -> str:
    """Sign a replica's requests; returns the content of its ``hakube-certificates`` metadata."""
    leaves = issue_leaves(
        keys,
        hello.requests,
        _replica_names(context, instance),
        now=context.clock.now(),
        randomness=context.randomness,
    )
    return _certificates(keys, leaves)


def reissue(context: Context, keys: ClusterKeys, instance: Instance) -> str:
    """Issue a replica's current certificates again; returns the same.

    Raises:
        KeysError: What stands in its metadata is not what this cluster issued.
    """
    try:
        current = json.loads(instance.metadata[CERTIFICATES_KEY])["leaves"]
    except (ValueError, KeyError, TypeError) as error:
        raise KeysError(f"{instance.name} has no readable {CERTIFICATES_KEY}") from error
    leaves = reissue_leaves(
        keys,
        current,
        _replica_names(context, instance),
        now=context.clock.now(),
        randomness=context.randomness,
    )
    return _certificates(keys, leaves)


def _replica_names(context: Context, instance: Instance) -> ReplicaNames:
    return ReplicaNames(
        name=instance.name,
        prefix=context.blueprint.prefix,
        internal_ip=instance.internal_ip,
        cluster_ip=context.cluster_ip(),
        service_cidr=context.blueprint.service_cidr,
        dns_domain=context.blueprint.dns_domain,
        api_names=context.blueprint.api_names,
    )


def _certificates(keys: ClusterKeys, leaves: Mapping[str, str]) -> str:
    return json.dumps({"schema": 1, "authorities": keys.authorities(), "leaves": dict(leaves)})


def sealed_for(
    context: Context, keys: ClusterKeys, instance: Instance, hello: Hello, request_id: str
) -> str:
    """Seal the shared keys to a replica, bound to the request that carries them."""
    binding = sealing.Binding(
        request_id=request_id,
        instance_id=instance.id,
        expires=context.clock.now() + _ENVELOPE_LIFE,
    )
    return sealing.seal(keys, hello.sealing_certificate, binding)
