"""The operator's keys and channel against the agent itself: one protocol, written twice.

The agent runs on simulated VMs here, and its openssl commands for real.
"""

import base64
import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from hakube_gce.agent.files import FileStorage
from hakube_gce.agent.keys import LEAVES
from hakube_gce.agent.openssl import OpenSSL
from hakube_gce.channel import SerialChannel
from hakube_gce.channel_messages import certificates_text, hello_of, is_signed, parse_lines
from hakube_gce.clock import SystemClock
from hakube_gce.cluster_keys import ClusterKeys
from hakube_gce.errors import AgentRefused
from hakube_gce.leaves import ReplicaNames
from hakube_gce.model import Role
from hakube_gce.pki import issue_leaves, new_cluster_keys
from hakube_gce.ports import Hello
from hakube_gce.resources import Instance, SerialOutput
from hakube_gce.sealing import Binding, new_recipient, seal, unseal
from tests.fakes.clock import FakeClock
from tests.fakes.records_lab import RecordsLab
from tests.fakes.signing_agent import SigningAgent

ZONE = "europe-west1-b"
FINGERPRINT = "one operator, one write at a time"


class LabGateway:
    """Serial ports and metadata of a lab's VMs, as the Compute API carries them."""

    def __init__(self, lab: RecordsLab) -> None:
        self._lab = lab

    def server_time(self) -> datetime:
        return self._lab.clock.now()

    def find_instance(self, zone: str, name: str) -> Instance | None:
        vm = self._lab.vms.get(name)
        if vm is None or zone != ZONE:
            return None
        return Instance(
            name=name,
            zone=zone,
            id=vm.id,
            status="RUNNING",
            internal_ip=vm.internal_ip,
            access_config=None,
            machine_type="e2-standard-2",
            metadata=dict(self._lab.attributes[name]),
            metadata_fingerprint=FINGERPRINT,
            labels={},
        )

    def serial_output(self, zone: str, instance: str, *, port: int, start: int) -> SerialOutput:
        assert zone == ZONE
        data = self._lab.runtime.serial_output(self._lab.vms[instance], port)
        begin = max(0, len(data) + start if start < 0 else start)
        return SerialOutput(contents=data[begin:].decode(), start=begin, next=len(data))

    def set_metadata(
        self,
        zone: str,
        instance: str,
        *,
        items: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None:
        assert (zone, fingerprint) == (ZONE, FINGERPRINT)
        assert UUID(request_id).version == 4
        self._lab.attributes[instance] = dict(items)
        self._lab.runtime.metadata_changed(self._lab.vms[instance], items)


class OperatorAtLab:
    """Makes masters with the program's own keys and channel."""

    def __init__(self) -> None:
        self.lab = RecordsLab(clock=FakeClock())
        self.gateway = LabGateway(self.lab)
        self.uid = json.loads(self.lab.operator.config("m1"))["uid"]
        self.keys = new_cluster_keys(
            "kubernetes", self.uid, now=self.lab.clock.now(), randomness=os.urandom
        )
        self.channel = SerialChannel(
            self.gateway,
            self.lab.clock,
            poll_s=1,
            trust=lambda: self.keys.cluster.certificate,
            randomness=os.urandom,
        )

    def instance(self, name: str) -> Instance:
        found = self.gateway.find_instance(ZONE, name)
        assert found is not None
        return found

    def hello(self, name: str) -> Hello:
        nonce = json.loads(self.lab.attributes[name]["hakube-config"])["nonce"]
        return self.channel.hello(self.instance(name), nonce=nonce, timeout_s=60)

    def install(self, name: str, *, role: str) -> Mapping[str, object]:
        self.lab.insert(name)
        hello, now = self.hello(name), self.lab.clock.now()
        names = ReplicaNames(
            name=name,
            prefix="kubernetes",
            internal_ip=self.lab.vms[name].internal_ip,
            cluster_ip="203.0.113.5",
            service_cidr="10.0.0.0/16",
            dns_domain="cluster.local",
        )
        leaves = issue_leaves(self.keys, hello.requests, names, now=now, randomness=os.urandom)
        request_id = os.urandom(16).hex()
        binding = Binding(
            request_id=request_id,
            instance_id=hello.instance_id,
            expires=now + timedelta(minutes=10),
        )
        peers = [self.lab.peer_url(n) for n in self.lab.vms if n != name]
        return self.channel.ask(
            self.instance(name),
            "install",
            {
                "role": role,
                "sealed": seal(self.keys, hello.sealing_certificate, binding),
                "peers": peers if role == "joiner" else [],
            },
            epoch=1,
            timeout_s=300,
            certificates=certificates_text(self.keys.authorities(), leaves),
            request_id=request_id,
        )

    def admit(self, name: str) -> Mapping[str, object]:
        args = {"name": name, "peer_url": self.lab.peer_url(name), "timeout_s": 120}
        return self.channel.ask(self.instance("m1"), "admit", args, epoch=1, timeout_s=180)


@pytest.fixture
def operator() -> OperatorAtLab:
    made = OperatorAtLab()
    assert made.install("m1", role="founder") == {"phase": "running"}
    return made


def test_a_founder_and_a_joiner_become_two_voters(operator: OperatorAtLab) -> None:
    assert operator.install("m2", role="joiner") == {"phase": "installed"}
    operator.admit("m2")
    heard = operator.channel.reports([operator.instance(n) for n in ("m1", "m2")])
    assert {(m.name, m.role) for m in heard["m1"].members} == {
        ("m1", Role.VOTER),
        ("m2", Role.VOTER),
    }
    assert all(report.etcd_healthy for report in heard.values())


def test_a_machine_without_keys_gets_them_from_a_master(operator: OperatorAtLab) -> None:
    now = operator.lab.clock.now()
    recipient = new_recipient("hakube operator", now=now, randomness=os.urandom)
    request_id = os.urandom(16).hex()
    instance = operator.instance("m1")
    answer = operator.channel.ask(
        instance,
        "export-keys",
        {"recipient": recipient.certificate},
        epoch=1,
        timeout_s=30,
        request_id=request_id,
    )
    keys = unseal(
        str(answer["sealed"]),
        recipient,
        request_id=request_id,
        instance_id=instance.id,
        uid=operator.uid,
        now=now,
    )
    assert keys == operator.keys


def test_an_older_epoch_is_refused(operator: OperatorAtLab) -> None:
    with pytest.raises(AgentRefused) as caught:
        operator.channel.ask(operator.instance("m1"), "report", {}, epoch=0, timeout_s=30)
    assert caught.value.code == "stale"


def test_a_waiting_agent_greets_again_when_it_is_prompted(operator: OperatorAtLab) -> None:
    operator.lab.insert("m2")
    before = operator.lab.output("m2").count(b'"hello"')
    prompt = {
        "schema": 1,
        "id": "f" * 32,
        "verb": "report",
        "instance_id": operator.lab.vms["m2"].id,
        "epoch": 0,
        "expires": "2020-01-01T00:00:00Z",
        "args": {},
    }
    operator.lab.send("m2", prompt)
    assert operator.lab.output("m2").count(b'"hello"') == before + 1


# ------------------------------------------------------------------- the agent's openssl commands


@pytest.fixture
def now() -> datetime:
    # the real one: openssl looks at the machine's clock, and certificates must be valid for it
    return SystemClock().now()


@pytest.fixture
def openssl(tmp_path: Path) -> OpenSSL:
    made = OpenSSL(FileStorage(tmp_path / "root"))
    made.make_keys(LEAVES, subject="m1")
    return made


@pytest.fixture
def keys(now: datetime) -> ClusterKeys:
    return new_cluster_keys("kubernetes", "0" * 16, now=now, randomness=os.urandom)


def test_a_hello_by_openssl_is_taken_and_its_leaves_fit(
    openssl: OpenSSL, keys: ClusterKeys, now: datetime
) -> None:
    requests = {leaf: openssl.certificate_request(leaf) for leaf in LEAVES}
    facts = {
        "hakube": 1,
        "type": "hello",
        "instance_id": "4711",
        "nonce": "n",
        "requests": requests,
        "sealing_certificate": openssl.sealing_certificate(),
    }
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    signature = base64.b64encode(openssl.sign(text.encode())).decode()
    (line,) = parse_lines(json.dumps({**facts, "sig": signature}) + "\n")
    hello = hello_of(line, instance_id="4711", nonce="n")
    assert hello is not None
    assert not is_signed(line, SigningAgent("4711").keys["agent"].public_key())

    names = ReplicaNames(
        name="m1",
        prefix="kubernetes",
        internal_ip="10.0.0.2",
        cluster_ip="203.0.113.5",
        service_cidr="10.0.0.0/16",
        dns_domain="cluster.local",
    )
    leaves = issue_leaves(keys, hello.requests, names, now=now, randomness=os.urandom)
    for leaf, authority in (("agent", "cluster"), ("etcd", "etcd"), ("apiserver", "cluster")):
        issuer = keys.authority(authority).certificate
        assert openssl.leaf_problem(leaf, leaves[leaf], issuer) == ""
    assert openssl.leaf_problem("etcd", leaves["etcd"], keys.cluster.certificate)


def test_envelopes_pass_between_us_and_the_agents_openssl(
    openssl: OpenSSL, keys: ClusterKeys, now: datetime
) -> None:
    binding = Binding(request_id="a" * 32, instance_id="4711", expires=now + timedelta(minutes=10))
    sealed = seal(keys, openssl.sealing_certificate(), binding)
    letter = openssl.unseal(base64.b64decode(sealed))
    recipient = new_recipient("operator", now=now, randomness=os.urandom)
    back = base64.b64encode(openssl.seal(letter, recipient.certificate)).decode()
    opened = unseal(
        back, recipient, request_id="a" * 32, instance_id="4711", uid="0" * 16, now=now
    )
    assert opened == keys
