"""A master's first words and its installation, told through the channel."""

import datetime as dt
import json

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.fakes.agent_operator import NONCE, Operator, check_signature
from tests.fakes.records_lab import RecordsLab, error, lab_of, members

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
