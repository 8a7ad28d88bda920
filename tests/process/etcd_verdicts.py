"""Asks real etcd clusters what our judges were asked: does it do it, and does writing go on?

A cluster for each question: so many members, some killed or frozen, one change through a member
that lives. The change goes through the agent's own gateway.
"""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hakube_gce.agent.etcd import EtcdGateway
from hakube_gce.agent.ports import EtcdError, EtcdTrouble
from hakube_gce.agent.wire import Credentials
from tests.process.authority import Authority
from tests.process.masters import Member
from tests.process.waiting import until

NOTICED_S = 6.0
"""etcd takes a voter for healthy after five seconds of connection, and for silent after as many
without a word; it tells nobody when it has changed its mind."""
PATIENCE_S = 30.0
_NOT_YET = (EtcdTrouble.UNHEALTHY_CLUSTER, EtcdTrouble.NOT_IN_SYNC, EtcdTrouble.TIMEOUT)
_never = threading.Event()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A change on a cluster in some state of health."""

    pattern: str
    """A character per voter: ``+`` takes part."""
    operation: str
    index: int = -1
    frozen: bool = False
    """Those that do not take part are paused instead of killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What etcd made of it."""

    question: Question
    done: bool
    writable: bool
    """A write through a member that stays was acknowledged afterwards."""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where clusters are made, one after the other."""

    etcd: Path
    folder: Path
    prefix: str
    """The first three numbers of the members' addresses."""


def verdict(site: Site, question: Question, *, insist: bool) -> Verdict:
    """Put a question to a cluster of its own.

    Args:
        site: Nobody else may use its addresses meanwhile.
        question: With one ``+`` at least: somebody must be asked.
        insist: Ask again for as long as etcd says that it is not ready for it yet.
    """
    with _cluster(site, question) as members:
        asked = _asked(question, members)
        said = _carry_out(question, members, asked, PATIENCE_S if insist else 0.0)
        return Verdict(
            question=question,
            done=not said,
            writable=_is_writable(asked, 5 if insist else 1),
            said=said,
        )


@contextmanager
def _cluster(site: Site, question: Question) -> Iterator[list[Member]]:
    site.folder.mkdir()
    authority = Authority(site.folder, "etcd-ca")
    addresses = (f"{site.prefix}.{n}" for n in itertools.count(2))
    newcomer = question.operation == "promote"
    members = [
        Member(site.etcd, site.folder, authority, next(addresses))
        for _ in range(len(question.pattern) + newcomer)
    ]
    voters = members[: len(question.pattern)]
    try:
        for member in voters:
            member.start(voters)
        until(lambda: all(m.answers() for m in voters), f"{question}: the members serve")
        _wait(NOTICED_S)
        if newcomer:
            gateway(voters[0]).add_learner(members[-1].peer_url)
            members[-1].start(members, joining=True)
        for member, health in zip(voters, question.pattern, strict=True):
            if health == "-":
                (member.pause if question.frozen else member.kill)()
        _wait(NOTICED_S if "-" in question.pattern else 0.0)
        yield members
    finally:
        for member in members:
            member.kill()


def _asked(question: Question, members: list[Member]) -> Member:
    """Choose who is asked: a healthy voter, and not the one that leaves unless it is alone."""
    healthy = [i for i, c in enumerate(question.pattern) if c == "+"]
    staying = [i for i in healthy if i != question.index]
    return members[(staying or healthy)[0]]


def _carry_out(question: Question, members: list[Member], asked: Member, patience_s: float) -> str:
    """Ask etcd for the change; return its last word against it, empty when it was done."""
    ids = {m.peer_url: m.id for m in gateway(asked).members_locally()}
    said = ""
    for _ in range(int(patience_s) + 1):
        try:
            _change(question, members, gateway(asked), ids)
        except EtcdError as error:
            said = error.message
            if error.trouble not in _NOT_YET:
                return said
        else:
            return ""
        _wait(1.0)
    return said


def _change(
    question: Question, members: list[Member], etcd: EtcdGateway, ids: dict[str, str]
) -> None:
    if question.operation == "add":
        etcd.add_learner("https://127.255.255.1:2380")
    elif question.operation == "promote":
        etcd.promote(ids[members[-1].peer_url])
    else:
        etcd.remove(ids[members[question.index].peer_url])


def _is_writable(member: Member, tries: int) -> bool:
    """Tell whether a write is acknowledged; etcd itself gives each up after seven seconds."""
    for _ in range(tries):
        try:
            member.ask("kv/put", {"key": "YQ==", "value": "Yg=="})
        except (OSError, AssertionError):
            _wait(0.5)
        else:
            return True
    return False


def gateway(member: Member) -> EtcdGateway:
    """The agent's way to a member."""
    credentials = Credentials(
        authority=member.authority.certificate,
        certificate=member.leaf.certificate,
        key=member.leaf.key,
    )
    return EtcdGateway(address=member.address, credentials=credentials)


def _wait(seconds: float) -> None:
    _never.wait(seconds)
