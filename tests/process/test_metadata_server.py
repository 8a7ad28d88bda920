"""The metadata server answers as Google's does, and tells of a change at once."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace

import pytest

from hakube_gce.emulator.addresses import METADATA_PORT, Claim
from hakube_gce.emulator.loop_thread import LoopThread
from hakube_gce.emulator.metadata_server import MetadataServer
from hakube_gce.emulator.runtime import VirtualMachine

FLAVOR = {"Metadata-Flavor": "Google"}
ATTRIBUTES = {"cluster-name": "kubernetes", "hakube-config": '{"schema":1}', "umlaut": "ä"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    vm: VirtualMachine
    server: MetadataServer

    def get(self, path: str, *, headers: Mapping[str, str] = FLAVOR, method: str = "GET") -> Said:
        wire = http.client.HTTPConnection(self.vm.internal_ip, METADATA_PORT, timeout=20)
        with closing(wire):
            wire.request(method, f"/computeMetadata/v1/{path}", headers=dict(headers))
            answer = wire.getresponse()
            return Said(
                status=answer.status, headers=dict(answer.headers), body=answer.read().decode()
            )


@pytest.fixture
def guest(held: Claim, loop: LoopThread) -> Iterator[Guest]:
    vm = VirtualMachine(
        name="kubernetes-master",
        zone="europe-west1-b",
        id="4711",
        project="hakube-lab",
        internal_ip=held.addresses.internal_ip(0),
        data_disk_id="12",
        boot_disk_id="11",
    )
    server = MetadataServer(loop)
    server.tell(vm, ATTRIBUTES)
    server.open(vm)
    yield Guest(vm=vm, server=server)
    server.close(vm.id)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("instance/id", "4711"),
        ("instance/name", "kubernetes-master"),
        ("instance/hostname", "kubernetes-master.europe-west1-b.c.hakube-lab.internal"),
        ("instance/attributes/cluster-name", "kubernetes"),
        ("instance/attributes/umlaut", "ä"),
        ("instance/attributes/", "cluster-name\nhakube-config\numlaut\n"),
        ("instance/network-interfaces/", "0/\n"),
        ("instance/disks/1/device-name", "master-pd"),
        ("project/project-id", "hakube-lab"),
        ("", "instance/\nproject/\n"),
    ],
)
def test_a_path_says_what_it_says_on_google(guest: Guest, path: str, body: str) -> None:
    said = guest.get(path)
    assert (said.status, said.body) == (200, body)
    assert said.headers["Metadata-Flavor"] == "Google"
    assert said.headers["Content-Type"] == "application/text"


def test_the_zone_is_a_path_with_the_project_s_number(guest: Guest) -> None:
    number = guest.get("project/numeric-project-id").body
    assert guest.get("instance/zone").body == f"projects/{number}/zones/europe-west1-b"


def test_the_ip_is_the_vm_s_own(guest: Guest) -> None:
    assert guest.get("instance/network-interfaces/0/ip").body == guest.vm.internal_ip


def test_a_branch_comes_as_one_json_object(guest: Guest) -> None:
    said = guest.get("instance/attributes/?recursive=true")
    assert json.loads(said.body) == ATTRIBUTES
    assert said.headers["Content-Type"] == "application/json"
    whole = json.loads(guest.get("instance/?recursive=true&alt=json").body)
    assert whole["id"] == 4711
    assert whole["networkInterfaces"][0]["ip"] == guest.vm.internal_ip


@pytest.mark.parametrize(
    "headers", [{}, {"Metadata-Flavor": "google"}, FLAVOR | {"X-Forwarded-For": "10.0.0.1"}]
)
def test_without_the_header_or_forwarded_it_says_nothing(
    guest: Guest, headers: Mapping[str, str]
) -> None:
    said = guest.get("instance/id", headers=headers)
    assert said.status == 403
    assert "4711" not in said.body


@pytest.mark.parametrize(
    "path", ["instance/attributes/none", "instance/id/none", "instance/disks/7/", "none"]
)
@pytest.mark.parametrize(
    "wait", ["", "?wait_for_change=true", "?wait_for_change=true&last_etag=0"]
)
def test_what_is_not_there_is_not_found_even_by_waiting(
    guest: Guest, path: str, wait: str
) -> None:
    assert guest.get(path + wait).status == 404


def test_nothing_can_be_written(guest: Guest) -> None:
    assert guest.get("instance/attributes/x", method="DELETE").status == 405


def test_a_folder_without_its_slash_is_redirected(guest: Guest) -> None:
    said = guest.get("instance/attributes")
    assert (said.status, said.headers["Location"]) == (
        301,
        "/computeMetadata/v1/instance/attributes/",
    )


def test_a_wait_with_an_old_etag_answers_at_once(guest: Guest) -> None:
    said = guest.get("instance/attributes/cluster-name?wait_for_change=true&last_etag=0")
    assert said.body == "kubernetes"


def test_a_wait_ends_with_the_change_and_brings_the_new_value(guest: Guest) -> None:
    path = "instance/attributes/?recursive=true"
    etag = guest.get(path).headers["ETag"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(guest.get, f"{path}&wait_for_change=true&last_etag={etag}")
        assert not _finishes(waiting.done)
        guest.server.tell(guest.vm, ATTRIBUTES | {"hakube-request": "now"})
        said = waiting.result(timeout=10)
    assert json.loads(said.body)["hakube-request"] == "now"
    assert said.headers["ETag"] != etag


def test_a_wait_goes_on_while_others_than_the_watched_change(guest: Guest) -> None:
    etag = guest.get("instance/attributes/cluster-name").headers["ETag"]
    path = f"instance/attributes/cluster-name?wait_for_change=true&last_etag={etag}"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(guest.get, path)
        guest.server.tell(guest.vm, ATTRIBUTES | {"other": "new"})
        assert not _finishes(waiting.done)
        guest.server.tell(guest.vm, ATTRIBUTES | {"cluster-name": "new"})
        assert waiting.result(timeout=10).body == "new"


def test_a_key_that_goes_away_ends_its_wait(guest: Guest) -> None:
    etag = guest.get("instance/attributes/umlaut").headers["ETag"]
    path = f"instance/attributes/umlaut?wait_for_change=true&last_etag={etag}"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(guest.get, path)
        guest.server.tell(guest.vm, {})
        assert waiting.result(timeout=10).status == 404


def test_a_wait_whose_time_is_up_answers_with_what_is(guest: Guest) -> None:
    path = "instance/attributes/cluster-name"
    etag = guest.get(path).headers["ETag"]
    said = guest.get(f"{path}?wait_for_change=true&last_etag={etag}&timeout_sec=0.1")
    assert (said.status, said.body, said.headers["ETag"]) == (200, "kubernetes", etag)


def test_a_time_that_is_no_number_is_refused(guest: Guest) -> None:
    assert guest.get("instance/id?wait_for_change=true&timeout_sec=soon").status == 400


def test_one_connection_carries_many_requests(guest: Guest) -> None:
    wire = http.client.HTTPConnection(guest.vm.internal_ip, METADATA_PORT, timeout=10)
    with closing(wire):
        wire.connect()
        socket = wire.sock
        for _ in range(3):
            wire.request("GET", "/computeMetadata/v1/instance/id", headers=FLAVOR)
            assert wire.getresponse().read() == b"4711"
        assert wire.sock is socket


def test_a_closed_server_refuses_and_cuts_its_waits(guest: Guest) -> None:
    etag = guest.get("instance/id").headers["ETag"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(guest.get, f"instance/id?wait_for_change=true&last_etag={etag}")
        assert not _finishes(waiting.done)
        guest.server.close(guest.vm.id)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            waiting.result(timeout=10)
    with pytest.raises(ConnectionRefusedError):
        guest.get("instance/id")


def test_a_server_opened_again_knows_what_was_told_meanwhile(guest: Guest) -> None:
    guest.server.close(guest.vm.id)
    guest.server.tell(guest.vm, {"a": "b"})
    guest.server.open(guest.vm)
    assert guest.get("instance/attributes/a").body == "b"


def test_each_vm_hears_of_itself_only(guest: Guest, held: Claim) -> None:
    other = replace(guest.vm, id="4712", internal_ip=held.addresses.internal_ip(1))
    guest.server.open(other)
    assert Guest(vm=other, server=guest.server).get("instance/id").body == "4712"
    assert guest.get("instance/id").body == "4711"
    guest.server.close(other.id)


def _finishes(done: Callable[[], bool]) -> bool:
    """Look a short while whether something ends that should not."""
    pause = threading.Event()
    return any(done() or pause.wait(0.01) for _ in range(15))
