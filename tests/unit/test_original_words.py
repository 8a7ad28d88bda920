"""The lines of kube-up's own screen: said word for word, where the same thing happens."""

from dataclasses import dataclass, field

from hakube_gce import original_words
from hakube_gce.balancer_steps import AwaitBackends
from hakube_gce.model import Observed, Operation
from hakube_gce.plan.graph import Plan
from hakube_gce.plan.planner import plan
from tests.fakes.clusters import cluster
from tests.unit.test_plan import BLUEPRINT, CREATE, NEW, C, D, remove, replicate

P = BLUEPRINT.prefix


@dataclass(slots=True)
class Story:
    """What is said around the steps of a plan."""

    starts: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)


def told(planned: Plan) -> Story:
    assert planned.steps, "nothing was performed"
    story = Story()
    for p in planned.steps:
        story.starts += original_words.at_start(p.step, P)
        story.ends += original_words.at_end(p.step, P)
    return story


def planned(operation: Operation, seen: Observed) -> Plan:
    return plan(BLUEPRINT, operation, seen)


def test_the_second_master_gets_a_load_balancer_and_a_name_that_scripts_can_read() -> None:
    seen = cluster("+")
    assert original_words.before(planned(replicate(C), seen), seen) == (
        "Creating load balancer in front of an already existing master in europe-west1-b",
        "Experimental: replicating existing master europe-west1-b/kubernetes-master as "
        f"europe-west1-c/{NEW}",
    )
    assert told(planned(replicate(C), seen)) == Story(
        starts=["Waiting for the load balancer configuration to propagate..."], ends=["DONE"]
    )


def test_a_third_master_finds_the_load_balancer_and_waits_for_nothing() -> None:
    seen = cluster("++")
    ready = planned(replicate(D), seen)
    assert original_words.before(ready, seen)[0] == "Load balancer already exists"
    assert original_words.before(ready, seen)[1].endswith(f" as europe-west1-d/{NEW}")
    assert any(isinstance(p.step, AwaitBackends) for p in ready.steps)
    assert told(ready) == Story()


def test_a_removal_names_the_member_that_went_and_the_port_it_had() -> None:
    seen = cluster("+++")
    assert original_words.before(planned(remove(2), seen), seen) == ()
    gone = seen.replicas[2].name
    assert told(planned(remove(2), seen)).ends == [
        f"Removing etcd replica, name: {gone}, port: 2379, result: 0"
    ]


def test_a_member_that_does_not_come_is_told_and_nothing_else_is() -> None:
    steps = planned(replicate(C), cluster("+")).steps
    said = {p.key: original_words.at_failure(p.step) for p in steps}
    assert said.pop(next(key for key in said if key.startswith("admit"))) == (
        "Failed to add master replica to etcd cluster.",
    )
    assert set(said.values()) == {()}


def test_a_new_cluster_says_where_it_is() -> None:
    url = "https://203.0.113.5"
    assert original_words.after(CREATE, url) == (
        "Kubernetes cluster is running.  The master is running at:",
        "",
        f"  {url}",
    )
    assert original_words.after(replicate(C), url) == ()
