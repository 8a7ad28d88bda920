"""One campaign: a lab, clients, our own commands and things going wrong, all at once.

When the last event is over and our last command done, everything is looked at once more; only
then may anybody speak of what was lost.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.clients import last_looks
from tests.chaos.company import Company, assemble, build
from tests.chaos.divergence import diverging
from tests.chaos.events import STRETCH, choose_events
from tests.chaos.faults import Faults, Struck
from tests.chaos.gateway import Gateway
from tests.chaos.history import Operation
from tests.chaos.lab import Operator
from tests.chaos.linear import TooHard, anomalies
from tests.chaos.plant import search_for_planted
from tests.chaos.read_back import read_back
from tests.chaos.verdict import PLANTED, Checked, Seen
from tests.e2e.writer import PREFIX

HEALTHY_WITHIN_S = 90.0
LOOK_EVERY_S = 1.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for."""

    events: int
    seed: int
    plant: str = ""
    """``stale-reads`` or ``lost-write``: a defect on purpose, to see the campaign fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What came of it."""

    seen: Seen
    struck: Sequence[Struck]
    history: Sequence[Operation]


@dataclass(slots=True, kw_only=True)
class _Findings:
    """What is gathered on the way; whatever fails, the rest is done all the same."""

    problems: list[str] = field(default_factory=list)
    struck: list[Struck] = field(default_factory=list)
    verdict: str = ""
    seconds: float = 0.0
    looks: list[Operation] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    diverging: list[str] = field(default_factory=list)

    def attempt(self, action: Callable[[], object]) -> None:
        """Do something; what goes wrong is for the verdict to say."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - as said
            self.problems.append(f"{type(error).__name__}: {error}")


def run(order: Order, operator: Operator, say: Say) -> Campaign:
    """Make three masters, make trouble, and look at what is left."""
    say("three masters in three zones")
    stale = order.plant == "stale-reads"
    company = assemble(operator, build(operator), seed=order.seed, stale_reads=stale)
    found = _Findings()
    began = time.monotonic()
    company.start()
    found.attempt(lambda: _trouble(order, company, found.struck, say))
    say("no more trouble; our last commands may end")
    found.attempt(lambda: _settle(company, found))
    company.stop()
    found.seconds = time.monotonic() - began
    if order.plant == "lost-write":
        _lose_one(company)
    history = [operation for client in company.clients for operation in client.history]
    found.attempt(lambda: found.looks.extend(_last_looks(company, history)))
    found.attempt(lambda: found.lost.extend(_lost(company)))
    found.attempt(lambda: found.diverging.extend(diverging(company.board.urls, company.context)))
    history += found.looks
    say(f"checking {len(history)} operations")
    return Campaign(
        seen=_seen(order, company, found, history), struck=found.struck, history=history
    )


def _settle(company: Company, found: _Findings) -> None:
    """Leave the cluster alone until our commands are done and all is well."""
    company.errands.stop()
    found.attempt(Faults(roster=company.roster).start_all)
    company.errands.await_end()
    company.roster.refresh()
    found.verdict = _final_verdict(company.operator)


def _seen(order: Order, company: Company, found: _Findings, history: Sequence[Operation]) -> Seen:
    clients, errands = company.clients, company.errands
    writer, witness = company.writer, company.witness
    return Seen(
        events_wanted=order.events,
        events=dict(Counter(struck.event.trouble for struck in found.struck)),
        acknowledged={c.name: sum(o.outcome == "ok" for o in c.history) for c in clients},
        unknown=sum(operation.outcome == "unknown" for operation in history),
        checked=_checked(history, order.seed),
        writes=len(writer.acknowledged),
        lost=tuple(found.lost),
        diverging=tuple(found.diverging),
        longest_gap_s=round(writer.longest_gap_s(), 2),
        premature_voters=tuple(sorted(witness.premature)),
        looks=witness.looks,
        commands=tuple(errands.runs),
        errands=tuple(errands.done),
        problem="; ".join(filter(None, [*found.problems, errands.problem])),
        final_verdict=found.verdict,
        seconds=round(found.seconds, 1),
    )


def _trouble(order: Order, company: Company, struck: list[Struck], say: Say) -> None:
    faults = Faults(roster=company.roster)
    for number, event in enumerate(choose_events(order.seed, order.events)):
        company.board.chapter = number // STRETCH
        company.follow()
        hit = faults.strike(event)
        struck.append(hit)
        say(f"{number + 1:4} {event.trouble} {event.lasts_s:.2f} s: {', '.join(hit.masters)}")
        faults.clock.wait(event.rest_s)
        if company.errands.problem:
            return


def _final_verdict(operator: Operator) -> str:
    """Ask the program until it says that all is well, or for long enough."""
    said = ""
    for _ in range(int(HEALTHY_WITHIN_S / LOOK_EVERY_S)):
        said = str(operator.hakube("status").result.get("verdict", ""))
        if said == "healthy":
            break
        threading.Event().wait(LOOK_EVERY_S)
    return said


def _last_looks(company: Company, history: Sequence[Operation]) -> list[Operation]:
    keys = sorted({operation.key for operation in history})
    return list(last_looks(company.board.urls, keys, company.context))


def _lost(company: Company) -> list[str]:
    """Find acknowledged writes that some member does not have, and which."""
    missing: dict[str, list[str]] = {}
    for url in company.board.urls:
        kept = read_back(url, company.context, PREFIX)
        for key, value in company.writer.acknowledged.items():
            if kept.get(key) != value:
                missing.setdefault(key, []).append(url)
    return [f"{key} at {', '.join(urls)}" for key, urls in missing.items()]


def _lose_one(company: Company) -> None:
    """Delete what was acknowledged behind everybody's back: a planted defect."""
    key = sorted(company.writer.acknowledged)[len(company.writer.acknowledged) // 2]
    gateway = Gateway(company.board.urls[0], company.context)
    gateway.delete(key)
    gateway.close()


def _checked(history: Sequence[Operation], seed: int) -> Checked:
    began = time.process_time()
    try:
        found = [
            f"{a.key}: no order explains {a.at.kind} by {a.at.client}, which returned at "
            f"{a.at.returned_ns} ns"
            for a in anomalies(history)
            if a.at is not None
        ]
    except TooHard as error:
        found = [f"undecided: {error}"]
    seconds = time.process_time() - began
    lies = search_for_planted(history, count=PLANTED, seed=seed)
    return Checked(
        operations=len(history),
        anomalies=tuple(found),
        planted=lies.total,
        planted_found=lies.found,
        seconds=round(seconds, 2),
    )
