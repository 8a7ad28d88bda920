"""One command's wish, and the means it is carried out with."""

import secrets
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from hakube_gce.execute import Crew, Progress, threads
from hakube_gce.inherit import Inheritance
from hakube_gce.lock import HeldLock, LockPlace
from hakube_gce.model import Intent, Observed, Operation
from hakube_gce.perform.context import Context
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.ports import Clock, ComputeGateway
from hakube_gce.renewal import renewed
from hakube_gce.stopping import Stopping


def new_operation_id() -> str:
    """Draw an operation's id."""
    return secrets.token_hex(6)


class Screen(Progress, Protocol):
    """Where a run tells people how it goes."""

    def say(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One command's wish and means."""

    intent: Intent
    gateway: ComputeGateway
    observe: Callable[[], Observed]
    inherit: Callable[[Observed], Inheritance]
    lock_place: LockPlace
    context: Callable[[Blueprint, Operation, Observed, HeldLock], Context]
    screen: Screen
    note: Callable[..., None]
    """The journal's write."""
    clock: Clock
    stopping: Stopping
    operation_id: str
    new_id: Callable[[], str] = new_operation_id
    """Draws the ids of the operations of a course."""
    renewed: Callable[[HeldLock], AbstractContextManager[None]] = renewed
    """Keeps the lock ours while steps take long."""
    crew: Callable[[], AbstractContextManager[Crew]] = threads
    """Who carries the steps out."""
    dry_run: bool = False
    check: bool = False

    def say(self, lines: Iterable[str]) -> None:
        """Tell people, line by line."""
        for line in lines:
            self.screen.say(line)
