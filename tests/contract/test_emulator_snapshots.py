"""The snapshots kind: taken at one moment, outliving the disk, and what is refused about them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakube_gce.clock import SystemClock
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import Latency, profile
from hakube_gce.emulator.runtimes.records import RecordsRuntime
from tests.contract.emulator_bench import IMAGE, OTHER_ZONE, PROJECT, ZONE, Bench, bench

INVALID = (400, "invalid")
MISSING = (404, "notFound")
NOT_READY = (400, "resourceNotReady")
SOURCE = "global/snapshots/s"
MARK = {"hakube-uid": "0123456789abcdef"}


@pytest.fixture
def lab() -> Iterator[Bench]:
    with bench() as opened:
        opened.disk("d")
        yield opened


@pytest.fixture
def slow() -> Iterator[Bench]:
    with bench(latency=Latency(name="test", seconds={"disks.createSnapshot": 30})) as opened:
        opened.disk("d")
        yield opened


def take(lab: Bench, name: str = "s") -> None:
    lab.do("POST", f"{ZONE}/disks/d/createSnapshot", {"name": name, "labels": MARK})


def test_a_snapshot_is_labelled_at_birth_and_outlives_its_disk(lab: Bench) -> None:
    take(lab)
    disk = lab.get(f"{ZONE}/disks/d")
    lab.do("DELETE", f"{ZONE}/disks/d")
    found = lab.get(SOURCE)
    assert (found["status"], found["labels"]) == ("READY", MARK)
    assert (found["sourceDiskId"], found["diskSizeGb"]) == (disk["id"], "20")
    assert lab.runtime.snapshots == {found["id"]: disk["id"]}
    lab.do("DELETE", SOURCE)
    assert lab.refusal("GET", SOURCE) == MISSING
    assert lab.runtime.snapshots == {}


def test_only_those_with_the_label_are_listed_by_the_label(lab: Bench) -> None:
    take(lab)
    lab.do("POST", f"{ZONE}/disks/d/createSnapshot", {"name": "somebody-s"})
    names = [s["name"] for s in lab.get("global/snapshots", filter="labels.hakube-uid:*")["items"]]
    assert names == ["s"]
    assert len(lab.get("global/snapshots")["items"]) == 2


def test_it_is_ready_when_its_operation_is_done_and_of_no_use_before(slow: Bench) -> None:
    operation = slow.start("POST", f"{ZONE}/disks/d/createSnapshot", {"name": "s"})
    assert operation["operationType"] == "createSnapshot"
    assert operation["targetLink"].endswith("/disks/d")
    assert slow.get(SOURCE)["status"] == "CREATING"
    assert slow.runtime.snapshots, "what it holds is decided at once"
    copy = {"name": "copy", "sourceSnapshot": SOURCE}
    assert slow.refusal("POST", f"{ZONE}/disks", copy) == NOT_READY
    assert slow.refusal("DELETE", SOURCE) == NOT_READY
    slow.clock.advance(30)
    assert slow.get(SOURCE)["status"] == "READY"
    slow.do("POST", f"{ZONE}/disks", copy)


def test_a_disk_made_from_one_has_its_size_or_more_in_any_zone(lab: Bench) -> None:
    take(lab)
    snapshot = lab.get(SOURCE)
    lab.do("POST", f"{OTHER_ZONE}/disks", {"name": "copy", "sourceSnapshot": SOURCE})
    copy = lab.get(f"{OTHER_ZONE}/disks/copy")
    assert (copy["sizeGb"], copy["sourceSnapshotId"]) == ("20", snapshot["id"])
    assert lab.runtime.filled == {copy["id"]: snapshot["id"]}
    small = {"name": "small", "sourceSnapshot": SOURCE, "sizeGb": "10"}
    assert lab.refusal("POST", f"{ZONE}/disks", small) == INVALID
    both = {"name": "both", "sourceSnapshot": SOURCE, "sourceImage": IMAGE}
    assert lab.refusal("POST", f"{ZONE}/disks", both) == INVALID
    lab.do("DELETE", SOURCE)
    lab.disk("other")
    assert lab.runtime.filled == {copy["id"]: snapshot["id"]}


@pytest.mark.parametrize(
    ("verb", "path", "body", "answer"),
    [
        ("POST", f"{ZONE}/disks/d/createSnapshot", {}, (400, "required")),
        ("POST", f"{ZONE}/disks/d/createSnapshot", {"name": "s"}, (409, "alreadyExists")),
        ("POST", f"{ZONE}/disks/d/createSnapshot", {"name": "S"}, INVALID),
        ("POST", f"{ZONE}/disks/d/createSnapshot", {"name": "x", "labels": {"A": "b"}}, INVALID),
        ("POST", f"{ZONE}/disks/gone/createSnapshot", {"name": "x"}, MISSING),
        ("POST", f"{OTHER_ZONE}/disks/d/createSnapshot", {"name": "x"}, MISSING),
        ("POST", "zones/mars-a/disks/d/createSnapshot", {"name": "x"}, INVALID),
        ("POST", f"{ZONE}/disks", {"name": "x", "sourceSnapshot": "global/snapshots/n"}, MISSING),
        ("DELETE", "global/snapshots/n", {}, MISSING),
    ],
)
def test_what_google_refuses_is_refused(
    lab: Bench, verb: str, path: str, body: dict[str, object], answer: tuple[int, str]
) -> None:
    take(lab)
    assert lab.refusal(verb, path, body) == answer


def test_in_a_lab_of_records_the_files_of_the_moment_are_kept_over_a_restart(
    tmp_path: Path,
) -> None:
    runtime = RecordsRuntime(home=tmp_path / "records")
    lab = Lab(runtime=runtime, clock=SystemClock(), latency=profile("none"), home=tmp_path)
    opened = Bench(lab, runtime, None)  # type: ignore[arg-type]  # only its requests are used
    opened.disk("d")
    disk = opened.get(f"{ZONE}/disks/d")["id"]
    runtime.fill_disk(disk, "nothing")
    runtime.world.disks[disk].write("a", b"before")
    take(opened)
    runtime.world.disks[disk].write("a", b"after")
    opened.do("DELETE", f"{ZONE}/disks/d")
    lab.close()

    again = RecordsRuntime(home=tmp_path / "records")
    lab = Lab(runtime=again, clock=SystemClock(), latency=profile("none"), home=tmp_path)
    lab.resume()
    opened = Bench(lab, again, None)  # type: ignore[arg-type]  # as above
    opened.do("POST", f"{ZONE}/disks", {"name": "copy", "sourceSnapshot": SOURCE})
    copy = opened.get(f"{ZONE}/disks/copy")["id"]
    assert again.world.disks[copy].read("a") == b"before"
    again.world.disks[copy].write("a", b"written to the copy")
    with lab.changed:
        lab.commit()
    assert again.world.disks[copy].read("a") == b"written to the copy"
    assert json.loads((tmp_path / "state.json").read_text())["records"]
    assert opened.project == PROJECT
    lab.close()
