"""A lab of simulated masters and an operator who talks to them, for tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hakube_gce.emulator.membership_state import Rules
from hakube_gce.emulator.runtime import VirtualMachine
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from hakube_gce.emulator.runtimes.records_machine import Machine
from tests.fakes.agent_operator import Line, Operator, answer_to, last, lines
from tests.fakes.clock import FakeClock


class RecordsLab:
    """Masters by name; metadata and serial ports as the Compute API would carry them."""

    def __init__(
        self,
        *,
        home: Path | None = None,
        rules: Rules | None = None,
        clock: FakeClock | None = None,
    ) -> None:
        self.clock = clock or FakeClock()
        self.runtime = RecordsRuntime(home, self.clock, rules=rules)
        self.operator = Operator(now=self.clock.now())
        self.vms: dict[str, VirtualMachine] = {}
        self.attributes: dict[str, dict[str, str]] = {}

    def insert(
        self, name: str, *, data_disk: str = "", address: str = "", instance: str = ""
    ) -> VirtualMachine:
        """Insert a VM and boot it; a name that was there before gets a new VM."""
        index = len(self.vms)
        vm = VirtualMachine(
            name=name,
            zone="europe-west1-b",
            id=instance or str(4711 + index),
            project="p",
            internal_ip=address or self.runtime.internal_ip(index),
            data_disk_id=data_disk or str(9000 + index),
            boot_disk_id=f"8{instance}" if instance else str(8000 + index),
        )
        self.vms[name] = vm
        self.attributes[name] = {"hakube-config": self.operator.config(name)}
        self.runtime.metadata_changed(vm, self.attributes[name])
        self.runtime.power_on(vm)
        return vm

    def output(self, name: str) -> bytes:
        return self.runtime.serial_output(self.vms[name], 2)

    def hello(self, name: str) -> Line:
        return last(self.output(name), "hello")

    def heartbeat(self, name: str) -> Line:
        return last(self.output(name), "heartbeat")

    def lines(self, name: str) -> list[Line]:
        return lines(self.output(name))

    def send(self, name: str, request: Mapping[str, Any], **attributes: str) -> Line:
        """Write a request into a VM's metadata and return the answer."""
        self.attributes[name] |= {"hakube-request": json.dumps(request), **attributes}
        self.runtime.metadata_changed(self.vms[name], self.attributes[name])
        answer = answer_to(self.output(name), request)
        assert answer is not None, f"no answer to {request}"
        return answer

    def ask(self, master: str, verb: str, **args: object) -> Line:
        """Ask an agent and return its answer, whatever it is."""
        return self.send(master, self.operator.request(verb, self.vms[master].id, args))

    def install(self, name: str, *, role: str, **changes: object) -> Line:
        """Send certificates and keys to a VM that said hello."""
        hello = self.hello(name)
        vm = self.vms[name]
        certificates = self.operator.certificates(hello, name=name, address=vm.internal_ip)
        peers = [self.peer_url(n) for n in self.vms if n != name] if role == "joiner" else []
        request = self.operator.install_request(hello, role=role, peers=peers, **changes)
        return self.send(name, request, **{"hakube-certificates": json.dumps(certificates)})

    def install_with(self, name: str, *, role: str = "founder", **args: object) -> Line:
        """Send certificates and keys with further arguments."""
        hello = self.hello(name)
        address = self.vms[name].internal_ip
        certificates = self.operator.certificates(hello, name=name, address=address)
        peers = [self.peer_url(n) for n in self.vms if n != name] if role == "joiner" else []
        request = self.operator.install_request(hello, role=role, peers=peers)
        request["args"] |= args
        return self.send(name, request, **{"hakube-certificates": json.dumps(certificates)})

    def found(self, name: str = "m1") -> None:
        """Make the first master."""
        self.insert(name)
        answer = self.install(name, role="founder")
        assert answer["ok"], answer

    def join(self, name: str, *, via: str = "m1") -> Line:
        """Make one more master and admit it."""
        self.insert(name)
        answer = self.install(name, role="joiner")
        assert answer["ok"], answer
        return self.admit(name, via=via)

    def admit(self, name: str, *, via: str = "m1", timeout_s: float = 120) -> Line:
        return self.ask(via, "admit", name=name, peer_url=self.peer_url(name), timeout_s=timeout_s)

    def issued(self, name: str, leaf: str) -> str:
        """Return a certificate that was sent to a VM."""
        certificates = json.loads(self.attributes[name]["hakube-certificates"])
        return str(certificates["leaves"][leaf])

    def peer_url(self, name: str) -> str:
        return f"https://{self.vms[name].internal_ip}:2380"

    def member_id(self, name: str, *, via: str = "m1") -> str:
        members = self.heartbeat(via)["members"]
        return str(next(m["id"] for m in members if m["peer_url"] == self.peer_url(name)))

    def machine(self, name: str) -> Machine:
        """Look behind the scenes: the VM's insides."""
        host = self.runtime.world.hosts[self.vms[name].internal_ip]
        assert isinstance(host, Machine)
        return host

    def cut(self, one: str, other: str) -> None:
        """Let nothing pass between two masters."""
        self.runtime.world.cut.add(frozenset(self.vms[n].internal_ip for n in (one, other)))

    def stall(self, name: str) -> None:
        """Let a master's agent do nothing more by itself; its listener goes on answering."""
        self.runtime.hung.add(self.vms[name].id)

    def kill(self, name: str) -> None:
        self.runtime.power_off(self.vms[name])

    def start(self, name: str) -> None:
        self.runtime.power_on(self.vms[name])


def lab_of(*names: str, rules: Rules | None = None) -> RecordsLab:
    """Return a lab whose masters have settled; the first one founded it."""
    lab = RecordsLab(rules=rules)
    lab.found(names[0])
    for name in names[1:]:
        answer = lab.join(name, via=names[0])
        assert answer["ok"], answer
        lab.clock.advance(10)
    return lab


def error(answer: Line) -> tuple[str, str]:
    """Return the code and message of an answer that must be a refusal or failure."""
    assert not answer["ok"], answer
    return answer["error"]["code"], answer["error"]["message"]


def members(lab: RecordsLab, via: str = "m1") -> dict[str, str]:
    """Return name → role, as a master lists them."""
    return {m["name"]: m["role"] for m in lab.heartbeat(via)["members"]}
