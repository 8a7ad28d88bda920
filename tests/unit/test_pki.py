"""What the authorities issue, looked at with openssl's eyes as well as ours."""

import ipaddress
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hakube_gce.cluster_keys import AUTHORITIES, ClusterKeys, from_files, to_files
from hakube_gce.errors import KeysError
from hakube_gce.leaves import ReplicaNames, service_ip
from hakube_gce.pki import (
    admin_credential,
    days_left,
    expires,
    issue_leaves,
    new_cluster_keys,
    reissue_leaves,
    serial_number,
    signed_by,
)
from tests.fakes.signing_agent import SigningAgent, request_pem

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
UID = "0123456789abcdef"
OTHER_UID = "fedcba9876543210"

NAMES = ReplicaNames(
    name="kubernetes-master-7c1",
    prefix="kubernetes",
    internal_ip="10.0.0.3",
    cluster_ip="203.0.113.5",
    service_cidr="10.0.0.0/16",
    dns_domain="cluster.local",
)


@pytest.fixture(scope="module")
def keys() -> ClusterKeys:
    return new_cluster_keys("kubernetes", UID, now=NOW, randomness=os.urandom)


@pytest.fixture(scope="module")
def leaves(keys: ClusterKeys) -> dict[str, x509.Certificate]:
    issued = issue_leaves(
        keys, SigningAgent("4711").requests, NAMES, now=NOW, randomness=os.urandom
    )
    return {leaf: x509.load_pem_x509_certificate(pem.encode()) for leaf, pem in issued.items()}


def test_the_api_alone_is_good_for_its_other_names(keys: ClusterKeys) -> None:
    names = replace(NAMES, api_names=("10.1.2.3", "api.example.com", "kubernetes"))
    issued = issue_leaves(
        keys, SigningAgent("4711").requests, names, now=NOW, randomness=os.urandom
    )
    found = {
        leaf: alternatives(x509.load_pem_x509_certificate(pem.encode()))
        for leaf, pem in issued.items()
    }
    assert {"10.1.2.3", "api.example.com"} <= found.pop("apiserver")
    assert not any("api.example.com" in each for each in found.values())


def common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def usages(certificate: x509.Certificate) -> set[x509.ObjectIdentifier]:
    return set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def alternatives(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


@pytest.mark.parametrize(
    ("leaf", "authority", "name", "purposes", "names"),
    [
        (
            "agent",
            "cluster",
            "hakube-agent:kubernetes-master-7c1",
            {ExtendedKeyUsageOID.CODE_SIGNING},
            set(),
        ),
        (
            "etcd",
            "etcd",
            "etcd-kubernetes-master-7c1",
            {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH},
            {"10.0.0.3", "127.0.0.1"},
        ),
        (
            "etcd-client",
            "etcd",
            "kube-apiserver-etcd-client",
            {ExtendedKeyUsageOID.CLIENT_AUTH},
            set(),
        ),
        (
            "apiserver",
            "cluster",
            "kube-apiserver",
            {ExtendedKeyUsageOID.SERVER_AUTH},
            {
                "203.0.113.5",
                "10.0.0.3",
                "127.0.0.1",
                "10.0.0.1",
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                "kubernetes.default.svc.cluster.local",
                "kubernetes-master",
                "kubernetes-master-7c1",
            },
        ),
    ],
)
def test_each_leaf_says_what_the_protocols_table_says(  # noqa: PLR0917 - a table's columns
    keys: ClusterKeys,
    leaves: dict[str, x509.Certificate],
    leaf: str,
    authority: str,
    name: str,
    purposes: set[x509.ObjectIdentifier],
    names: set[str],
) -> None:
    certificate = leaves[leaf]
    assert common_name(certificate) == name
    assert usages(certificate) == purposes
    assert alternatives(certificate) == names
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    issuers = [a for a in AUTHORITIES if signed_by(pem, keys.authority(a).certificate)]
    assert issuers == [authority]


def test_a_leaf_lives_398_days_and_starts_an_hour_back(
    leaves: dict[str, x509.Certificate],
) -> None:
    for certificate in leaves.values():
        assert certificate.not_valid_before_utc == NOW - timedelta(hours=1)
        life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert life == timedelta(days=398)


def test_a_leaf_is_no_authority(leaves: dict[str, x509.Certificate]) -> None:
    for certificate in leaves.values():
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert constraints.critical
        assert not constraints.value.ca


def test_nothing_of_a_request_but_its_key_reaches_the_certificate(keys: ClusterKeys) -> None:
    agent = SigningAgent("4711")
    wishes = {leaf: request_pem(key, wish="system:masters") for leaf, key in agent.keys.items()}
    issued = issue_leaves(keys, wishes, NAMES, now=NOW, randomness=os.urandom)
    for leaf, pem in issued.items():
        certificate = x509.load_pem_x509_certificate(pem.encode())
        assert "system:masters" not in certificate.subject.rfc4514_string()
        assert "evil.example" not in alternatives(certificate)
        assert certificate.public_key() == agent.keys[leaf].public_key()


def forged_request(key: ec.EllipticCurvePrivateKey) -> str:
    """A request with somebody else's public key in it: the signature no longer fits."""
    der = x509.load_pem_x509_csr(request_pem(key).encode()).public_bytes(
        serialization.Encoding.DER
    )
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    own = key.public_key().public_bytes(*form)
    stolen = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*form)
    assert own in der
    request = x509.load_der_x509_csr(der.replace(own, stolen))
    return request.public_bytes(serialization.Encoding.PEM).decode()


