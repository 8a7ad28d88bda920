"""What the agent does and refuses, told through the channel: its core over the model of etcd."""

import base64
import datetime as dt
import json

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from hakube_gce.emulator.membership_state import Rules
from tests.fakes.agent_operator import NONCE, Line, Operator, check_signature, stamp
from tests.fakes.records_lab import RecordsLab


def lab_of(*names: str, rules: Rules | None = None) -> RecordsLab:
    lab = RecordsLab(rules=rules)
    lab.found(names[0])
    for name in names[1:]:
        answer = lab.join(name, via=names[0])
        assert answer["ok"], answer
        lab.clock.advance(10)
    return lab


def error(answer: Line) -> tuple[str, str]:
    assert not answer["ok"], answer
    return answer["error"]["code"], answer["error"]["message"]


def members(lab: RecordsLab, via: str = "m1") -> dict[str, str]:
    """Return name → role, as a master lists them."""
    return {m["name"]: m["role"] for m in lab.heartbeat(via)["members"]}


# ------------------------------------------------------------------------------- first words


def test_a_new_master_says_hello_bound_to_its_birth() -> None:
    lab = RecordsLab()
    vm = lab.insert("m1")
    hello = lab.hello("m1")
    assert hello["nonce"] == NONCE
    assert hello["instance_id"] == vm.id
    assert sorted(hello["requests"]) == ["agent", "apiserver", "etcd", "etcd-client"]
    check_signature(hello, hello["requests"]["agent"])
    assert lab.heartbeat("m1")["phase"] == "waiting-for-certificates"


def test_hello_is_said_once_per_boot_and_again_at_a_request() -> None:
    lab = RecordsLab()
    lab.insert("m1")
    for _ in range(3):
        lab.output("m1")
    assert sum(x["type"] == "hello" for x in lab.lines("m1")) == 1
    lab.ask("m1", "report")
    assert sum(x["type"] == "hello" for x in lab.lines("m1")) == 2


def test_no_line_carries_a_private_key() -> None:
    lab = lab_of("m1", "m2")
    for name in ("m1", "m2"):
        assert b"PRIVATE" not in lab.output(name)


def test_every_later_line_is_signed_by_the_issued_agent_key() -> None:
    lab = lab_of("m1", "m2")
    for name in ("m1", "m2"):
        for line in lab.lines(name):
            check_signature(line, lab.issued(name, "agent"))
    forged = lab.heartbeat("m1") | {"phase": "failed"}
    with pytest.raises(InvalidSignature):
        check_signature(forged, lab.issued("m1", "agent"))


# ---------------------------------------------------------------------------------- install


def test_a_founder_answers_when_etcd_and_api_server_are_healthy() -> None:
    lab = RecordsLab()
    lab.insert("m1")
    assert lab.install("m1", role="founder")["result"] == {"phase": "running"}
    beat = lab.heartbeat("m1")
    assert (beat["etcd_healthy"], beat["apiserver_ready"], beat["role"]) == (True, True, "voter")
    assert beat["certificates_expire"] == "2027-12-24T06:00:00.000Z"
    assert lab.runtime.serves(lab.vms["m1"])


def test_a_joiner_waits_and_starts_nothing() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    assert lab.install("m2", role="joiner")["result"] == {"phase": "installed"}
    beat = lab.heartbeat("m2")
    assert (beat["phase"], beat["member_id"]) == ("installed", "")
    assert members(lab) == {"m1": "voter"}


@pytest.mark.parametrize("leaf", ["agent", "etcd", "etcd-client", "apiserver"])
def test_a_leaf_of_another_key_is_not_installed(leaf: str) -> None:
    lab = RecordsLab()
    vm = lab.insert("m1")
    lab.insert("m2")
    hello, other = lab.hello("m1"), lab.hello("m2")
    mixed = hello | {"requests": hello["requests"] | {leaf: other["requests"][leaf]}}
    certificates = lab.operator.certificates(mixed, name="m1", address=vm.internal_ip)
    answer = lab.send(
        "m1",
        lab.operator.install_request(hello, role="founder"),
        **{"hakube-certificates": json.dumps(certificates)},
    )
    assert error(answer) == ("failed", f"certificate {leaf} does not fit: it holds another key")
    assert lab.heartbeat("m1")["phase"] == "waiting-for-certificates"


