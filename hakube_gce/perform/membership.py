"""Keys, certificates and etcd membership: steps that are jobs of the agents."""

import json
from collections.abc import Callable

from hakube_gce import conditions
from hakube_gce.errors import AgentSilent, ChannelError, Refused, StepFailed
from hakube_gce.model import Member, Observed, Replica, Role
from hakube_gce.perform import handover, rescue
from hakube_gce.perform.context import Context
from hakube_gce.plan.blueprint import CONFIG_KEY
from hakube_gce.ports import Hello
from hakube_gce.resources import Instance
from hakube_gce.steps import (
    AdmitReplica,
    AwaitBoot,
    AwaitReady,
    ExpelMember,
    InstallReplica,
    RenewCertificates,
    YieldLeadership,
)

_SAVED_BYTES_PER_S = 20e6
"""Saving and reading back, on a disk that is busy with etcd too; a guess on the slow side."""
_PASSES_S = 10.0
"""What an election, and the heartbeats that tell of its end, take at most."""


def install(context: Context, _key: str, step: InstallReplica) -> None:
    """Sign what the new VM asks for and hand it certificates and the keys that masters share."""
    instance = context.instance(step.zone, step.replica)
    hello = _hello(context, instance)
    if step.restore:
        rescue.tell_new_keys(context)
    keys = handover.cluster_keys(context, founder=step.founder, returning=step.returning)
    certificates = handover.issue(context, keys, instance, hello)

    request_id = context.randomness(16).hex()
    answer = context.channel.ask(
        instance,
        "install",
        {
            "role": "founder" if step.founder else "joiner",
            "sealed": handover.sealed_for(context, keys, instance, hello, request_id),
            "peers": list(step.peer_urls),
            **({"restore": True} if step.restore else {}),
        },
        epoch=context.lock.epoch,
        timeout_s=context.limits.rescue_s if step.restore else context.limits.install_s,
        certificates=certificates,
        request_id=request_id,
    )
    rescue.tell_restored(context, answer)


def await_boot(context: Context, _key: str, step: AwaitBoot) -> None:
    """Wait until a prepared VM's agent asks for certificates; it gets none yet."""
    _hello(context, context.instance(step.zone, step.replica))


def _hello(context: Context, instance: Instance) -> Hello:
    nonce = str(json.loads(instance.metadata[CONFIG_KEY])["nonce"])
    return context.channel.hello(instance, nonce=nonce, timeout_s=context.limits.boot_s)


def renew(context: Context, _key: str, step: RenewCertificates) -> None:
    """Issue a replica's certificates again and have its agent put them in place."""
    instance = context.instance(step.zone, step.replica)
    keys = handover.cluster_keys(context, founder=False)
    context.channel.ask(
        instance,
        "renew",
        {},
        epoch=context.lock.epoch,
        timeout_s=context.limits.verb_s,
        certificates=handover.reissue(context, keys, instance),
    )


def admit(context: Context, _key: str, step: AdmitReplica) -> None:
    """Have a healthy voter take the new replica in: learner, caught up, promoted, proven."""
    newcomer = context.instance(step.zone, step.replica)
    through = context.instance(step.through_zone, step.through)
    context.channel.ask(
        through,
        "admit",
        {
            "name": step.replica,
            "peer_url": f"https://{newcomer.internal_ip}:2380",
            "timeout_s": context.limits.admit_s,
        },
        epoch=context.lock.epoch,
        timeout_s=context.limits.admit_s + context.limits.verb_s,
    )


def await_ready(context: Context, _key: str, step: AwaitReady) -> None:
    """Wait until the replica is a healthy voter and its API server answers.

    Raises:
        AgentSilent: It did not within the deadline; says what was last heard.
    """
    deadline = context.clock.monotonic() + context.limits.ready_s
    while context.clock.monotonic() < deadline:
        seen = context.observe()
        replica = conditions.replica_named(seen, step.replica)
        if replica is not None and conditions.is_serving(seen, replica):
            return
        report = replica.report if replica is not None and replica.fresh else None
        if report is not None and report.phase == "failed":
            raise ChannelError(f"{step.replica} failed: {report.detail}", replica=step.replica)
        context.clock.sleep(context.limits.poll_s)
    raise AgentSilent(
        f"{step.replica} was not ready within {context.limits.ready_s:.0f} s",
        replica=step.replica,
        hint="`hakube status` shows what it last said",
    )


def yield_leadership(context: Context, _key: str, step: YieldLeadership) -> None:
    """Move the leadership off a replica that is about to leave, so that no election is needed."""
    seen = _look(context, lambda seen: bool(conditions.leader_id(seen)))
    leaving = conditions.replica_named(seen, step.replica)
    heir = conditions.member_named(seen, step.to)
    if leaving is None or heir is None:
        return
    member = conditions.member_of(seen, leaving)
    if member is None or conditions.leader_id(seen) != member.id:
        return  # it lost the leadership meanwhile, which is what we want
    context.channel.ask(
        leaving.instance,
        "yield-leadership",
        {"to": heir.id},
        epoch=context.lock.epoch,
        timeout_s=context.limits.verb_s,
    )


def _look(context: Context, holds: Callable[[Observed], bool]) -> Observed:
    """Look until something holds, for as long as an election takes and heartbeats need to say so.

    Masters were just taken from behind a load balancer, and the leadership moved: nobody's single
    word counts for much now. What is seen last is for the caller to judge.
    """
    deadline = context.clock.monotonic() + _PASSES_S
    seen = context.observe()
    while not holds(seen) and context.clock.monotonic() < deadline:
        context.clock.sleep(context.limits.poll_s)
        seen = context.observe()
    return seen


def _is_meant(member: Member, step: ExpelMember) -> bool:
    return member.id == step.member_id if step.member_id else member.peer_url == step.peer_url


def _saving_s(replica: Replica) -> float:
    """Give the time that a master may need to save its database before the membership changes."""
    size = replica.report.db_size_bytes if replica.report is not None else 0
    return size / _SAVED_BYTES_PER_S


def _risk(seen: Observed, step: ExpelMember) -> str:
    """Say why a member may not leave, by the membership as it is; empty when it may."""
    leaving = next((m for m in seen.members if _is_meant(m, step)), None)
    if leaving is None or leaving.role is not Role.VOTER:
        return ""
    safe = conditions.removal_keeps_quorum(seen, leaving)
    return "" if safe else conditions.removal_sums(seen, leaving)


def expel(context: Context, _key: str, step: ExpelMember) -> None:
    """Have a survivor remove a member by id; the quorum is judged here and there once more.

    Raises:
        Refused: The membership changed since it was planned, and it is not safe any more.
        StepFailed: The survivor cannot be asked any more.
    """
    seen = _look(context, lambda seen: seen.members_known and not _risk(seen, step))
    through = conditions.replica_named(seen, step.through)
    if through is None or not seen.members_known:
        raise StepFailed(
            f"{step.through}, which was to remove {step.member_name}, cannot be asked any more"
        )
    if risk := _risk(seen, step):
        raise Refused(f"removing {step.member_name} is not safe any more: {risk}")
    context.channel.ask(
        through.instance,
        "expel",
        {"member_id": step.member_id} if step.member_id else {"peer_url": step.peer_url},
        epoch=context.lock.epoch,
        timeout_s=context.limits.verb_s + _saving_s(through),
    )
