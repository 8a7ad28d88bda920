"""etcd's answers as the agent reads them: refusals by code and message, ids, alarms."""

import ast
from pathlib import Path

import pytest

from hakube_gce.agent import etcd as gateway
from hakube_gce.agent.etcd import EtcdGateway, decimal, hexadecimal, parse_members
from hakube_gce.agent.etcd_errors import classify
from hakube_gce.agent.ports import Etcd, EtcdError, EtcdTrouble, Member, Role
from hakube_gce.agent.quorum import is_lost_answer
from hakube_gce.agent.wire import Credentials

AGENT = Path(gateway.__file__).parent


@pytest.mark.parametrize(
    ("code", "message", "trouble"),
    [
        (14, "etcdserver: unhealthy cluster", "UNHEALTHY_CLUSTER"),
        (
            9,
            "etcdserver: can only promote a learner member which is in sync with leader",
            "NOT_IN_SYNC",
        ),
        (9, "etcdserver: can only promote a learner member", "NOT_A_LEARNER"),
        (9, "etcdserver: too many learner members in cluster", "TOO_MANY_LEARNERS"),
        (14, "etcdserver: rpc not supported for learner", "LEARNER_CANNOT"),
        (5, "etcdserver: member not found", "MEMBER_NOT_FOUND"),
        (
            2,
            "etcdserver: re-configuration failed due to not enough started members",
            "NOT_ENOUGH_STARTED",
        ),
        (4, "context deadline exceeded", "TIMEOUT"),
        (2, "context deadline exceeded", "TIMEOUT"),
        (14, "etcdserver: request timed out", "TIMEOUT"),
        (14, "etcdserver: request timed out, possibly due to previous leader failure", "TIMEOUT"),
        (9, "etcdserver: Peer URLs already exists", "PEER_URL_EXISTS"),
        (9, "etcdserver: bad leader transferee", "BAD_TRANSFEREE"),
        (9, "etcdserver: not leader", "NOT_LEADER"),
        (14, "etcdserver: no leader", "NO_LEADER"),
        (14, "etcdserver: leader changed", "LEADER_CHANGED"),
        (4, "something new", "TIMEOUT"),
        (13, "something new", "OTHER"),
    ],
)
def test_refusals_are_told_apart(code: int, message: str, trouble: str) -> None:
    error = classify(code, message)
    assert error.trouble is EtcdTrouble[trouble]
    assert error.message == message


@pytest.mark.parametrize("trouble", EtcdTrouble)
def test_what_is_unknown_is_never_taken_for_refused(trouble: EtcdTrouble) -> None:
    unknown = {EtcdTrouble.UNREACHABLE, EtcdTrouble.TIMEOUT, EtcdTrouble.LEADER_CHANGED}
    assert is_lost_answer(EtcdError(trouble, "")) is (trouble in unknown)


def test_members_are_read_as_the_gateway_writes_them() -> None:
    found = {
        "members": [
            {"ID": "10276657743932975437", "name": "m1", "peerURLs": ["https://10.0.0.2:2380"]},
            {"ID": "255", "peerURLs": ["https://10.0.0.3:2380"], "isLearner": True},
        ]
    }
    assert parse_members(found) == (
        Member(
            id="8e9e05c52164694d", name="m1", peer_url="https://10.0.0.2:2380", role=Role.VOTER
        ),
        Member(id="ff", name="", peer_url="https://10.0.0.3:2380", role=Role.LEARNER),
    )


def test_members_are_read_as_the_peer_port_writes_them() -> None:
    """There ids are numbers and keys are spelled another way."""
    found = {"members": [{"id": 255, "name": "m1", "peerURLs": ["u"], "clientURLs": []}]}
    assert parse_members(found) == (Member(id="ff", name="m1", peer_url="u", role=Role.VOTER),)


@pytest.mark.parametrize("number", ["1", "18446744073709551615", "10276657743932975437"])
def test_ids_survive_both_spellings(number: str) -> None:
    assert decimal(hexadecimal(number)) == number


def test_what_is_no_id_is_nobodys() -> None:
    with pytest.raises(EtcdError) as caught:
        decimal("m1")
    assert caught.value.trouble is EtcdTrouble.MEMBER_NOT_FOUND


def test_an_etcd_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    etcd: Etcd = EtcdGateway(
        address="127.77.255.254", credentials=Credentials(authority=tmp_path / "none"), port=1
    )
    with pytest.raises(EtcdError) as caught:
        etcd.status()
    assert caught.value.trouble is EtcdTrouble.UNREACHABLE


def test_no_call_in_the_agent_can_add_a_voter() -> None:
    """Read from the source: ``member/add`` is asked for once, and always for a learner."""
    additions = [
        node.args[1]
        for file in sorted(AGENT.glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and any("member/add" in str(getattr(word, "value", "")) for word in node.args)
    ]
    (question,) = additions
    assert isinstance(question, ast.Dict)
    assert {
        ast.unparse(k): ast.unparse(v)
        for k, v in zip(question.keys, question.values, strict=True)
        if k
    } == {
        "'peerURLs'": "[peer_url]",
        "'isLearner'": "True",
    }


def test_the_agents_etcd_has_no_other_way_in_than_as_a_learner() -> None:
    ways_in = [name for name in dir(Etcd) if name.startswith(("add", "update", "force"))]
    assert ways_in == ["add_learner"]


def test_nothing_of_ours_calls_the_models_way_to_add_a_voter() -> None:
    package = AGENT.parent
    callers = [
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if "add_voter" in file.read_text() and file.name != "membership.py"
    ]
    assert callers == []