def test_a_leaf_of_the_wrong_authority_is_not_installed() -> None:
    lab = RecordsLab()
    vm = lab.insert("m1")
    hello = lab.hello("m1")
    certificates = lab.operator.certificates(hello, name="m1", address=vm.internal_ip)
    certificates["leaves"]["etcd"] = lab.operator.issue(
        "etcd", hello["requests"]["etcd"], name="m1", address=vm.internal_ip, issuer="cluster"
    )
    answer = lab.send(
        "m1",
        lab.operator.install_request(hello, role="founder"),
        **{"hakube-certificates": json.dumps(certificates)},
    )
    code, message = error(answer)
    assert (code, message.startswith("certificate etcd does not fit")) == ("failed", True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"request_id": "0" * 32}, "refused"),
        ({"instance_id": "1"}, "refused"),
        ({"expires": "2026-11-21T05:59:59Z"}, "refused"),
        ({"keys": {}}, "failed"),
    ],
    ids=["other request", "other VM", "expired", "keys missing"],
)
def test_an_envelope_that_does_not_fit_is_not_used(change: dict[str, object], code: str) -> None:
    lab = RecordsLab()
    lab.insert("m1")
    assert error(lab.install("m1", role="founder", **change))[0] == code
    assert lab.heartbeat("m1")["phase"] == "waiting-for-certificates"


def test_an_envelope_with_another_authority_than_the_metadata_is_refused() -> None:
    lab = RecordsLab()
    lab.insert("m1")
    stranger = Operator(now=lab.clock.now())
    answer = lab.install("m1", role="founder", keys=stranger.shared_keys())
    assert error(answer)[0] == "refused"


def test_an_envelope_to_somebody_else_does_not_open() -> None:
    lab = RecordsLab()
    vm = lab.insert("m1")
    hello = lab.hello("m1")
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "other")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(lab.clock.now()).not_valid_after(
        lab.clock.now() + dt.timedelta(days=1)
    )
    other = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    certificates = lab.operator.certificates(hello, name="m1", address=vm.internal_ip)
    request = lab.operator.install_request(hello | {"sealing_certificate": other}, role="founder")
    answer = lab.send("m1", request, **{"hakube-certificates": json.dumps(certificates)})
    assert error(answer)[1].startswith("the envelope does not open")


def test_a_founder_among_members_is_refused() -> None:
    lab = RecordsLab()
    lab.insert("m1")
    hello = lab.hello("m1")
    request = lab.operator.install_request(
        hello, role="founder", peers=["https://10.132.0.9:2380"]
    )
    certificates = lab.operator.certificates(hello, name="m1", address="10.132.0.2")
    answer = lab.send("m1", request, **{"hakube-certificates": json.dumps(certificates)})
    assert error(answer)[0] == "refused"


def test_an_install_may_come_again() -> None:
    lab = lab_of("m1")
    before = lab.heartbeat("m1")["member_id"]
    assert lab.install("m1", role="founder")["result"] == {"phase": "running"}
    assert lab.heartbeat("m1")["member_id"] == before


# ------------------------------------------------------------------------------------ admit


def test_admit_makes_a_healthy_voter_of_a_waiting_joiner() -> None:
    lab = lab_of("m1")
    answer = lab.join("m2")
    assert [m["role"] for m in answer["result"]["members"]] == ["voter", "voter"]
    beat = lab.heartbeat("m2")
    assert beat["member_id"] == answer["result"]["member_id"]
    assert (beat["etcd_healthy"], beat["apiserver_ready"]) == (True, True)


def test_a_third_is_admitted_at_once_in_spite_of_the_five_second_rule() -> None:
    lab = RecordsLab()
    lab.found("m1")
    for name in ("m2", "m3"):
        assert lab.join(name)["ok"]
    assert members(lab) == {"m1": "voter", "m2": "voter", "m3": "voter"}


def test_what_was_admitted_is_not_admitted_twice() -> None:
    lab = lab_of("m1", "m2")
    before = lab.heartbeat("m1")["members"]
    assert lab.admit("m2")["result"]["members"] == before


