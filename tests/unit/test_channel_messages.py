"""Lines and requests as text: the protocol to the letter, and nothing unsigned believed."""

import base64
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hakube_gce.agent_trust import agent_key
from hakube_gce.answers import plain, result_of
from hakube_gce.channel_messages import (
    Request,
    certificates_text,
    hello_of,
    is_signed,
    parse_lines,
    request_text,
)
from hakube_gce.cluster_keys import ClusterKeys
from hakube_gce.errors import AgentRefused, AnswerForged, ChannelError, KeysError
from hakube_gce.heartbeats import report_of
from hakube_gce.leaves import ReplicaNames
from hakube_gce.model import Member, Role
from hakube_gce.pki import issue_leaves, new_cluster_keys
from tests.fakes.signing_agent import SigningAgent

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
NAMES = ReplicaNames(
    name="kubernetes-master",
    prefix="kubernetes",
    internal_ip="10.0.0.2",
    cluster_ip="203.0.113.5",
    service_cidr="10.0.0.0/16",
    dns_domain="cluster.local",
)
AGENT = SigningAgent("4711", nonce="ab" * 16)


@pytest.fixture(scope="module")
def keys() -> ClusterKeys:
    return new_cluster_keys("kubernetes", "0" * 16, now=NOW, randomness=os.urandom)


@pytest.fixture(scope="module")
def leaves(keys: ClusterKeys) -> dict[str, str]:
    return issue_leaves(keys, AGENT.requests, NAMES, now=NOW, randomness=os.urandom)


def parsed(line: str) -> dict[str, Any]:
    (value,) = parse_lines(line + "\n")
    return dict(value)


# ----------------------------------------------------------------------------------------- lines


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "[    0.000000] Linux version",
        "[]",
        "{",
        '{"type":"heartbeat"}',
        '{"hakube":2,"type":"heartbeat"}',
        "{" * 100_000,
        '{"hakube":1,"a":' + "[" * 100_000,
        '{"hakube":1,"a":' + "9" * 5000 + "}",
        '{"hakube":1,"a":"' + "x" * 200_000 + '"}',
    ],
)
def test_what_is_no_line_of_ours_is_skipped(junk: str) -> None:
    text = f"{junk}\n{AGENT.heartbeat()}"
    assert [line["type"] for line in parse_lines(text)] == ["heartbeat"]


def test_lines_that_a_terminal_ended_with_crlf_count() -> None:
    line = parsed(AGENT.heartbeat().rstrip("\n") + "\r")
    assert is_signed(line, AGENT.keys["agent"].public_key())


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=5))
def test_whatever_an_agent_signs_is_verified_and_no_change_of_it_is(
    fields: dict[str, str],
) -> None:
    reserved = {"sig", "hakube"}
    line = parsed(AGENT.line("x", {k: v for k, v in fields.items() if k not in reserved}))
    key = AGENT.keys["agent"].public_key()
    assert is_signed(line, key)
    assert not is_signed({**line, "more": 1}, key)


@pytest.mark.parametrize("signature", [None, 7, "", "AAAA", "not base64!", "\u00e4"])
def test_a_line_without_a_good_signature_is_not_signed(signature: object) -> None:
    line = parsed(AGENT.heartbeat()) | {"sig": signature}
    assert not is_signed(line, AGENT.keys["agent"].public_key())


def test_another_replicas_signature_is_not_good() -> None:
    line = parsed(AGENT.heartbeat())
    assert not is_signed(line, SigningAgent("4711").keys["agent"].public_key())


# ----------------------------------------------------------------------------------------- hello


def test_a_hello_that_proves_itself_is_taken() -> None:
    hello = hello_of(parsed(AGENT.hello()), instance_id="4711", nonce="ab" * 16)
    assert hello is not None
    assert hello.requests == AGENT.requests


@pytest.mark.parametrize(
    "line",
    [
        AGENT.heartbeat(nonce="ab" * 16),
        AGENT.hello(nonce="cd" * 16),
        AGENT.hello(instance_id="4712"),
        AGENT.hello(requests=None),
        AGENT.hello(requests={"agent": 7}),
        AGENT.hello(requests={}),
        AGENT.hello(requests=SigningAgent("4711").requests),
        AGENT.hello(sealing_certificate=None),
        AGENT.hello().replace('"boot_id": "b1"', '"boot_id": "b2"'),
    ],
    ids=[
        "another type",
        "another nonce",
        "another VM",
        "no requests",
        "requests that are no text",
        "no agent's request",
        "a key the sender does not have",
        "no sealing certificate",
        "changed on its way",
    ],
)
def test_a_hello_that_does_not_prove_itself_is_none(line: str) -> None:
    assert hello_of(parsed(line), instance_id="4711", nonce="ab" * 16) is None


