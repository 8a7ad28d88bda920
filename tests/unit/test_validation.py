"""When a cluster counts as ready, and what is said of it. No clock but the test's."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from hakube_gce import node_wait, validate, validation
from hakube_gce.assemble import Means
from hakube_gce.errors import ClusterSilent, Interrupted, Unavailable
from hakube_gce.model import Nodes
from hakube_gce.node_resources import ManagedGroup
from hakube_gce.plan import commands
from hakube_gce.ports import Clock as PortClock
from hakube_gce.settings import Settings
from hakube_gce.validation import Judgement, NodeState, Wanted
from tests.fakes.clusters import cluster
from tests.unit.test_plan import BLUEPRINT

THREE = Wanted(nodes=3, allowed_not_ready=0, additional_time_s=30)
LAX = Wanted(nodes=3, allowed_not_ready=1, additional_time_s=30)
FINE = (("etcd", True),)


def nodes(sketch: str) -> tuple[NodeState, ...]:
    """``+`` a ready node, ``-`` one that is not."""
    return tuple(NodeState(name=f"node-{i}", ready=c == "+") for i, c in enumerate(sketch))


def test_a_node_is_waited_for_for_every_master_and_for_every_vm_of_the_groups() -> None:
    settings = Settings.parse(
        {"HOME": "/home/me", "KUBERNETES_PROVIDER": "emulator", "ALLOWED_NOTREADY_NODES": "2"}
    )
    groups = tuple(
        ManagedGroup(name=f"group-{i}", zone="b", template="t", target_size=size, stable=True)
        for i, size in enumerate((3, 4))
    )
    seen = replace(cluster("+++"), nodes=Nodes(groups=groups))
    found = validate.wanted(settings, seen)
    assert (found.nodes, found.required) == (3 + 3 + 4, 8)


def test_a_master_that_is_off_is_named_before_it_is_waited_for() -> None:
    (said,) = validate.notes(cluster("+-+"))
    assert "TERMINATED" in said
    assert "kube-up starts it" in said
    assert validate.notes(cluster("+?+")) == ()


@pytest.mark.parametrize(
    ("wanted", "sketch", "enough_for_s", "judgement"),
    [
        (THREE, "+++", 0, Judgement.READY),
        (THREE, "++++", 0, Judgement.READY),
        (THREE, "++-", 1000, Judgement.WAIT),
        (THREE, "", 0, Judgement.WAIT),
        (LAX, "++", 29, Judgement.WAIT),
        (LAX, "++", 30, Judgement.ENOUGH),
        (LAX, "+--", 1000, Judgement.WAIT),
        (Wanted(nodes=1, allowed_not_ready=5, additional_time_s=0), "", 0, Judgement.ENOUGH),
    ],
)
def test_how_many_ready_nodes_are_enough(
    wanted: Wanted, sketch: str, enough_for_s: float, judgement: Judgement
) -> None:
    assert validation.judge(wanted, nodes(sketch), enough_for_s=enough_for_s) is judgement


def test_the_end_is_told_in_the_original_s_words() -> None:
    assert validation.summary(THREE, nodes("+++"), FINE) == (
        "Found 3 node(s).",
        "Validate output:",
        "  etcd: ok",
        "Cluster validation succeeded",
    )
    assert "in working order" in validation.summary(LAX, nodes("++-"), FINE)[-1]
    assert "1 more than there are VMs" in validation.summary(THREE, nodes("++++"), FINE)[0]


@dataclass(slots=True)
class Clock:
    passed_s: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        self.passed_s += seconds


@dataclass(slots=True)
class Api:
    """Shows one list after the other, the last for ever; an empty sketch does not answer."""

    looks: list[str]
    asked: int = 0
    checked: list[bool] = field(default_factory=lambda: [True])

    def nodes(self) -> tuple[NodeState, ...]:
        self.asked += 1
        sketch = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if not sketch:
            raise ClusterSilent("https://203.0.113.2 does not answer")
        return nodes(sketch)

    def checks(self) -> tuple[tuple[str, bool], ...]:
        return (("etcd", self.checked.pop(0) if len(self.checked) > 1 else self.checked[0]),)


def test_nodes_are_waited_for_and_an_api_that_comes_later_too() -> None:
    api, clock, said = Api(["", "+--", "++-", "+++"]), Clock(), list[str]()
    ended = node_wait.wait(api, THREE, clock=clock, say=said.append)
    assert [n.ready for n in ended.nodes] == [True] * 3
    assert api.asked == 4
    assert clock.passed_s == 3 * node_wait.POLL_S


def test_those_that_are_allowed_to_be_missing_get_their_additional_time() -> None:
    clock = Clock()
    ended = node_wait.wait(Api(["++-"]), LAX, clock=clock, say=lambda _: None)
    assert sum(n.ready for n in ended.nodes) == 2
    assert clock.passed_s == LAX.additional_time_s


@pytest.mark.parametrize(
    ("look", "said"), [("++-", "2 ready nodes, 3 registered"), ("", "answer")]
)
def test_it_is_given_up_after_the_original_s_time(look: str, said: str) -> None:
    clock, lines = Clock(), list[str]()
    with pytest.raises(ClusterSilent, match=said):
        node_wait.wait(Api([look]), THREE, clock=clock, say=lines.append)
    assert clock.passed_s >= node_wait.TIMEOUT_S
    assert len(lines) > 50, "a line every fifteen seconds"


def test_nodes_that_ask_are_answered_while_they_are_waited_for() -> None:
    api, clock, answers = Api(["+--"]), Clock(), list[float]()

    def answer() -> None:
        answers.append(clock.passed_s)
        api.looks = ["+" * len(answers) + "-" * (3 - len(answers))]

    node_wait.wait(api, THREE, clock=clock, say=lambda _: None, meanwhile=answer)
    assert answers == [16, 32, 48], "every fifteen seconds, at the next look"


def test_many_nodes_are_answered_less_often_than_few() -> None:
    clock, answers = Clock(), list[float]()
    thousand = Wanted(nodes=1000, allowed_not_ready=0, additional_time_s=0)
    with pytest.raises(ClusterSilent):
        node_wait.wait(
            Api(["+"]),
            thousand,
            clock=clock,
            say=lambda _: None,
            meanwhile=lambda: answers.append(clock.passed_s),
        )
    assert len(answers) == node_wait.TIMEOUT_S / 100 - 1


@pytest.mark.parametrize(("look", "fine"), [("++-", True), ("", True), ("+++", False)])
def test_whatever_it_ends_with_says_how_to_go_on_without_changing_anything_again(
    look: str, fine: bool
) -> None:
    """A replication said twice adds two: what is left of it is the validation alone."""
    api = Api([look], checked=[fine])
    with pytest.raises(ClusterSilent) as ended:
        node_wait.wait(api, THREE, clock=Clock(), say=lambda _: None, again="hakube validate")
    assert ended.value.next_command == "hakube validate"


def test_a_signal_while_it_waits_leaves_the_same_word() -> None:
    def stopped(_seconds: float) -> None:
        raise Interrupted("stopped by SIGINT", signal_number=2)

    clock = cast("PortClock", SimpleNamespace(monotonic=lambda: 0.0, sleep=stopped))
    with pytest.raises(Interrupted) as ended:
        node_wait.wait(Api(["++-"]), THREE, clock=clock, say=print, again="hakube validate")
    assert ended.value.next_command == "hakube validate"


def test_the_command_that_validates_again_allows_for_as_many_missing_nodes() -> None:
    line = commands.validate(BLUEPRINT, "europe-west1-b", allowed_not_ready=0)
    assert line == f"KUBE_GCE_ZONE=europe-west1-b {BLUEPRINT.programs[2]} validate"
    allowed = commands.validate(BLUEPRINT, "europe-west1-b", allowed_not_ready=2)
    assert "ALLOWED_NOTREADY_NODES=2" in allowed.split()


def test_a_check_that_fails_is_asked_again_a_few_times() -> None:
    ended = node_wait.wait(
        Api(["+++"], checked=[False, False, True]), THREE, clock=Clock(), say=lambda _: None
    )
    assert ended.checks == (("etcd", True),)


def test_checks_that_go_on_failing_end_no_command_well() -> None:
    clock = Clock()
    with pytest.raises(ClusterSilent, match="the API server's own checks fail: etcd"):
        node_wait.wait(Api(["+++"], checked=[False]), THREE, clock=clock, say=lambda _: None)
    assert clock.passed_s == 5 * 30.0, "the original's patience"


def test_nodes_are_counted_by_a_whole_look() -> None:
    """In a partial list masters are missing, and would not be waited for."""
    whole = cluster("+++")
    hole = replace(whole, replicas=whole.replicas[:2], unreadable=("zones/europe-west1-d",))
    pictures = [hole, hole, whole]
    means = SimpleNamespace(
        observer=SimpleNamespace(observe=lambda: pictures.pop(0)), waits=Clock()
    )
    assert validate.whole_look(cast("Means", means)) is whole
    for_good = SimpleNamespace(observer=SimpleNamespace(observe=lambda: hole), waits=Clock())
    with pytest.raises(Unavailable, match="europe-west1-d"):
        validate.whole_look(cast("Means", for_good))
