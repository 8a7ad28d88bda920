"""What the mode switches wish for, one row per wish."""

import pytest

from hakube_gce.errors import SettingsError
from hakube_gce.intents import Command
from hakube_gce.model import Verb
from hakube_gce.settings import Settings

HERE = {"HOME": "/h", "KUBERNETES_PROVIDER": "emulator", "KUBE_GCE_ZONE": "europe-west1-b"}
UP, DOWN = Command.UP, Command.DOWN


def parse(command: Command, variables: dict[str, str]) -> Settings:
    return Settings.parse({**HERE, **variables}, command=command)


@pytest.mark.parametrize(
    ("command", "variables", "verb"),
    [
        (UP, {}, Verb.CREATE),
        (UP, {"KUBE_REPLICATE_EXISTING_MASTER": "true"}, Verb.REPLICATE),
        (UP, {"KUBE_REPLICATE_EXISTING_MASTER": "True"}, Verb.REPLICATE),
        (UP, {"KUBE_REPLICATE_EXISTING_MASTER": "false"}, Verb.CREATE),
        (UP, {"KUBE_DELETE_NODES": "false"}, Verb.CREATE),
        (UP, {"KUBE_USE_EXISTING_MASTER": "true"}, Verb.ADD_NODES),
        (DOWN, {}, Verb.TEARDOWN),
        (DOWN, {"KUBE_DELETE_NODES": "true"}, Verb.TEARDOWN),
        (DOWN, {"KUBE_DELETE_NODES": ""}, Verb.TEARDOWN),
        (DOWN, {"KUBE_DELETE_NODES": "false"}, Verb.REMOVE),
        (DOWN, {"KUBE_DELETE_NODES": "False"}, Verb.REMOVE),
        (DOWN, {"KUBE_DELETE_NODES": "0"}, Verb.REMOVE),
        (DOWN, {"KUBE_DELETE_NODES": "no "}, Verb.REMOVE),
        (DOWN, {"KUBE_REPLICA_NAME": "kubernetes-master-7c1"}, Verb.REMOVE),
    ],
)
def test_switches_make_one_wish(command: Command, variables: dict[str, str], verb: Verb) -> None:
    intent = parse(command, variables).intent
    assert intent is not None
    assert (intent.verb, intent.zone) == (verb, "europe-west1-b")
    assert intent.replica_name == variables.get("KUBE_REPLICA_NAME", "")


@pytest.mark.parametrize(
    ("command", "variables", "word"),
    [
        (
            UP,
            {"KUBE_USE_EXISTING_MASTER": "true", "KUBE_MASTER_ZONES": "europe-west1-b"},
            "contradict each other",
        ),
        (
            UP,
            {"KUBE_USE_EXISTING_MASTER": "true", "KUBE_REPLICATE_EXISTING_MASTER": "true"},
            "both true",
        ),
        (DOWN, {"KUBE_DELETE_NODES": "true", "KUBE_REPLICA_NAME": "a"}, "the whole cluster away"),
        (DOWN, {"HAKUBE_CONFIRM_TEARDOWN": "yes"}, "which is kubernetes"),
        (DOWN, {"HAKUBE_CONFIRM_TEARDOWN": "Kubernetes"}, "which is kubernetes"),
    ],
)
def test_what_contradicts_itself_is_refused(
    command: Command, variables: dict[str, str], word: str
) -> None:
    with pytest.raises(SettingsError, match=word) as caught:
        parse(command, variables)
    assert len(caught.value.problems) == 1


def test_the_confirming_word_is_the_clusters_name() -> None:
    for prefix in ("kubernetes", "other"):
        named = {"KUBE_GCE_INSTANCE_PREFIX": prefix, "HAKUBE_CONFIRM_TEARDOWN": prefix}
        intent = parse(DOWN, named).intent
        assert intent is not None
        assert intent.confirmed_teardown
    intent = parse(DOWN, {}).intent
    assert intent is not None
    assert not intent.confirmed_teardown


@pytest.mark.parametrize(
    ("command", "variables", "word"),
    [
        (DOWN, {"KUBE_REPLICA_NAME": "kubernetes-master-7c1"}, "only kubernetes-master-7c1 goes"),
        (DOWN, {"KUBE_REPLICATE_EXISTING_MASTER": "true"}, "no meaning for kube-down"),
        (DOWN, {"KUBE_USE_EXISTING_MASTER": "true"}, "no meaning for kube-down"),
        (UP, {"KUBE_REPLICA_NAME": "kubernetes-master-7c1"}, "only tells kube-down"),
    ],
)
def test_what_is_understood_otherwise_than_written_is_said(
    command: Command, variables: dict[str, str], word: str
) -> None:
    (warning,) = parse(command, variables).warnings
    assert word in warning


def test_a_plain_removal_says_nothing() -> None:
    plain = {"KUBE_DELETE_NODES": "false", "KUBE_REPLICA_NAME": "kubernetes-master"}
    assert parse(DOWN, plain).warnings == ()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"KUBE_GCE_INSTANCE_PREFIX": "a" * 32}, True),
        ({"KUBE_GCE_INSTANCE_PREFIX": "a" * 32, "NUM_NODES": "0"}, False),
        ({"KUBE_GCE_INSTANCE_PREFIX": "a" * 32, "KUBE_REPLICATE_EXISTING_MASTER": "true"}, False),
        ({"KUBE_GCE_INSTANCE_PREFIX": "a" * 31}, False),
    ],
)
def test_nodes_that_cannot_join_for_their_long_names_are_told_beforehand(
    variables: dict[str, str], *, said: bool
) -> None:
    warnings = parse(UP, variables).warnings
    assert any("cannot join" in warning for warning in warnings) is said
