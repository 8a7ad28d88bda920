"""What `hakube status` says beside the masters: who is at work, and until when others wait."""

from dataclasses import replace
from datetime import UTC, datetime

from hakube_gce.model import Lock, Operation, Verb
from hakube_gce.render import status_lines
from tests.fakes.clusters import cluster, name_of

LOCK = Lock(
    nonce="a" * 16,
    holder="ann-host-1",
    host="b" * 8,
    pid=1,
    epoch=1,
    since=datetime(2026, 11, 22, 8, 0, 0, tzinfo=UTC),
    until=datetime(2026, 11, 22, 8, 10, 0, tzinfo=UTC),
)


def test_a_lock_is_shown_until_the_moment_at_which_others_get_it() -> None:
    lines = status_lines(replace(cluster("+"), lock=LOCK))
    assert "locked by ann-host-1 until 08:12:00 UTC" in lines


def test_what_a_living_run_does_is_under_way_and_what_a_dead_one_left_is_unfinished() -> None:
    operation = Operation(id="a" * 12, verb=Verb.REPLICATE, zone="z", target=name_of(1))
    seen = replace(cluster("+", operation=operation), server_time=LOCK.since)
    at_work = status_lines(replace(seen, lock=LOCK), go_on=("kube-up", ""))
    assert f"under way: replicate {name_of(1)}" in at_work
    assert "  should that run be dead: kube-up" in at_work
    for dead in (seen, replace(seen, lock=LOCK, server_time=LOCK.free_at)):
        left = status_lines(dead, go_on=("kube-up", ""))
        assert f"unfinished: replicate {name_of(1)}" in left
        assert "  next: kube-up" in left
        assert not any("locked" in line for line in left)
