"""Marks, lock and operation survive the way through labels and descriptions."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hakube_gce import marks
from hakube_gce.model import Lock, Mark, Operation, Verb

MARK = Mark(cluster="kubernetes", uid="0123456789abcdef", operation="aaaaaaaaaaaa")
LOCK = Lock(
    nonce="f00d",
    holder="jane-laptop-4711",
    host="cafe",
    pid=4711,
    epoch=7,
    since=datetime(2026, 11, 21, 6, 0, tzinfo=UTC),
    until=datetime(2026, 11, 21, 6, 10, tzinfo=UTC),
)
REMOVAL = Operation(
    id="aaaaaaaaaaaa",
    verb=Verb.REMOVE,
    zone="europe-west1-c",
    target="kubernetes-master-7c1",
    target_id="1001",
    phase="",
    outage_since=datetime(2026, 11, 21, 6, 1, 2, 345000, tzinfo=UTC),
)


def test_a_mark_is_read_back_from_labels_and_from_a_description() -> None:
    assert marks.mark_from_labels(marks.mark_labels(MARK)) == MARK
    assert marks.mark_from_description(marks.mark_description(MARK)) == MARK


@pytest.mark.parametrize(
    "description",
    ["", "my address", "[]", "null", '{"owner":"somebody"}', '{"owner":"hakube","cluster":1}'],
)
def test_other_peoples_descriptions_are_no_marks(description: str) -> None:
    assert marks.mark_from_description(description) is None


def test_lock_and_operation_share_the_labels() -> None:
    labels = marks.held_labels({"team": "dev"}, LOCK, REMOVAL)
    assert marks.lock_from_labels(labels) == LOCK
    assert marks.operation_from_labels(labels) == REMOVAL
    assert labels["team"] == "dev"
    assert all(len(value) <= 63 for value in labels.values())


def test_letting_go_keeps_the_epoch_and_other_peoples_labels() -> None:
    labels = marks.free_labels(
        marks.held_labels({"team": "dev"}, LOCK, REMOVAL), keep_operation=False
    )
    assert labels == {"team": "dev", "hakube-lock-epoch": "7"}


def test_an_unfinished_operation_outlives_its_lock() -> None:
    labels = marks.free_labels(marks.held_labels({}, LOCK, REMOVAL), keep_operation=True)
    assert marks.lock_from_labels(labels) is None
    assert marks.operation_from_labels(labels) == REMOVAL


def test_a_damaged_lock_is_not_a_free_one() -> None:
    labels = marks.lock_labels(LOCK) | {"hakube-lock-until": "soon"}
    lock = marks.lock_from_labels(labels)
    assert lock is not None
    assert lock.until.year == 3000
    assert lock.free_at > lock.until


@given(st.text())
def test_any_text_becomes_a_legal_label_value(text: str) -> None:
    value = marks.label_value(text)
    assert len(value) <= 63
    assert set(value) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
