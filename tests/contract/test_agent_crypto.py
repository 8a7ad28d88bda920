"""One set of laws for both kinds of agent cryptography: the openssl command's and the emulator's.

The other side of every law is `cryptography`, used as an operator would.
"""

import base64
import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from hakube_gce.agent.files import FileStorage
from hakube_gce.agent.keys import LEAVES, pki
from hakube_gce.agent.openssl import OpenSSL
from hakube_gce.agent.ports import Crypto, CryptoError
from hakube_gce.clock import SystemClock
from hakube_gce.emulator.runtimes.records_crypto import RecordsCrypto
from hakube_gce.emulator.runtimes.records_world import DiskFiles
from tests.fakes.agent_operator import Line, Operator

NOW = SystemClock().now()


@pytest.fixture(scope="module", params=["openssl", "records"])
def crypto(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Crypto:
    """A replica's keys, made once for all laws."""
    made: Crypto
    if request.param == "openssl":
        command = shutil.which("openssl")
        if command is None:
            pytest.skip("there is no openssl command")
        made = OpenSSL(FileStorage(tmp_path_factory.mktemp("root")), command=command)
    else:
        made = RecordsCrypto(DiskFiles(), SystemClock())
    made.make_keys(LEAVES, subject="m1")
    return made


@pytest.fixture(scope="module")
def operator() -> Operator:
    return Operator(now=NOW)


def hello(crypto: Crypto) -> Line:
    return {
        "instance_id": "4711",
        "requests": {leaf: crypto.certificate_request(leaf) for leaf in LEAVES},
        "sealing_certificate": crypto.sealing_certificate(),
    }


def test_a_signature_is_the_agent_keys(crypto: Crypto) -> None:
    request = x509.load_pem_x509_csr(crypto.certificate_request("agent").encode())
    assert request.is_signature_valid
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    key.verify(crypto.sign(b"payload"), b"payload", ec.ECDSA(hashes.SHA256()))


def test_each_leaf_has_a_key_of_its_own(crypto: Crypto) -> None:
    keys = {
        x509.load_pem_x509_csr(crypto.certificate_request(leaf).encode())
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        for leaf in LEAVES
    }
    assert len(keys) == len(LEAVES)


def test_keys_are_made_once(crypto: Crypto) -> None:
    before = crypto.sealing_certificate(), crypto.certificate_request("etcd")
    crypto.make_keys(LEAVES, subject="m1")
    assert crypto.sealing_certificate() == before[0]
    old, new = (
        x509.load_pem_x509_csr(text.encode()).public_key()
        for text in (before[1], crypto.certificate_request("etcd"))
    )
    assert old == new


def test_what_the_operator_seals_opens_and_to_nobody_else(
    crypto: Crypto, operator: Operator
) -> None:
    certificate = x509.load_pem_x509_certificate(crypto.sealing_certificate().encode())
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072
    sealed = base64.b64decode(operator.envelope(hello(crypto), {"request_id": "r"}))
    content = json.loads(crypto.unseal(sealed))
    assert content["keys"] == operator.shared_keys()
    for damaged in (sealed[:-20], b"nonsense", b""):
        with pytest.raises(CryptoError):
            crypto.unseal(damaged)


def test_what_is_sealed_opens_for_the_operator(crypto: Crypto) -> None:
    certificate, key = recipient()
    text = certificate.public_bytes(serialization.Encoding.PEM).decode()
    secret = json.dumps({"line\nbreaks": "stay\r\nas they are\n"}).encode() + b"\n\x00"
    assert pkcs7.pkcs7_decrypt_der(crypto.seal(secret, text), certificate, key, []) == secret


def test_nothing_is_sealed_to_what_cannot_open(crypto: Crypto) -> None:
    with pytest.raises(CryptoError):
        crypto.seal(b"secret", "no certificate")


def test_a_good_leaf_fits_and_tells_when_it_ends(crypto: Crypto, operator: Operator) -> None:
    certificates = operator.certificates(hello(crypto), name="m1", address="10.0.0.2")
    for leaf in LEAVES:
        authority = "etcd" if leaf.startswith("etcd") else "cluster"
        issued = certificates["leaves"][leaf]
        assert crypto.leaf_problem(leaf, issued, certificates["authorities"][authority]) == ""
        ends = NOW.replace(microsecond=0) + dt.timedelta(days=398)
        assert crypto.expires(issued) == ends


def test_a_leaf_that_does_not_fit_is_told_apart(crypto: Crypto, operator: Operator) -> None:
    good = operator.certificates(hello(crypto), name="m1", address="10.0.0.2")
    leaves, authorities = good["leaves"], good["authorities"]
    stranger = Operator(now=NOW)
    old = Operator(now=NOW - dt.timedelta(days=500))
    old.authorities = operator.authorities
    expired = old.certificates(hello(crypto), name="m1", address="10.0.0.2")["leaves"]["etcd"]
    foreign = stranger.certificates(hello(crypto), name="m1", address="10.0.0.2")["leaves"]["etcd"]
    for bad in (leaves["etcd-client"], leaves["apiserver"], foreign, expired, "", "nonsense"):
        assert crypto.leaf_problem("etcd", bad, authorities["etcd"]) != ""
    assert crypto.leaf_problem("etcd", leaves["etcd"], authorities["cluster"]) != ""
    assert crypto.leaf_problem("etcd", leaves["etcd"], authorities["etcd"]) == ""


def test_files_of_keys_are_private_from_birth_and_say_so(tmp_path: Path) -> None:
    command = shutil.which("openssl")
    if command is None:
        pytest.skip("there is no openssl command")
    OpenSSL(FileStorage(tmp_path / "root"), command=command).make_keys(["agent"], subject="m1")
    folder = tmp_path / "root" / "pki"
    modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
    assert modes == {"agent.key": 0o600, "sealing.key": 0o600, "sealing.crt": 0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "root").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "root" / pki("agent.key")).read_text().startswith("-----BEGIN PRIVATE KEY")


def recipient() -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "operator")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW).not_valid_after(NOW + dt.timedelta(days=1))
    return builder.sign(key, hashes.SHA256()), key
