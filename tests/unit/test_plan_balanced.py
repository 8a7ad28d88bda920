"""The planner where the address is always balanced, and where a target pool stands behind it."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from hakube_gce import marks, remembered, verdicts
from hakube_gce.balancer_steps import (
    AwaitBackends,
    CreateRule,
    DemoteEndpoint,
    LeavePool,
    PromoteEndpoint,
)
from hakube_gce.inherit import inherit
from hakube_gce.intents import Command
from hakube_gce.model import Mark, Observed, Operation, Verb
from hakube_gce.plan.blueprint import PROBERS, READINESS_PORT, Blueprint
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.planner import plan
from hakube_gce.resources import (
    AccessConfig,
    ForwardingRule,
    InstanceGroup,
    RuleTarget,
    TargetKind,
)
from hakube_gce.settings import Settings
from hakube_gce.steps import CreateFirewall, CreateInstance
from hakube_gce.verdicts import Verdict
from hakube_gce.whatif_worlds import without_master
from tests.fakes.clusters import (
    IP,
    UID,
    ZONES,
    cluster,
    name_of,
    nothing,
    remembering,
    with_pool,
)
from tests.unit.test_plan import (
    BLUEPRINT,
    CREATE,
    MEND,
    NEW,
    assert_order,
    comes_before,
    keys,
    remove,
    replicate,
)

B, C, D = ZONES
ALWAYS = {"HAKUBE_ENDPOINT_MODE": "always-lb", "HAKUBE_LB": "backend-service"}
POOL = {"HAKUBE_ENDPOINT_MODE": "classic", "HAKUBE_LB": "target-pool"}
BOTH = {"HAKUBE_ENDPOINT_MODE": "always-lb", "HAKUBE_LB": "target-pool"}
FIRST = name_of(0)
MOVES = (PromoteEndpoint, DemoteEndpoint)
TEARDOWN = Operation(id="dddddddddddd", verb=Verb.TEARDOWN, zone=B)


def shaped(inherited: dict[str, str]) -> Blueprint:
    return replace(BLUEPRINT, inherited=inherited)


def balanced(sketch: str, inherited: dict[str, str] = ALWAYS) -> Observed:
    """Draw a cluster whose address is on its balancer, however many masters there are."""
    seen = remembering(cluster(sketch, balancer=True), inherited)
    return with_pool(seen) if inherited["HAKUBE_LB"] == "target-pool" else seen


def steps_of(planned: Plan, *kinds: type) -> list[object]:
    return [p.step for p in planned.steps if isinstance(p.step, kinds)]


def no_duplicates(planned: Plan) -> bool:
    return len(set(keys(planned))) == len(keys(planned))


# ------------------------------------------------------------------------------ always balanced


@pytest.mark.parametrize("inherited", [ALWAYS, BOTH], ids=["service", "pool"])
def test_founding_puts_the_address_on_a_rule_and_never_on_the_vm(
    inherited: dict[str, str],
) -> None:
    planned = plan(shaped(inherited), CREATE, nothing())
    (made,) = steps_of(planned, CreateInstance)
    assert isinstance(made, CreateInstance)
    assert made.spec.address == ""
    (rule,) = steps_of(planned, CreateRule)
    assert isinstance(rule, CreateRule)
    kind = TargetKind.POOL if inherited is BOTH else TargetKind.BACKEND_SERVICE
    assert rule.target == RuleTarget(kind=kind, name=FIRST)
    assert not steps_of(planned, *MOVES)
    assert_order(planned, "create-disk", "create-rule", "await-backends")
    joins = next(k for k in keys(planned) if k.startswith("join-"))
    assert_order(planned, "install", "await-ready", joins, "await-backends", "write-kubeconfig")
    assert not comes_before(planned, "await-ready", "create-rule"), "both take long: side by side"
    assert no_duplicates(planned)


def test_as_usual_founding_makes_no_balancer() -> None:
    planned = plan(shaped({}), CREATE, nothing())
    assert [k for k in keys(planned) if "rule" in k or "group" in k or "backend" in k] == []


def test_a_founding_whose_probes_are_not_well_yet_is_waited_for() -> None:
    """The rule was made by a run that was killed; that it leads somewhere nobody has seen."""
    own = marks.mark_labels(Mark(cluster="kubernetes", uid=UID, operation=CREATE.id))
    seen = balanced("+")
    disks = tuple(replace(d, labels={**d.labels, **own}) for d in seen.disks)
    seen = replace(seen, disks=disks)
    assert keys(plan(shaped(ALWAYS), CREATE, seen)) == ["await-backends", "write-kubeconfig"]
    assert seen.backend_service is not None
    proven = replace(seen.backend_service, health={FIRST: "HEALTHY"})
    assert plan(shaped(ALWAYS), CREATE, replace(seen, backend_service=proven)).is_empty


@pytest.mark.parametrize("inherited", [ALWAYS, BOTH], ids=["service", "pool"])
def test_a_second_master_is_a_backend_more_and_nothing_moves(inherited: dict[str, str]) -> None:
    planned = plan(shaped(inherited), replicate(C), balanced("+", inherited))
    assert not steps_of(planned, *MOVES, CreateRule)
    (proof,) = steps_of(planned, AwaitBackends)
    assert isinstance(proof, AwaitBackends)
    assert (proof.rule, proof.replicas) == (FIRST, (FIRST, NEW))
    joins = next(k for k in keys(planned) if k.startswith("join-"))
    assert_order(planned, "admit", "await-ready", joins, "await-backends")


@pytest.mark.parametrize("inherited", [ALWAYS, BOTH], ids=["service", "pool"])
def test_removing_down_to_one_moves_nothing(inherited: dict[str, str]) -> None:
    planned = plan(shaped(inherited), remove(1), balanced("++", inherited))
    assert not steps_of(planned, *MOVES)
    assert not [k for k in keys(planned) if "rule" in k or "ephemeral" in k]
    first = next(k for k in keys(planned) if k.startswith("leave-"))
    assert_order(planned, first, "expel", "delete-instance", "delete-disk")


def test_mending_makes_a_lost_balancer_again_without_a_window() -> None:
    lost = replace(balanced("++"), rule=None, backend_service=None, health_check=None, groups=())
    planned = plan(shaped(ALWAYS), MEND, lost)
    joins = [f"join-group/{name_of(n)}" for n in (0, 1)]
    assert {"create-backend-service", "create-rule", *joins} <= set(keys(planned))
    assert not steps_of(planned, *MOVES)
    assert_order(planned, "create-backend-service", *joins[:1], "create-rule", "await-backends")


def test_an_address_that_somebody_put_on_a_vm_is_taken_off_it_in_a_window() -> None:
    seen = remembering(cluster("+", balancer=False), ALWAYS)
    planned = plan(shaped(ALWAYS), MEND, seen)
    (move,) = steps_of(planned, *MOVES)
    assert isinstance(move, PromoteEndpoint)
    assert (move.holder, move.address) == (FIRST, IP)
    assert_order(planned, "await-backends", "promote-endpoint", f"attach-ephemeral/{FIRST}")


def test_a_master_without_any_address_gets_an_ephemeral_one() -> None:
    seen = replace(balanced("+"), rule=None)
    bare = tuple(
        replace(r, instance=replace(r.instance, access_config=None)) for r in seen.replicas
    )
    planned = plan(shaped(ALWAYS), MEND, replace(seen, replicas=bare))
    assert f"attach-ephemeral/{FIRST}" in keys(planned)
    assert not steps_of(planned, *MOVES)


def recovery(seen: Observed) -> Plan:
    operation = Operation(
        id="ffffffffffff", verb=Verb.RECOVER, zone=B, target=FIRST, target_id="1000"
    )
    return plan(shaped(ALWAYS), operation, seen)


def test_a_survivor_stays_behind_the_balancer() -> None:
    planned = recovery(balanced("+--"))
    assert not steps_of(planned, *MOVES)
    assert_order(planned, "prove-quorum-lost", "recover", "set-backends")
    assert f"join-group/{FIRST}" not in keys(planned)
    assert no_duplicates(planned)


@pytest.mark.parametrize("groups_too", [False, True])
def test_a_survivor_without_any_balancer_gets_one(*, groups_too: bool) -> None:
    seen = replace(balanced("+--"), rule=None, backend_service=None, health_check=None)
    planned = recovery(replace(seen, groups=()) if groups_too else seen)
    assert {"create-backend-service", "create-rule"} <= set(keys(planned))
    assert_order(planned, "recover", "await-ready", "create-rule", "await-backends")
    assert no_duplicates(planned)


def test_one_master_behind_its_balancer_is_as_it_should_be() -> None:
    assert verdicts.verdict(balanced("+")) is Verdict.HEALTHY
    assert verdicts.verdict(cluster("+", balancer=True)) is Verdict.DEGRADED
    on_vm = remembering(cluster("+", balancer=False), ALWAYS)
    assert verdicts.verdict(on_vm) is Verdict.DEGRADED


def test_what_would_be_left_of_two_is_still_balanced() -> None:
    then = without_master(balanced("++"), name_of(1))
    assert then.rule is not None
    assert verdicts.verdict(then) is Verdict.HEALTHY


# -------------------------------------------------------------------------------- remembering


def inherited_by(seen: Observed, **environment: str) -> tuple[dict[str, str], list[str]]:
    settings = Settings.parse(
        {"PROJECT": "p", "HOME": "/root", "KUBE_GCE_ZONE": B, **environment}, command=Command.UP
    )
    found = inherit(settings, seen, api_port=443, selectors=(), programs=("a", "b", "c"))
    kept = {k: v for k, v in found.blueprint.inherited.items() if k in ALWAYS}
    return kept, [b.reason for b in found.contradictions]


def without_vms(seen: Observed, labels: dict[str, str]) -> Observed:
    disks = tuple(replace(d, labels={**d.labels, **labels}) for d in seen.disks)
    return replace(seen, replicas=(), disks=disks)


@pytest.mark.parametrize("inherited", [ALWAYS, POOL, BOTH])
def test_data_disks_remember_the_kind_of_their_cluster(inherited: dict[str, str]) -> None:
    labels = remembered.disk_labels(inherited)
    seen = without_vms(cluster("++"), labels)
    assert inherited_by(seen) == (inherited, [])
    assert remembered.always_balanced(seen) is (inherited != POOL)


def test_a_cluster_as_usual_writes_nothing_on_its_disks_and_stays_as_usual() -> None:
    usual = {"HAKUBE_ENDPOINT_MODE": "classic", "HAKUBE_LB": "backend-service"}
    assert remembered.disk_labels(usual) == {}
    seen = without_vms(cluster("++"), {})
    assert inherited_by(seen, HAKUBE_ENDPOINT_MODE="always-lb") == (usual, ["InheritedDiffers"])
    assert inherited_by(nothing(), HAKUBE_ENDPOINT_MODE="always-lb") == (ALWAYS, [])


def test_masters_know_better_than_disks() -> None:
    seen = balanced("+")
    wrong = remembered.disk_labels(POOL)
    disks = tuple(replace(d, labels={**d.labels, **wrong}) for d in seen.disks)
    assert inherited_by(replace(seen, disks=disks), HAKUBE_LB="target-pool") == (
        ALWAYS,
        ["InheritedDiffers"],
    )


# -------------------------------------------------------------------------------- target pools


def test_the_readiness_port_is_open_to_googles_probers_alone() -> None:
    planned = plan(shaped(POOL), CREATE, nothing())
    (health,) = [
        s.spec
        for s in steps_of(planned, CreateFirewall)
        if isinstance(s, CreateFirewall) and s.spec.name.endswith("-health")
    ]
    assert health.source_ranges == PROBERS
    assert health.allowed == (("tcp", (str(READINESS_PORT),)),)
    assert health.target_tags == (FIRST,)
    (made,) = steps_of(planned, CreateInstance)
    assert isinstance(made, CreateInstance)
    assert f'"readiness_port": {READINESS_PORT}' in made.spec.metadata["hakube-config"]


@pytest.mark.parametrize("inherited", [{}, ALWAYS])
def test_without_a_pool_nobody_listens_there(inherited: dict[str, str]) -> None:
    planned = plan(shaped(inherited), CREATE, nothing())
    assert "create-firewall/health" not in keys(planned)
    (made,) = steps_of(planned, CreateInstance)
    assert isinstance(made, CreateInstance)
    assert "readiness_port" not in made.spec.metadata["hakube-config"]


def test_a_pool_is_proven_before_the_address_moves() -> None:
    seen = remembering(cluster("+"), POOL)
    planned = plan(shaped(POOL), replicate(C), seen)
    assert_order(
        planned,
        "create-http-check",
        "create-pool",
        f"join-pool/{FIRST}",
        "create-temporary-rule",
        "await-backends",
        "promote-endpoint",
        f"attach-ephemeral/{FIRST}",
    )
    (move,) = steps_of(planned, *MOVES)
    assert isinstance(move, PromoteEndpoint)
    assert move.target == RuleTarget(kind=TargetKind.POOL, name=FIRST)
    assert not [k for k in keys(planned) if "group" in k or "service" in k]


def test_a_newcomer_joins_the_pool_once_it_is_ready() -> None:
    seen = balanced("++", POOL)
    planned = plan(shaped(POOL), replicate(D), seen)
    assert_order(planned, "admit", "await-ready", f"join-pool/{NEW}", "await-backends")


def test_demotion_takes_pool_and_check_away_after_the_move() -> None:
    planned = plan(shaped(POOL), remove(1), balanced("++", POOL))
    name = name_of(1)
    assert_order(planned, f"leave-pool/{name}", "expel", "demote-endpoint", "delete-pool")
    assert_order(planned, "delete-pool", "delete-http-check")
    assert_order(planned, f"leave-pool/{name}", "delete-instance")


def test_a_replica_that_runs_is_left_a_while_to_answer() -> None:
    for sketch, drains in (("+++", True), ("++-", False)):
        planned = plan(shaped(POOL), remove(2), balanced(sketch, POOL))
        (leaving,) = steps_of(planned, LeavePool)
        assert isinstance(leaving, LeavePool)
        assert leaving.drain is drains


def test_a_pool_forgets_a_vm_that_somebody_deleted() -> None:
    """Compute Engine keeps its name there, and would lead clients to whoever bears it next."""
    seen = balanced("+++", POOL)
    assert seen.pool is not None
    stale = replace(seen.pool, members=(*seen.pool.members, (D, "kubernetes-master-bad")))
    planned = plan(shaped(POOL), remove(2), replace(seen, pool=stale))
    assert {"leave-pool/kubernetes-master-bad", f"leave-pool/{name_of(2)}"} <= set(keys(planned))
    assert no_duplicates(planned)


def parts(planned: Plan) -> Iterable[str]:
    return {k for k in keys(planned) if "pool" in k or "check" in k or "group" in k}


def test_a_teardown_finds_parts_of_both_kinds_whatever_the_blueprint_says() -> None:
    seen = balanced("++", POOL)
    group = InstanceGroup(name=f"{FIRST}-{B}", zone=B)
    planned = plan(shaped({}), TEARDOWN, replace(seen, groups=(group,)))
    assert parts(planned) == {"delete-pool", "delete-http-check", f"delete-group/{B}"}
    assert_order(planned, "delete-rule", "delete-pool", "delete-http-check", "release-address")


def test_the_address_of_a_vm_is_seen_as_such() -> None:
    """What the fakes draw: nobody carries the cluster IP where a rule has it."""
    seen = balanced("++")
    assert isinstance(seen.rule, ForwardingRule)
    configs = [r.instance.access_config for r in seen.replicas]
    assert all(isinstance(c, AccessConfig) and c.nat_ip != IP for c in configs)
