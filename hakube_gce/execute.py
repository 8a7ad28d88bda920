"""Walk a plan: whatever is ready runs, at most ten steps at once. That is all the engine there is.

Forward only: what fails stays as it is and the same command goes on from there, because the next
run looks afresh. The one thing rolled back is an open outage window, and that happens inside its
own step.
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Protocol

from hakube_gce.errors import HakubeError, StepFailed
from hakube_gce.plan.graph import Plan, Planned
from hakube_gce.ports import Clock

WORKERS = 10


class Progress(Protocol):
    """Who wants to know how a run comes along: the screen and the journal."""

    def started(self, planned: Planned) -> None: ...
    def finished(self, planned: Planned, seconds: float) -> None: ...
    def failed(self, planned: Planned, error: HakubeError) -> None: ...


@dataclass(slots=True)
class _Failure:
    planned: Planned
    error: HakubeError


def execute(
    plan: Plan,
    perform: Callable[[Planned], None],
    *,
    progress: Progress,
    clock: Clock,
    stop: threading.Event,
) -> bool:
    """Perform a plan's steps in their order.

    Returns:
        True when all were performed; False when a stop was wanted and steps are left.

    Raises:
        StepFailed: A step failed; those running beside it were let end first.
    """
    steps = {p.key: p for p in plan.steps}
    sorter = TopologicalSorter({p.key: p.after for p in plan.steps})
    sorter.prepare()

    def run(planned: Planned) -> Planned:
        progress.started(planned)
        began_s = clock.monotonic()
        perform(planned)
        progress.finished(planned, clock.monotonic() - began_s)
        return planned

    failures: list[_Failure] = []
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="step") as pool:
        running: dict[Future[Planned], Planned] = {}
        while sorter.is_active():
            if not failures and not stop.is_set():
                for key in sorter.get_ready():
                    running[pool.submit(run, steps[key])] = steps[key]
            if not running:
                break
            done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                planned = running.pop(future)
                failure = _outcome(future, planned, progress)
                if failure is None:
                    sorter.done(planned.key)
                else:
                    failures.append(failure)
    if failures:
        raise _as_step_failed(failures[0])
    return not sorter.is_active()


def _outcome(future: Future[Planned], planned: Planned, progress: Progress) -> _Failure | None:
    try:
        future.result()
    except HakubeError as error:
        progress.failed(planned, error)
        return _Failure(planned, error)
    return None


def _as_step_failed(failure: _Failure) -> HakubeError:
    error = failure.error
    if type(error).exit_status in {5, 6, 8, 9, 130}:
        return error  # the class already tells what may be done next
    wrapped = StepFailed(f"{failure.planned.key}: {error.message}", hint=error.hint)
    wrapped.__cause__ = error
    return wrapped
