"""Asks the operator's planner and the master's agent the same questions about a membership.

Both are given the membership as etcd would list it, even without a majority: the sums themselves
are judged, not what keeps anybody from getting that far.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from hakube_gce.agent import admit, expel
from hakube_gce.agent.job import Master
from hakube_gce.agent.ports import EtcdStatus, Member, Role
from hakube_gce.agent.protocol import RequestError
from hakube_gce.agent.quorum import Membership
from hakube_gce.model import Observed, Operation, Verb
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.planner import plan
from tests.fakes.clusters import REGION, ZONES, cluster, name_of

BLUEPRINT = Blueprint(
    project="p",
    prefix="kubernetes",
    region=REGION,
    machine_type="e2-standard-2",
    image="projects/debian-cloud/global/images/family/debian-12",
    data_disk_gb=20,
    root_disk_gb=20,
)
NEWCOMER = "kubernetes-master-0ff"


def listed(sketch: str) -> Observed:
    """Draw a cluster whose members are known whatever their health."""
    drawn = cluster(sketch)
    members = next((r.report.members for r in drawn.replicas if r.report is not None), ())
    return replace(drawn, members=members, members_known=True, cluster_id="c0ffee")


def operator_plan(sketch: str, operation: str, index: int = -1) -> Plan:
    """Plan ``add``, ``promote`` (of a learner that is there already) or ``remove``."""
    if operation == "remove":
        target, verb = name_of(index), Verb.REMOVE
    elif operation == "promote":
        index, sketch = len(sketch), sketch + "l"
        target, verb = name_of(index), Verb.REPLICATE
    else:
        index, target, verb = len(sketch), NEWCOMER, Verb.REPLICATE
    wanted = Operation(id="d" * 12, verb=verb, zone=ZONES[index % 3], target=target)
    return plan(BLUEPRINT, wanted, listed(sketch))


def operator_allows(sketch: str, operation: str, index: int = -1) -> bool:
    """Tell whether the planner would go ahead."""
    return not operator_plan(sketch, operation, index).blockers


def agent_refusal(
    sketch: str, operation: str, index: int = -1, *, newcomer_alive: bool = True
) -> str:
    """Say why a master's agent would not do it; empty when it would.

    A removal is asked of a voter that stays, as the operator does; alone, there is none.
    """
    members = tuple(_member(i) for i in range(len(sketch)))
    learner = Member(id="ff", name=NEWCOMER, peer_url=_url(99), role=Role.LEARNER)
    own = 0 if index != 0 or len(sketch) == 1 else 1
    master = _master(_url(own), newcomer_alive=newcomer_alive)
    healthy = frozenset(m.id for m, c in zip(members, sketch, strict=True) if c == "+")
    newcomer = admit.Newcomer(name=NEWCOMER, peer_url=learner.peer_url, deadline=0.0)
    try:
        if operation == "add":
            seen = Membership(members=members, healthy=healthy)
            admit.check_admission_is_safe(master, seen, newcomer)
        elif operation == "promote":
            seen = Membership(members=(*members, learner), healthy=healthy)
            return admit.promotion_problem(master, seen, learner, newcomer)
        else:
            seen = Membership(members=members, healthy=healthy)
            expel.check_removal(master, seen, members[index].id)
    except RequestError as error:
        return error.message
    return ""


def _member(index: int) -> Member:
    return Member(
        id=f"{0xA0 + index:x}", name=name_of(index), peer_url=_url(index), role=Role.VOTER
    )


def _url(index: int) -> str:
    return f"https://10.0.0.{index + 2}:2380"


def _master(peer_url: str, *, newcomer_alive: bool) -> Master:
    """A master whose every other edge is missing: whoever decides must not touch it."""
    status = EtcdStatus(
        cluster_id="c0ffee",
        member_id="a0",
        leader_id="a0",
        role=Role.VOTER,
        term=1,
        applied_index=1,
        db_size_bytes=1,
        version="3.5.33",
    )
    ports = SimpleNamespace(
        etcd=SimpleNamespace(status=lambda: status),
        peers=SimpleNamespace(answers=lambda _url: newcomer_alive),
    )
    return cast(
        "Master",
        SimpleNamespace(
            identity=SimpleNamespace(peer_url=peer_url),
            config=SimpleNamespace(replica=name_of(0)),
            ports=ports,
        ),
    )
