"""Run random walks: ``python -m tests.simulation --seeds N [--seed S] [--record] [--verbose]``.

Prints what was run, and for each failing seed its story and how to see it again. Exit status 1
when a walk failed, or when nothing was walked at all.
"""

import argparse
import logging
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.chaos.telling import record, where
from tests.simulation.stories import in_memory
from tests.simulation.walks import LONGEST, Outcome, walk

RELIABILITY = Path(__file__).resolve().parents[2] / "docs/RELIABILITY.md"
_TELL_EVERY = 1000


def main(argv: Sequence[str] | None = None) -> int:
    """Walk, and report."""
    asked = _parser().parse_args(argv)
    root, began_s = in_memory(), time.perf_counter()
    outcomes = []
    pool = ProcessPoolExecutor(asked.jobs, initializer=_quiet)
    try:  # stopped by Ctrl-C it still says what it has seen
        seeds = range(asked.seed, asked.seed + asked.seeds)
        for outcome in pool.map(partial(walk, root=root, longest=asked.longest), seeds):
            if outcome.problems or asked.verbose:
                _show(outcome, asked.longest)
            # ten thousand stories would be a gigabyte
            outcomes.append(replace(outcome, story=(), trace=()))
            if len(outcomes) % _TELL_EVERY == 0:
                _say(f"{len(outcomes)} of {asked.seeds} seeds")
    except KeyboardInterrupt:
        _say("stopped")
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(root, ignore_errors=True)
    passed, lines = _summary(outcomes, time.perf_counter() - began_s)
    _say(*lines)
    if asked.record and passed and len(outcomes) == asked.seeds:
        record(RELIABILITY, "simulation", _recorded(asked, lines))
    return 0 if passed else 1


def _quiet() -> None:
    """Leave Ctrl-C to the parent, and be silent about repeated requests: there are thousands."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("hakube_gce.gce.calls").setLevel(logging.ERROR)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many walks")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed")
    parser.add_argument("--longest", type=int, default=LONGEST, help="most events of a walk")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time")
    parser.add_argument(
        "--record", action="store_true", help="write the figures to docs/RELIABILITY.md"
    )
    parser.add_argument("--verbose", action="store_true", help="tell every walk's story")
    return parser


def _show(outcome: Outcome, longest: int) -> None:
    verdict = "FAILED" if outcome.problems else "passed"
    _say(f"== seed {outcome.seed} {verdict}", *outcome.story, *outcome.problems)
    if outcome.problems:
        which = f"--seed {outcome.seed} --longest {longest}"
        _say(f"again: python -m tests.simulation {which} --verbose")


def _recorded(asked: argparse.Namespace, lines: Sequence[str]) -> str:
    now = datetime.now(UTC)  # noqa: TID251 - the day of the record
    command = f"python -m tests.simulation --seed {asked.seed} --seeds {asked.seeds}"
    head = f"`{command}`, {now:%Y-%m-%d}: all of it held"
    return "\n".join((head, "", f"- {where()}", *(f"- {line}" for line in lines)))


def _summary(outcomes: list[Outcome], seconds: float) -> tuple[bool, tuple[str, ...]]:
    failed = [o.seed for o in outcomes if o.problems]
    statuses: Counter[int] = sum((o.statuses for o in outcomes), Counter())
    commands, requests = sum(o.commands for o in outcomes), sum(o.requests for o in outcomes)
    changes, checks = sum(o.changes for o in outcomes), sum(o.checks for o in outcomes)
    lines = (
        f"simulation: {len(outcomes)} seeds, {commands} commands, {requests} requests, "
        f"{changes} changes, {checks} checks, {len(failed)} failed, {seconds:.1f} s",
        f"exit statuses: {dict(sorted(statuses.items()))}",
        *([f"failed seeds: {failed}"] if failed else []),
    )
    return bool(changes and not failed), lines


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - a program of its own


if __name__ == "__main__":
    sys.exit(main())
