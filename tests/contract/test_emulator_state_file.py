"""The lab's file: all of it is there, and what did not change is not encoded again."""

import json
from pathlib import Path

from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.state_file import StateFile, load
from hakube_gce.emulator.store import Store

OPERATION = Operation(
    path="projects/p/global/operations/o",
    id="1",
    method="disks.insert",
    target="projects/p/zones/z/disks/d",
    target_id="2",
    due=1.5,
    inserted="2026-01-01T00:00:00.000+00:00",
)


def test_what_was_saved_is_loaded_whatever_stands_in_it(tmp_path: Path) -> None:
    store = Store(counters={"id": 7})
    store.put('projects/p/"\u00fc"', {"kind": "compute#route", "name": "\u00fc\n"})
    store.put_operation(OPERATION)
    StateFile(tmp_path / "state.json").save(store)
    assert load(tmp_path / "state.json").snapshot() == store.snapshot()
    empty = Store()
    StateFile(tmp_path / "empty.json").save(empty)
    assert load(tmp_path / "empty.json").snapshot() == empty.snapshot()


def test_only_what_changed_is_encoded_again(tmp_path: Path) -> None:
    path, store = tmp_path / "state.json", Store()
    file = StateFile(path)
    record = {"kind": "compute#route", "name": "before"}
    store.put("a", record)
    file.save(store)
    record["name"] = "behind its back"  # records are values: nobody does this, and so it shows
    store.put("b", {"kind": "compute#route"})
    file.save(store)
    assert json.loads(path.read_text())["records"] == {
        "a": {"kind": "compute#route", "name": "before"},
        "b": {"kind": "compute#route"},
    }
    store.put("a", {**record})
    store.remove("b")
    file.save(store)
    assert load(path).records == {"a": record}
