"""The other verbs, and who is obeyed, told through the channel."""

import base64
import datetime as dt
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from tests.fakes.agent_operator import stamp
from tests.fakes.records_lab import RecordsLab, error, lab_of, members

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


def test_whoever_is_at_an_address_is_expelled_and_nobody_is_fine_too() -> None:
    """Who gives a newcomer up may not have heard that it was admitted meanwhile."""
    lab = lab_of("m1", "m2")
    url = lab.peer_url("m2")
    assert lab.ask("m1", "expel", peer_url=url)["ok"]
    assert members(lab) == {"m1": "voter"}
    assert lab.ask("m1", "expel", peer_url=url)["ok"]
    assert members(lab) == {"m1": "voter"}
