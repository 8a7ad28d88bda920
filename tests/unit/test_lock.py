"""The cluster's lock: exactly one holder, whoever comes when."""

import itertools
from dataclasses import replace
from typing import cast

import pytest

from hakube_gce import marks
from hakube_gce.errors import Locked
from hakube_gce.lock import GRACE, TTL, HeldLock, Holder, LockPlace, acquire
from hakube_gce.model import Lock, Operation, Verb
from hakube_gce.ports import ComputeGateway
from tests.fakes.address_book import AddressBook
from tests.fakes.clock import FakeClock

NAME = "kubernetes-master-ip"
REMOVAL = Operation(id="aaaaaaaaaaaa", verb=Verb.REMOVE, zone="z", target="kubernetes-master-7c1")
_numbers = itertools.count(1)


def new_hex(digits: int) -> str:
    return f"{next(_numbers):0{digits}x}"[-digits:]


def place(book: AddressBook, who: str, *, gone: bool = False) -> LockPlace:
    return LockPlace(
        gateway=cast("ComputeGateway", book),
        clock=book.clock,
        region="r",
        address=NAME,
        cluster="kubernetes",
        holder=Holder(name=who, host=f"host-of-{who}", pid=1),
        is_gone=lambda _lock: gone,
        new_hex=new_hex,
    )


@pytest.fixture
def book() -> AddressBook:
    return AddressBook(FakeClock())


def lock_of(book: AddressBook) -> Lock | None:
    address = book.find_address("r", NAME)
    return marks.lock_from_labels(address.labels) if address else None


def operation_of(book: AddressBook) -> Operation | None:
    address = book.find_address("r", NAME)
    return marks.operation_from_labels(address.labels) if address else None


def test_the_first_run_makes_the_address_and_holds_it(book: AddressBook) -> None:
    held = acquire(place(book, "jane"), REMOVAL)
    lock = lock_of(book)
    assert lock is not None
    assert (lock.holder, lock.epoch, held.epoch) == ("jane", 1, 1)
    assert operation_of(book) == REMOVAL


def test_a_second_run_is_told_who_holds_it_and_writes_nothing(book: AddressBook) -> None:
    acquire(place(book, "jane"), REMOVAL)
    writes = book.writes
    with pytest.raises(Locked, match="jane for remove kubernetes-master-7c1"):
        acquire(place(book, "john"), REMOVAL)
    assert book.writes == writes


def test_of_two_runs_that_read_a_free_lock_one_gets_it(book: AddressBook) -> None:
    acquire(place(book, "jane"), REMOVAL).release(keep_operation=False)
    book.before_write = lambda: cast("None", acquire(place(book, "john"), REMOVAL))
    with pytest.raises(Locked, match="john"):
        acquire(place(book, "jane"), REMOVAL)


def test_of_two_runs_at_a_birth_one_gets_it(book: AddressBook) -> None:
    book.before_write = lambda: cast("None", acquire(place(book, "john"), REMOVAL))
    with pytest.raises(Locked, match="john"):
        acquire(place(book, "jane"), REMOVAL)


def test_the_lock_of_a_process_that_has_ended_is_taken_over_with_a_higher_epoch(
    book: AddressBook,
) -> None:
    acquire(place(book, "jane"), REMOVAL)
    held = acquire(place(book, "john", gone=True), REMOVAL)
    assert held.epoch == 2


def test_a_lock_ends_by_the_servers_clock_and_not_before(book: AddressBook) -> None:
    acquire(place(book, "jane"), REMOVAL)
    book.clock.advance((TTL + GRACE).total_seconds() - 1)
    with pytest.raises(Locked):
        acquire(place(book, "john"), REMOVAL)
    book.clock.advance(1)
    assert acquire(place(book, "john"), REMOVAL).epoch == 2


def test_a_holder_that_was_overtaken_notices_at_its_next_write(book: AddressBook) -> None:
    slow = acquire(place(book, "jane"), REMOVAL)
    acquire(place(book, "john", gone=True), REMOVAL)
    with pytest.raises(Locked, match="lost"):
        slow.note(REMOVAL)


def test_an_overtaken_holder_does_not_free_its_successors_lock(book: AddressBook) -> None:
    slow = acquire(place(book, "jane"), REMOVAL)
    acquire(place(book, "john", gone=True), REMOVAL)
    with pytest.raises(Locked):
        slow.release(keep_operation=False)
    lock = lock_of(book)
    assert lock is not None
    assert lock.holder == "john"


def test_a_long_run_renews_its_lock(book: AddressBook) -> None:
    held = acquire(place(book, "jane"), REMOVAL)
    for _ in range(10):
        book.clock.advance(TTL.total_seconds() / 2)
        held.keep()
    with pytest.raises(Locked):
        acquire(place(book, "john"), REMOVAL)


def test_a_fresh_lock_is_not_written_again(book: AddressBook) -> None:
    held: HeldLock = acquire(place(book, "jane"), REMOVAL)
    writes = book.writes
    held.keep()
    assert book.writes == writes


@pytest.mark.parametrize("keep", [True, False])
def test_letting_go_frees_the_lock_and_keeps_an_unfinished_operation(
    book: AddressBook, *, keep: bool
) -> None:
    acquire(place(book, "jane"), REMOVAL).release(keep_operation=keep)
    assert lock_of(book) is None
    assert operation_of(book) == (REMOVAL if keep else None)
    assert acquire(place(book, "john"), REMOVAL).epoch == 2


def test_letting_go_after_a_teardown_is_fine(book: AddressBook) -> None:
    held = acquire(place(book, "jane"), REMOVAL)
    book.delete_address(NAME)
    held.release(keep_operation=False)


def test_labels_written_by_somebody_else_meanwhile_are_kept(book: AddressBook) -> None:
    held = acquire(place(book, "jane"), REMOVAL)

    def tag() -> None:
        address = book.find_address("r", NAME)
        assert address is not None
        book.set_address_labels(
            "r",
            NAME,
            labels={**address.labels, "team": "dev"},
            fingerprint=address.label_fingerprint,
            request_id="somebody-else",
        )

    book.before_write = tag
    held.note(REMOVAL)
    address = book.find_address("r", NAME)
    assert address is not None
    assert address.labels["team"] == "dev"
    assert lock_of(book) is not None


def test_two_runs_of_one_person_on_one_machine_are_told_apart(book: AddressBook) -> None:
    """The nonce is the holder; name, host and process id may come again."""
    slow = acquire(place(book, "jane"), REMOVAL)
    acquire(place(book, "jane", gone=True), REMOVAL)
    with pytest.raises(Locked, match="lost"):
        slow.note(REMOVAL)


@pytest.mark.parametrize("hours_off", [-24, 24])
def test_a_machine_whose_clock_is_wrong_takes_no_lock_that_holds(
    book: AddressBook, hours_off: int
) -> None:
    acquire(place(book, "jane"), REMOVAL)
    wrong = FakeClock()
    wrong.advance(24 * 3600 + hours_off * 3600)
    book.clock.advance(24 * 3600)
    acquire(replace(place(book, "john"), clock=wrong), REMOVAL)
    book.clock.advance(TTL.total_seconds())
    with pytest.raises(Locked, match="john"):
        acquire(replace(place(book, "jane"), clock=wrong), REMOVAL)
