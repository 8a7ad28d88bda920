"""A node's own script asks for its certificate, and gets it: real shell, metadata server, openssl.

Compute Engine is the emulator; its VM is played by the script that the template carries, without
what installs packages and joins. Nothing of it is replaced but where a VM's things are.
"""

import json
import os
import random
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import IO, cast

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from hakube_gce import marks
from hakube_gce.clock import SystemClock
from hakube_gce.cluster_keys import ClusterKeys, load_certificate
from hakube_gce.emulator.addresses import METADATA_PORT, Claim
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import Latency
from hakube_gce.emulator.loop_thread import LoopThread
from hakube_gce.emulator.metadata_server import MetadataServer
from hakube_gce.emulator.server import serve
from hakube_gce.errors import KeysError, ResourceNotFound, Unavailable
from hakube_gce.gce import connect
from hakube_gce.gce.gateway import GoogleCompute
from hakube_gce.instance_metadata import InstanceMetadata
from hakube_gce.model import Mark
from hakube_gce.node_door import Door, answer_nodes, answering, wait_for_nodes
from hakube_gce.node_requests import CERTIFICATE_KEY, REQUEST_TYPE, Standing
from hakube_gce.node_startup import NodeStartup, startup_script
from hakube_gce.pki import issue_node, new_cluster_keys
from hakube_gce.plan.node_blueprint import NodeBlueprint, template_spec
from hakube_gce.resources import Instance, Inventory, SerialOutput
from hakube_gce.timestamps import rfc3339
from tests.fakes.clock import FakeClock
from tests.fakes.fake_runtime import FakeRuntime

PROJECT, REGION, ZONE = "acme-prod", "europe-west1", "europe-west1-b"
GROUP = "kubernetes-minion-group"
MARK = Mark(cluster="kubernetes", uid="0123456789abcdef", operation="aaaaaaaaaaaa")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A lab with one node, and the door at which it asks."""

    gateway: GoogleCompute
    runtime: FakeRuntime
    door: Door

    def node(self) -> Instance:
        (found,) = (i for i in self.gateway.inventory(REGION).instances if GROUP in i.name)
        return found

    def says(self, line: bytes) -> None:
        """Let the node write to its second serial port."""
        port = (self.node().name, 2)
        self.runtime.serial[port] = self.runtime.serial.get(port, b"") + line

    def look(self) -> Standing:
        (standing,) = answer_nodes(self.door).standings.values()
        return standing

    def certificate(self) -> str:
        return self.node().metadata.get(CERTIFICATE_KEY, "")


@pytest.fixture(scope="module")
def keys() -> ClusterKeys:
    now = SystemClock().now()
    return new_cluster_keys("kubernetes", MARK.uid, now=now, randomness=os.urandom)


def new_id() -> str:
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


@pytest.fixture
def world(keys: ClusterKeys) -> Iterator[World]:
    runtime = FakeRuntime()
    latency = Latency(name="short", seconds={"everything_else": 0.01})
    with serve(Lab(runtime=runtime, clock=SystemClock(), latency=latency)) as server:
        rng = random.Random(1)  # noqa: S311 - spreads pauses, hides nothing
        gateway = connect(PROJECT, endpoint=server.endpoint, clock=FakeClock(), rng=rng)
        try:
            _make_node(gateway)
            door = Door(
                gateway=gateway,
                clock=FakeClock(),
                region=REGION,
                prefix="kubernetes",
                uid=MARK.uid,
                keys=keys,
                randomness=os.urandom,
            )
            yield World(gateway=gateway, runtime=runtime, door=door)
        finally:
            gateway.close()


def _make_node(gateway: GoogleCompute) -> None:
    spec = template_spec(
        NodeBlueprint(), prefix="kubernetes", network="default", subnetwork="", region=REGION,
        mark=MARK,
    )  # fmt: skip
    gateway.nodes.insert_template(spec, request_id=new_id())
    gateway.nodes.insert_group(
        ZONE, GROUP, template=spec.name, size=1, description=marks.mark_description(MARK),
        request_id=new_id(),
    )  # fmt: skip
    for _ in range(2000):
        found = gateway.nodes.find_group(ZONE, GROUP)
        if found is not None and found.stable:
            return
    raise AssertionError("two thousand looks, and still not stable")


def request(key: ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "node")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def line(node: Instance, **facts: object) -> bytes:
    said = {
        "hakube": 1,
        "type": REQUEST_TYPE,
        "instance_id": node.id,
        "time": rfc3339(SystemClock().now()),
        "request": request(ec.generate_private_key(ec.SECP256R1())),
        **facts,
    }
    return json.dumps(said).encode() + b"\n"


# --------------------------------------------------------------------------- the real script


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A script that plays a VM, and the port that it writes to."""

    process: "subprocess.Popen[str]"
    port: IO[bytes]

    def line(self) -> bytes:
        """Return the next line that it writes; one that never comes is a failure."""
        assert select.select([self.port], [], [], 20.0)[0], "it says nothing any more"
        return self.port.readline()


