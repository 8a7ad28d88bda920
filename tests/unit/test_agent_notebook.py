"""What the agent remembers over power cuts."""

import json

import pytest

from hakube_gce.agent.notebook import ANSWERS_KEPT, STATE_FILE, Memory, Notebook, Phase
from hakube_gce.agent.ports import EtcdLaunch
from hakube_gce.agent.protocol import Fields
from hakube_gce.emulator.runtimes.records_world import DiskFiles

FULL = Memory(
    instance_id="4711",
    phase=Phase.RUNNING,
    detail="",
    epoch=9,
    answers={"a": {"verb": "report", "ok": True, "result": {"x": 1}}},
    certified=True,
    certificates_expire="2027-12-24T06:00:00.000Z",
    peers=("https://10.0.0.2:2380",),
    launch=EtcdLaunch(name="m", token="t", state="new", initial_cluster={"m": "u"}),  # noqa: S106 - etcd's word for the cluster's id
    etcd_served=True,
)


def test_everything_is_remembered() -> None:
    disk = DiskFiles()
    Notebook(disk, "4711").keep(FULL)
    assert Notebook(disk, "4711").memory == FULL


def test_another_vm_on_the_same_disk_keeps_the_epoch_alone() -> None:
    disk = DiskFiles()
    Notebook(disk, "4711").keep(FULL)
    assert Notebook(disk, "4712").memory == Memory(instance_id="4712", epoch=9)


def test_the_oldest_answers_are_forgotten_first() -> None:
    memory = Memory(instance_id="4711")
    answer: Fields = {"ok": True}
    for number in range(ANSWERS_KEPT + 2):
        memory = memory.with_answer(str(number), answer)
    assert list(memory.answers) == [str(n) for n in range(2, ANSWERS_KEPT + 2)]


def test_the_disk_has_it_before_the_memory() -> None:
    class FullDisk(DiskFiles):
        def write(self, name: str, content: bytes) -> None:  # noqa: ARG002 - it never gets there
            raise OSError(28, "no space left on device")

    notebook = Notebook(FullDisk(), "4711")
    with pytest.raises(OSError, match="no space"):
        notebook.keep(FULL)
    assert notebook.memory == Memory(instance_id="4711")


def test_the_state_says_which_schema_it_is() -> None:
    disk = DiskFiles()
    Notebook(disk, "4711").keep(FULL)
    assert json.loads(disk.files[STATE_FILE])["schema"] == 1
