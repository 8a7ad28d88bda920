"""Walk a plan: whatever is ready runs, at most ten steps at once. That is all the engine there is.

Who carries the steps out is a crew: threads, or in simulations one after the other in an order of
the simulator's choosing.

Forward only: what fails stays as it is and the same command goes on from there, because the next
run looks afresh. The one thing rolled back is an open outage window, and that happens inside its
own step.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
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


class Crew(Protocol):
    """Who carries steps out."""

    def begin(self, work: Callable[[], Planned]) -> Future[Planned]: ...

    def some_done(self, running: Collection[Future[Planned]]) -> Collection[Future[Planned]]:
        """Wait a moment for work that was begun; return what has ended, which may be nothing."""
        ...


@dataclass(frozen=True, slots=True)
class _Threads:
    pool: ThreadPoolExecutor

    def begin(self, work: Callable[[], Planned]) -> Future[Planned]:
        return self.pool.submit(work)

    def some_done(self, running: Collection[Future[Planned]]) -> Collection[Future[Planned]]:
        return wait(running, timeout=0.2, return_when=FIRST_COMPLETED).done


@contextmanager
def threads() -> Iterator[Crew]:
    """A thread for each step under way; they have ended when the context does."""
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="step") as pool:
        yield _Threads(pool)


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
    crew: Callable[[], AbstractContextManager[Crew]] = threads,
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
    with crew() as workers:
        running: dict[Future[Planned], Planned] = {}
        while sorter.is_active():
            if not failures and not stop.is_set():
                for key in sorter.get_ready():
                    running[workers.begin(partial(run, steps[key]))] = steps[key]
            if not running:
                break
            for future in workers.some_done(running):
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
