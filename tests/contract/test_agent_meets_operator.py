"""The agent and the operator's end of the channel, face to face: each reads the other's words.

Both ends are tested against the contract by themselves; this finds what the contract left open.
"""

import base64
import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from hakube_gce import channel_messages, sealing
from hakube_gce.agent.files import FileStorage
from hakube_gce.agent.keys import AUTHORITY_OF, LEAVES
from hakube_gce.agent.openssl import OpenSSL
from hakube_gce.agent.ports import Crypto
from hakube_gce.agent_trust import agent_key
from hakube_gce.clock import SystemClock
from hakube_gce.cluster_keys import to_files
from hakube_gce.emulator.runtimes.records_crypto import RecordsCrypto
from hakube_gce.emulator.runtimes.records_world import DiskFiles
from hakube_gce.heartbeats import report_of
from hakube_gce.leaves import ReplicaNames
from hakube_gce.model import Role
from hakube_gce.pki import issue_leaves, new_cluster_keys
from tests.fakes.agent_operator import NONCE, UID
from tests.fakes.records_lab import RecordsLab

NOW = SystemClock().now()
KEYS = new_cluster_keys("kubernetes", UID, now=NOW, randomness=os.urandom)
NAMES = ReplicaNames(
    name="m1",
    prefix="kubernetes",
    internal_ip="10.132.0.2",
    cluster_ip="203.0.113.5",
    service_cidr="10.0.0.0/16",
    dns_domain="cluster.local",
)


@pytest.fixture(scope="module", params=["openssl", "records"])
def crypto(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Crypto:
    made: Crypto
    if request.param == "openssl":
        command = shutil.which("openssl")
        if command is None:
            pytest.skip("there is no openssl command")
        made = OpenSSL(FileStorage(Path(tmp_path_factory.mktemp("root"))), command=command)
    else:
        made = RecordsCrypto(DiskFiles(), SystemClock())
    made.make_keys(LEAVES, subject="m1")
    return made


def test_the_agent_takes_the_leaves_that_the_operator_issues(crypto: Crypto) -> None:
    requests = {leaf: crypto.certificate_request(leaf) for leaf in LEAVES}
    leaves = issue_leaves(KEYS, requests, NAMES, now=NOW, randomness=os.urandom)
    authorities = KEYS.authorities()
    for leaf, authority in AUTHORITY_OF.items():
        assert crypto.leaf_problem(leaf, leaves[leaf], authorities[authority]) == ""


def test_the_agent_opens_what_the_operator_seals(crypto: Crypto) -> None:
    binding = sealing.Binding(request_id="ab" * 16, instance_id="4711", expires=NOW)
    sealed = sealing.seal(KEYS, crypto.sealing_certificate(), binding)
    content = json.loads(crypto.unseal(base64.b64decode(sealed)))
    assert content["keys"] == to_files(KEYS)
    assert (content["request_id"], content["instance_id"]) == ("ab" * 16, "4711")


def test_the_operator_opens_what_the_agent_seals(crypto: Crypto) -> None:
    recipient = sealing.new_recipient("operator", now=NOW, randomness=os.urandom)
    assert crypto.seal(b'{"a": 1}', recipient.certificate)


def test_a_whole_life_is_believed_line_by_line() -> None:
    lab = RecordsLab()
    vm = lab.insert("m1")
    hello = channel_messages.hello_of(lab.hello("m1"), instance_id=vm.id, nonce=NONCE)
    assert hello is not None
    keys = new_cluster_keys("kubernetes", UID, now=lab.clock.now(), randomness=os.urandom)
    leaves = issue_leaves(keys, hello.requests, NAMES, now=lab.clock.now(), randomness=os.urandom)
    certificates = json.dumps({"schema": 1, "authorities": keys.authorities(), "leaves": leaves})
    request = lab.operator.request("install", vm.id, {"role": "founder", "peers": []})
    binding = sealing.Binding(
        request_id=request["id"],
        instance_id=vm.id,
        expires=datetime.fromisoformat(request["expires"]),
    )
    request["args"]["sealed"] = sealing.seal(keys, hello.sealing_certificate, binding)
    answer = lab.send("m1", request, **{"hakube-certificates": certificates})
    assert answer["ok"], answer

    key = agent_key(certificates, replica="m1", cluster_ca=keys.authorities()["cluster"])
    assert key is not None
    lines = channel_messages.parse_lines(lab.output("m1").decode())
    assert len(lines) == len(lab.lines("m1"))
    assert all(channel_messages.is_signed(line, key) for line in lines)
    reports = [report_of(line) for line in lines if line["type"] == "heartbeat"]
    assert None not in reports
    report = reports[-1]
    assert report is not None
    assert (report.phase, report.role, report.etcd_healthy) == ("running", Role.VOTER, True)
    assert (report.time, report.epoch) == (lab.clock.now(), 7)

    recipient = sealing.new_recipient("operator", now=lab.clock.now(), randomness=os.urandom)
    exported = lab.ask("m1", "export-keys", recipient=recipient.certificate)
    again = sealing.unseal(
        exported["result"]["sealed"],
        recipient,
        request_id=exported["id"],
        instance_id=vm.id,
        uid=UID,
        now=lab.clock.now(),
    )
    assert to_files(again) == to_files(keys)
    assert report_of(lab.ask("m1", "report")) is not None
