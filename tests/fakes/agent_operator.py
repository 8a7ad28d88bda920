"""An operator for tests of the agent: authorities, certificates, envelopes, requests, answers.

Written against docs/CHANNEL.md with nothing but `cryptography`; it imports neither the agent nor
the program's own side of the channel, so that it agrees with neither one's mistakes.
"""

import base64
import datetime as dt
import ipaddress
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITIES = ("cluster", "etcd", "front-proxy")
ISSUER = {"agent": "cluster", "apiserver": "cluster", "etcd": "etcd", "etcd-client": "etcd"}
_BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
USAGES = {
    "agent": (ExtendedKeyUsageOID.CODE_SIGNING,),
    "etcd": _BOTH,
    "etcd-client": (ExtendedKeyUsageOID.CLIENT_AUTH,),
    "apiserver": (ExtendedKeyUsageOID.SERVER_AUTH,),
}
COMMON_NAMES = {
    "agent": "hakube-agent:{name}",
    "etcd": "etcd-{name}",
    "etcd-client": "kube-apiserver-etcd-client",
    "apiserver": "kube-apiserver",
}
UID = "0123456789abcdef"
NONCE = "5a" * 16
Line = dict[str, Any]
KEY_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority of the test cluster."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return key_pem(self.key)


@dataclass(slots=True, kw_only=True)
class Operator:
    """Issues, seals and asks; knows every VM by name, instance id and internal address."""

    now: dt.datetime
    uid: str = UID
    epoch: int = 7
    authorities: dict[str, Authority] = field(default_factory=dict)
    service_account: str = ""
    counter: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        for name in AUTHORITIES:
            self.authorities[name] = make_authority(name, self.now)
        self.service_account = key_pem(ec.generate_private_key(ec.SECP256R1()))

    def config(self, name: str) -> str:
        """Return ``hakube-config`` for a VM."""
        return json.dumps(
            {
                "schema": 1,
                "cluster": "kubernetes",
                "uid": self.uid,
                "project": "p",
                "region": "europe-west1",
                "replica": name,
                "nonce": NONCE,
                "cluster_ip": "203.0.113.5",
                "api_port": 443,
                "service_cidr": "10.0.0.0/16",
                "dns_domain": "cluster.local",
                "inherited": {},
            }
        )

    def request(
        self, verb: str, instance_id: str, args: Mapping[str, object], *, request_id: str = ""
    ) -> dict[str, Any]:
        """Return a request that is in order; tests spoil it where they want."""
        return {
            "schema": 1,
            "id": request_id or f"{next(self.counter):032x}",
            "verb": verb,
            "instance_id": instance_id,
            "epoch": self.epoch,
            "expires": stamp(self.now + dt.timedelta(minutes=20)),
            "args": dict(args),
        }

    def certificates(self, hello: Line, *, name: str, address: str) -> dict[str, Any]:
        """Return ``hakube-certificates`` for a VM that said hello."""
        leaves = {
            leaf: self.issue(leaf, request, name=name, address=address)
            for leaf, request in hello["requests"].items()
        }
        return {
            "schema": 1,
            "authorities": {n: a.certificate_pem for n, a in self.authorities.items()},
            "leaves": leaves,
        }

    def issue(self, leaf: str, request: str, *, name: str, address: str, issuer: str = "") -> str:
        """Sign one leaf; of the request it takes the public key alone."""
        found = x509.load_pem_x509_csr(request.encode())
        assert found.is_signature_valid
        authority = self.authorities[issuer or ISSUER[leaf]]
        subject = COMMON_NAMES[leaf].format(name=name)
        builder = _builder(subject, found.public_key(), authority.certificate.subject, self.now)
        signers = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
        builder = builder.add_extension(signers, critical=False)
        if leaf in ("etcd", "apiserver"):
            addresses = [ipaddress.ip_address(ip) for ip in (address, "127.0.0.1")]
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(a) for a in addresses]), critical=False
            )
        builder = builder.add_extension(x509.ExtendedKeyUsage(USAGES[leaf]), critical=False)
        signed = builder.sign(authority.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def shared_keys(self) -> dict[str, str]:
        """Return what every master shares."""
        keys = {f"{n}-ca.key": a.key_pem for n, a in self.authorities.items()}
        keys |= {f"{n}-ca.crt": a.certificate_pem for n, a in self.authorities.items()}
        return keys | {"service-account.key": self.service_account}

    def envelope(self, hello: Line, content: Mapping[str, object]) -> str:
        """Seal the shared keys to a VM that said hello; ``content`` adds to that or spoils it."""
        whole = {
            "schema": 1,
            "instance_id": hello["instance_id"],
            "expires": stamp(self.now + dt.timedelta(minutes=20)),
            "keys": self.shared_keys(),
            **content,
        }
        recipient = x509.load_pem_x509_certificate(hello["sealing_certificate"].encode())
        builder = pkcs7.PKCS7EnvelopeBuilder().set_data(json.dumps(whole).encode())
        sealed = (
            builder.add_recipient(recipient)
            .set_content_encryption_algorithm(AES256)
            .encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
        )
        return base64.b64encode(sealed).decode()

    def install_request(
        self, hello: Line, *, role: str, peers: Sequence[str] = (), **changes: object
    ) -> dict[str, Any]:
        """Return an ``install`` for a VM that said hello."""
        request = self.request("install", hello["instance_id"], {})
        sealed = self.envelope(hello, {"request_id": request["id"], **changes})
        request["args"] = {"role": role, "sealed": sealed, "peers": list(peers)}
        return request


def make_authority(name: str, now: dt.datetime) -> Authority:
    """Make a self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}-ca")])
    builder = _builder(f"{name}-ca", key.public_key(), subject, now)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    # Python 3.13 verifies strictly: what the key is for, whose it is, and whose signed, are said
    usage = dict.fromkeys(KEY_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
    builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    return Authority(key=key, certificate=builder.sign(key, hashes.SHA256()))


def _builder(
    common_name: str, public_key: Any, issuer: x509.Name, now: dt.datetime
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(public_key).serial_number(x509.random_serial_number())
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False
    )
    return builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(
        now + dt.timedelta(days=398)
    )


def key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """Return a private key as PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def stamp(moment: dt.datetime) -> str:
    """Return a moment as the contract's examples write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def lines(output: bytes) -> list[Line]:
    """Return every line that parses."""
    found = []
    for line in output.split(b"\n"):
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def last(output: bytes, kind: str) -> Line:
    """Return the last line of a type."""
    return [line for line in lines(output) if line["type"] == kind][-1]


def answer_to(output: bytes, request: Mapping[str, Any]) -> Line | None:
    """Return the newest answer to a request, or None while there is none."""
    found = [x for x in lines(output) if x["type"] == "answer" and x["id"] == request["id"]]
    return found[-1] if found else None


def check_signature(line: Line, public_pem: str) -> None:
    """Check a line against a certificate or a certificate request.

    Raises:
        InvalidSignature: It does not fit.
    """
    load: Any = (
        x509.load_pem_x509_csr if "REQUEST" in public_pem else x509.load_pem_x509_certificate
    )
    unsigned = {k: v for k, v in line.items() if k != "sig"}
    payload = json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    public_key = load(public_pem.encode()).public_key()
    public_key.verify(
        base64.b64decode(line["sig"]), payload.encode("ascii"), ec.ECDSA(hashes.SHA256())
    )
