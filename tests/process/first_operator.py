"""An operator small enough for tests: the channel's protocol by hand, past the emulator's API."""

import http.client
import itertools
import json
import os
import ssl
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from hakube_gce.clock import SystemClock
from hakube_gce.emulator.runtime import Runtime, VirtualMachine
from hakube_gce.leaves import ReplicaNames
from hakube_gce.pki import admin_credential, issue_leaves, new_cluster_keys
from hakube_gce.sealing import Binding, seal
from tests.process.masters import Said, ask
from tests.process.waiting import until

UID = "00112233aabbccdd"
NONCE = "f" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """A VM and what it was told."""

    vm: VirtualMachine
    attributes: dict[str, str]

    @property
    def peer_url(self) -> str:
        return f"https://{self.vm.internal_ip}:2380"


class Operator:
    """Builds a cluster on a runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._clock = SystemClock()
        now = self._clock.now()
        self.keys = new_cluster_keys("kubernetes", UID, now=now, randomness=os.urandom)
        self.admin = admin_credential(self.keys, now=now, randomness=os.urandom)
        self.cluster_ip = runtime.external_ip(0)
        self._requests = itertools.count(1)

    def boot(self, index: int) -> Master:
        """Boot a VM and wait for its first words."""
        vm = VirtualMachine(
            name=f"kubernetes-master-00{index}",
            zone="europe-west1-b",
            id=str(4711 + index),
            project="hakube-lab",
            internal_ip=self.runtime.internal_ip(index),
            data_disk_id=str(200 + index),
            boot_disk_id=str(100 + index),
        )
        config = {
            "schema": 1,
            "cluster": "kubernetes",
            "uid": UID,
            "project": vm.project,
            "region": "europe-west1",
            "replica": vm.name,
            "nonce": NONCE,
            "cluster_ip": self.cluster_ip,
            "api_port": self.runtime.api_port,
            "service_cidr": "10.7.0.0/16",
            "dns_domain": "cluster.local",
            "inherited": {},
        }
        master = Master(vm=vm, attributes={"hakube-config": json.dumps(config)})
        self.runtime.metadata_changed(vm, master.attributes)
        self.runtime.power_on(vm)
        return master

    def install(self, master: Master, role: str, *peers: str) -> Mapping[str, Any]:
        hello = self.heard(master, "hello")
        names = ReplicaNames(
            name=master.vm.name,
            prefix="kubernetes",
            internal_ip=master.vm.internal_ip,
            cluster_ip=self.cluster_ip,
            service_cidr="10.7.0.0/16",
            dns_domain="cluster.local",
        )
        now = self._clock.now()
        leaves = issue_leaves(self.keys, hello["requests"], names, now=now, randomness=os.urandom)
        authorities = self.keys.authorities()
        master.attributes["hakube-certificates"] = json.dumps(
            {"schema": 1, "authorities": authorities, "leaves": leaves}
        )
        request_id = self._next_id()
        binding = Binding(
            request_id=request_id,
            instance_id=master.vm.id,
            expires=now + timedelta(minutes=5),
        )
        sealed = seal(self.keys, hello["sealing_certificate"], binding)
        args = {"role": role, "sealed": sealed, "peers": list(peers)}
        return self.ask(master, "install", args, request_id=request_id)

    def ask(
        self, master: Master, verb: str, args: Mapping[str, Any], *, request_id: str = ""
    ) -> Mapping[str, Any]:
        """Have a verb carried out; return its result."""
        request = {
            "schema": 1,
            "id": request_id or self._next_id(),
            "verb": verb,
            "instance_id": master.vm.id,
            "epoch": 1,
            "expires": (self._clock.now() + timedelta(minutes=5)).isoformat(),
            "args": dict(args),
        }
        master.attributes["hakube-request"] = json.dumps(request)
        self.runtime.metadata_changed(master.vm, master.attributes)
        answer = self.heard(master, "answer", id=request["id"])
        assert answer["ok"], (answer, self.runtime.serial_output(master.vm, 1)[-2000:])
        result: Mapping[str, Any] = answer["result"]
        return result

    def heard(self, master: Master, kind: str, **wanted: object) -> Mapping[str, Any]:
        """Wait for a line on a master's second serial port and return the last of its kind."""
        fitting: list[Mapping[str, Any]] = []

        def listen() -> bool:
            text = self.runtime.serial_output(master.vm, 2)
            lines = [
                json.loads(line) for line in text.splitlines(keepends=True) if line[-1:] == b"\n"
            ]
            fitting[:] = [x for x in lines if {"type": kind, **wanted}.items() <= _flat(x).items()]
            return bool(fitting)

        until(listen, f"{master.vm.name} said {kind} {wanted}", timeout_s=60)
        return fitting[-1]

    def _next_id(self) -> str:
        return f"{next(self._requests):032x}"


def _flat(line: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in line.items() if not isinstance(v, dict | list)}


def join(operator: Operator, masters: Sequence[Master]) -> Master:
    newcomer = operator.boot(len(masters))
    operator.install(newcomer, "joiner", *(master.peer_url for master in masters))
    args = {"name": newcomer.vm.name, "peer_url": newcomer.peer_url, "timeout_s": 60}
    operator.ask(masters[0], "admit", args)
    until(lambda: operator.runtime.serves(newcomer.vm), "the newcomer serves")
    return newcomer


def call(operator: Operator, folder: Path, method: str, path: str, body: object = None) -> Said:
    """Ask the cluster IP as the administrator, its certificate verified."""
    context = ssl.create_default_context(cadata=operator.keys.cluster.certificate)
    files = {"crt": operator.admin.certificate, "key": operator.admin.key}
    for suffix, content in files.items():
        (folder / f"admin.{suffix}").write_text(content)
    context.load_cert_chain(folder / "admin.crt", folder / "admin.key")
    port = operator.runtime.api_port
    wire = http.client.HTTPSConnection(operator.cluster_ip, port, timeout=20, context=context)
    with closing(wire):
        return ask(wire, method, path, body)
