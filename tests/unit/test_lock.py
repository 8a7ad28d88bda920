"""The cluster's lock: exactly one holder, whoever comes when."""

import itertools
from dataclasses import replace
from typing import cast

import pytest

from hakube_gce import marks
from hakube_gce.errors import Locked, Overtaken
from hakube_gce.lock import TTL, HeldLock, Holder, LockPlace, acquire, break_open
from hakube_gce.model import LOCK_GRACE, Lock, Operation, Verb
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


def take(book: AddressBook, who: str, *, gone: bool = False) -> HeldLock:
    """Look at the address, then take its lock."""
    return acquire(place(book, who, gone=gone), REMOVAL, seen=book.find_address("r", NAME))


def take_by(clock: FakeClock, book: AddressBook, who: str) -> HeldLock:
    """Take the lock from a machine with a clock of its own."""
    mine = replace(place(book, who), clock=clock)
    return acquire(mine, REMOVAL, seen=book.find_address("r", NAME))


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
    held = take(book, "jane")
    lock = lock_of(book)
    assert lock is not None
    assert (lock.holder, lock.epoch, held.epoch) == ("jane", 1, 1)
    assert operation_of(book) == REMOVAL


def test_the_users_labels_come_with_the_addresss_first_and_stay_as_they_are(
    book: AddressBook,
) -> None:
    def take_labelled() -> HeldLock:
        labelled = replace(place(book, "jane"), labels={"team": "dev"})
        return acquire(labelled, REMOVAL, seen=book.find_address("r", NAME))

    def users() -> dict[str, str]:
        address = book.find_address("r", NAME)
        assert address is not None
        return {k: v for k, v in address.labels.items() if not k.startswith("hakube")}

    take_labelled().release(keep_operation=False)
    assert users() == {"team": "dev"}
    seen = book.find_address("r", NAME)
    assert seen is not None
    others = {**{k: v for k, v in seen.labels.items() if k != "team"}, "stage": "test"}
    book.set_address_labels(
        "r", NAME, labels=others, fingerprint=seen.label_fingerprint, request_id=new_hex(32)
    )
    take_labelled().release(keep_operation=False)
    assert users() == {"stage": "test"}


def test_a_second_run_is_told_who_holds_it_and_writes_nothing(book: AddressBook) -> None:
    take(book, "jane")
    writes = book.writes
    with pytest.raises(Locked, match="jane for remove kubernetes-master-7c1"):
        take(book, "john")
    assert book.writes == writes


def test_of_two_runs_that_read_a_free_lock_one_gets_it(book: AddressBook) -> None:
    take(book, "jane").release(keep_operation=False)
    book.before_write = lambda: cast("None", take(book, "john"))
    with pytest.raises(Locked, match="john"):
        take(book, "jane")


def test_of_two_runs_at_a_birth_one_gets_it(book: AddressBook) -> None:
    book.before_write = lambda: cast("None", take(book, "john"))
    with pytest.raises(Locked, match="john"):
        take(book, "jane")


def test_the_lock_of_a_process_that_has_ended_is_taken_over_with_a_higher_epoch(
    book: AddressBook,
) -> None:
    take(book, "jane")
    held = take(book, "john", gone=True)
    assert held.epoch == 2


def test_a_lock_ends_by_the_servers_clock_and_not_before(book: AddressBook) -> None:
    take(book, "jane")
    book.clock.advance((TTL + LOCK_GRACE).total_seconds() - 1)
    with pytest.raises(Locked):
        take(book, "john")
    book.clock.advance(1)
    assert take(book, "john").epoch == 2


def test_a_holder_that_was_overtaken_notices_at_its_next_write(book: AddressBook) -> None:
    slow = take(book, "jane")
    take(book, "john", gone=True)
    with pytest.raises(Locked, match="lost"):
        slow.note(REMOVAL)


def test_an_overtaken_holder_does_not_free_its_successors_lock(book: AddressBook) -> None:
    slow = take(book, "jane")
    take(book, "john", gone=True)
    with pytest.raises(Locked):
        slow.release(keep_operation=False)
    lock = lock_of(book)
    assert lock is not None
    assert lock.holder == "john"


def test_a_long_run_renews_its_lock(book: AddressBook) -> None:
    held = take(book, "jane")
    for _ in range(10):
        book.clock.advance(TTL.total_seconds() / 2)
        held.keep()
    with pytest.raises(Locked):
        take(book, "john")


def test_a_fresh_lock_is_not_written_again(book: AddressBook) -> None:
    held: HeldLock = take(book, "jane")
    writes = book.writes
    held.keep()
    assert book.writes == writes


@pytest.mark.parametrize("keep", [True, False])
def test_letting_go_frees_the_lock_and_keeps_an_unfinished_operation(
    book: AddressBook, *, keep: bool
) -> None:
    take(book, "jane").release(keep_operation=keep)
    assert lock_of(book) is None
    assert operation_of(book) == (REMOVAL if keep else None)
    assert take(book, "john").epoch == 2


def test_letting_go_after_a_teardown_is_fine(book: AddressBook) -> None:
    held = take(book, "jane")
    book.delete_address(NAME)
    held.release(keep_operation=False)


def test_labels_written_by_somebody_else_meanwhile_are_kept(book: AddressBook) -> None:
    held = take(book, "jane")

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


