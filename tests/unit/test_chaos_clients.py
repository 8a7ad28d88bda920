"""What a chaos client notes of what it was told."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.chaos.clients import Board, Client
from tests.chaos.gateway import NoAnswer, NotDone
from tests.chaos.history import Operation
from tests.chaos.linear import anomalies

Mood = Callable[[], None]


def content() -> None:
    """Be a member that answers."""


def away() -> None:
    raise NotDone("ConnectionRefusedError")


def mute() -> None:
    raise NoAnswer("TimeoutError")


@dataclass(slots=True, kw_only=True)
class Keys:
    """A member that does what it is told, and then answers as its mood is."""

    kept: dict[str, str] = field(default_factory=dict)
    mood: Mood = content
    forgets: bool = False
    """Acknowledges puts and keeps every other one."""
    puts: int = 0

    def get(self, key: str, *, stale: bool = False) -> str | None:  # noqa: ARG002 - the shape of a gateway
        self.mood()
        return self.kept.get(key)

    def put(self, key: str, value: str) -> None:
        self.puts += 1
        if self.mood is not away and not (self.forgets and self.puts % 2):
            self.kept[key] = value
        self.mood()

    def swap(self, key: str, expected: str, value: str) -> tuple[bool, str | None]:
        found = self.kept.get(key)
        if self.mood is not away and found == expected:
            self.kept[key] = value
        self.mood()
        return (True, None) if found == expected else (False, found)

    def close(self) -> None:
        """Nothing is open."""


def client(member: Keys, *, name: str = "c", seat: int | None = None) -> Client:
    board = Board(urls=("a", "b", "c"))
    chance = random.Random(name)  # noqa: S311 - no secret
    return Client(name=name, chance=chance, board=board, connect=lambda _: member, seat=seat)


def act(one: Client, times: int) -> list[Operation]:
    return [one.act(one.chance.choice(one.board.keys())) for _ in range(times)]


def test_clients_of_an_honest_member_leave_a_good_history() -> None:
    member = Keys()
    clients = [client(member, name=f"c{n}") for n in range(3)]
    history = [operation for _ in range(100) for one in clients for operation in act(one, 1)]
    assert anomalies(history) == []
    assert {operation.kind for operation in history} == {"get", "put", "cas"}
    assert {o.swapped for o in history if o.kind == "cas"} == {True, False}
    assert {operation.outcome for operation in history} == {"ok"}


def test_clients_of_a_forgetful_member_do_not() -> None:
    assert anomalies(act(client(Keys(forgets=True)), 100)) != []


def test_every_value_is_written_once() -> None:
    member = Keys()
    history = [o for n in range(3) for o in act(client(member, name=f"c{n}"), 100)]
    written = [operation.wrote for operation in history if operation.wrote]
    assert len(written) == len(set(written)) > 100


@pytest.mark.parametrize(
    ("mood", "writes", "reads"), [(mute, "unknown", "fail"), (away, "fail", "fail")]
)
def test_what_is_not_known_is_noted_as_such(mood: Mood, writes: str, reads: str) -> None:
    member = Keys()
    one = client(member)
    act(one, 60)  # so that there is something to compare with
    member.mood = mood
    history = act(one, 100)
    assert {o.outcome for o in history if o.kind != "get"} == {writes}
    assert {o.outcome for o in history if o.kind == "get"} == {reads}
    assert {operation.kind for operation in history} == {"get", "put", "cas"}


def test_lost_answers_leave_a_good_history_all_the_same() -> None:
    member = Keys()
    one = client(member)
    history = []
    for mood in (content, mute, content, away, content):
        member.mood = mood
        history += act(one, 60)
    assert anomalies(history) == []


def test_new_keys_come_with_every_chapter() -> None:
    board = Board(urls=("a",))
    before = set(board.keys())
    board.chapter += 1
    assert before & set(board.keys()) == set()