def test_a_learner_that_was_left_half_way_is_carried_on_with() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.add_learner(own, lab.peer_url("m2"))
    answer = lab.admit("m2")
    assert answer["ok"], answer
    assert members(lab) == {"m1": "voter", "m2": "voter"}


def test_nobody_is_admitted_while_a_voter_is_down() -> None:
    lab = lab_of("m1", "m2", "m3")
    lab.kill("m3")
    assert error(lab.join("m4")) == (
        "refused",
        "every voter must be healthy before one is added; not healthy: m3",
    )
    assert sorted(members(lab)) == ["m1", "m2", "m3"]


def test_nobody_is_admitted_beside_another_learner() -> None:
    lab = lab_of("m1")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.add_learner(own, "https://10.132.0.99:2380")
    code, message = error(lab.join("m2"))
    assert (code, "another newcomer" in message) == ("refused", True)


def test_a_newcomer_that_cannot_be_reached_changes_nothing() -> None:
    lab = lab_of("m1", "m2")
    lab.insert("m3")
    lab.install("m3", role="joiner")
    lab.cut("m1", "m3")
    code, message = error(lab.admit("m3"))
    assert (code, "does not answer" in message) == ("refused", True)
    assert members(lab) == {"m1": "voter", "m2": "voter"}


def test_a_newcomer_that_does_not_reach_every_voter_changes_nothing() -> None:
    lab = lab_of("m1", "m2")
    lab.insert("m3")
    lab.install("m3", role="joiner")
    lab.cut("m2", "m3")
    code, message = error(lab.admit("m3"))
    assert (code, "it does not reach m2" in message) == ("refused", True)
    assert members(lab) == {"m1": "voter", "m2": "voter"}


def test_a_newcomer_of_another_name_is_refused() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    answer = lab.ask("m1", "admit", name="m9", peer_url=lab.peer_url("m2"), timeout_s=5)
    assert error(answer)[0] == "refused"
    assert members(lab) == {"m1": "voter"}


def test_a_learner_that_never_starts_is_taken_out_again() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    lab.stall("m2")
    code, message = error(lab.admit("m2", timeout_s=30))
    assert code == "failed"
    assert "its etcd has not started" in message
    assert "taken out again" in message
    assert members(lab) == {"m1": "voter"}


def test_a_learner_that_does_not_catch_up_is_taken_out_again() -> None:
    lab = RecordsLab(rules=Rules(catch_up_s=3600))
    lab.found("m1")
    code, message = error(lab.join("m2"))
    assert (code, "in sync with leader" in message) == ("failed", True)
    assert members(lab) == {"m1": "voter"}


def test_a_slow_learner_is_waited_for_while_it_lives() -> None:
    lab = RecordsLab(rules=Rules(catch_up_s=100))
    lab.found("m1")
    assert lab.join("m2")["ok"]


def test_a_joiner_does_not_take_the_place_of_a_member_that_has_been_there() -> None:
    """An empty disk in an old voter's place is a voter that forgot what it acknowledged."""
    lab = lab_of("m1", "m2", "m3")
    lab.kill("m3")
    lab.runtime.forget_disk(lab.vms["m3"].data_disk_id)
    address = lab.vms["m3"].internal_ip
    lab.insert("m4", address=address)
    assert lab.install("m4", role="joiner")["ok"]
    beat = lab.heartbeat("m4")
    assert (beat["phase"], beat["member_id"]) == ("installed", "")
    assert "expel it first" in beat["detail"]


def test_nobody_is_admitted_while_an_alarm_stands() -> None:
    lab = lab_of("m1")
    membership, _ = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.alarms = frozenset({"NOSPACE"})
    code, message = error(lab.join("m2"))
    assert (code, "NOSPACE" in message) == ("refused", True)
    assert members(lab) == {"m1": "voter"}


def test_a_learner_that_went_silent_is_not_promoted_whatever_etcd_thinks() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.add_learner(own, lab.peer_url("m2"))
    lab.clock.advance(1)
    lab.ask("m2", "report")
    assert lab.heartbeat("m2")["role"] == "learner"
    lab.cut("m1", "m2")
    code, message = error(lab.admit("m2"))
    assert (code, "does not answer" in message) == ("failed", True)
    assert members(lab) == {"m1": "voter"}


