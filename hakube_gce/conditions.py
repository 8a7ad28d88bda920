"""Judgements on what was observed: quorum, health, placement. Pure.

The planner and the status screen use the same ones, so that status can never call healthy what a
removal refuses to touch. Unknown counts as not healthy here and never as gone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hakube_gce import marks
from hakube_gce.model import EndpointMode, Member, Observed, Replica, Role, Verb
from hakube_gce.resources import Disk


def quorum(voters: int) -> int:
    """Give the number of voters that must agree.

    >>> [quorum(n) for n in range(1, 8)]
    [1, 2, 2, 3, 3, 4, 4]
    """
    return voters // 2 + 1


def tolerates(voters: int) -> int:
    """Give how many voters may fail before writing stops.

    >>> [tolerates(n) for n in range(1, 10)]
    [0, 0, 1, 1, 2, 2, 3, 3, 4]
    """
    return voters - quorum(voters) if voters else 0


def voters(seen: Observed) -> tuple[Member, ...]:
    """List the members that vote."""
    return tuple(m for m in seen.members if m.role is Role.VOTER)


def learners(seen: Observed) -> tuple[Member, ...]:
    """List the members that do not vote yet."""
    return tuple(m for m in seen.members if m.role is Role.LEARNER)


def orphans(seen: Observed) -> tuple[Member, ...]:
    """List learners whose VM is gone: somebody deleted it before the member could vote.

    Nothing depends on a learner, and while it is listed etcd takes no other one in.
    """
    return tuple(m for m in learners(seen) if replica_of(seen, m) is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A master whose VM is gone while its data disk is there."""

    name: str
    zone: str
    internal_ip: str
    """Where the other members know it."""


def absent_masters(seen: Observed) -> tuple[Absent, ...]:
    """List masters that can be made again on their disks.

    While a majority answers, only those that it still lists under this name and address; when
    nobody answers, every disk that remembers an address: a removal deletes the disk, and a
    recovery takes the address off it. Not the target of an unfinished replication or removal: that
    one was never a member, or is none any more, since its VM is deleted after its member.
    """
    here = {r.name for r in seen.replicas} | {half_made(seen), _half_removed(seen)}
    listed = {(m.peer_url, m.name) for m in seen.members}
    found = []
    for disk in seen.disks:
        name, ip = disk.name.removesuffix("-pd"), marks.home_of(disk.labels)
        is_member = (f"https://{ip}:2380", name) in listed or not seen.members_known
        if ip and name not in here and is_member and not disk.users:
            found.append(Absent(name=name, zone=disk.zone, internal_ip=ip))
    return tuple(sorted(found, key=lambda m: m.name))


def kept_disks(seen: Observed) -> tuple[Disk, ...]:
    """List data disks without a VM that no master will be made on again."""
    here = {r.name for r in seen.replicas} | {m.name for m in absent_masters(seen)}
    left = [d for d in seen.disks if not d.users and d.name.removesuffix("-pd") not in here]
    return tuple(sorted(left, key=lambda d: d.name.removesuffix("-pd")))


def half_made(seen: Observed) -> str:
    """Name the newcomer of an unfinished replication until etcd lists it as a voter."""
    unfinished = seen.operation
    if unfinished is None or unfinished.verb is not Verb.REPLICATE:
        return ""
    member = member_named(seen, unfinished.target)
    return "" if member is not None and member.role is Role.VOTER else unfinished.target


def silent_newcomer(seen: Observed) -> str:
    """Name the newcomer of an unfinished replication whose word is missing for a majority.

    Not when masters are off: then those are missing, and nobody starts them by waiting.
    """
    unfinished = seen.operation
    if unfinished is None or unfinished.verb is not Verb.REPLICATE or may_come_back(seen):
        return ""
    newcomer = replica_named(seen, unfinished.target)
    if newcomer is None or newcomer.instance.status != "RUNNING" or _is_well(newcomer):
        return ""
    holds = seen.members_known and majority(seen, seen.members).holds
    return "" if holds else newcomer.name


def unwell(seen: Observed) -> tuple[str, ...]:
    """Name the masters that speak, have served, and say that they do not serve just now.

    One such word proves little: an election, a slow disk or a busy machine passes. Not those that
    an unfinished operation is making: they are waited for where they are made.
    """
    made = seen.operation.target if seen.operation is not None else ""
    return tuple(
        r.name
        for r in seen.replicas
        if r.name != made
        and r.instance.status == "RUNNING"
        and r.fresh
        and r.report is not None
        and r.report.phase == "running"
        and r.report.role is not Role.LEARNER
        and not (_is_well(r) and is_ready(r))
    )


def _is_well(replica: Replica) -> bool:
    return replica.fresh and replica.report is not None and replica.report.etcd_healthy


def _half_removed(seen: Observed) -> str:
    unfinished = seen.operation
    return unfinished.target if unfinished and unfinished.verb is Verb.REMOVE else ""


def is_cut_in_the_window(seen: Observed) -> bool:
    """Tell whether an unfinished operation took the cluster IP from one and gave it to none yet.

    Whoever moved it goes on first: until then the API answers nobody.
    """
    return seen.operation is not None and seen.endpoint_mode is EndpointMode.NONE


def masters_that_are_off(seen: Observed) -> tuple[Replica, ...]:
    """List masters whose VM is there and powered off."""
    return tuple(r for r in seen.replicas if r.instance.status == "TERMINATED")


def may_come_back(seen: Observed) -> bool:
    """Tell whether there are masters that kube-up starts, or makes again on their disks."""
    return bool(masters_that_are_off(seen) or absent_masters(seen))