@contextmanager
def playing(script: str, folder: Path) -> Iterator[Played]:
    """Run a script until the end of the test at most."""
    os.mkfifo(folder / "ttyS1")
    # both ways, so that the port never ends for either
    with os.fdopen(os.open(folder / "ttyS1", os.O_RDWR), "rb", buffering=0) as port:
        argv = ["/bin/bash", "-c", script]
        with subprocess.Popen(argv, stdout=-1, stderr=-1, text=True, cwd=folder) as process:
            try:
                yield Played(process=process, port=port)
            finally:
                process.kill()


def on_this_machine(keys: ClusterKeys, folder: Path, metadata: str) -> str:
    """Return the script up to where it would join, with a VM's places put elsewhere."""
    authority = keys.cluster.certificate
    script = startup_script(
        NodeStartup(cluster_ip="203.0.113.5", api_port=443, authority=authority)
    )
    places = {
        "METADATA=http://metadata.google.internal": f"METADATA=http://{metadata}",
        "SERIAL=/dev/ttyS1": f"SERIAL={folder}/ttyS1",
        "KEYS=/var/lib/hakube": f"KEYS={folder}/keys",
        "RUN=/run/hakube": f"RUN={folder}/run",
        "POLL_S=10": "POLL_S=0.05",
        "\nmain\n": "\nmake_key\nfind_certificate\nwrite_discovery\n",
    }
    for ours, here in places.items():
        assert script.count(ours) == 1, ours
        script = script.replace(ours, here)
    return script


def test_the_script_gets_a_certificate_for_its_own_name_and_writes_what_kubeadm_reads(
    world: World, keys: ClusterKeys, held: Claim, loop: LoopThread, tmp_path: Path
) -> None:
    node, server = world.node(), MetadataServer(loop)
    (vm,) = (vm for vm in world.runtime.on.values() if vm.name == node.name)
    vm = replace(vm, internal_ip=held.addresses.internal_ip(0))
    server.tell(vm, node.metadata)
    server.open(vm)
    script = on_this_machine(keys, tmp_path, f"{vm.internal_ip}:{METADATA_PORT}")
    try:
        with playing(script, tmp_path) as played:
            world.says(played.line())
            assert world.look() is Standing.ASKS
            server.tell(vm, world.node().metadata)
            _, complaints = played.process.communicate(timeout=30)
            assert (played.process.returncode, complaints) == (0, "")
    finally:
        server.close(vm.id)
    config = yaml.safe_load((tmp_path / "run/discovery.conf").read_text(encoding="ascii"))
    assert config["clusters"][0]["cluster"]["server"] == "https://203.0.113.5:443"
    certificate = load_certificate(world.certificate(), what="the node's")
    assert certificate.subject.rfc4514_string() == f"CN=system:node:{node.name},O=system:nodes"
    assert certificate.not_valid_after_utc < SystemClock().now() + timedelta(hours=25)
    _is_accepted_with(tmp_path)
    secrets = [p for p in tmp_path.glob("*/*") if b"PRIVATE KEY" in p.read_bytes()]
    assert [(p.name, p.stat().st_mode & 0o077) for p in secrets] == [("node.key", 0)]
    assert (tmp_path / "run/discovery.conf").stat().st_mode & 0o077 == 0
    assert world.look() is Standing.CERTIFIED