# ----------------------------------------------------------------------------------------- trust


def test_the_agents_certificate_gives_its_key(keys: ClusterKeys, leaves: dict[str, str]) -> None:
    text = certificates_text(keys.authorities(), leaves)
    for known in ("", keys.cluster.certificate):
        key = agent_key(text, replica="kubernetes-master", cluster_ca=known)
        assert key == AGENT.keys["agent"].public_key()


def test_a_replica_without_certificates_has_no_key() -> None:
    assert agent_key("", replica="kubernetes-master", cluster_ca="") is None


def test_a_look_alike_cluster_is_not_believed(keys: ClusterKeys, leaves: dict[str, str]) -> None:
    other = new_cluster_keys("kubernetes", "0" * 16, now=NOW, randomness=os.urandom)
    text = certificates_text(keys.authorities(), leaves)
    with pytest.raises(AnswerForged, match="not the one this machine knows"):
        agent_key(text, replica="kubernetes-master", cluster_ca=other.cluster.certificate)


def test_one_replica_cannot_speak_for_another(keys: ClusterKeys, leaves: dict[str, str]) -> None:
    text = certificates_text(keys.authorities(), leaves)
    with pytest.raises(AnswerForged, match="issued for something else"):
        agent_key(text, replica="kubernetes-master-7c1", cluster_ca="")


def tampered(change: Callable[[dict[str, Any]], None]) -> Callable[[str], str]:
    def apply(text: str) -> str:
        value = json.loads(text)
        change(value)
        return json.dumps(value)

    return apply


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "junk",
        lambda _: "[]",
        lambda _: "{}",
        tampered(lambda v: v["leaves"].pop("agent")),
        tampered(lambda v: v["leaves"].update(agent=7)),
        tampered(lambda v: v["leaves"].update(agent="junk")),
        tampered(lambda v: v["authorities"].update(cluster="junk")),
        tampered(lambda v: v["leaves"].update(agent=v["leaves"]["apiserver"])),
        tampered(lambda v: v["leaves"].update(agent=v["leaves"]["etcd"])),
        tampered(lambda v: v["authorities"].update(cluster=v["authorities"]["etcd"])),
    ],
    ids=[
        "no JSON",
        "no object",
        "empty",
        "no agent",
        "agent is a number",
        "agent is junk",
        "authority is junk",
        "the apiserver's leaf",
        "etcd's leaf",
        "etcd's authority",
    ],
)
def test_certificates_that_do_not_fit_are_never_used(
    keys: ClusterKeys, leaves: dict[str, str], change: Callable[[str], str]
) -> None:
    text = change(certificates_text(keys.authorities(), leaves))
    with pytest.raises(AnswerForged) as caught:
        agent_key(text, replica="kubernetes-master", cluster_ca="")
    assert "hakube-certificates" in caught.value.hint


def test_private_keys_never_go_into_the_certificates(
    keys: ClusterKeys, leaves: dict[str, str]
) -> None:
    with pytest.raises(KeysError, match="does not go into metadata"):
        certificates_text(keys.authorities(), leaves | {"etcd": keys.etcd.key})
    with pytest.raises(KeysError, match="does not go into metadata"):
        certificates_text(keys.authorities(), {"etcd": leaves["etcd"] + keys.etcd.key})


# ------------------------------------------------------------------------------------- heartbeats


def test_a_heartbeat_becomes_a_report() -> None:
    report = report_of(parsed(AGENT.heartbeat()))
    assert report is not None
    assert (report.time, report.boot_id, report.phase, report.epoch) == (NOW, "b1", "running", 7)
    assert (report.role, report.applied_index, report.etcd_healthy) == (Role.VOTER, 41, True)
    member = Member(
        id="8e9e05c52164694d",
        name="kubernetes-master",
        peer_url="https://10.0.0.2:2380",
        role=Role.VOTER,
    )
    assert report.members == (member,)
    assert report.certificates_expire == datetime(2027, 12, 24, tzinfo=UTC)


