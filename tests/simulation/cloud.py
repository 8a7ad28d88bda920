"""The world of a simulation: the emulator's lab on virtual time, with laws that watch it.

No Compute Engine of our own: the lab refuses what Google refuses, its machines run the real agent
over the model of etcd. Here it is given time and a seed, is asked what only a test may ask, and
every change to it is put before the `laws`.
"""

import copy
import copyreg
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import REALISTIC, Latency
from hakube_gce.emulator.machines import virtual_machine
from hakube_gce.emulator.membership_state import Rules
from hakube_gce.emulator.refusals import Refusal
from hakube_gce.emulator.resources import instances
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from tests.e2e.lab_on_records import memberships
from tests.simulation.clock import VirtualClock
from tests.simulation.laws import Laws
from tests.simulation.messages import Json
from tests.simulation.wire import Request

PROJECT = "acme-prod"
REGION = "europe-west1"
ZONES = tuple(f"{REGION}-{letter}" for letter in "bcd")
_HEAD = f"/compute/v1/projects/{PROJECT}"
_POWER: Mapping[str, Callable[[Any, str], None]] = {
    "kill": instances.lose_power,
    "stop": instances.lose_power,
    "start": instances.gain_power,
    "reset": instances.cycle_power,
}


@dataclass(slots=True)
class Cloud:
    """One project's Compute Engine with what runs in it."""

    latency: Latency
    clock: VirtualClock = field(default_factory=VirtualClock)
    calls: int = 0
    """Requests that arrived."""
    changes: int = 0
    """Those among them that were mutations."""
    changed_by: Counter[str] = field(default_factory=Counter)
    """How many mutations of each process were carried out."""
    trace: list[str] = field(default_factory=list)
    lag_s: float = 0.0
    past: list[tuple[float, dict[str, Json]]] = field(default_factory=list)
    """What stood there when, while lists lag."""
    old_lists: int = 0
    """How many lists were answered with what is not so any more."""
    laws: Laws = field(init=False)
    lab: Lab = field(init=False)
    runtime: RecordsRuntime = field(init=False)

    def __post_init__(self) -> None:
        self.laws = Laws(self.serves, self.members)
        self.runtime = RecordsRuntime(
            clock=self.clock, rules=Rules(), witness=self.laws.membership_changed
        )
        self.lab = Lab(
            runtime=self.runtime, clock=self.clock, latency=self.latency, lab_id="simulation"
        )
        self.lab.world.store.counters["id"] = 7_000_000_000_000_000_000
        self.laws.records = self.lab.world.store.records

    def copy(self) -> "Cloud":
        """Return a world that goes on from here by itself."""
        self.lab.world.store.operations = dict(self.lab.world.store.unfinished)
        return copy.deepcopy(self)

    # ------------------------------------------------------------------------------- as an API

    def answer(self, request: Request, who: str) -> Json:
        """Carry one request out, then judge what became of the world."""
        self.calls += 1
        self.trace.append(f"{self.clock.elapsed_s:.3f} {who} {request.method} {request.path}")
        if request.method.endswith(("List", ".list")):
            return self._list(request)
        if not request.changes:
            return self.lab.answer(request.verb, request.path, request.query, request.body)
        self.changes += 1
        self.laws.before(request)
        answer = self.lab.answer(request.verb, request.path, request.query, request.body)
        self.laws.records = self.lab.world.store.records
        self.changed_by[who] += 1
        self.laws.after(request, who)
        return answer

    def _list(self, request: Request) -> Json:
        """Answer from what stood there a while ago."""
        with self._held():
            store, now_s = self.lab.world.store, self.clock.elapsed_s
            if self.lag_s:
                self.past.append((now_s, dict(store.records)))
        seen = [records for moment_s, records in self.past if moment_s <= now_s - self.lag_s]
        if not self.lag_s:
            return self.lab.answer(request.verb, request.path, request.query, request.body)
        shown = seen[-1] if seen else self.past[0][1]
        present, store.records = store.records, shown
        self.old_lists += present.keys() != shown.keys()
        try:
            return self.lab.answer(request.verb, request.path, request.query, request.body)
        finally:
            store.records = present

    def remaining_s(self, request: Request) -> float:
        """Tell how long the operation that a request waits for still takes."""
        path = request.path.removeprefix("/compute/v1/").removesuffix("/wait")
        operation = self.lab.world.store.operations.get(path)
        if operation is None or operation.done:
            return 0.0
        # a little more: adding the difference may end a hair's breadth before the sum
        return max(0.0, operation.due - self.clock.elapsed_s) + 1e-6

    # ---------------------------------------------------------------------- what only tests may

    def lists_lag(self, seconds: float) -> None:
        """Let lists show what was so many seconds ago: the new not yet, the deleted still."""
        self.lag_s = seconds
        self.past = [(self.clock.elapsed_s, self.dump())]

    @contextmanager
    def _held(self) -> Iterator[None]:
        with self.lab.changed:
            self.lab.tick()
            yield

    def serves(self, address: str) -> bool:
        """Tell whether a client that dials an address is served."""
        with self._held():
            self.lab.refresh_traffic()
            return self.runtime.answers(address)

    def cluster_ip_serves(self) -> bool:
        """Tell whether a client of the cluster is served; without a cluster nobody asks."""
        records = self.dump().items()
        ips = [r["address"] for p, r in records if p.endswith("/addresses/kubernetes-master-ip")]
        return all(map(self.serves, ips))

    def dump(self) -> dict[str, Any]:
        """Return every resource's record by its short path."""
        with self._held():
            return dict(self.lab.world.store.records)

    def masters(self) -> list[tuple[str, Json]]:
        """Return the VMs that carry a cluster's mark."""
        found = self.lab.world.store.of_kind("compute#instance")
        return sorted((p, r) for p, r in found if "hakube-uid" in r.get("labels", {}))

    def power(self, what: str, path: str) -> None:
        """Kill, stop, start or reset a VM from outside, as chance or people do.

        What makes no sense at the moment (to start what runs) is left alone.
        """
        with self._held():
            self.trace.append(f"{self.clock.elapsed_s:.3f} chance {what} {path}")
            with suppress(Refusal):
                _POWER[what](self.lab.world, path)
            self.lab.commit()
        self.laws.disturbed()

    def insert(self, collection: str, body: Json) -> None:
        """Make somebody else's resource."""
        scope = "/".join(collection.split("/")[:-1])
        answer = self.lab.answer("POST", f"{_HEAD}/{collection}", {}, body)
        wait = Request(
            method="",
            verb="POST",
            path=f"{_HEAD}/{scope}/operations/{answer['name']}/wait",
            query={},
            body={},
        )
        self.clock.sleep(self.remaining_s(wait))
        self.lab.answer("POST", wait.path, {}, {})
        self.laws.foreign = dict(self.lab.world.store.records)

    def members(self) -> dict[str, list[tuple[str, str]]]:
        """Return address and role of each member, by cluster, as the furthest disk has it."""
        found = {}
        for key, membership in self.runtime.world.clusters.items():
            disks = membership.dump()["disks"].values()
            if disks:
                last = max(disks, key=lambda disk: (disk["applied_index"], disk["term"]))
                found[key] = [
                    (
                        m["peer_url"].split("/")[2].split(":")[0],
                        "learner" if m["learner"] else "voter",
                    )
                    for m in last["members"]
                ]
        return found

    def etcd(self) -> dict[str, dict[str, str]]:
        """Return the members that each data disk in the lab knows, with their roles."""
        disks = {
            str(r["id"]): r["name"] for r in self.dump().values() if r["kind"] == "compute#disk"
        }
        return dict(memberships(self.runtime.world.dump(), disks))

    def disks_with_data(self) -> int:
        """Return how many disks anything stands on, whether or not a resource names them."""
        return len(self.runtime.world.disks)

    def said(self) -> bytes:
        """Return all that the masters' serial ports have said."""
        store = self.lab.world.store
        machines = [virtual_machine(store, path, record) for path, record in self.masters()]
        return b"".join(self.runtime.serial_output(vm, 2) for vm in machines)

    def settle(self) -> None:
        """Let everything that is under way end."""
        for _ in range(50):
            with self._held():
                due = self.lab.next_due()
            if due is None:
                return
            self.clock.sleep(max(due - self.clock.elapsed_s, 0.001))


# What guards a world against threads is not part of it: a copied world has guards of its own.
copyreg.pickle(type(threading.RLock()), lambda _: (threading.RLock, ()))
copyreg.pickle(type(threading.Lock()), lambda _: (threading.Lock, ()))
copyreg.pickle(threading.Condition, lambda _: (threading.Condition, ()))
copyreg.pickle(MappingProxyType, lambda table: (MappingProxyType, (dict(table),)))


def drawn_latency(rng: random.Random) -> Latency:
    """Draw how slow the cloud is today."""
    factor = rng.choice((0.0, 0.1, 1.0, 1.0, 4.0))
    seconds = {kind: mean * factor * rng.uniform(0.5, 1.5) for kind, mean in REALISTIC.items()}
    seconds["forwardingRules.propagation_s"] = rng.choice((0.0, 0.0, 3.0, 20.0))
    return Latency(name="drawn", seconds=seconds)


def text_of(record: Json) -> str:
    """Return a record as text, to compare it byte by byte."""
    return json.dumps(record, sort_keys=True)
