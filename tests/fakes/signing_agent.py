"""A master's side of the channel with real keys: requests, hello, signed lines.

Written from docs/CHANNEL.md and not from the program, so that both must mean the same; it signs
what it is told to and keeps no state of etcd.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LEAVES = ("agent", "etcd", "etcd-client", "apiserver")


class SigningAgent:
    """One VM's keys and its way of talking."""

    def __init__(self, instance_id: str, *, nonce: str = "0" * 32) -> None:
        self.instance_id = instance_id
        self.nonce = nonce
        self.keys = {leaf: ec.generate_private_key(ec.SECP256R1()) for leaf in LEAVES}
        self.requests = {leaf: request_pem(key) for leaf, key in self.keys.items()}

    def line(self, kind: str, fields: Mapping[str, object]) -> str:
        """Return one signed line."""
        facts: dict[str, object] = {
            "hakube": 1,
            "type": kind,
            "instance_id": self.instance_id,
            "boot_id": "b1",
            "time": "2026-11-21T06:00:00Z",
            **fields,
        }
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        signature = self.keys["agent"].sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        return json.dumps({**facts, "sig": base64.b64encode(signature).decode()}) + "\n"

    def hello(self, **changes: object) -> str:
        return self.line(
            "hello",
            {
                "nonce": self.nonce,
                "requests": self.requests,
                "sealing_certificate": "-----BEGIN CERTIFICATE-----",
                **changes,
            },
        )

    def heartbeat(
        self, at: datetime = datetime(2026, 11, 21, 6, 0, tzinfo=UTC), **fields: object
    ) -> str:
        facts: dict[str, object] = {
            "time": at.isoformat().replace("+00:00", "Z"),
            "phase": "running",
            "epoch": 7,
            "detail": "",
            "cluster_id": "cdf818194e3a8c32",
            "member_id": "8e9e05c52164694d",
            "role": "voter",
            "leader_id": "8e9e05c52164694d",
            "term": 2,
            "applied_index": 41,
            "db_size_bytes": 20480,
            "etcd_healthy": True,
            "etcd_version": "3.4.23",
            "alarms": [],
            "members": [
                {
                    "id": "8e9e05c52164694d",
                    "name": "kubernetes-master",
                    "peer_url": "https://10.0.0.2:2380",
                    "role": "voter",
                }
            ],
            "apiserver_ready": True,
            "apiserver_kind": "hollow",
            "certificates_expire": "2027-12-24T00:00:00Z",
        }
        return self.line("heartbeat", facts | fields)

    def answer(self, request: Mapping[str, object], result: Mapping[str, object]) -> str:
        facts = {"id": request["id"], "verb": request["verb"], "ok": True, "result": dict(result)}
        return self.line("answer", facts)

    def refusal(self, request: Mapping[str, object], *, code: str, message: str) -> str:
        error = {"code": code, "message": message}
        facts = {"id": request["id"], "verb": request["verb"], "ok": False, "error": error}
        return self.line("answer", facts)


def request_pem(key: ec.EllipticCurvePrivateKey, *, wish: str = "anything") -> str:
    """Return a certificate request that wishes for a subject and a name of its own."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wish)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    names = x509.SubjectAlternativeName([x509.DNSName("evil.example")])
    request = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()
