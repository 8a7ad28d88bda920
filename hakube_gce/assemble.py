"""Put a run's means together: gateway, channel, probe, keys, lock, journal. No decisions."""

import os
import random
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hakube_gce import gce, holder, names, programs
from hakube_gce.channel import SerialChannel
from hakube_gce.clock import SystemClock
from hakube_gce.inherit import Inheritance, inherit
from hakube_gce.journal import Journal
from hakube_gce.keystore import KeyStore
from hakube_gce.lab import Place, ask_place
from hakube_gce.lock import HeldLock, LockPlace
from hakube_gce.model import Mark, Observed, Operation
from hakube_gce.observe import Observer
from hakube_gce.operator_kubeconfig import OperatorKubeconfig
from hakube_gce.perform.context import Context, Limits
from hakube_gce.plan import commands
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.ports import Clock, ComputeGateway, Probe
from hakube_gce.probe import LabProbe, TlsProbe
from hakube_gce.same_command import selectors
from hakube_gce.setting_sources import DEFAULT
from hakube_gce.settings import Settings
from hakube_gce.stopping import StoppableClock, Stopping
from hakube_gce.trust import authority_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Everything one run works with."""

    settings: Settings
    place: Place
    gateway: ComputeGateway
    observer: Observer
    journal: Journal
    keys: KeyStore
    kubeconfig: OperatorKubeconfig
    clock: Clock
    waits: Clock
    """Sleeps that a signal may cut short."""
    limits: Limits
    stopping: Stopping
    selectors: tuple[tuple[str, str], ...]
    programs: tuple[str, str, str]
    """How to run up, down and the rest, for the commands we print."""

    def inherit(self, seen: Observed) -> Inheritance:
        return inherit(
            self.settings,
            seen,
            api_port=self.place.api_port,
            selectors=self.selectors,
            programs=self.programs,
        )

    def lock_place(self) -> LockPlace:
        return LockPlace(
            gateway=self.gateway,
            clock=self.clock,
            region=self.settings.region,
            address=names.address(self.settings.prefix),
            cluster=self.settings.prefix,
            holder=holder.this_process(),
            is_gone=holder.is_gone,
            new_hex=lambda digits: secrets.token_hex((digits + 1) // 2)[:digits],
            unlock=commands.line(
                self.selectors, f"{self.programs[2]} unlock", KUBE_GCE_ZONE=self.settings.zone
            ),
        )

    def context(
        self,
        blueprint: Blueprint,
        operation: Operation,
        seen: Observed,
        lock: HeldLock,
        *,
        say: Callable[[str], None],
    ) -> Context:
        """Gather what steps need."""
        mark = Mark(cluster=blueprint.prefix, uid=seen.uid, operation=operation.id)
        authority = _Remembered(lambda: authority_of(self.observer.observe()))
        return Context(
            blueprint=blueprint,
            operation=operation,
            mark=mark,
            gateway=self.gateway.guarded(lock.vouch),
            channel=self.observer.channel,
            probe=_probe(self.place, authority),
            clock=self.waits,
            put_off=self.stopping.put_off,
            keys=self.keys,
            lock=lock,
            observe=self.observer.observe,
            say=say,
            write_kubeconfig=lambda context, server: self.kubeconfig.write(
                context, server, self.keys.load(mark.uid)
            ),
            remove_kubeconfig=self.kubeconfig.remove,
            limits=self.limits,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Where a run meets the world: cloud, time and chance."""

    gateway: ComputeGateway
    clock: Clock
    waits: Clock
    """Sleeps that a signal may cut short."""
    limits: Limits
    randomness: Callable[[int], bytes] = os.urandom
    pools: Callable[[int], Executor] = ThreadPoolExecutor
    """Gives so many hands for reads side by side."""


