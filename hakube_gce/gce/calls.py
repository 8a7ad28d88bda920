"""Carrying one call through: repeating what may be repeated, and waiting until it is really done.

A mutation is sent under one request id however often it is sent, and counts as done only when its
operation is DONE without an error block. When an earlier attempt may have been carried out
although no answer came, an answer like "exists already" is no failure yet: the resource is looked
at.

What a resource must look like is the caller's knowledge; it hands in a function that looks.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from hakube_gce.errors import (
    GatewayError,
    RequestInvalid,
    ResourceConflict,
    ResourceInUse,
    ResourceNotFound,
    StaleFingerprint,
    Unavailable,
)
from hakube_gce.gce.classify import error_for, may_repeat
from hakube_gce.gce.clients import Waits
from hakube_gce.gce.failures import TROUBLE, Outcome, read_failure, read_operation
from hakube_gce.gce.library import compute
from hakube_gce.gce.paths import Scope
from hakube_gce.ports import Clock

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")

CALL_TIMEOUT_S = 30.0
_WAIT_CALL_TIMEOUT_S = 130.0
"""``operations.wait`` holds a call for at most about two minutes."""
_OPERATION_DEADLINE_S = 600.0
_LONGEST_PAUSE_S = 32.0
_NOBODY_LISTENS_BUDGET_S = 10.0
"""Nobody at a port of this machine: an emulator that is starting, or none at all."""
_EARLY_RETURN_S = 1.0


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """How long and how often one call is tried."""

    project: str
    clock: Clock
    rng: random.Random
    budget_s: float
    on_loopback: bool = False
    before_change: Callable[[], None] = _nothing
    """Called before a change is sent, and before it is sent again; what it raises ends the call.
    Hours may lie between two attempts where a laptop's lid was closed in the pause."""

    def carry(self, call: Callable[[], T], *, about: str) -> T:
        """Call until it answers.

        Args:
            call: One HTTP request, safe to send again.
            about: Short path of the resource, for errors.

        Raises:
            GatewayError: The answer was no, or trouble outlasted the budget (`Unavailable`).
        """
        started = self.clock.monotonic()
        attempts = 0

        def counted() -> T:
            nonlocal attempts
            attempts += 1
            return call()

        retrying = Retrying(
            sleep=self.clock.sleep,
            retry=retry_if_exception(_is_passing),
            wait=self._pause_s,
            stop=lambda state: self._gives_up(state, started),
            before_sleep=lambda state: _say(state, about),
            reraise=True,
        )
        try:
            return retrying(counted)
        except TROUBLE as error:
            spent = self.clock.monotonic() - started
            tried = f"{attempts} attempts in {spent:.0f} s" if attempts > 1 else ""
            failure = read_failure(error)
            raise error_for(failure, resource=about, project=self.project, tried=tried) from error

    def _pause_s(self, state: RetryCallState) -> float:
        """Full jitter under an exponential ceiling; never less than the server asked for."""
        # Bounded before it is raised to a power: a long storm must not compute 2.0 ** 2000.
        ceiling_s = min(_LONGEST_PAUSE_S, 0.5 * 2.0 ** min(state.attempt_number, 10))
        jitter_s = self.rng.uniform(0.0, ceiling_s)
        asked_s = read_failure(_error_of(state)).retry_after_s
        # Everybody was asked to come back at the same moment: the jitter is added, not replaced.
        return jitter_s if asked_s is None else asked_s + min(jitter_s, 1.0)

    def _gives_up(self, state: RetryCallState, started: float) -> bool:
        refused = self.on_loopback and read_failure(_error_of(state)).refused
        budget_s = min(self.budget_s, _NOBODY_LISTENS_BUDGET_S) if refused else self.budget_s
        return self.clock.monotonic() - started + state.upcoming_sleep > budget_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One mutation: how to send it, and how to see that it happened."""

    about: str
    """Short path of the resource."""
    scope: Scope
    """Where its operation lives."""
    send: Callable[[], compute.Operation]
    """Sends it, under the same request id every time."""
    happened: Callable[[], bool | None]
    """Looks at the resource: as requested, not as requested, or under way (None)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Carries mutations through to the end."""

    persistence: Persistence
    operations: dict[str, Waits]
    """Operation clients by scope."""

    def perform(self, change: Change) -> None:
        """Send a mutation and return once it is done.

        Raises:
            GatewayError: It was refused, failed after it had been accepted, or its outcome could
                not be learnt in time (`Unavailable`).
        """
        in_doubt = False

        def send() -> compute.Operation:
            nonlocal in_doubt
            self.persistence.before_change()
            try:
                return change.send()
            except TROUBLE as error:
                in_doubt = in_doubt or read_failure(error).outcome is Outcome.UNKNOWN
                raise

        try:
            self._finish(change, self.persistence.carry(send, about=change.about))
        except _PERHAPS_OUR_OWN_DOING:
            if not (in_doubt and self._settled(change)):
                raise

    def _finish(self, change: Change, operation: compute.Operation) -> None:
        deadline = self.persistence.clock.monotonic() + _OPERATION_DEADLINE_S
        while operation.status != compute.Operation.Status.DONE:
            try:
                operation = self._wait(change, operation, deadline)
            except ResourceNotFound as error:
                # Compute Engine forgets finished operations after a while. One that is gone has
                # ended, most likely well: only the resource can say otherwise.
                if not self._settled(change):
                    msg = f"{change.about}: its operation is gone and the change did not happen"
                    raise Unavailable(msg, resource=change.about, hint=_AGAIN) from error
                return
        failure = read_operation(operation)
        if failure is not None:
            project = self.persistence.project
            raise error_for(failure, resource=change.about, project=project)

    def _wait(
        self, change: Change, operation: compute.Operation, deadline: float
    ) -> compute.Operation:
        clock = self.persistence.clock
        began = clock.monotonic()
        if began >= deadline:
            raise self._unfinished(change, operation.name)
        wait = self.operations[change.scope.kind].wait
        request = {
            "project": self.persistence.project,
            "operation": operation.name,
            **change.scope.fields,
        }
        timeout_s = min(_WAIT_CALL_TIMEOUT_S, deadline - began)
        answer = self.persistence.carry(
            lambda: wait(request=request, retry=None, timeout=timeout_s), about=change.about
        )
        # `wait` is best effort and may return at once: without a pause this would be a busy loop.
        early = clock.monotonic() - began < _EARLY_RETURN_S
        if early and answer.status != compute.Operation.Status.DONE:
            clock.sleep(_EARLY_RETURN_S)
        return answer

    def _settled(self, change: Change) -> bool:
        """Look at the resource until it says whether the change happened."""
        clock = self.persistence.clock
        deadline = clock.monotonic() + _OPERATION_DEADLINE_S
        while (seen := change.happened()) is None:
            if clock.monotonic() >= deadline:
                raise self._unfinished(change, "")
            clock.sleep(_EARLY_RETURN_S)
        return seen

    def _unfinished(self, change: Change, operation: str) -> Unavailable:
        named = f" ({change.scope.path}/operations/{operation})" if operation else ""
        return Unavailable(
            f"{change.about}: not done after {_OPERATION_DEADLINE_S:.0f} s; it goes on{named}",
            resource=change.about,
            hint=_AGAIN,
        )


_AGAIN = "run the same command again: it looks first"

_PERHAPS_OUR_OWN_DOING: tuple[type[GatewayError], ...] = (
    ResourceConflict,
    ResourceNotFound,
    ResourceInUse,
    StaleFingerprint,
    RequestInvalid,
)
"""Answers that an attempt of ours which was carried out unseen would cause."""


def _error_of(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome else None
    if error is None:
        msg = "asked to pause although nothing failed"
        raise RuntimeError(msg)
    return error


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, TROUBLE) and may_repeat(read_failure(error))


def _say(state: RetryCallState, about: str) -> None:
    failure = read_failure(_error_of(state))
    _LOGGER.warning(
        "%s: %s %s; attempt %d follows in %.1f s",
        about,
        failure.status or "no answer,",
        failure.reasons[0] if failure.reasons else failure.message,
        state.attempt_number + 1,
        state.upcoming_sleep,
    )
