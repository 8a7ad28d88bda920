"""A cluster of real agents and real etcd members in the process runtime, from founder to three."""

import http.client
import json
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hakube_gce.emulator.runtime import Route
from hakube_gce.emulator.runtimes.process import ProcessRuntime
from tests.process.authority import Authority
from tests.process.first_operator import Master, Operator, call, join
from tests.process.waiting import until

pytestmark = pytest.mark.process

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def runtime(etcd: Path, tmp_path: Path) -> Iterator[ProcessRuntime]:
    with ProcessRuntime(tmp_path / "home", etcd=etcd) as runtime:
        yield runtime


@pytest.fixture
def operator(runtime: ProcessRuntime) -> Operator:
    return Operator(runtime)


@pytest.fixture
def founder(operator: Operator) -> Master:
    founder = operator.boot(0)
    assert operator.install(founder, "founder")["phase"] == "running"
    return founder


def etcdctl(etcd: Path, environment: Mapping[str, str], *words: str) -> Any:
    command = [str(etcd.with_name("etcdctl")), "-w", "json", *words]
    done = subprocess.run(
        command,
        env={**environment, "ETCDCTL_API": "3"},
        capture_output=True,
        timeout=30,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_founder_serves_under_the_cluster_ip_and_outlives_a_reset(
    runtime: ProcessRuntime, operator: Operator, founder: Master, etcd: Path, tmp_path: Path
) -> None:
    way = Route(address=operator.cluster_ip, port=None, backends=(founder.vm.internal_ip,))
    runtime.route([way])
    until(lambda: runtime.serves(founder.vm), "it serves within half a second")
    until(lambda: runtime.answers(operator.cluster_ip), "the cluster IP does")
    # a moment of openssl comes with every heartbeat that the agent signs
    until(lambda: len(runtime.pids(founder.vm)) == 3, "agent, etcd and API server are all")
    made = call(operator, tmp_path, "POST", CONFIG_MAPS, {"metadata": {"name": "kept"}})
    assert made.status == 201
    environment = runtime.etcd_environment(founder.vm)
    assert len(etcdctl(etcd, environment, "member", "list")["members"]) == 1
    services = call(operator, tmp_path, "GET", "/api/v1/namespaces/default/services").json()
    assert services["items"][0]["spec"]["clusterIP"] == "10.7.0.1"

    runtime.power_off(founder.vm)
    assert not runtime.serves(founder.vm)
    assert not runtime.answers(operator.cluster_ip)
    assert runtime.etcd_environment(founder.vm) == {}
    runtime.power_on(founder.vm)
    until(lambda: runtime.answers(operator.cluster_ip), "it serves again", timeout_s=60)
    assert call(operator, tmp_path, "GET", f"{CONFIG_MAPS}/kept").json() == made.json()


def asked_of_peer_port(founder: Master, certificate: Path | None, key: Path | None) -> int:
    """Ask etcd's peer port for its members; return the status, 0 when it cut us off."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the asker is judged here
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    wire = http.client.HTTPSConnection(founder.vm.internal_ip, 2380, timeout=10, context=context)
    with closing(wire):
        try:
            wire.request("GET", "/members")
            return wire.getresponse().status
        except OSError:
            return 0


def test_the_peer_port_hears_nobody_without_a_certificate_of_this_cluster(
    runtime: ProcessRuntime, founder: Master, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "etcd-ca").issue("kubernetes-master", ips=("127.0.0.1",))
    assert asked_of_peer_port(founder, None, None) == 0
    assert asked_of_peer_port(founder, stranger.certificate, stranger.key) == 0
    own = runtime.etcd_environment(founder.vm)
    certificate, key = Path(own["ETCDCTL_CERT"]), Path(own["ETCDCTL_KEY"])
    assert asked_of_peer_port(founder, certificate, key) == 200


@pytest.mark.slow
def test_three_masters_lose_one_and_keep_every_write(
    runtime: ProcessRuntime, operator: Operator, founder: Master, etcd: Path, tmp_path: Path
) -> None:
    masters = [founder]
    masters.append(join(operator, masters))
    masters.append(join(operator, masters))
    everybody = tuple(master.vm.internal_ip for master in masters)
    runtime.route([Route(address=operator.cluster_ip, port=runtime.api_port, backends=everybody)])
    members = etcdctl(etcd, runtime.etcd_environment(masters[2].vm), "member", "list")["members"]
    assert {m["name"] for m in members} == {master.vm.name for master in masters}
    for i in range(10):
        said = call(operator, tmp_path, "POST", CONFIG_MAPS, {"metadata": {"name": f"m-{i}"}})
        assert said.status == 201

    runtime.power_off(founder.vm)
    survivors = Route(address=operator.cluster_ip, port=runtime.api_port, backends=everybody[1:])
    runtime.route([survivors])
    until(lambda: all(runtime.serves(m.vm) for m in masters[1:]), "the others serve on")
    found = call(operator, tmp_path, "GET", CONFIG_MAPS).json()["items"]
    assert [thing["metadata"]["name"] for thing in found] == [f"m-{i}" for i in range(10)]

    runtime.power_off(masters[1].vm)
    until(lambda: not runtime.serves(masters[2].vm), "without a quorum nobody serves")
    runtime.power_on(masters[1].vm)
    until(lambda: runtime.serves(masters[2].vm), "with a quorum they do again", timeout_s=60)


def test_a_cluster_outlives_its_lab_s_daemon(etcd: Path, tmp_path: Path) -> None:
    with ProcessRuntime(tmp_path / "home", etcd=etcd) as first:
        operator = Operator(first)
        founder = operator.boot(0)
        operator.install(founder, "founder")
    with ProcessRuntime(tmp_path / "home", etcd=etcd) as second:
        second.metadata_changed(founder.vm, founder.attributes)
        second.power_on(founder.vm)
        until(lambda: second.serves(founder.vm), "it serves again", timeout_s=60)
