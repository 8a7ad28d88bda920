"""The operator's end of the channel against VMs with real keys and a cloud that refuses."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from hakube_gce.channel import ChannelGateway, SerialChannel
from hakube_gce.channel_messages import certificates_text
from hakube_gce.cluster_keys import ClusterKeys
from hakube_gce.errors import (
    AgentRefused,
    AgentSilent,
    AnswerForged,
    ChannelError,
    PermissionMissing,
    ResourceNotFound,
    StaleFingerprint,
    Unavailable,
)
from hakube_gce.leaves import ReplicaNames
from hakube_gce.pki import issue_leaves, new_cluster_keys
from hakube_gce.ports import Channel, ComputeGateway
from hakube_gce.resources import Instance
from tests.fakes.clock import FakeClock
from tests.fakes.serial_cloud import SerialCloud
from tests.fakes.signing_agent import SigningAgent

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
NONCE = "ab" * 16
KEYS = new_cluster_keys("kubernetes", "0" * 16, now=NOW, randomness=os.urandom)


def any_gateway_carries_the_channel(gateway: ComputeGateway) -> ChannelGateway:
    """A claim for the type checker."""
    return gateway


def randomness() -> Iterator[bytes]:
    for number in count(1):
        yield number.to_bytes(16)


@dataclass(kw_only=True)
class World:
    """One master, its agent, and the channel under test."""

    clock: FakeClock
    cloud: SerialCloud
    agent: SigningAgent
    instance: Instance
    channel: Channel
    known_ca: list[str]
    progress: list[tuple[str, str]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Every request the VM saw."""
    reply: Callable[[Mapping[str, Any]], None] = lambda _: None
    """What the VM does about a request; says nothing at first."""

    def answer_after(self, seconds: float, **result: object) -> None:
        """Answer every request from now on."""
        self.reply = lambda request: self.cloud.print(
            self.instance, self.agent.answer(request, result), after_s=seconds
        )

    def current(self) -> Instance:
        found = self.cloud.find_instance(self.instance.zone, self.instance.name)
        assert found is not None
        return found


def certificates(agent: SigningAgent, name: str, keys: ClusterKeys = KEYS) -> str:
    names = ReplicaNames(
        name=name,
        prefix="kubernetes",
        internal_ip="10.0.0.2",
        cluster_ip="203.0.113.5",
        service_cidr="10.0.0.0/16",
        dns_domain="cluster.local",
    )
    leaves = issue_leaves(keys, agent.requests, names, now=NOW, randomness=os.urandom)
    return certificates_text(keys.authorities(), leaves)


def new_world(*, installed: bool = True) -> World:
    clock = FakeClock(NOW)
    cloud = SerialCloud(clock)
    agent = SigningAgent("4711", nonce=NONCE)
    metadata = {"cluster-name": "kubernetes"}
    if installed:
        metadata["hakube-certificates"] = certificates(agent, "kubernetes-master")
    known_ca = [KEYS.cluster.certificate]
    source = randomness()
    progress: list[tuple[str, str]] = []
    channel = SerialChannel(
        cloud,
        clock,
        poll_s=0.5,
        trust=lambda: known_ca[0],
        randomness=lambda _: next(source),
        progress=lambda replica, message: progress.append((replica, message)),
    )

    instance = cloud.insert("kubernetes-master", instance_id="4711", metadata=metadata)
    made = World(
        clock=clock,
        cloud=cloud,
        agent=agent,
        instance=instance,
        channel=channel,
        known_ca=known_ca,
        progress=progress,
    )

    def seen(instance: Instance) -> None:
        text = instance.metadata.get("hakube-request")
        if text is not None and (not made.requests or made.requests[-1] != json.loads(text)):
            made.requests.append(json.loads(text))
            made.reply(made.requests[-1])

    cloud.watch(instance, seen)
    return made


@pytest.fixture
def world() -> World:
    return new_world()


@pytest.fixture
def newborn() -> World:
    return new_world(installed=False)


def ask(world: World, verb: str = "admit", **more: Any) -> Mapping[str, object]:
    options: dict[str, Any] = {"epoch": 7, "timeout_s": 30.0} | more
    return world.channel.ask(world.instance, verb, {"name": "x"}, **options)


# ------------------------------------------------------------------------------------------ hello


def test_a_hello_is_waited_for(newborn: World) -> None:
    newborn.cloud.print(newborn.instance, newborn.agent.hello(), after_s=42)
    hello = newborn.channel.hello(newborn.instance, nonce=NONCE, timeout_s=60)
    assert hello.requests == newborn.agent.requests
    assert newborn.clock.now() - NOW == timedelta(seconds=42)