def test_who_was_expelled_a_moment_ago_can_be_admitted_again() -> None:
    """Within the second etcd hands the removed id out again, and refuses it."""
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    lab.runtime.hung.add(lab.vms["m2"].id)
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.remove(own, membership.add_learner(own, lab.peer_url("m2")))
    lab.runtime.hung.clear()
    assert lab.admit("m2")["ok"]


def test_a_phantom_voter_counts_as_unhealthy() -> None:
    """A voter that somebody else added and that never started: nothing may be built on that."""
    lab = lab_of("m1", "m2", "m3")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    membership.add_voter(own, "https://10.132.0.99:2380")
    code, message = error(lab.join("m4"))
    assert (code, "never started" in message) == ("refused", True)
    phantom = next(m["id"] for m in lab.heartbeat("m1")["members"] if not m["name"])
    assert lab.ask("m1", "expel", member_id=phantom)["ok"]


def test_only_a_voter_admits() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    lab.install("m2", role="joiner")
    assert error(lab.admit("m2", via="m2"))[0] == "refused"


# ------------------------------------------------------------------------------------ expel


def test_a_healthy_voter_of_three_is_expelled_and_proven_gone() -> None:
    lab = lab_of("m1", "m2", "m3")
    answer = lab.ask("m1", "expel", member_id=lab.member_id("m3"))
    assert [m["name"] for m in answer["result"]["members"]] == ["m1", "m2"]
    assert lab.heartbeat("m3")["phase"] == "failed"
    assert not lab.runtime.serves(lab.vms["m3"])


def test_a_dead_voter_of_three_is_expelled_and_a_live_one_is_not() -> None:
    lab = lab_of("m1", "m2", "m3")
    dead, alive = lab.member_id("m3"), lab.member_id("m2")
    lab.kill("m3")
    code, message = error(lab.ask("m1", "expel", member_id=alive))
    assert code == "refused"
    assert "1 of the 2 voters that stay would be healthy, 2 are needed" in message
    assert "not healthy: m3" in message
    assert sorted(members(lab)) == ["m1", "m2", "m3"]
    assert lab.ask("m1", "expel", member_id=dead)["ok"]


def test_without_a_quorum_nobody_is_expelled() -> None:
    lab = lab_of("m1", "m2")
    dead = lab.member_id("m2")
    lab.kill("m2")
    assert error(lab.ask("m1", "expel", member_id=dead))[0] == "refused"


def test_nobody_expels_itself() -> None:
    lab = lab_of("m1", "m2")
    code, message = error(lab.ask("m1", "expel", member_id=lab.member_id("m1")))
    assert (code, "does not remove itself" in message) == ("refused", True)
    lonely = lab_of("m1")
    assert error(lonely.ask("m1", "expel", member_id=lonely.member_id("m1")))[0] == "refused"


def test_an_id_that_is_not_listed_is_gone_already() -> None:
    lab = lab_of("m1")
    assert lab.ask("m1", "expel", member_id="abc")["ok"]


def test_no_voter_is_expelled_beside_a_learner_but_the_learner_is() -> None:
    lab = lab_of("m1", "m2", "m3")
    membership, own = lab.machine("m1").etcd or (None, 0)
    assert membership is not None
    learner = f"{membership.add_learner(own, 'https://10.132.0.99:2380'):x}"
    code, message = error(lab.ask("m1", "expel", member_id=lab.member_id("m3")))
    assert (code, "a newcomer is on its way in" in message) == ("refused", True)
    assert lab.ask("m1", "expel", member_id=learner)["ok"]


# ------------------------------------------------------------------------- leadership, keys


def test_leadership_is_handed_over_before_the_leader_goes() -> None:
    lab = lab_of("m1", "m2", "m3")
    to = lab.member_id("m2")
    assert lab.ask("m1", "yield-leadership", to=to)["result"] == {"leader_id": to}
    assert lab.heartbeat("m3")["leader_id"] == to
    assert lab.ask("m1", "yield-leadership", to=to)["ok"]


