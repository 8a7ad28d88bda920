"""Forecasts: the sums and the words are those of a cluster in which it has happened."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hakube_gce import conditions, verdicts
from hakube_gce.errors import SettingsError, TargetNotFound
from hakube_gce.model import EndpointMode, Observed
from hakube_gce.whatif import EXAMPLES, Event, Forecast, Question, forecast, parse_question
from hakube_gce.whatif_text import forecast_lines, forecast_object
from tests.fakes.clusters import ZONES, cluster, name_of, nothing
from tests.fakes.quorum_judges import BLUEPRINT

B, C, D = ZONES


def ask(question: str, seen: Observed) -> Forecast:
    return forecast(parse_question(question), seen, BLUEPRINT)


def figures(found: Forecast) -> tuple[str, str, int, int, bool, bool]:
    return (
        found.before.value,
        found.after.value,
        found.then.healthy,
        found.then.voters,
        found.writable,
        found.endpoint_survives,
    )


@pytest.mark.parametrize(
    ("sketch", "question", "expected"),
    [
        ("+", f"lose zone {B}", ("healthy", "lost", 0, 1, False, False)),
        ("+", f"lose zone {C}", ("healthy", "healthy", 1, 1, True, True)),
        ("++", f"lose zone {B}", ("healthy", "lost", 1, 2, False, False)),
        ("+++", f"lose zone {B}", ("healthy", "at-risk", 2, 3, True, True)),
        ("+++", f"lose {name_of(2)}", ("healthy", "at-risk", 2, 3, True, True)),
        ("++-", f"lose zone {B}", ("at-risk", "lost", 1, 3, False, False)),
        ("++-", f"lose zone {D}", ("at-risk", "at-risk", 2, 3, True, True)),
        ("++++", f"lose zone {B}", ("healthy", "lost", 2, 4, False, False)),
        ("+++++", f"lose zone {B}", ("healthy", "at-risk", 3, 5, True, True)),
        ("+++++", f"lose zone {D}", ("healthy", "degraded", 4, 5, True, True)),
        ("+++", f"remove {name_of(1)}", ("healthy", "healthy", 2, 2, True, True)),
        ("++", f"remove {name_of(0)}", ("healthy", "healthy", 1, 1, True, True)),
        ("++-", f"remove {name_of(2)}", ("at-risk", "healthy", 2, 2, True, True)),
        ("+", f"add {C}", ("healthy", "healthy", 2, 2, True, True)),
        ("++", f"add {D}", ("healthy", "healthy", 3, 3, True, True)),
    ],
)
def test_what_would_be(
    sketch: str, question: str, expected: tuple[str, str, int, int, bool, bool]
) -> None:
    assert figures(ask(question, cluster(sketch))) == expected


@pytest.mark.parametrize(
    ("sketch", "question", "reason"),
    [
        ("+", f"remove {name_of(0)}", "LastMaster"),
        ("++-", f"remove {name_of(0)}", "QuorumAtRisk"),
        ("++-", f"add {D}", "DeadVoter"),
        ("+l", f"add {D}", "LearnerPending"),
        ("+-", f"remove {name_of(1)}", "QuorumUnknown"),
    ],
)
def test_what_would_be_refused_is_said_to_be(sketch: str, question: str, reason: str) -> None:
    seen = cluster(sketch)
    found = ask(question, seen)
    assert found.refused is not None
    assert found.refused.reason == reason
    assert found.before is found.after is verdicts.verdict(seen)
    assert found.next_command == found.refused.next_command
    assert f"it would be refused ({reason})" in "\n".join(forecast_lines(found))


def test_a_loss_agrees_with_what_status_would_say_of_it() -> None:
    """The forecast's sums are those of a cluster drawn with the master already dead."""
    for sketch, index, then in (("+++", 2, "++-"), ("+++++", 4, "++++-"), ("+++++", 0, "-++++")):
        found, real = ask(f"lose {name_of(index)}", cluster(sketch)), cluster(then)
        assert found.after is verdicts.verdict(real)
        assert found.then == conditions.majority(real, real.members)


def test_the_command_after_a_loss_removes_the_dead_one_and_before_a_fatal_one_adds() -> None:
    bearable = ask(f"lose {name_of(1)}", cluster("+++"))
    assert f"KUBE_REPLICA_NAME={name_of(1)} bin/kube-down.sh" in bearable.next_command
    assert forecast_lines(bearable)[-1].startswith("when it has happened, run: ")
    fatal = ask(f"lose {name_of(0)}", cluster("++"))
    assert f"KUBE_GCE_ZONE={D} KUBE_REPLICATE_EXISTING_MASTER=true" in fatal.next_command
    assert forecast_lines(fatal)[-1].startswith("before it happens, spread more ")


def test_before_a_fatal_loss_comes_back_who_is_off_as_nothing_can_be_added_till_then() -> None:
    fatal = ask(f"lose {name_of(0)}", cluster("++-"))
    assert fatal.next_command == f"KUBE_GCE_ZONE={D} bin/kube-up.sh"
    last = forecast_lines(fatal)[-1]
    assert last.startswith("before it happens, bring back the masters that are off; next: ")
    assert "until a majority of its voters is back" in forecast_lines(fatal)[2]