def test_the_newest_hello_counts(newborn: World) -> None:
    second = SigningAgent("4711", nonce=NONCE)
    newborn.cloud.print(newborn.instance, newborn.agent.hello() + second.hello())
    hello = newborn.channel.hello(newborn.instance, nonce=NONCE, timeout_s=60)
    assert hello.requests == second.requests


def test_a_hello_with_another_nonce_is_nobodys(newborn: World) -> None:
    newborn.cloud.print(newborn.instance, newborn.agent.hello(nonce="cd" * 16))
    with pytest.raises(AgentSilent, match="did not introduce itself within 60 s; last heard 60 s"):
        newborn.channel.hello(newborn.instance, nonce=NONCE, timeout_s=60)


def test_a_vm_that_says_nothing_is_silent_with_a_way_to_look(newborn: World) -> None:
    with pytest.raises(AgentSilent, match="nothing was ever heard") as caught:
        newborn.channel.hello(newborn.instance, nonce=NONCE, timeout_s=60)
    assert "get-serial-port-output kubernetes-master" in caught.value.hint
    assert newborn.clock.now() - NOW == timedelta(seconds=60)


def test_a_hello_that_was_overwritten_is_asked_for_again() -> None:
    world = new_world(installed=False)
    world.cloud.print(world.instance, world.agent.hello() + world.agent.heartbeat() * 20)
    world.cloud.lose_output(world.instance)
    world.reply = lambda _: world.cloud.print(world.instance, world.agent.hello(), after_s=1)
    hello = world.channel.hello(world.instance, nonce=NONCE, timeout_s=60)
    assert hello.requests == world.agent.requests
    assert [(r["verb"], r["epoch"]) for r in world.requests] == [("report", 0)]


def test_a_hello_in_pieces_is_put_together(newborn: World) -> None:
    text = newborn.agent.hello()
    for number, begin in enumerate(range(0, len(text), 500)):
        newborn.cloud.print(newborn.instance, text[begin : begin + 500], after_s=number)
    hello = newborn.channel.hello(newborn.instance, nonce=NONCE, timeout_s=60)
    assert hello.requests == newborn.agent.requests


# ---------------------------------------------------------------------------------------- reports


def reports(world: World) -> Any:
    return world.channel.reports([world.current()])


def test_the_last_signed_heartbeat_is_the_report(world: World) -> None:
    text = "".join(world.agent.heartbeat(applied_index=i) for i in range(5))
    world.cloud.print(world.instance, text + "half a li")
    assert reports(world)["kubernetes-master"].applied_index == 4


def test_lines_that_nobody_signed_are_passed_over(world: World) -> None:
    forged = SigningAgent("4711").heartbeat(applied_index=99)
    unsigned = json.dumps({"hakube": 1, "type": "heartbeat", "instance_id": "4711"}) + "\n"
    good = world.agent.heartbeat(applied_index=3)
    world.cloud.print(world.instance, good + forged + unsigned + "junk\n")
    assert reports(world)["kubernetes-master"].applied_index == 3


def test_words_of_an_earlier_vm_of_the_name_are_not_this_ones(world: World) -> None:
    world.cloud.print(world.instance, world.agent.heartbeat(instance_id="4710"))
    assert reports(world) == {}


def test_only_the_tail_of_the_port_is_read(world: World) -> None:
    world.cloud.print(world.instance, world.agent.heartbeat())
    reports(world)
    assert world.cloud.reads == [("kubernetes-master", -64 * 1024)]


def test_a_replica_without_certificates_makes_no_report(newborn: World) -> None:
    newborn.cloud.print(newborn.instance, newborn.agent.heartbeat())
    assert reports(newborn) == {}


@pytest.mark.parametrize("trouble", [Unavailable("overload"), ResourceNotFound("gone")])
def test_a_port_that_cannot_be_read_is_unknown(world: World, trouble: Any) -> None:
    world.cloud.print(world.instance, world.agent.heartbeat())
    world.cloud.failures.append(trouble)
    assert reports(world) == {}


def test_a_missing_permission_is_said_and_not_taken_for_silence(world: World) -> None:
    world.cloud.failures.append(PermissionMissing("compute.instances.getSerialPortOutput"))
    with pytest.raises(PermissionMissing):
        reports(world)


def test_a_look_alike_cluster_is_forged(world: World) -> None:
    other = new_cluster_keys("kubernetes", "0" * 16, now=NOW, randomness=os.urandom)
    world.known_ca[0] = other.cluster.certificate
    with pytest.raises(AnswerForged, match="not the one this machine knows"):
        reports(world)


