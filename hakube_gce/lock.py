"""The cluster's lock and the unfinished operation, on the cluster's own address.

Inserting the address is the mutual exclusion at a cluster's birth: Compute Engine lets one insert
of a name win. From then on the lock is a set of the address's labels, written by compare-and-set
on `labelFingerprint` (412 when somebody else wrote first). Every write carries a growing epoch, so
no label set ever repeats and agents can refuse a run that was overtaken. Expiry is by the API's
clock.

A lock is courtesy, not proof: every change is checked again where it happens. What this will not
do is wait for a lock, take one that may still be held, or take one for a decision that another
run has made stale since.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hakube_gce import marks
from hakube_gce.errors import (
    Locked,
    Overtaken,
    ResourceConflict,
    ResourceNotFound,
    StaleFingerprint,
    StepFailed,
)
from hakube_gce.model import Lock, Mark, Operation
from hakube_gce.ports import Clock, ComputeGateway
from hakube_gce.resources import Address

TTL = timedelta(minutes=10)
RENEW_AFTER_S = 120.0
_SURE_FOR_S = 540.0
"""For so long after it was written nobody can take a lock: its `TTL`, less what a request may be
on its way, and clocks that do not run alike."""
_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """This process, as a lock names it."""

    name: str
    """Readable, within a label's alphabet."""
    host: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPlace:
    """Where a cluster's lock stands, and who wants it."""

    gateway: ComputeGateway
    clock: Clock
    region: str
    address: str
    cluster: str
    holder: Holder
    is_gone: Callable[[Lock], bool]
    """Tells whether a holder is certainly no more: a process of this host that has ended."""
    new_hex: Callable[[int], str]
    """Gives that many random hexadecimal digits."""
    unlock: str = "hakube unlock"
    """The command that breaks this lock open, as this user runs it."""
    uid: str = ""
    """The cluster's uid when parts of it are there without its address; else one is drawn."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The user's, for the address: Compute Engine takes none at its insert."""

    def request_id(self) -> str:
        digits = self.new_hex(32)
        return "-".join(
            (digits[:8], digits[8:12], f"4{digits[13:16]}", f"a{digits[17:20]}", digits[20:])
        )


def acquire(place: LockPlace, operation: Operation | None, *, seen: Address | None) -> "HeldLock":
    """Take the lock for an operation, making the address when the cluster is being born.

    Args:
        place: Whose lock, and who wants it.
        operation: What it is for: noted beside the lock until it is done. None notes nothing,
            and needs an address that is there.
        seen: The address when the operation was decided upon. Whoever held the lock since then has
            made that decision stale: it may have finished, or left unfinished, something else.

    Raises:
        Locked: Another run holds it.
        Overtaken: Another run held it since `seen`.
        GatewayError: Compute Engine could not be asked.
    """
    epoch = marks.epoch_from_labels(seen.labels) if seen is not None else None
    nonce = place.new_hex(16)
    for _ in range(_TRIES):
        address = place.gateway.find_address(place.region, place.address)
        if address is None:
            epoch = _be_born(place, operation, epoch)
            continue
        there = marks.lock_from_labels(address.labels)
        if there is not None and there.nonce == nonce:  # the write was made, its answer lost
            return HeldLock(place=place, lock=there, written_at_s=place.clock.monotonic())
        held = _try_to_take(place, address, operation, epoch, nonce)
        if held is not None:
            return held
    raise Locked(
        f"the lock of cluster {place.cluster} changed hands {_TRIES} times while we asked for it",
        hint="run the same command again",
    )


def refuse_if_held(place: LockPlace, address: Address | None, now: datetime) -> None:
    """Say at once that another run is at work, before anything is judged by what it half did.

    Raises:
        Locked: Another run holds the lock.
    """
    there = marks.lock_from_labels(address.labels) if address is not None else None
    if address is None or there is None:
        return
    if there.free_at > now and not place.is_gone(there):
        raise Locked(_who(there, address.labels), hint=_how_to_go_on(place, there))


def break_open(place: LockPlace, nonce: str) -> bool:
    """Free a lock whose holder is known, by a person, to be dead; its operation stays noted.

    The holder, should it live after all, notices at its next step, and agents refuse it as soon as
    the next run has taken a higher epoch.

    Args:
        place: Whose lock.
        nonce: The nonce of the very lock that is meant: by now another run may hold another one.

    Returns:
        False when nobody holds the lock.

    Raises:
        Locked: The lock has another nonce.
    """
    for _ in range(_TRIES):
        address = place.gateway.find_address(place.region, place.address)
        there = marks.lock_from_labels(address.labels) if address is not None else None
        if address is None or there is None:
            return False
        if there.nonce != nonce:
            raise Locked(
                f"this is not the lock that is held: its nonce is {there.nonce}, not {nonce}",
                hint=_who(there, address.labels),
            )
        with suppress(StaleFingerprint):
            _write(place, address, marks.free_labels(address.labels, keep_operation=True))
            return True
    raise StepFailed(f"the labels of {place.address} changed {_TRIES} times under our hands")


def _be_born(place: LockPlace, operation: Operation | None, epoch: int | None) -> int:
    """Make the address and give the epoch that it begins with."""
    if epoch is not None or operation is None:
        raise _overtaken(place, "its address is gone")
    mark = Mark(cluster=place.cluster, uid=place.uid or place.new_hex(16), operation=operation.id)
    try:
        place.gateway.insert_address(
            place.region,
            place.address,
            description=marks.mark_description(mark),
            request_id=place.request_id(),
        )
    except ResourceConflict:
        address = place.gateway.find_address(place.region, place.address)
        refuse_if_held(place, address, place.gateway.server_time())
        raise _overtaken(place, "it was just born") from None
    return 0