def test_the_vm_that_holds_the_cluster_ip_takes_it_along() -> None:
    two_without_balancer = cluster("+++", balancer=False)
    assert two_without_balancer.endpoint_mode is EndpointMode.VM
    assert not ask(f"lose {name_of(0)}", two_without_balancer).endpoint_survives
    assert ask(f"lose {name_of(1)}", two_without_balancer).endpoint_survives


@pytest.mark.parametrize("question", [f"lose {name_of(0)}", f"lose zone {B}"])
def test_a_loss_is_no_reason_to_doubt_a_clock(question: str) -> None:
    seen = cluster("+++")
    reported = seen.replicas[0].report
    assert reported is not None
    later = replace(reported, time=seen.server_time + timedelta(milliseconds=300))
    heard = replace(seen.replicas[0], report=later)
    found = ask(question, replace(seen, replicas=(heard, *seen.replicas[1:])))
    assert not [note for note in found.notes if "clock" in note], found.notes
    assert any("is off" in note for note in found.notes)


def test_a_few_lines_tell_it() -> None:
    assert forecast_lines(ask(f"lose zone {B}", cluster("+++"))) == (
        f"lose zone {B}: now 3 healthy of 3 voters, 2 needed; "
        "then 2 healthy of 3 voters, 2 needed",
        "verdict: healthy -> at-risk",
        "writing goes on and clients are served on the cluster IP; "
        "the next failure stops writing.",
        "note: kubernetes-master is off: kube-up starts it",
        "when it has happened, run: KUBE_DELETE_NODES=false "
        f"KUBE_GCE_ZONE={B} KUBE_REPLICA_NAME=kubernetes-master bin/kube-down.sh",
    )


def test_without_a_majority_it_says_what_goes_on_and_what_has_to_wait() -> None:
    """With a single master that is what its loss comes to."""
    said = forecast_lines(ask(f"lose {name_of(0)}", cluster("+")))[2]
    assert "Pods and services that run go on" in said
    for waits in ("kubectl", "new nodes", "scaling", "replacing pods", "removed or added"):
        assert waits in said
    assert "Pods" not in forecast_lines(ask(f"lose {name_of(0)}", cluster("+++")))[2]


def test_an_addition_has_the_warnings_of_the_cluster_it_makes() -> None:
    assert any("two masters" in note for note in ask(f"add {C}", cluster("+")).notes)
    assert ask(f"add {D}", cluster("++")).notes == ()


def test_where_nobody_answers_nothing_is_foretold() -> None:
    found = ask(f"lose {name_of(0)}", cluster("+??"))
    assert (found.before.value, found.writable, found.endpoint_survives) == (
        "unknown",
        False,
        False,
    )
    assert "nothing can be foretold" in forecast_lines(found)[2]


def test_what_cannot_be_read_makes_a_removal_unforeseeable() -> None:
    blind = replace(cluster("+++"), unreadable=("zone europe-west1-d",))
    found = ask(f"remove {name_of(0)}", blind)
    assert found.refused is not None
    assert found.refused.reason == "UnknownState"


def test_the_object_has_what_the_interface_promises() -> None:
    found = forecast_object(ask(f"lose {name_of(1)}", cluster("+++")))
    assert {k: found[k] for k in ("schema_version", "verb", "changed", "exit_status")} == {
        "schema_version": 1, "verb": "whatif", "changed": False, "exit_status": 0,
    }  # fmt: skip
    assert found["question"] == f"lose {name_of(1)}"
    assert found["verdict"] == {"before": "healthy", "after": "at-risk"}
    assert [found[k] for k in ("voters", "healthy", "quorum", "tolerates")] == [3, 2, 2, 0]
    assert (found["writable"], found["endpoint_survives"]) == (True, True)


@pytest.mark.parametrize(
    "question",
    [
        "", "lose", "lose zone", "lose zone ", "lose  zone x", "zone europe-west1-b", "lose a b",
        "lose zone a b", "LOSE x", "lose X", "add", "remove --all", "lose $(id)", "lose x\n",
        "lose \u0663", "kill x", "lose zone ../x", "\x1b[2J",
    ],
)  # fmt: skip
def test_a_question_not_understood_is_answered_with_examples(question: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_question(question)
    assert set(EXAMPLES) <= set(caught.value.problems)
    assert all(problem.isprintable() for problem in caught.value.problems)


def test_the_examples_are_questions() -> None:
    asked = [parse_question(e.split('"')[1]) for e in EXAMPLES]
    assert {q.event for q in asked} == set(Event)
    assert parse_question("lose x") == Question(event=Event.LOSE, subject="x")


@pytest.mark.parametrize(
    ("question", "seen"),
    [
        ("lose zone us-east1-b", cluster("+++")),
        ("add mars-north1-a", cluster("+++")),
        ("lose kubernetes-master-fff", cluster("+++")),
        ("remove nobody", cluster("+++")),
        (f"add {B}", nothing()),
    ],
)
def test_what_does_not_exist_is_named(question: str, seen: Observed) -> None:
    with pytest.raises(TargetNotFound):
        ask(question, seen)