def test_a_machine_that_knows_no_authority_believes_the_metadatas(world: World) -> None:
    world.known_ca[0] = ""
    world.cloud.print(world.instance, world.agent.heartbeat())
    assert list(reports(world)) == ["kubernetes-master"]


def test_many_replicas_are_read_and_each_is_heard_for_itself(world: World) -> None:
    instances = [world.current()]
    world.cloud.print(world.instance, world.agent.heartbeat(epoch=0))
    for number in range(1, 25):
        name = f"kubernetes-master-{number:03x}"
        agent = SigningAgent(str(number))
        metadata = {"hakube-certificates": certificates(agent, name)}
        instances.append(world.cloud.insert(name, instance_id=str(number), metadata=metadata))
        world.cloud.print(instances[-1], agent.heartbeat(epoch=number))
    heard = world.channel.reports(instances)
    assert [heard[i.name].epoch for i in instances] == list(range(25))


def test_no_replicas_are_no_work(world: World) -> None:
    assert world.channel.reports([]) == {}


# -------------------------------------------------------------------------------------------- ask


def test_an_answer_is_waited_for_and_returned(world: World) -> None:
    world.answer_after(12, member_id="8e9e")
    assert ask(world) == {"member_id": "8e9e"}
    assert world.clock.now() - NOW == timedelta(seconds=12)


def test_the_request_says_what_the_protocol_wants(world: World) -> None:
    world.answer_after(0)
    ask(world, "expel", epoch=9, timeout_s=100.0)
    (request,) = world.requests
    assert (request["verb"], request["epoch"], request["instance_id"]) == ("expel", 9, "4711")
    assert request["args"] == {"name": "x"}
    assert len(request["id"]) == 32
    assert request["expires"] == "2026-11-21T06:01:41Z"


def test_a_request_leaves_other_metadata_as_it_is(world: World) -> None:
    world.answer_after(0)
    before = dict(world.instance.metadata)
    ask(world)
    after = dict(world.current().metadata)
    assert after.pop("hakube-request")
    assert after == before


def test_an_id_can_be_given_for_what_is_bound_to_it(world: World) -> None:
    world.answer_after(0)
    ask(world, request_id="c" * 32)
    assert world.requests[0]["id"] == "c" * 32


def test_two_requests_have_two_ids(world: World) -> None:
    world.answer_after(0)
    ask(world)
    ask(world)
    assert len({request["id"] for request in world.requests}) == 2
    assert len(set(world.cloud.request_ids)) == 2


def test_certificates_go_with_the_request_that_needs_them(newborn: World) -> None:
    text = certificates(newborn.agent, "kubernetes-master")
    newborn.answer_after(3, phase="running")
    assert ask(newborn, "install", certificates=text) == {"phase": "running"}
    assert newborn.current().metadata["hakube-certificates"] == text
    assert len(newborn.cloud.request_ids) == 1


def test_a_picture_from_before_the_certificates_is_good_enough(world: World) -> None:
    world.answer_after(0, ok=1)
    world.instance = replace(world.instance, metadata={}, metadata_fingerprint="old")
    assert ask(world) == {"ok": 1}


def test_a_replica_without_certificates_cannot_be_asked(newborn: World) -> None:
    with pytest.raises(ChannelError, match="has no certificates yet"):
        ask(newborn)


def test_an_older_answer_is_not_taken_for_this_one(world: World) -> None:
    old = {"id": "0" * 32, "verb": "admit"}
    world.cloud.print(world.instance, world.agent.answer(old, {"old": True}))
    world.reply = lambda request: world.cloud.print(
        world.instance,
        world.agent.answer(old, {"old": True}) + world.agent.answer(request, {"new": True}),
        after_s=1,
    )
    assert ask(world) == {"new": True}


def test_reading_begins_where_the_port_ended_before_the_request(world: World) -> None:
    world.cloud.print(world.instance, world.agent.heartbeat())
    size = len(world.agent.heartbeat())
    world.answer_after(0)
    ask(world)
    starts = [start for _, start in world.cloud.reads]
    assert starts[0] == -1
    assert abs(starts[1] - size) < 10  # signatures differ by a byte or two


def test_progress_is_told_as_it_comes(world: World) -> None:
    def reply(request: Mapping[str, Any]) -> None:
        for number, message in enumerate(("added as a learner", "caught\x1bup")):
            line = world.agent.line("progress", {"id": request["id"], "message": message})
            world.cloud.print(world.instance, line, after_s=number)
        world.cloud.print(world.instance, world.agent.answer(request, {}), after_s=5)

    world.reply = reply
    ask(world)
    assert world.progress == [
        ("kubernetes-master", "added as a learner"),
        ("kubernetes-master", "caught up"),
    ]