def other_curve() -> str:
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def rsa_request() -> str:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def test_a_request_that_does_not_prove_its_key_is_refused(keys: ClusterKeys) -> None:
    agent = SigningAgent("4711")
    requests = agent.requests | {"etcd": forged_request(agent.keys["etcd"])}
    with pytest.raises(KeysError, match="not signed with its own key"):
        issue_leaves(keys, requests, NAMES, now=NOW, randomness=os.urandom)


@pytest.mark.parametrize("request_", [other_curve(), rsa_request()], ids=["P-384", "RSA"])
def test_a_request_for_another_kind_of_key_is_refused(keys: ClusterKeys, request_: str) -> None:
    requests = SigningAgent("4711").requests | {"apiserver": request_}
    with pytest.raises(KeysError, match="no P-256 key"):
        issue_leaves(keys, requests, NAMES, now=NOW, randomness=os.urandom)


def test_a_request_that_does_not_parse_is_refused(keys: ClusterKeys) -> None:
    requests = SigningAgent("4711").requests | {"agent": "-----BEGIN JUNK-----"}
    with pytest.raises(KeysError, match="request for agent does not parse"):
        issue_leaves(keys, requests, NAMES, now=NOW, randomness=os.urandom)


@pytest.mark.parametrize("change", ["missing", "surplus"])
def test_exactly_the_four_requests_are_taken(keys: ClusterKeys, change: str) -> None:
    requests = SigningAgent("4711").requests
    if change == "missing":
        del requests["etcd"]
    else:
        requests["admin"] = requests["agent"]
    with pytest.raises(KeysError, match="asked for certificates"):
        issue_leaves(keys, requests, NAMES, now=NOW, randomness=os.urandom)


def test_a_leaf_never_outlives_its_authority(keys: ClusterKeys) -> None:
    late = NOW + timedelta(days=3600)
    issued = issue_leaves(keys, SigningAgent("1").requests, NAMES, now=late, randomness=os.urandom)
    assert expires(issued["etcd"]) == expires(keys.etcd.certificate)


def test_an_expired_authority_issues_nothing(keys: ClusterKeys) -> None:
    late = NOW + timedelta(days=3651)
    with pytest.raises(KeysError, match="authority expired"):
        admin_credential(keys, now=late, randomness=os.urandom)


def test_a_name_too_long_for_a_certificate_is_refused_with_the_limit() -> None:
    with pytest.raises(KeysError, match="64 are allowed") as caught:
        new_cluster_keys("k" * 60, UID, now=NOW, randomness=os.urandom)
    assert "40" in caught.value.hint