def test_an_answer_to_report_is_one_too() -> None:
    request = {"id": "a" * 32, "verb": "report"}
    fields = {"phase": "running", "epoch": 9, "term": 3}
    report = report_of(parsed(AGENT.answer(request, fields)))
    assert report is not None
    assert (report.time, report.epoch, report.term) == (NOW, 9, 3)


def test_an_answer_to_something_else_is_none() -> None:
    request = {"id": "a" * 32, "verb": "admit"}
    assert report_of(parsed(AGENT.answer(request, {"phase": "running", "epoch": 9}))) is None


def test_a_booting_agent_may_leave_out_what_it_does_not_know() -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        (
            "cluster_id",
            "member_id",
            "role",
            "leader_id",
            "term",
            "applied_index",
            "db_size_bytes",
            "etcd_healthy",
            "etcd_version",
            "alarms",
            "members",
            "apiserver_ready",
            "certificates_expire",
        )
    )
    report = report_of(parsed(AGENT.heartbeat(phase="booting", **nothing)))
    assert report is not None
    assert (report.role, report.members, report.etcd_healthy) == (None, (), False)


@pytest.mark.parametrize(
    "change",
    [
        {"time": "yesterday"},
        {"time": "2026-11-21T06:00:00"},
        {"boot_id": 7},
        {"phase": None},
        {"epoch": True},
        {"epoch": -1},
        {"epoch": "7"},
        {"role": "king"},
        {"etcd_healthy": "true"},
        {"apiserver_ready": 1},
        {"alarms": ["NOSPACE", 7]},
        {"alarms": "NOSPACE"},
        {"members": [7]},
        {"members": [{"id": "1", "peer_url": "u"}]},
        {"applied_index": 1.5},
        {"certificates_expire": 7},
    ],
)
def test_half_a_report_is_none(change: dict[str, object]) -> None:
    assert (
        report_of(parsed(AGENT.line("heartbeat", {"phase": "running", "epoch": 1} | change)))
        is None
    )


# ------------------------------------------------------------------------------ requests, answers


def test_a_request_is_written_as_the_protocol_says() -> None:
    request = Request(
        id="a" * 32,
        verb="admit",
        instance_id="4711",
        epoch=7,
        expires=datetime(2026, 11, 21, 6, 20, tzinfo=UTC),
        args={"timeout_s": 120},
    )
    assert json.loads(request_text(request)) == {
        "schema": 1,
        "id": "a" * 32,
        "verb": "admit",
        "instance_id": "4711",
        "epoch": 7,
        "expires": "2026-11-21T06:20:00Z",
        "args": {"timeout_s": 120},
    }
    assert json.loads(request_text(replace(request, args={})))["args"] == {}


def test_a_good_answer_gives_its_result() -> None:
    line = {"ok": True, "result": {"phase": "running"}}
    assert result_of(line, replica="m", verb="install") == {"phase": "running"}


@pytest.mark.parametrize("code", ["refused", "stale"])
def test_a_refusal_is_told_from_a_failure(code: str) -> None:
    line = {"ok": False, "error": {"code": code, "message": "no quorum"}}
    with pytest.raises(AgentRefused, match="m refused 'expel': no quorum") as caught:
        result_of(line, replica="m", verb="expel")
    assert (caught.value.code, caught.value.replica, caught.value.exit_status) == (code, "m", 5)


@pytest.mark.parametrize(
    "line",
    [
        {"ok": False, "error": {"code": "failed", "message": "no"}},
        {"ok": False, "error": {"code": "unknown-verb", "message": "no"}},
        {"ok": False, "error": "no"},
        {"ok": False},
        {"ok": "true", "result": {}},
        {"ok": True, "result": []},
    ],
)
def test_everything_else_is_a_failure(line: dict[str, object]) -> None:
    with pytest.raises(ChannelError) as caught:
        result_of(line, replica="m", verb="expel")
    assert type(caught.value) is ChannelError


def test_text_from_a_vm_cannot_steer_a_terminal() -> None:
    assert plain("\x1b[2Jgone\r\nnext\u202e") == " [2Jgone  next "
    assert len(plain("x" * 9999)) == 2000


def test_the_signature_covers_the_canonical_form_as_openssl_would_sign_it() -> None:
    line = parsed(AGENT.heartbeat(detail="\u00fcber"))
    bare = {k: v for k, v in line.items() if k != "sig"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert "\\u00fcber" in text
    assert base64.b64decode(str(line["sig"]))[0] == 0x30
    assert is_signed(line, AGENT.keys["agent"].public_key())