def peer_urls_but(seen: Observed, internal_ip: str) -> tuple[str, ...]:
    """List the peer URLs of all other masters, from etcd's list or, without one, from the VMs."""
    addresses = [r.instance.internal_ip for r in seen.replicas]
    addresses += [m.internal_ip for m in absent_masters(seen)]
    urls = {m.peer_url for m in seen.members} or {f"https://{a}:2380" for a in addresses}
    return tuple(sorted(urls - {f"https://{internal_ip}:2380"}))


def peer_url(replica: Replica) -> str:
    """Give the URL under which a replica's etcd is a member."""
    return f"https://{replica.instance.internal_ip}:2380"


def member_of(seen: Observed, replica: Replica) -> Member | None:
    """Find a replica's member by peer URL: a member that never started has no name yet."""
    return next((m for m in seen.members if m.peer_url == peer_url(replica)), None)


def replica_of(seen: Observed, member: Member) -> Replica | None:
    """Find the replica a member runs on, or None when its VM is gone."""
    return next((r for r in seen.replicas if peer_url(r) == member.peer_url), None)


def replica_named(seen: Observed, name: str) -> Replica | None:
    """Find a replica by the name of its VM."""
    return next((r for r in seen.replicas if r.name == name), None)


def member_named(seen: Observed, name: str) -> Member | None:
    """Find the member of a replica by the replica's name, even when its VM is gone."""
    replica = replica_named(seen, name)
    by_url = member_of(seen, replica) if replica else None
    return by_url or next((m for m in seen.members if m.name == name), None)


def cluster_ids(seen: Observed) -> tuple[str, ...]:
    """List the etcd clusters that healthy masters say they are part of; one, when all is well."""
    healthy = [r.report for r in seen.replicas if r.fresh and r.report and r.report.etcd_healthy]
    return tuple(sorted({report.cluster_id for report in healthy}))


def is_healthy(seen: Observed, member: Member) -> bool:
    """Tell whether a member is known, now, to take part in this very cluster."""
    replica = replica_of(seen, member)
    if replica is None or replica.report is None or not replica.fresh:
        return False
    report = replica.report
    return (
        report.etcd_healthy
        and report.member_id == member.id
        and report.cluster_id == seen.cluster_id
    )


def healthy_voters(seen: Observed) -> tuple[Member, ...]:
    """List the voters that are known, now, to take part."""
    return tuple(m for m in voters(seen) if is_healthy(seen, m))


def is_ready(replica: Replica) -> bool:
    """Tell whether a replica's API server is known to answer now."""
    return replica.fresh and replica.report is not None and replica.report.apiserver_ready


def needs_install(replica: Replica) -> bool:
    """Tell whether a VM was never handed certificates, or says itself that it still waits.

    Silence is no answer: a master that cannot be heard may have served for years.
    """
    if not replica.instance.metadata.get(marks.CERTIFICATES_KEY):
        return True
    waits = replica.report is not None and replica.report.phase == "waiting-for-certificates"
    return replica.fresh and waits


def is_serving(seen: Observed, replica: Replica) -> bool:
    """Tell whether a replica may take clients: a healthy voter with a ready API server."""
    member = member_of(seen, replica)
    return (
        member is not None
        and member.role is Role.VOTER
        and is_healthy(seen, member)
        and is_ready(replica)
    )


def leader_id(seen: Observed) -> str:
    """Give the leader's member id as the healthy voters see it; empty when they do not agree."""
    said = set()
    for member in healthy_voters(seen):
        replica = replica_of(seen, member)
        if replica is not None and replica.report is not None:
            said.add(replica.report.leader_id)
    return said.pop() if len(said) == 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Majority:
    """A count of healthy voters against what is needed."""

    healthy: int
    voters: int

    @property
    def needed(self) -> int:
        return quorum(self.voters)

    @property
    def holds(self) -> bool:
        return self.healthy >= self.needed

    def __str__(self) -> str:
        return f"{self.healthy} healthy of {self.voters} voters, {self.needed} needed"


def majority(seen: Observed, members: Iterable[Member]) -> Majority:
    """Count a set of voters."""
    counted: Sequence[Member] = [m for m in members if m.role is Role.VOTER]
    return Majority(
        healthy=sum(is_healthy(seen, m) for m in counted),
        voters=len(counted),
    )


def majority_without(seen: Observed, leaving: Member) -> Majority:
    """Count the membership as it will be once a member has left.

    It takes two majorities to part with a voter: today's, or the change cannot be committed at
    all, and that of those who stay, or nothing can be committed afterwards.
    """
    return majority(seen, (m for m in seen.members if m.id != leaving.id))


def removal_keeps_quorum(seen: Observed, leaving: Member) -> bool:
    """Tell whether etcd can part with one member and stay writable."""
    return majority(seen, seen.members).holds and majority_without(seen, leaving).holds


def removal_sums(seen: Observed, leaving: Member) -> str:
    """Give both majorities that a removal takes: either may be the one that is missing."""
    now, then = majority(seen, seen.members), majority_without(seen, leaving)
    return f"now {now}; afterwards {then}"


def last_known_voters(seen: Observed) -> tuple[Member, ...]:
    """List the voters of the furthest list that anybody ever told; it may be old."""
    reports = [r.report for r in seen.replicas if r.report is not None and r.report.members]
    newest = max(reports, key=lambda r: (r.term, r.applied_index, r.time), default=None)
    return tuple(m for m in newest.members if m.role is Role.VOTER) if newest else ()


def occupied_zones(seen: Observed) -> frozenset[str]:
    """Give the zones that hold a replica, alive or not."""
    return frozenset(r.zone for r in seen.replicas)


def free_zones(seen: Observed) -> tuple[str, ...]:
    """List zones of the region, in order, that hold no replica and are up."""
    taken = occupied_zones(seen)
    return tuple(sorted(z.name for z in seen.zones if z.status == "UP" and z.name not in taken))