def test_the_longest_prefix_the_hint_allows_works() -> None:
    prefix = "k" * 40
    keys = new_cluster_keys(prefix, UID, now=NOW, randomness=os.urandom)
    names = ReplicaNames(
        name=f"{prefix}-master-7c1",
        prefix=prefix,
        internal_ip="10.0.0.3",
        cluster_ip="203.0.113.5",
        service_cidr="10.0.0.0/16",
        dns_domain="cluster.local",
    )
    issue_leaves(keys, SigningAgent("1").requests, names, now=NOW, randomness=os.urandom)


def test_the_authorities_are_three_and_carry_prefix_and_uid(keys: ClusterKeys) -> None:
    for name in AUTHORITIES:
        certificate = x509.load_pem_x509_certificate(keys.authority(name).certificate.encode())
        assert common_name(certificate) == f"kubernetes-{name}-ca"
        assert UID in certificate.subject.rfc4514_string()
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert (constraints.ca, constraints.path_length) == (True, 0)
    assert len({keys.authority(name).key for name in AUTHORITIES}) == 3


def test_the_admin_is_a_cluster_admin_for_398_days(keys: ClusterKeys) -> None:
    admin = admin_credential(keys, now=NOW, randomness=os.urandom)
    certificate = x509.load_pem_x509_certificate(admin.certificate.encode())
    assert certificate.subject.rfc4514_string() == "CN=kubernetes-admin,O=system:masters"
    assert usages(certificate) == {ExtendedKeyUsageOID.CLIENT_AUTH}
    assert signed_by(admin.certificate, keys.cluster.certificate)
    assert days_left(admin.certificate, NOW) == pytest.approx(398, abs=0.05)
    assert "PRIVATE" not in repr(admin)


def test_days_left_is_negative_after_the_end(keys: ClusterKeys) -> None:
    admin = admin_credential(keys, now=NOW, randomness=os.urandom)
    assert days_left(admin.certificate, NOW + timedelta(days=400)) < 0


def test_the_service_account_key_is_the_kind_kubernetes_reads(keys: ClusterKeys) -> None:
    assert keys.service_account_key.startswith("-----BEGIN EC PRIVATE KEY-----")


def test_serial_numbers_come_from_the_randomness_and_fit_rfc_5280() -> None:
    assert serial_number(lambda n: b"\xff" * n) == (1 << 159) - 1
    assert serial_number(bytes) == 1
    keys = new_cluster_keys("k", UID, now=NOW, randomness=lambda n: b"\x02" * n)
    certificate = x509.load_pem_x509_certificate(keys.etcd.certificate.encode())
    assert certificate.serial_number == int.from_bytes(b"\x02" * 20) >> 1


@pytest.mark.parametrize("cidr", ["10.0.0.0/31", "10.0.0.1/16", "nonsense"])
def test_a_service_range_without_a_first_address_is_refused(cidr: str) -> None:
    with pytest.raises(KeysError):
        service_ip(cidr)


def test_the_service_address_lies_in_its_range() -> None:
    assert ipaddress.ip_address(service_ip("10.64.0.0/12")) == ipaddress.ip_address("10.64.0.1")


def test_keys_show_nothing_of_themselves(keys: ClusterKeys) -> None:
    shown = f"{keys!r} {keys} {keys.etcd!r} {[keys]}"
    assert "PRIVATE" not in shown
    for secret in (keys.etcd.key, keys.service_account_key):
        assert secret.splitlines()[1] not in shown


def test_keys_survive_being_laid_out_in_files(keys: ClusterKeys) -> None:
    assert from_files(to_files(keys), uid=UID) == keys


def test_keys_of_another_cluster_are_refused(keys: ClusterKeys) -> None:
    with pytest.raises(KeysError, match=f"uid {UID}, not {OTHER_UID}"):
        from_files(to_files(keys), uid=OTHER_UID)