def test_a_decision_that_another_run_made_stale_gets_no_lock(book: AddressBook) -> None:
    """It looked, another run came and went, and what it decided may now hit another victim."""
    take(book, "jane").release(keep_operation=False)
    seen = book.find_address("r", NAME)
    take(book, "john").release(keep_operation=True)
    writes = book.writes
    with pytest.raises(Overtaken, match="meanwhile"):
        acquire(place(book, "jane"), REMOVAL, seen=seen)
    assert book.writes == writes


def test_a_birth_decided_upon_before_another_birth_gets_no_lock(book: AddressBook) -> None:
    take(book, "john").release(keep_operation=False)
    with pytest.raises(Overtaken):
        acquire(place(book, "jane"), REMOVAL, seen=None)


def test_nothing_is_born_from_a_look_at_a_cluster_that_was_torn_down(book: AddressBook) -> None:
    take(book, "john").release(keep_operation=False)
    seen = book.find_address("r", NAME)
    book.delete_address(NAME)
    with pytest.raises(Overtaken, match="gone"):
        acquire(place(book, "jane"), REMOVAL, seen=seen)
    assert book.find_address("r", NAME) is None


def test_a_lock_once_seen_in_other_hands_stays_lost(book: AddressBook) -> None:
    slow = take(book, "jane")
    take(book, "john", gone=True)
    with pytest.raises(Locked):
        slow.confirm()
    with pytest.raises(Locked, match="lost"):
        slow.keep()


def test_a_lock_in_our_hands_is_confirmed_without_writing(book: AddressBook) -> None:
    held = take(book, "jane")
    writes = book.writes
    held.confirm()
    assert book.writes == writes


def test_before_a_request_a_lock_written_lately_is_trusted(book: AddressBook) -> None:
    held = take(book, "jane")
    writes = book.writes
    book.clock.advance(539)
    held.vouch()
    assert book.writes == writes


def test_before_a_request_after_a_long_sleep_the_lock_is_written_again(book: AddressBook) -> None:
    held = take(book, "jane")
    book.clock.advance(541)
    held.vouch()
    assert held.lock.until == book.clock.now() + TTL
    assert lock_of(book) == held.lock


def test_after_a_long_sleep_nothing_is_sent_once_another_run_has_the_lock(
    book: AddressBook,
) -> None:
    asleep = take(book, "jane")
    book.clock.advance(3600)
    awake = take(book, "john")
    for _ in range(2):
        with pytest.raises(Locked, match="lost the cluster's lock: another run"):
            asleep.vouch()
    assert lock_of(book) == awake.lock


def test_after_a_long_sleep_nothing_is_sent_to_a_cluster_that_is_gone(book: AddressBook) -> None:
    asleep = take(book, "jane")
    book.clock.advance(3600)
    book.delete_address(NAME)
    with pytest.raises(Locked, match="the cluster's address is gone"):
        asleep.vouch()


def test_the_second_run_is_told_since_when_and_how_to_break_the_lock(book: AddressBook) -> None:
    held = take(book, "jane")
    with pytest.raises(Locked) as refusal:
        take(book, "john")
    assert f"since {held.lock.since:%Y-%m-%d %H:%M:%S} UTC" in refusal.value.message
    assert f"hakube unlock --nonce {held.lock.nonce}" in refusal.value.hint


def test_a_lock_is_broken_open_by_its_own_nonce_and_its_operation_stays(
    book: AddressBook,
) -> None:
    held = take(book, "jane")
    assert break_open(place(book, "john"), held.lock.nonce)
    assert (lock_of(book), operation_of(book)) == (None, REMOVAL)
    with pytest.raises(Locked, match="nobody holds it"):
        held.confirm()
    assert take(book, "john").epoch == 2


def test_another_runs_lock_is_not_broken_open(book: AddressBook) -> None:
    old = take(book, "jane")
    take(book, "john", gone=True)
    with pytest.raises(Locked, match=f"not {old.lock.nonce}"):
        break_open(place(book, "jim"), old.lock.nonce)
    lock = lock_of(book)
    assert lock is not None
    assert lock.holder == "john"


def test_a_free_lock_is_left_as_it_is(book: AddressBook) -> None:
    assert not break_open(place(book, "john"), "0" * 16)
    take(book, "jane").release(keep_operation=False)
    writes = book.writes
    assert not break_open(place(book, "john"), "0" * 16)
    assert book.writes == writes


def test_two_runs_of_one_person_on_one_machine_are_told_apart(book: AddressBook) -> None:
    """The nonce is the holder; name, host and process id may come again."""
    slow = take(book, "jane")
    take(book, "jane", gone=True)
    with pytest.raises(Locked, match="lost"):
        slow.note(REMOVAL)


@pytest.mark.parametrize("hours_off", [-24, 24])
def test_a_machine_whose_clock_is_wrong_takes_no_lock_that_holds(
    book: AddressBook, hours_off: int
) -> None:
    take(book, "jane")
    wrong = FakeClock()
    wrong.advance(24 * 3600 + hours_off * 3600)
    book.clock.advance(24 * 3600)
    take_by(wrong, book, "john")
    book.clock.advance(TTL.total_seconds())
    with pytest.raises(Locked, match="john"):
        take_by(wrong, book, "jane")
