"""What `hakube status` says beside the masters: who is at work, and until when others wait."""

from dataclasses import replace
from datetime import UTC, datetime

from hakube_gce.model import Lock
from hakube_gce.render import status_lines
from tests.fakes.clusters import cluster

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