def _try_to_take(
    place: LockPlace,
    address: Address,
    operation: Operation | None,
    epoch: int | None,
    nonce: str,
) -> "HeldLock | None":
    now = place.gateway.server_time()
    refuse_if_held(place, address, now)
    if marks.epoch_from_labels(address.labels) != epoch:
        raise _overtaken(place, "another run held its lock meanwhile")
    lock = Lock(
        nonce=nonce,
        holder=place.holder.name,
        host=place.holder.host,
        pid=place.holder.pid,
        epoch=marks.epoch_from_labels(address.labels) + 1,
        since=now,
        until=now + TTL,
    )
    labels = marks.held_labels(address.labels, lock, operation)
    if lock.epoch == 1:  # the address's first labels; what is done to them later is left so
        labels = {**place.labels, **labels}
    try:
        _write(place, address, labels)
    except StaleFingerprint:
        return None
    return HeldLock(place=place, lock=lock, written_at_s=place.clock.monotonic())


def _overtaken(place: LockPlace, what: str) -> Overtaken:
    return Overtaken(
        f"cluster {place.cluster} is not what it was a moment ago: {what}",
        hint="run the same command again",
    )


def _write(place: LockPlace, address: Address, labels: Mapping[str, str]) -> None:
    place.gateway.set_address_labels(
        place.region,
        place.address,
        labels=labels,
        fingerprint=address.label_fingerprint,
        request_id=place.request_id(),
    )


def _who(there: Lock, labels: Mapping[str, str]) -> str:
    operation = marks.operation_from_labels(labels)
    what = f" for {operation.verb.value} {operation.target}".rstrip() if operation else ""
    return (
        f"another run holds this cluster's lock: {there.holder}{what}, since "
        f"{there.since:%Y-%m-%d %H:%M:%S} UTC, epoch {there.epoch}, nonce {there.nonce}"
    )


def _lost(why: str) -> Locked:
    return Locked(
        f"this run lost the cluster's lock: {why}",
        hint="run the same command again: it looks afresh and goes on",
    )


def _how_to_go_on(place: LockPlace, there: Lock) -> str:
    return (
        "wait for that run to end. If it was killed on another machine, the lock ends by itself "
        f"at {there.free_at:%H:%M:%S} UTC, and any command goes on; when you know it is "
        f"dead: {place.unlock} --nonce {there.nonce}"
    )


@dataclass(slots=True, kw_only=True)
class HeldLock:
    """The lock in our hands. Threads may call `keep` at once."""

    place: LockPlace
    lock: Lock
    written_at_s: float
    lost: Locked | None = None
    """Set once the lock was seen in other hands: nothing is begun any more."""
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def epoch(self) -> int:
        return self.lock.epoch

    def note(self, operation: Operation) -> None:
        """Write down how far the operation has come.

        Raises:
            Locked: The lock was taken from us.
        """
        with self._guard:
            self._update(lambda labels, lock: marks.held_labels(labels, lock, operation))

    def keep(self) -> None:
        """See that the lock is still ours, and renew it when it is time; before every step.

        Raises:
            Locked: The lock was taken from us.
        """
        with self._guard:
            if self.lost is not None:
                raise self.lost
            if self.place.clock.monotonic() - self.written_at_s >= RENEW_AFTER_S:
                self._renew()
            else:
                self._own_address()

    def vouch(self) -> None:
        """See that nobody can have taken the lock meanwhile; before every single request.

        Costs nothing while the lock was written lately. It was not after a laptop's sleep, and
        then somebody else's cluster may stand where a request of ours would go by name.

        Raises:
            Locked: The lock was taken from us.
        """
        with self._guard:
            if self.lost is not None:
                raise self.lost
            if self.place.clock.monotonic() - self.written_at_s < _SURE_FOR_S:
                return
            try:
                self._renew()
            except ResourceNotFound as error:  # no 404 of the change that is to be sent
                self.lost = _lost("the cluster's address is gone")
                raise self.lost from error

    def confirm(self) -> None:
        """Look whether the lock is still ours, whatever was heard of it last.

        Raises:
            Locked: The lock was taken from us.
        """
        with self._guard:
            self._own_address()

    def _renew(self) -> None:
        self._update(
            lambda labels, lock: marks.held_labels(
                labels, lock, marks.operation_from_labels(labels)
            )
        )

    def release(self, *, keep_operation: bool) -> None:
        """Let go. The unfinished operation stays where it is when a later run shall resume it."""
        with self._guard:
            try:
                self._update(
                    lambda labels, _: marks.free_labels(labels, keep_operation=keep_operation)
                )
            except ResourceNotFound:
                return  # the teardown released the address, and the lock with it

    def _update(self, change: Callable[[Mapping[str, str], Lock], Mapping[str, str]]) -> None:
        for _ in range(_TRIES):
            address = self._own_address()
            renewed = replace(self.lock, until=self.place.gateway.server_time() + TTL)
            try:
                _write(self.place, address, change(address.labels, renewed))
            except StaleFingerprint:
                continue
            self.lock, self.written_at_s = renewed, self.place.clock.monotonic()
            return
        raise StepFailed(
            f"the labels of {self.place.address} changed {_TRIES} times under our hands"
        )

    def _own_address(self) -> Address:
        address = self.place.gateway.find_address(self.place.region, self.place.address)
        if address is None:
            raise ResourceNotFound(f"address {self.place.address} is gone")
        there = marks.lock_from_labels(address.labels)
        if there is None or there.nonce != self.lock.nonce:
            self.lost = _lost(_who(there, address.labels) if there else "nobody holds it now")
            raise self.lost
        return address