def test_leadership_does_not_go_to_who_cannot_lead() -> None:
    lab = lab_of("m1", "m2", "m3")
    dead = lab.member_id("m3")
    lab.kill("m3")
    for to in (dead, "abc", lab.member_id("m1")):
        assert error(lab.ask("m1", "yield-leadership", to=to))[0] == "refused"


def test_keys_are_exported_sealed_to_the_recipient_and_bound() -> None:
    lab = lab_of("m1")
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "operator")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(7)
    certificate = (
        builder.not_valid_before(lab.clock.now())
        .not_valid_after(lab.clock.now() + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    recipient = certificate.public_bytes(serialization.Encoding.PEM).decode()
    answer = lab.ask("m1", "export-keys", recipient=recipient)
    sealed = base64.b64decode(answer["result"]["sealed"])
    content = json.loads(pkcs7.pkcs7_decrypt_der(sealed, certificate, key, []))
    assert content["keys"] == lab.operator.shared_keys()
    assert content["request_id"] == answer["id"]
    assert content["instance_id"] == lab.vms["m1"].id
    assert b"PRIVATE" not in lab.output("m1")


def test_keys_are_not_sealed_to_what_is_no_rsa_certificate() -> None:
    lab = lab_of("m1")
    recipient = lab.operator.authorities["cluster"].certificate_pem
    assert error(lab.ask("m1", "export-keys", recipient=recipient))[0] == "failed"


# ---------------------------------------------------------------------------- who is obeyed


def test_an_answer_is_repeated_and_the_job_is_not() -> None:
    lab = lab_of("m1", "m2", "m3")
    request = lab.operator.request("expel", lab.vms["m1"].id, {"member_id": lab.member_id("m3")})
    first = lab.send("m1", request)
    lab.insert("m4")
    lab.install("m4", role="joiner")
    lab.admit("m4")
    second = lab.send("m1", request)
    assert second["result"] == first["result"]
    assert sorted(members(lab)) == ["m1", "m2", "m4"]


def test_answers_and_epoch_survive_a_power_cut() -> None:
    lab = lab_of("m1")
    request = lab.operator.request("report", lab.vms["m1"].id, {})
    first = lab.send("m1", request)
    lab.kill("m1")
    lab.start("m1")
    again = lab.send("m1", request)
    assert again["boot_id"] != first["boot_id"]
    assert again["result"] == first["result"]
    lab.operator.epoch = 6
    assert error(lab.ask("m1", "report"))[0] == "stale"


def test_an_older_epoch_changes_nothing() -> None:
    lab = lab_of("m1", "m2", "m3")
    lab.operator.epoch = 8
    assert lab.ask("m1", "report")["result"]["epoch"] == 8
    lab.operator.epoch = 7
    answer = lab.ask("m1", "expel", member_id=lab.member_id("m3"))
    assert error(answer)[0] == "stale"
    assert sorted(members(lab)) == ["m1", "m2", "m3"]


def test_expired_and_misdirected_requests_are_stale_and_strange_ones_unknown() -> None:
    lab = lab_of("m1")
    expired = lab.operator.request("report", "4711", {}) | {
        "expires": stamp(lab.clock.now() - dt.timedelta(seconds=1))
    }
    assert error(lab.send("m1", expired))[0] == "stale"
    assert error(lab.send("m1", lab.operator.request("report", "99", {})))[0] == "stale"
    assert error(lab.ask("m1", "reboot"))[0] == "unknown-verb"


@pytest.mark.parametrize("verb", ["admit", "expel", "yield-leadership", "export-keys"])
def test_before_certificates_nothing_else_is_done(verb: str) -> None:
    lab = RecordsLab()
    lab.insert("m1")
    assert error(lab.ask("m1", verb))[0] == "refused"


def test_a_request_nobody_can_read_hurts_nobody() -> None:
    lab = lab_of("m1")
    lab.attributes["m1"]["hakube-request"] = '{"schema": 1, "id": '
    lab.runtime.metadata_changed(lab.vms["m1"], lab.attributes["m1"])
    assert lab.heartbeat("m1")["phase"] == "running"


def test_a_missing_argument_is_an_answer_not_a_crash() -> None:
    lab = lab_of("m1")
    for verb in ("admit", "expel", "yield-leadership", "export-keys", "install"):
        assert error(lab.ask("m1", verb))[0] == "failed"
