"""Envelopes, opened and made by the real openssl command as well."""

import base64
import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from hakube_gce.cluster_keys import ClusterKeys, to_files
from hakube_gce.errors import KeysError
from hakube_gce.pki import new_cluster_keys
from hakube_gce.sealing import Binding, Recipient, new_recipient, seal, unseal

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
UID = "0123456789abcdef"
BINDING = Binding(request_id="a" * 32, instance_id="4711", expires=NOW + timedelta(minutes=10))


@pytest.fixture(scope="module")
def keys() -> ClusterKeys:
    return new_cluster_keys("kubernetes", UID, now=NOW, randomness=os.urandom)


@pytest.fixture(scope="module")
def recipient() -> Recipient:
    return new_recipient("hakube operator", now=NOW, randomness=os.urandom)


@pytest.fixture(scope="module")
def stranger() -> Recipient:
    return new_recipient("somebody else", now=NOW, randomness=os.urandom)


def opened(sealed: str, recipient: Recipient, **changes: str) -> ClusterKeys:
    wanted = {"request_id": "a" * 32, "instance_id": "4711", "uid": UID} | changes
    return unseal(
        sealed,
        recipient,
        request_id=wanted["request_id"],
        instance_id=wanted["instance_id"],
        uid=wanted["uid"],
        now=NOW,
    )


def store(folder: Path, recipient: Recipient) -> list[str]:
    (folder / "crt.pem").write_text(recipient.certificate)
    key = recipient.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "key.pem").write_bytes(key)
    return ["openssl", "cms"]


def sealed_by_openssl(folder: Path, recipient: Recipient, letter: object, *more: str) -> str:
    command = store(folder, recipient)
    command += ["-encrypt", *more, "-aes256", "-outform", "DER", "-recip", "crt.pem"]
    done = subprocess.run(
        command, cwd=folder, input=json.dumps(letter).encode(), capture_output=True, check=True
    )
    return base64.b64encode(done.stdout).decode()


def letter_of(keys: ClusterKeys) -> dict[str, object]:
    return {
        "schema": 1,
        "request_id": "a" * 32,
        "instance_id": "4711",
        "expires": "2026-11-21T06:10:00Z",
        "keys": to_files(keys),
    }


def test_what_is_sealed_opens_again(keys: ClusterKeys, recipient: Recipient) -> None:
    assert opened(seal(keys, recipient.certificate, BINDING), recipient) == keys


def test_openssl_opens_what_we_seal(
    keys: ClusterKeys, recipient: Recipient, tmp_path: Path
) -> None:
    sealed = base64.b64decode(seal(keys, recipient.certificate, BINDING))
    command = [*store(tmp_path, recipient), "-decrypt", "-inform", "DER"]
    command += ["-inkey", "key.pem", "-recip", "crt.pem"]
    done = subprocess.run(command, cwd=tmp_path, input=sealed, capture_output=True, check=True)
    assert json.loads(done.stdout) == letter_of(keys)


@pytest.mark.parametrize("more", [(), ("-binary",)], ids=["text", "binary"])
def test_we_open_what_openssl_seals(
    keys: ClusterKeys, recipient: Recipient, tmp_path: Path, more: tuple[str, ...]
) -> None:
    sealed = sealed_by_openssl(tmp_path, recipient, letter_of(keys), *more)
    assert opened(sealed, recipient) == keys


def test_an_envelope_is_aes_256_and_shows_no_key(
    keys: ClusterKeys, recipient: Recipient, tmp_path: Path
) -> None:
    sealed = base64.b64decode(seal(keys, recipient.certificate, BINDING))
    done = subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-inform", "DER"],
        cwd=tmp_path,
        input=sealed,
        capture_output=True,
        check=True,
    )
    assert b"aes-256-cbc" in done.stdout
    assert b"PRIVATE" not in sealed


@pytest.mark.parametrize("field", ["request_id", "instance_id"])
def test_an_envelope_for_something_else_is_refused(
    keys: ClusterKeys, recipient: Recipient, field: str
) -> None:
    sealed = seal(keys, recipient.certificate, BINDING)
    with pytest.raises(KeysError, match=f"whose {field} is"):
        opened(sealed, recipient, **{field: "b" * 32})


def test_an_expired_envelope_is_refused(keys: ClusterKeys, recipient: Recipient) -> None:
    sealed = seal(keys, recipient.certificate, replace(BINDING, expires=NOW))
    with pytest.raises(KeysError, match="expired"):
        opened(sealed, recipient)


def test_keys_of_another_cluster_are_refused(keys: ClusterKeys, recipient: Recipient) -> None:
    with pytest.raises(KeysError, match="belongs to the cluster"):
        opened(seal(keys, recipient.certificate, BINDING), recipient, uid="f" * 16)


def test_another_key_opens_nothing(
    keys: ClusterKeys, recipient: Recipient, stranger: Recipient
) -> None:
    sealed = seal(keys, recipient.certificate, BINDING)
    with pytest.raises(KeysError, match="could not be opened"):
        opened(sealed, stranger)


@pytest.mark.parametrize("sealed", ["", "no base64!", "MAA=", "AAAA"])
def test_junk_opens_nothing(recipient: Recipient, sealed: str) -> None:
    with pytest.raises(KeysError, match="could not be opened"):
        opened(sealed, recipient)


def test_no_damaged_envelope_yields_keys_that_differ(
    keys: ClusterKeys, recipient: Recipient
) -> None:
    sealed = bytearray(base64.b64decode(seal(keys, recipient.certificate, BINDING)))
    for place in range(len(sealed) - 4000, len(sealed), 97):
        damaged = bytes(sealed[:place]) + bytes([sealed[place] ^ 1]) + bytes(sealed[place + 1 :])
        try:
            result = opened(base64.b64encode(damaged).decode(), recipient)
        except KeysError:
            continue
        # CBC is malleable: a flipped bit may land where PEM does not care, but never in a key that
        # no longer is the key of its certificate
        assert result.cluster.certificate == keys.cluster.certificate


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema 2"),
        ({"keys": None}, "without keys"),
        ({"keys": {}}, "is missing"),
        ({"expires": None}, "expired"),
        ({"expires": "2026-11-21T06:10:00"}, "expired"),
    ],
)
def test_a_letter_that_is_not_as_the_protocol_says_is_refused(
    keys: ClusterKeys,
    recipient: Recipient,
    tmp_path: Path,
    change: dict[str, object],
    message: str,
) -> None:
    sealed = sealed_by_openssl(tmp_path, recipient, letter_of(keys) | change)
    with pytest.raises(KeysError, match=message):
        opened(sealed, recipient)


def test_a_letter_that_is_no_object_is_refused(recipient: Recipient, tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="no JSON object"):
        opened(sealed_by_openssl(tmp_path, recipient, [1]), recipient)


def certificate_of(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    signer: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(signer, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def test_nothing_is_sealed_to_a_weak_or_foreign_key(keys: ClusterKeys) -> None:
    weak = rsa.generate_private_key(65537, 2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    for certificate in (certificate_of(weak, weak), certificate_of(curve, curve)):
        with pytest.raises(KeysError, match="not RSA of at least 3072"):
            seal(keys, certificate, BINDING)


def test_nothing_is_sealed_to_a_certificate_that_does_not_sign_itself(
    keys: ClusterKeys, recipient: Recipient, stranger: Recipient
) -> None:
    with pytest.raises(KeysError, match="not signed with its own key"):
        seal(keys, certificate_of(recipient.key, stranger.key), BINDING)


def test_a_recipient_does_not_show_its_key(recipient: Recipient) -> None:
    assert "key=" not in repr(recipient)