class _Acquaintance:
    """The cluster as this machine's own keys know it, once its uid was seen."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys
        self._uid = ""
        self._authority = ""

    def meet(self, uid: str) -> None:
        if uid and uid != self._uid:
            known = self._keys.load(uid)
            self._uid, self._authority = uid, known.cluster.certificate if known else ""

    def authority(self) -> str:
        return self._authority


class _Remembered:
    """A fact that, once known, does not change during a run."""

    def __init__(self, find: Callable[[], str]) -> None:
        self._find = find
        self._known = ""
        self._guard = threading.Lock()

    def __call__(self) -> str:
        with self._guard:  # of several that ask at once, one finds it out for all
            self._known = self._known or self._find()
            return self._known


def _probe(place: Place, authority: Callable[[], str]) -> Probe:
    if place.runtime == "records":
        return LabProbe(endpoint=place.endpoint, token=place.token)
    return TlsProbe(port=place.api_port, authority=authority)


def find_place(
    settings: Settings, environment: Mapping[str, str], *, warn: Callable[[str], None]
) -> Place:
    """Find where the Compute API is, starting an emulator when one was asked for."""
    if settings.compute_endpoint:
        return ask_place(settings.compute_endpoint)
    if settings.provider != "emulator":
        return Place(endpoint="")
    # imported when it is needed: real Compute Engine has no use for it
    from hakube_gce.emulator.control import ensure_running  # noqa: PLC0415

    lab = ensure_running(
        Path(settings.home, "emulator"),
        runtime=settings.runtime,
        latency=settings.latency,
        environ=environment,
    )
    if said := latency_warning(settings, lab.latency, environment):
        warn(said)
    return ask_place(lab.endpoint)


def latency_warning(settings: Settings, lab_has: str, environment: Mapping[str, str]) -> str:
    """Say that a lab runs with another latency than this command asks for, if it does."""
    asked = settings.latency
    if asked == lab_has or settings.sources.get("HAKUBE_LATENCY", DEFAULT) == DEFAULT:
        return ""
    program = programs.here_and_now(environment)[2]
    return (
        f"warning: HAKUBE_LATENCY={asked} is of no effect: the lab runs with {lab_has}; "
        f"after `{program} emulator stop` the next command starts it anew"
    )


def assemble(
    settings: Settings,
    place: Place,
    environment: Mapping[str, str],
    *,
    stopping: Stopping,
    warn: Callable[[str], None],
) -> Means:
    """Build a run's means; nothing is sent yet.

    Raises:
        PermissionMissing: Real Compute Engine is meant and there are no credentials.
    """
    clock = SystemClock()
    stoppable = StoppableClock(clock=clock, stopping=stopping)
    gateway = gce.connect(
        settings.project,
        endpoint=place.endpoint or None,
        network_project=settings.networking.project,
        clock=stoppable,
        rng=random.Random(),  # noqa: S311 - spreads retries, guards nothing
    )
    edges = Edges(
        gateway=gateway,
        clock=clock,
        waits=stoppable,
        limits=place.limits(ready_s=settings.readiness.initialization_timeout_s),
    )
    return put_together(settings, place, environment, edges, stopping=stopping, warn=warn)


def put_together(
    settings: Settings,
    place: Place,
    environment: Mapping[str, str],
    edges: Edges,
    *,
    stopping: Stopping,
    warn: Callable[[str], None],
) -> Means:
    """Build a run's means over edges that are given."""
    folder = Path(settings.home, "clusters", names.context(settings.project, settings.prefix))
    keys = KeyStore(folder, warn=warn)
    clock, gateway = edges.clock, edges.gateway
    acquaintance = _Acquaintance(keys)
    channel = SerialChannel(
        gateway,
        edges.waits,
        poll_s=edges.limits.poll_s,
        trust=acquaintance.authority,
        randomness=edges.randomness,
        pools=edges.pools,
    )
    kubeconfig = OperatorKubeconfig(
        files=tuple(Path(f) for f in settings.kubeconfig_files),
        clock=clock,
        context=settings.kubeconfig.context or names.context(settings.project, settings.prefix),
        port=place.api_port,
        server=settings.kubeconfig.server,
        set_current=settings.kubeconfig.set_current,
    )
    observer = Observer(
        gateway=gateway,
        channel=channel,
        project=settings.project,
        prefix=settings.prefix,
        region=settings.region,
        kubeconfig=kubeconfig.state,
        meet=acquaintance.meet,
    )
    return Means(
        settings=settings,
        place=place,
        gateway=gateway,
        observer=observer,
        journal=Journal(path=folder / "journal.jsonl", clock=clock, complain=warn),
        keys=keys,
        kubeconfig=kubeconfig,
        clock=clock,
        waits=edges.waits,
        limits=edges.limits,
        stopping=stopping,
        selectors=selectors(environment),
        programs=programs.here_and_now(environment),
    )
