"""Everybody who is at work in a lab while things go wrong, started and stopped together."""

import random
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from tests.chaos.clients import Board, Client
from tests.chaos.errands import Errands
from tests.chaos.events import ZONES, choose_errands
from tests.chaos.gateway import Gateway
from tests.chaos.lab import Operator, Ran
from tests.chaos.roster import Roster
from tests.e2e.writer import Witness, Writer, client_context

SEATS = (None, None, None, 0, 1, 2)
"""One client each: some talk to all members in turn, some to one alone."""


class NotBuilt(Exception):
    """The lab did not get its three masters."""


class Part(Protocol):
    """Somebody who works in the background."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who takes part."""

    context: ssl.SSLContext
    operator: Operator
    roster: Roster
    clients: tuple[Client, ...]
    writer: Writer
    """Writes many keys once each: none of them may be lost."""
    witness: Witness
    errands: Errands

    @property
    def board(self) -> Board:
        return self.roster.board

    def start(self) -> None:
        """Begin, all at once."""
        parts: tuple[Part, ...] = (self.writer, self.witness, *self.clients, self.errands)
        for part in parts:
            part.start()

    def follow(self) -> None:
        """Have writer and witness go where the members are now."""
        self.writer.urls, self.witness.url = self.board.urls, self.board.urls[-1]

    def stop(self) -> None:
        """End the clients; the errands have ended before."""
        self.follow()
        parts: tuple[Part, ...] = (self.writer, self.witness, *self.clients)
        for part in parts:
            part.stop()


def build(operator: Operator, zones: Sequence[str] = ZONES) -> ssl.SSLContext:
    """Make a master in each zone by the documented commands.

    Returns:
        The means to ask their etcds.

    Raises:
        NotBuilt: One of the commands failed.
    """
    first, *others = zones
    made = operator.script("kube-up.sh", MULTIZONE="true", KUBE_GCE_ZONE=first)
    _check(made)
    for zone in others:
        _check(operator.replicate(zone))
    return client_context(operator.lab.hakube("emulator", "env", str(made.result["replica"])))


def _check(ran: Ran) -> None:
    if ran.status != 0:
        raise NotBuilt(f"exit status {ran.status}: {ran.shown}\n" + "\n".join(ran.said))


def assemble(
    operator: Operator, context: ssl.SSLContext, *, seed: int, stale_reads: bool
) -> Company:
    """Put everybody together; nobody has begun.

    Args:
        operator: Gives our commands in a lab where three masters are.
        context: How to ask their etcds.
        seed: What all choices come from.
        stale_reads: Plant a defect: the reads of those who talk to one member alone are old.
    """
    roster = Roster(lab=operator.lab, board=Board(urls=()))
    roster.refresh()
    clients = [
        Client(
            name=f"client-{number}",
            chance=random.Random(f"{seed}/client-{number}"),  # noqa: S311 - no secret
            board=roster.board,
            connect=partial(Gateway, context=context),
            seat=seat,
            stale=stale_reads and seat is not None,
        )
        for number, seat in enumerate(SEATS)
    ]
    return Company(
        context=context,
        operator=operator,
        roster=roster,
        clients=tuple(clients),
        writer=Writer(context=context, urls=roster.board.urls),
        witness=Witness(context=context, url=roster.board.urls[0]),
        errands=Errands(operator=operator, roster=roster, chosen=choose_errands(seed)),
    )
