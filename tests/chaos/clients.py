"""Clients that read, write and compare-and-swap a few keys all the time, and note what came of it.

Some talk to one member alone, some to all in turn. What each does is chosen from the seed; when,
and what others do meanwhile, is not: real time cannot be repeated. Every value is written once.
"""

import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.chaos.gateway import Gateway, NoAnswer, NotDone
from tests.chaos.history import Kind, Operation, Outcome

PAUSE_S = 0.02
"""Between two requests of one client: the machine has other things to do as well."""
KEYS_AT_ONCE = 6
_KINDS: Sequence[Kind] = ("get", "get", "put", "put", "cas", "cas", "cas")
_TURNS = 10


class Register(Protocol):
    """What a client talks to."""

    def get(self, key: str, *, stale: bool = False) -> str | None: ...

    def put(self, key: str, value: str) -> None: ...

    def swap(self, key: str, expected: str, value: str) -> tuple[bool, str | None]: ...

    def close(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class Board:
    """What all clients look at: where the members are, and which keys are in use."""

    urls: tuple[str, ...]
    """Replaced as a whole when the cluster has changed; never empty."""
    chapter: int = 0
    """New keys with every chapter, so that no key's history grows without bound."""

    def keys(self) -> list[str]:
        return [f"chaos/{self.chapter}/{n}" for n in range(KEYS_AT_ONCE)]


@dataclass(slots=True, kw_only=True)
class Client:
    """One of them."""

    name: str
    chance: random.Random
    board: Board
    connect: Callable[[str], Register]
    """Gives the member at a URL."""
    seat: int | None = None
    """The one member it talks to, by its place on the board; None goes from one to the next."""
    stale: bool = False
    """Reads what was there a while ago: what a client must not be given. To see the check fail."""
    history: list[Operation] = field(default_factory=list)
    _seen: dict[str, str] = field(default_factory=dict)
    _members: dict[str, Register] = field(default_factory=dict)
    _turn: int = 0
    _written: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the request under way end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_S):
            done = self.act(self.chance.choice(self.board.keys()))
            self.history.append(done)
            self._turn += done.outcome != "ok" or len(self.history) % _TURNS == 0
        for member in self._members.values():
            member.close()

    def act(self, key: str) -> Operation:
        """Do one thing to a key, and tell what came of it."""
        kind = self.chance.choice(_KINDS)
        if kind == "cas" and key not in self._seen:
            kind = "get"
        match kind:
            case "get":
                return self._get(key)
            case "put":
                return self._put(key)
            case "cas":
                return self._swap(key)

    def _get(self, key: str) -> Operation:
        note = self._begin("get", key)
        try:
            saw = self._member().get(key, stale=self.stale)
        except (NotDone, NoAnswer):
            return note.end("fail")
        if saw is not None:
            self._seen[key] = saw
        return note.end("ok", saw=saw)

    def _put(self, key: str) -> Operation:
        note = self._begin("put", key, wrote=self._fresh())
        try:
            self._member().put(key, note.wrote or "")
        except NotDone:
            return note.end("fail")
        except NoAnswer:
            return note.end("unknown")
        self._seen[key] = note.wrote or ""
        return note.end("ok")

    def _swap(self, key: str) -> Operation:
        note = self._begin("cas", key, wrote=self._fresh(), expected=self._seen[key])
        try:
            swapped, saw = self._member().swap(key, note.expected or "", note.wrote or "")
        except NotDone:
            return note.end("fail")
        except NoAnswer:
            return note.end("unknown")
        now = note.wrote if swapped else saw
        if now is not None:
            self._seen[key] = now
        return note.end("ok", saw=saw, swapped=swapped)

    def _begin(
        self, kind: Kind, key: str, *, wrote: str | None = None, expected: str | None = None
    ) -> "_Note":
        return _Note(
            client=self.name,
            kind=kind,
            key=key,
            wrote=wrote,
            expected=expected,
            invoked_ns=time.monotonic_ns(),
        )

    def _fresh(self) -> str:
        self._written += 1
        return f"{self.name}-{self._written}"

    def _member(self) -> Register:
        urls = self.board.urls
        url = urls[(self._turn if self.seat is None else self.seat) % len(urls)]
        if url not in self._members:
            self._members[url] = self.connect(url)
        return self._members[url]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    """A request under way."""

    client: str
    kind: Kind
    key: str
    wrote: str | None
    expected: str | None
    invoked_ns: int

    def end(self, outcome: Outcome, *, saw: str | None = None, swapped: bool = False) -> Operation:
        return Operation(
            client=self.client,
            kind=self.kind,
            key=self.key,
            wrote=self.wrote,
            expected=self.expected,
            saw=saw,
            swapped=swapped,
            invoked_ns=self.invoked_ns,
            returned_ns=time.monotonic_ns(),
            outcome=outcome,
        )


def last_looks(
    urls: Sequence[str], keys: Sequence[str], context: ssl.SSLContext
) -> Iterator[Operation]:
    """Read every key once more, through every member: what was lost at the end shows here.

    Raises:
        NotDone: A member could not be asked.
        NoAnswer: A member did not answer.
    """
    for number, url in enumerate(urls):
        gateway = Gateway(url, context, timeout_s=20)
        for key in keys:
            began = time.monotonic_ns()
            saw = gateway.get(key)
            yield Operation(
                client=f"last-look-{number}",
                kind="get",
                key=key,
                saw=saw,
                invoked_ns=began,
                returned_ns=time.monotonic_ns(),
                outcome="ok",
            )
        gateway.close()
