"""etcd breaks off reads under way when its leadership moves; nobody who reads through us notices.

A planned removal of the leader moves it first. So a client of the API would see a 500 of a healthy
cluster, and an operator a master that calls itself unhealthy.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from hakube_gce.agent.etcd import EtcdGateway
from hakube_gce.agent.ports import EtcdError
from hakube_gce.agent.wire import Credentials
from hakube_gce.emulator.hollow_store import Store, StoreUnavailable
from tests.process.masters import Member
from tests.process.waiting import until

pytestmark = pytest.mark.process

MOVES = 12


def move_leadership(members: list[Member]) -> None:
    """Move it to the next member, and wait until all know."""
    ids = [m.ask("maintenance/status", {})["header"]["member_id"] for m in members]
    at = ids.index(members[0].ask("maintenance/status", {})["leader"])
    after = ids[(at + 1) % len(ids)]
    members[at].ask("maintenance/transfer-leadership", {"targetID": after})
    until(
        lambda: all(m.ask("maintenance/status", {}).get("leader") == after for m in members),
        "all know the new leader",
    )


def read_all_the_time(read: Callable[[], object], ends: threading.Event) -> Counter[str]:
    """Return how often reads went well, and what they failed with."""
    seen: Counter[str] = Counter()
    while not ends.is_set():
        try:
            read()
        except (StoreUnavailable, EtcdError) as error:
            seen[str(error)] += 1
        else:
            seen["good"] += 1
    return seen


def test_reads_do_not_notice_that_the_leadership_moves(members: list[Member]) -> None:
    for member in members:
        member.start(members)
    until(lambda: all(m.answers() for m in members), "etcd answers")
    one, two, _ = members
    files = {"certificate": two.leaf.certificate, "key": two.leaf.key}
    agents = EtcdGateway(
        address=one.address,
        credentials=Credentials(authority=two.authority.certificate, **files),
    )
    ends = threading.Event()
    with (
        closing(Store(two.endpoint, authority=two.authority.certificate, **files)) as api_servers,
        ThreadPoolExecutor(4) as pool,
    ):
        reads = (
            lambda: api_servers.check(timeout_s=3),
            lambda: api_servers.list("/registry/"),
            agents.read_linearizable,
            agents.members,
        )
        readers = [pool.submit(read_all_the_time, read, ends) for read in reads]
        try:
            for _ in range(MOVES):
                move_leadership(members)
        finally:
            ends.set()
        seen = [reader.result() for reader in readers]
    assert [list(counts) for counts in seen] == [["good"]] * len(reads), seen