def _is_accepted_with(folder: Path) -> None:
    """What the script wrote opens, as a TLS client's of the cluster's authority."""
    argv = ["openssl", "verify", "-CAfile", "ca.crt", "-purpose", "sslclient", "node.crt"]
    subprocess.run(argv, cwd=folder / "keys", check=True, capture_output=True, timeout=10)


def test_the_script_believes_no_certificate_of_another_key_or_authority(
    world: World, keys: ClusterKeys, held: Claim, loop: LoopThread, tmp_path: Path
) -> None:
    node, server = world.node(), MetadataServer(loop)
    (vm,) = (vm for vm in world.runtime.on.values() if vm.name == node.name)
    vm = replace(vm, internal_ip=held.addresses.internal_ip(0))
    now = SystemClock().now()
    others = request(ec.generate_private_key(ec.SECP256R1()))
    wrong = issue_node(keys, others, node.name, now=now, randomness=os.urandom)
    server.tell(vm, {CERTIFICATE_KEY: wrong})
    server.open(vm)
    script = on_this_machine(keys, tmp_path, f"{vm.internal_ip}:{METADATA_PORT}")
    try:
        with playing(script, tmp_path) as played:
            own = json.loads(played.line())["request"]
            stranger = new_cluster_keys("kubernetes", MARK.uid, now=now, randomness=os.urandom)
            forged = issue_node(stranger, own, node.name, now=now, randomness=os.urandom)
            server.tell(vm, {CERTIFICATE_KEY: forged})
            for _ in range(3):  # the first was said before it could see the forged one
                assert played.line()
            assert played.process.poll() is None
    finally:
        server.close(vm.id)
    assert not (tmp_path / "keys/node.crt").exists()


# ------------------------------------------------------------------- whom the door believes


def instead(gateway: GoogleCompute, **methods: object) -> GoogleCompute:
    """Let some of a gateway's methods answer otherwise."""

    class Otherwise:
        def __getattr__(self, name: str) -> object:
            return methods.get(name) or getattr(gateway, name)

    return cast("GoogleCompute", Otherwise())


def test_a_silent_node_is_told_and_one_that_asks_is_answered_once(world: World) -> None:
    assert world.look() is Standing.SILENT
    said: list[str] = []
    world.says(b"kernel: noise\n" + line(world.node()))
    look = wait_for_nodes(world.door, wait_s=60, poll_s=5, say=said.append)
    assert look.named(Standing.ASKS) == (world.node().name,)
    assert len(said) == 1
    first = world.certificate()
    assert world.look() is Standing.CERTIFIED
    assert world.certificate() == first


def test_who_waits_for_something_else_answers_in_passing(world: World) -> None:
    said: list[str] = []
    answer = answering(world.door, said.append)
    answer()
    assert said == [], "nobody asks"
    world.says(line(world.node()))
    answer()
    assert said == [f"{world.node().name} in {ZONE} has its certificate"]
    assert world.certificate()

    def refuses(_region: str) -> Inventory:
        raise Unavailable("nobody answers")

    blind = replace(world.door, gateway=instead(world.gateway, inventory=refuses))
    answering(blind, said.append)()
    assert "nobody answers" in said[-1]


def test_waiting_for_the_silent_ends(world: World) -> None:
    look = wait_for_nodes(world.door, wait_s=60, poll_s=5, say=print)
    assert look.named(Standing.SILENT) == (world.node().name,)
    assert isinstance(world.door.clock, FakeClock)
    assert world.door.clock.naps == (5,) * 12


