"""The hollow API server is as alive as its etcd: quorum, crashes, memory, shutdown."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.process.masters import Hollow, Member, ask
from tests.process.waiting import until

pytestmark = pytest.mark.process

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def hollow(members: list[Member], tmp_path: Path) -> Iterator[Hollow]:
    """A hollow API server on the first member, not started."""
    hollow = Hollow(tmp_path, members[0])
    yield hollow
    hollow.terminate()


def test_without_a_quorum_it_is_not_ready_and_with_one_again_it_is(
    members: list[Member], hollow: Hollow
) -> None:
    for member in members:
        member.start(members)
    hollow.start()
    hollow.await_ready()
    hollow.ask("POST", CONFIG_MAPS, {"metadata": {"name": "before"}})
    for member in members[1:]:
        member.kill()
    until(lambda: not hollow.is_ready(), "without a quorum it is not ready")
    with closing(hollow.connect()) as wire:
        health = ask(wire, "GET", "/readyz")
        assert (health.status, b"[-]etcd failed" in health.body) == (500, True)
        assert ask(wire, "GET", "/livez").status == 200
    refused = hollow.ask("POST", CONFIG_MAPS, {"metadata": {"name": "during"}})
    assert (refused.status, refused.json()["reason"]) == (503, "ServiceUnavailable")
    assert hollow.ask("GET", f"{CONFIG_MAPS}/before").status == 503
    members[1].start(members)
    hollow.await_ready()
    assert hollow.ask("GET", f"{CONFIG_MAPS}/before").status == 200
    assert hollow.ask("POST", CONFIG_MAPS, {"metadata": {"name": "after"}}).status == 201


def test_before_etcd_is_there_it_listens_and_is_not_ready(
    members: list[Member], hollow: Hollow
) -> None:
    hollow.start()

    def lives() -> bool:
        try:
            with closing(hollow.connect()) as wire:
                return ask(wire, "GET", "/livez").status == 200
        except OSError:
            return False

    until(lives, "it listens")
    assert not hollow.is_ready()
    members[0].start(members[:1])
    hollow.await_ready()


def test_objects_outlive_the_server_and_its_etcd_s_crash(
    members: list[Member], hollow: Hollow
) -> None:
    members[0].start(members[:1])
    hollow.start()
    hollow.await_ready()
    made = hollow.ask("POST", CONFIG_MAPS, {"metadata": {"name": "kept"}, "data": {"a": "1"}})
    members[0].kill()
    assert hollow.ask("GET", f"{CONFIG_MAPS}/kept").status == 503
    members[0].start(members[:1])
    hollow.await_ready()
    assert hollow.ask("GET", f"{CONFIG_MAPS}/kept").json() == made.json()
    hollow.terminate()
    hollow.start()
    hollow.await_ready()
    assert hollow.ask("GET", f"{CONFIG_MAPS}/kept").json() == made.json()


def test_an_etcd_that_was_restarted_meanwhile_is_not_noticed(
    members: list[Member], hollow: Hollow
) -> None:
    (member, *_) = members
    member.start([member])
    hollow.start()
    hollow.await_ready()
    with closing(hollow.connect(hollow.admin)) as wire:
        assert ask(wire, "GET", "/api/v1/namespaces").status == 200
        member.kill()
        member.start([member])
        until(member.answers, "the member answers again")
        assert ask(wire, "GET", "/api/v1/namespaces").status == 200


def test_it_shuts_down_slower_than_it_stops_being_ready(
    members: list[Member], hollow: Hollow
) -> None:
    members[0].start(members[:1])
    hollow.start("--shutdown-delay", "1.5")
    hollow.await_ready()
    with closing(hollow.connect(hollow.admin)) as wire:
        hollow.begin_to_end()
        until(lambda: not hollow.is_ready(), "it is not ready any more")
        assert ask(wire, "GET", "/api/v1/namespaces").status == 200
    assert hollow.terminate() == 0


def test_it_stays_small(members: list[Member], hollow: Hollow) -> None:
    members[0].start(members[:1])
    hollow.start()
    hollow.await_ready()
    for i in range(50):
        hollow.ask("POST", CONFIG_MAPS, {"metadata": {"name": f"m-{i}"}, "data": {"k": "v" * 999}})
    status = Path(f"/proc/{hollow.pid}/status").read_text().splitlines()
    (rss,) = (int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    assert rss < 60_000, f"{rss} KiB"
    until(lambda: len(list(Path(f"/proc/{hollow.pid}/fd").iterdir())) < 20, "no file is left open")