@pytest.mark.parametrize(
    "name", sorted(to_files(new_cluster_keys("k", UID, now=NOW, randomness=os.urandom)))
)
@pytest.mark.parametrize("damage", ["gone", "junk", "another's"])
def test_a_damaged_part_is_noticed(keys: ClusterKeys, name: str, damage: str) -> None:
    files: dict[str, object] = dict(to_files(keys))
    if damage == "gone":
        del files[name]
    elif damage == "junk":
        files[name] = "-----BEGIN PRIVATE KEY-----\njunk\n"
    else:
        stranger = to_files(new_cluster_keys("k", UID, now=NOW, randomness=os.urandom))
        files[name] = stranger[name]
    if name == "service-account.key" and damage == "another's":
        # it has no certificate to be compared with: any P-256 key is one
        from_files(files, uid=UID)
        return
    with pytest.raises(KeysError) as caught:
        from_files(files, uid=UID)
    assert "junk" not in caught.value.message


def test_authorities_that_changed_places_are_noticed(keys: ClusterKeys) -> None:
    files: dict[str, object] = dict(to_files(keys))
    for kind in ("key", "crt"):
        files[f"etcd-ca.{kind}"] = files[f"cluster-ca.{kind}"]
    with pytest.raises(KeysError, match="not the etcd authority"):
        from_files(files, uid=UID)


@pytest.mark.parametrize(
    ("leaf", "authority", "purpose"),
    [
        ("etcd", "etcd", "sslserver"),
        ("etcd", "etcd", "sslclient"),
        ("etcd-client", "etcd", "sslclient"),
        ("apiserver", "cluster", "sslserver"),
    ],
)
def test_openssl_accepts_each_leaf_for_its_purpose(
    keys: ClusterKeys, tmp_path: Path, leaf: str, authority: str, purpose: str
) -> None:
    assert openssl_verifies(keys, tmp_path, leaf, authority, purpose)


@pytest.mark.parametrize(
    ("leaf", "authority", "purpose"),
    [
        ("agent", "cluster", "sslserver"),
        ("agent", "cluster", "sslclient"),
        ("apiserver", "cluster", "sslclient"),
        ("etcd-client", "etcd", "sslserver"),
        ("etcd", "cluster", "sslserver"),
    ],
)
def test_openssl_accepts_no_leaf_for_anything_else(
    keys: ClusterKeys, tmp_path: Path, leaf: str, authority: str, purpose: str
) -> None:
    assert not openssl_verifies(keys, tmp_path, leaf, authority, purpose)


def openssl_verifies(
    keys: ClusterKeys, folder: Path, leaf: str, authority: str, purpose: str
) -> bool:
    issued = issue_leaves(keys, SigningAgent("1").requests, NAMES, now=NOW, randomness=os.urandom)
    (folder / "ca.pem").write_text(keys.authority(authority).certificate)
    (folder / "leaf.pem").write_text(issued[leaf])
    moment = str(int(NOW.timestamp()))
    command = ["openssl", "verify", "-x509_strict", "-attime", moment, "-purpose", purpose]
    command += ["-CAfile", "ca.pem", "leaf.pem"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode == 0


def test_certificates_are_issued_again_for_the_keys_in_use(keys: ClusterKeys) -> None:
    requests = SigningAgent("4711").requests
    old = issue_leaves(keys, requests, NAMES, now=NOW, randomness=os.urandom)
    later = NOW + timedelta(days=300)
    new = reissue_leaves(keys, old, NAMES, now=later, randomness=os.urandom)
    for leaf in old:
        before, after = (x509.load_pem_x509_certificate(c[leaf].encode()) for c in (old, new))
        assert before.public_key() == after.public_key()
        assert before.subject == after.subject
        assert alternatives(before) == alternatives(after)
        assert after.not_valid_after_utc - before.not_valid_after_utc == timedelta(days=300)


def test_a_certificate_that_is_not_ours_lends_its_key_to_nobody(keys: ClusterKeys) -> None:
    """Metadata may have been written by others: no key is signed that we did not sign before."""
    other = new_cluster_keys("kubernetes", OTHER_UID, now=NOW, randomness=os.urandom)
    theirs = issue_leaves(
        other, SigningAgent("4711").requests, NAMES, now=NOW, randomness=os.urandom
    )
    with pytest.raises(KeysError, match="not issued by this cluster"):
        reissue_leaves(keys, theirs, NAMES, now=NOW, randomness=os.urandom)