def test_what_could_not_be_listed_is_waited_for_and_not_taken_for_joined(world: World) -> None:
    world.says(line(world.node()))
    assert world.look() is Standing.ASKS
    whole, looks = world.gateway.inventory, 0

    def partly(region: str) -> Inventory:
        nonlocal looks
        looks += 1
        return replace(whole(region), unreadable=("zones/z: UNREACHABLE",) if looks < 3 else ())

    door = replace(world.door, gateway=instead(world.gateway, inventory=partly))
    assert answer_nodes(door).unreadable == ("zones/z: UNREACHABLE",)
    look = wait_for_nodes(door, wait_s=60, poll_s=5, say=print)
    assert (look.unreadable, looks) == ((), 3)
    looks = -20
    assert wait_for_nodes(door, wait_s=60, poll_s=5, say=print).unreadable


def test_a_node_that_is_taken_away_meanwhile_ends_no_waiting(world: World) -> None:
    def gone(*_: object, **__: object) -> SerialOutput:
        raise ResourceNotFound("it is not there any more")

    door = replace(world.door, gateway=instead(world.gateway, serial_output=gone))
    assert [*answer_nodes(door).standings.values()] == [Standing.SILENT]


def test_who_has_a_new_key_asks_again_once_the_old_certificate_is_not_good_any_more(
    world: World, keys: ClusterKeys
) -> None:
    old = SystemClock().now() - timedelta(days=2)
    pem = request(ec.generate_private_key(ec.SECP256R1()))
    expired = issue_node(
        keys, pem, world.node().name, now=old + timedelta(hours=3), randomness=os.urandom
    )
    InstanceMetadata(world.gateway, os.urandom).write(world.node(), {CERTIFICATE_KEY: expired})
    assert world.look() is Standing.CERTIFIED, "it joined two days ago, and asks for nothing"
    world.says(line(world.node(), request=pem))
    assert world.look() is Standing.ASKS
    assert world.certificate() != expired


def test_what_is_no_request_of_this_very_vm_now_is_not_answered(world: World) -> None:
    node = world.node()
    late = rfc3339(SystemClock().now() - timedelta(minutes=10))
    ahead = rfc3339(SystemClock().now() + timedelta(minutes=10))
    good = request(ec.generate_private_key(ec.SECP256R1()))
    other_curve = request(ec.generate_private_key(ec.SECP384R1()))
    for wrong in (
        line(node, instance_id="4711"),
        line(node, type="hello"),
        line(node, time=late),
        line(node, time=ahead),
        line(node, time="now"),
        line(node, request="-----BEGIN CERTIFICATE REQUEST-----"),
        line(node, request=good.replace("M", "N", 3)),
        line(node, request=other_curve),
        line(node, request=["list"]),
        b'{"hakube":1,"type":"node-request"\n',
    ):
        world.runtime.serial.clear()
        world.says(wrong)
        assert world.look() is Standing.SILENT, wrong
        assert not world.certificate()


def test_a_vm_that_only_looks_like_a_node_is_not_even_listened_to(world: World) -> None:
    node = world.node()
    world.says(line(node))
    gateway = world.gateway

    class Groupless:
        """A Compute Engine whose group does not know the VM that names itself after it."""

        nodes = type("Nodes", (), {"members": staticmethod(lambda _zone, _group: ("another",))})

        def __getattr__(self, name: str) -> object:
            assert name != "serial_output"
            return getattr(gateway, name)

    door = replace(world.door, gateway=Groupless())  # type: ignore[arg-type] # it stands in for all of it
    assert not answer_nodes(door).standings
    assert not answer_nodes(replace(world.door, uid="f" * 16)).standings
    assert not world.certificate()


def test_a_name_too_long_for_a_certificate_is_said(keys: ClusterKeys) -> None:
    pem = request(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(KeysError, match="64 are allowed") as refused:
        issue_node(keys, pem, "x" * 60, now=SystemClock().now(), randomness=os.urandom)
    assert "at most 31 characters" in refused.value.hint
    longest = f"{'p' * 31}-minion-group-99-abcd"
    assert issue_node(keys, pem, longest, now=SystemClock().now(), randomness=os.urandom)
