"""Everything a step needs to have its effect, in one value, and the ids of its requests."""

import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from hakube_gce import names
from hakube_gce.errors import ResourceNotFound, TargetNotFound
from hakube_gce.keystore import KeyStore
from hakube_gce.lock import HeldLock
from hakube_gce.model import Mark, Observed, Operation
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.ports import Channel, Clock, ComputeGateway, Probe
from hakube_gce.resources import Instance
from hakube_gce.sealing import Recipient, new_recipient
from hakube_gce.watch import Watching, watch_in_background

_NAMESPACE = uuid.UUID("3d3cf4f6-1e0c-5a43-8f0d-6a1f8b1f2f6e")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long to wait for what, in seconds. All bounded: nothing waits for ever."""

    boot_s: float = 600.0
    install_s: float = 300.0
    admit_s: float = 900.0
    verb_s: float = 120.0
    ready_s: float = 600.0
    backends_s: float = 1200.0
    window_s: float = 1200.0
    """How long a new rule may take to lead somewhere before the address goes back."""
    blind_s: float = 180.0
    """The same where the address did not answer before either: from here nobody may reach it."""
    drain_s: float = 30.0
    snapshot_s: float = 1800.0
    rescue_s: float = 1200.0
    """How long a recovery or a restore may take at the master: it copies whole databases."""
    nodes_s: float = 1800.0
    """How long a managed group may take to make its VMs; the newest original's limit."""
    election_s: float = 20.0
    """For how long a master must say that it has no quorum while others may be electing."""
    release_s: float = 60.0
    """For how long Compute Engine may take something for used whose user was deleted just now."""
    poll_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """An outage of the cluster IP as the probe saw it."""

    kind: str
    """promotion or demotion."""
    seconds: float
    """From the last good answer before the gap to the first after it; 0 when none failed."""
    probes: int
    failed_probes: int


@dataclass(slots=True, kw_only=True)
class Context:
    """One run's means. Shared by the threads that perform steps."""

    blueprint: Blueprint
    operation: Operation
    mark: Mark
    gateway: ComputeGateway
    channel: Channel
    probe: Probe
    clock: Clock
    """Its sleeps end early when a stop is wanted."""
    put_off: Callable[[], AbstractContextManager[None]]
    """Puts a wanted stop off: an open outage window must come to its end."""
    keys: KeyStore
    lock: HeldLock
    observe: Callable[[], Observed]
    say: Callable[[str], None]
    write_kubeconfig: Callable[[str, str], Path]
    """(context, server): the file that has it now."""
    remove_kubeconfig: Callable[[str], Path | None]
    """The file that had it, if any."""
    randomness: Callable[[int], bytes] = os.urandom
    new_recipient: Callable[..., Recipient] = new_recipient
    """Draws the key that the cluster's keys are sealed to on their way here."""
    watch: Callable[[Probe, Clock, str], Watching] = watch_in_background
    """Begins to watch an address, by a clock."""
    limits: Limits = field(default_factory=Limits)
    windows: list[Window] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """What steps found out that people must know."""
    keys_guard: threading.Lock = field(default_factory=threading.Lock)
    """Steps that run side by side must not each draw keys."""
    _calls: Counter[str] = field(default_factory=Counter)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def request_id(self, step_key: str, call: str) -> str:
        """Give the id of a request: one for all retries of a call, another for every other.

        It derives from operation, lock epoch, step and call. The epoch stands for the attempt: a
        run that resumes has a higher one and so never gets a failed request's old answer again.
        """
        with self._guard:
            self._calls[f"{step_key}/{call}"] += 1
            count = self._calls[f"{step_key}/{call}"]
        text = f"{self.operation.id}/{self.lock.epoch}/{step_key}/{call}/{count}"
        return str(uuid.uuid5(_NAMESPACE, text))

    def tell(self, text: str) -> None:
        """Say something that also belongs into the result."""
        self.told.append(text)
        self.say(f"note: {text}")

    def cluster_ip(self) -> str:
        """Read the cluster IP; empty when its address is gone."""
        name = names.address(self.blueprint.prefix)
        found = self.gateway.find_address(self.blueprint.region, name)
        return found.address if found is not None else ""

    def instance(self, zone: str, name: str) -> Instance:
        """Read a master's VM.

        Raises:
            TargetNotFound: It is not there.
        """
        try:
            found = self.gateway.find_instance(zone, name)
        except ResourceNotFound:
            found = None
        if found is None:
            raise TargetNotFound(f"VM {name} is not in zone {zone} any more")
        return found

    def note_outage(self, since: datetime | None) -> None:
        """Let the address remember that the cluster IP is down, or no longer is."""
        self.operation = replace(self.operation, outage_since=since)
        self.lock.note(self.operation)