def test_a_refusal_is_passed_on(world: World) -> None:
    world.reply = lambda request: world.cloud.print(
        world.instance, world.agent.refusal(request, code="refused", message="no quorum")
    )
    with pytest.raises(AgentRefused, match="no quorum"):
        ask(world)


def test_an_answer_of_somebody_else_is_forged(world: World) -> None:
    stranger = SigningAgent("4711")
    world.reply = lambda request: world.cloud.print(world.instance, stranger.answer(request, {}))
    with pytest.raises(AnswerForged, match="not that replica's"):
        ask(world)


def test_an_answer_from_another_vm_is_not_heard(world: World) -> None:
    other = SigningAgent("4712")
    world.reply = lambda request: world.cloud.print(world.instance, other.answer(request, {}))
    with pytest.raises(AgentSilent):
        ask(world)


def test_silence_names_the_last_words_and_their_age(world: World) -> None:
    world.cloud.print(world.instance, world.agent.heartbeat(phase="failed", detail="disk full"))
    with pytest.raises(AgentSilent) as caught:
        ask(world)
    assert "did not answer 'admit' within 30 s" in caught.value.message
    assert "last heard 30 s ago: heartbeat failed disk full" in caught.value.message
    assert caught.value.exit_status == 9


def test_a_wait_ends_on_time_and_not_a_pause_later(world: World) -> None:
    with pytest.raises(AgentSilent):
        ask(world, timeout_s=0.7)
    assert world.clock.naps == pytest.approx((0.5, 0.2))


def test_forged_last_words_are_not_repeated(world: World) -> None:
    world.cloud.print(world.instance, SigningAgent("4711").heartbeat(detail="send money"))
    with pytest.raises(AgentSilent, match="nothing was ever heard"):
        ask(world)


def test_trouble_of_the_api_is_sat_out(world: World) -> None:
    def reply(request: Mapping[str, Any]) -> None:
        world.cloud.failures += [Unavailable("503"), Unavailable("503")]
        world.cloud.print(world.instance, world.agent.answer(request, {"ok": 1}), after_s=1)

    world.reply = reply
    assert ask(world) == {"ok": 1}


def test_trouble_that_lasts_is_the_reason_given(world: World) -> None:
    world.reply = lambda _: world.cloud.failures.extend([Unavailable("503")] * 1000)
    with pytest.raises(Unavailable):
        ask(world)
    assert world.clock.now() - NOW == timedelta(seconds=30)


def test_output_that_begins_anew_is_followed(world: World) -> None:
    world.cloud.print(world.instance, world.agent.heartbeat() * 10)

    def reply(request: Mapping[str, Any]) -> None:
        world.cloud.reset_output(world.instance)
        world.cloud.print(world.instance, world.agent.answer(request, {"ok": 1}))

    world.reply = reply
    assert ask(world) == {"ok": 1}


def test_a_write_in_between_is_taken_up(world: World) -> None:
    world.answer_after(0, ok=1)
    world.cloud.before_write = lambda i: world.cloud.overwrite(
        i, {**i.metadata, "ssh-keys": "somebody's"}
    )
    assert ask(world) == {"ok": 1}
    assert world.current().metadata["ssh-keys"] == "somebody's"


def test_somebody_who_keeps_writing_wins_after_five_tries(world: World) -> None:
    tries = count()

    def interloper(instance: Instance) -> None:
        world.cloud.overwrite(instance, {**instance.metadata, "n": str(next(tries))})
        world.cloud.before_write = interloper

    world.cloud.before_write = interloper
    with pytest.raises(StaleFingerprint):
        ask(world)
    assert next(tries) == 5


def test_an_unfinished_request_of_an_earlier_run_is_overwritten(world: World) -> None:
    items = {
        **world.instance.metadata,
        "hakube-request": json.dumps({"id": "f" * 32, "verb": "x"}),
    }
    world.cloud.overwrite(world.instance, items)
    world.answer_after(0, ok=1)
    assert ask(world) == {"ok": 1}
    assert world.requests[-1]["verb"] == "admit"


def test_a_vm_that_was_replaced_meanwhile_is_not_asked(world: World) -> None:
    def replaced(_: Instance) -> None:
        world.cloud.insert("kubernetes-master", instance_id="4712")

    world.cloud.before_write = replaced
    with pytest.raises(ChannelError, match="replaced by another VM"):
        ask(world)
    assert "hakube-request" not in world.current().metadata


def test_a_vm_that_went_away_is_said_to_be_gone(newborn: World) -> None:
    newborn.cloud.delete(newborn.instance)
    with pytest.raises(ResourceNotFound):
        ask(newborn)
