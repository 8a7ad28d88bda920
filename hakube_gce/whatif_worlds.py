"""The cluster as it would look afterwards: masters lost, removed or added, on paper. Pure.

An addition or a removal is drawn as it ends when all goes well. Nothing here judges.
"""

from collections.abc import Collection
from dataclasses import replace

from hakube_gce import conditions, names, remembered
from hakube_gce.model import Member, Observed, Replica, Report, Role
from hakube_gce.resources import AccessConfig, ForwardingRule, Instance

NEWCOMER = "(the new master)"


def without_power(seen: Observed, lost: Collection[str]) -> Observed:
    """Draw that VMs have gone down; etcd lists their members as before."""
    return replace(seen, replicas=tuple(_off(r) if r.name in lost else r for r in seen.replicas))


def _off(replica: Replica) -> Replica:
    # Without its last words: judged as stale ones they would say that its clock is wrong.
    off = replace(replica.instance, status="TERMINATED")
    return replace(replica, instance=off, report=None, fresh=False)


def without_master(seen: Observed, name: str) -> Observed:
    """Draw that a master was removed; the last one left holds the cluster IP as it is used to."""
    member = conditions.member_named(seen, name)
    left = tuple(r for r in seen.replicas if r.name != name)
    then = replace(
        seen,
        replicas=left,
        members=tuple(m for m in seen.members if member is None or m.id != member.id),
    )
    return _on_vm(then) if len(left) == 1 and not remembered.always_balanced(seen) else then


def _on_vm(seen: Observed) -> Observed:
    (only,) = seen.replicas
    address = seen.address.address if seen.address else ""
    config = AccessConfig(name="external-nat", nat_ip=address)
    holder = replace(only, instance=replace(only.instance, access_config=config))
    return replace(seen, replicas=(holder,), rule=None)


def with_one_more(seen: Observed, zone: str) -> Observed:
    """Draw that a master was added, votes and serves behind the load balancer."""
    member = Member(
        id=NEWCOMER, name=NEWCOMER, peer_url=f"https://{NEWCOMER}:2380", role=Role.VOTER
    )
    report = Report(
        time=seen.server_time,
        boot_id="",
        phase="running",
        epoch=0,
        cluster_id=seen.cluster_id,
        member_id=member.id,
        role=Role.VOTER,
        leader_id=conditions.leader_id(seen),
        etcd_healthy=True,
        apiserver_ready=True,
    )
    newcomer = Replica(instance=_instance(zone), report=report, fresh=True)
    return replace(
        seen,
        replicas=(*seen.replicas, newcomer),
        members=(*seen.members, member),
        rule=seen.rule or _rule(seen),
    )


def _instance(zone: str) -> Instance:
    return Instance(
        name=NEWCOMER,
        zone=zone,
        id="",
        status="RUNNING",
        internal_ip=NEWCOMER,
        access_config=None,
        machine_type="",
        metadata={},
        metadata_fingerprint="",
        labels={},
    )


def _rule(seen: Observed) -> ForwardingRule:
    address = seen.address.address if seen.address else ""
    return ForwardingRule(name=names.master(seen.cluster), address=address, target="")
