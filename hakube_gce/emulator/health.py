"""Health checks: who was probed, with what result, and what Google would make of it.

Two ways. A runtime of real processes is probed by a thread, at the check's own interval, outside
the lab's lock. A runtime that only computes (``records``) is asked whenever the answer matters.
As at Google, nothing is probed before a forwarding rule refers to the backend service or pool; of
a pool without a check nothing ever is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.links import short
from hakube_gce.emulator.machines import virtual_machine
from hakube_gce.emulator.runtime import Runtime, VirtualMachine
from hakube_gce.emulator.traffic import instances_of, rules_of
from hakube_gce.emulator.world import World

Key = tuple[str, str]
"""(backend service or target pool, instance)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One backend to probe."""

    key: Key
    machine: VirtualMachine | None
    """None when it is not running: the probe fails without being sent."""
    interval_s: float
    healthy_threshold: int
    unhealthy_threshold: int
    plain: tuple[int, str] | None = None
    """Port and path of a legacy check, in plain HTTP; None: the API's own, over TLS."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the probes so far amount to: a new backend is unhealthy until it has proven itself."""

    healthy: bool = False
    run: int = 0
    """How many results in a row spoke against it."""

    def after(self, answered: bool, target: Target) -> "Verdict":
        """Return the verdict after one more result."""
        if answered == self.healthy:
            return Verdict(self.healthy)
        needed = target.healthy_threshold if answered else target.unhealthy_threshold
        return Verdict(answered) if self.run + 1 >= needed else Verdict(self.healthy, self.run + 1)


@dataclass(slots=True)
class Health:
    """Verdicts by backend."""

    verdicts: dict[Key, Verdict] = field(default_factory=dict)

    def healthy(self, service: str, instance: str) -> bool:
        return self.verdicts.get((service, instance), Verdict()).healthy

    def note(self, results: Mapping[Key, bool], targets: list[Target]) -> None:
        """Take in probe results, one per target that was probed."""
        by_key = {target.key: target for target in targets}
        for key, answered in results.items():
            before = self.verdicts.get(key, Verdict())
            self.verdicts[key] = before.after(answered, by_key[key])

    def keep_only(self, targets: list[Target]) -> None:
        """Forget backends that are no longer behind any rule: they start anew when they return."""
        keys = {target.key for target in targets}
        self.verdicts = {key: v for key, v in self.verdicts.items() if key in keys}

    def ask(self, runtime: Runtime, targets: list[Target]) -> None:
        """Judge on the spot, without thresholds: for a runtime that computes its answers."""
        self.verdicts = {t.key: Verdict(probe(runtime, t)) for t in targets}


def probe(runtime: Runtime, target: Target) -> bool:
    """Ask a backend; one that is not running does not answer."""
    if target.machine is None:
        return False
    if target.plain is None:
        return runtime.serves(target.machine)
    port, path = target.plain
    return runtime.says_ready(target.machine, port, path)


def targets(world: World) -> list[Target]:
    """Return every backend that a forwarding rule leads to and a check judges."""
    return [
        _target(world, path, check, instance)
        for kind in ("compute#backendService", "compute#targetPool")
        for path, balancer in world.store.of_kind(kind)
        if rules_of(world, path) and (check := _check(world, balancer)) is not None
        for instance in instances_of(world, path)
    ]


def _target(world: World, path: str, check: Json, instance: tuple[str, Json]) -> Target:
    instance_path, record = instance
    legacy = check.get("kind") == "compute#httpHealthCheck"
    running = record["status"] == "RUNNING"
    return Target(
        key=(path, instance_path),
        machine=virtual_machine(world.store, instance_path, record) if running else None,
        interval_s=float(check.get("checkIntervalSec", 5)),
        healthy_threshold=int(check.get("healthyThreshold", 2)),
        unhealthy_threshold=int(check.get("unhealthyThreshold", 2)),
        plain=(int(check["port"]), str(check["requestPath"])) if legacy else None,
    )


def _check(world: World, balancer: Json) -> Json | None:
    references = balancer.get("healthChecks") or []
    return world.store.get(short(references[0])) if references else None
