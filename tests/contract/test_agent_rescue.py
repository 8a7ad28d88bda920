"""`recover` and `install` with ``restore``, on the model of etcd."""

from typing import Any

import pytest

from hakube_gce.emulator.membership import Membership
from hakube_gce.emulator.runtimes.records_databases import RecordsDatabases
from tests.fakes.records_lab import RecordsLab, error, lab_of, members

LEASES = "/registry/masterleases"


def etcd_of(lab: RecordsLab, name: str = "m1") -> tuple[Membership, int]:
    found = lab.machine(name).etcd
    assert found is not None
    return found


def put(lab: RecordsLab, key: str, value: str, via: str = "m1") -> None:
    membership, own = etcd_of(lab, via)
    membership.put(own, key, value)


def get(lab: RecordsLab, key: str, via: str = "m1") -> str | None:
    membership, own = etcd_of(lab, via)
    return membership.get(own, key)


def aside(lab: RecordsLab, name: str, kind: str) -> list[str]:
    folders = {file.partition("/")[0] for file in lab.machine(name).data.files}
    return sorted(folder for folder in folders if folder.startswith(f"etcd-{kind}"))


# ---------------------------------------------------------------------------------- recover


def test_one_of_three_goes_on_alone_with_its_data_and_takes_others_in_again() -> None:
    lab = lab_of("m1", "m2", "m3")
    put(lab, "/registry/a", "1")
    put(lab, f"{LEASES}/{lab.vms['m2'].internal_ip}", "")
    put(lab, f"{LEASES}/{lab.vms['m1'].internal_ip}", "")
    before = lab.heartbeat("m1")
    lab.kill("m2")
    lab.kill("m3")
    assert not lab.runtime.serves(lab.vms["m1"])
    answer = lab.ask("m1", "recover")
    assert answer["ok"], answer
    assert [m["name"] for m in answer["result"]["members"]] == ["m1"]
    assert answer["result"]["forgotten_masters"] == [lab.vms["m2"].internal_ip]
    assert get(lab, "/registry/a") == "1"
    now = lab.heartbeat("m1")
    assert (now["cluster_id"], now["member_id"]) == (before["cluster_id"], before["member_id"])
    assert lab.runtime.serves(lab.vms["m1"])
    assert aside(lab, "m1", "before-recover") == [answer["result"]["kept"]]

    lab.clock.advance(10)
    assert lab.join("m4")["ok"]
    lab.clock.advance(10)
    assert lab.join("m5")["ok"]
    assert sorted(members(lab)) == ["m1", "m4", "m5"]
    assert get(lab, "/registry/a", "m5") == "1"


def test_who_was_lost_does_not_come_back() -> None:
    lab = lab_of("m1", "m2")
    lab.kill("m2")
    assert lab.ask("m1", "recover")["ok"]
    lab.start("m2")
    assert lab.heartbeat("m2")["phase"] == "failed"
    assert members(lab) == {"m1": "voter"}


def test_asked_again_it_has_nothing_to_do() -> None:
    lab = lab_of("m1", "m2")
    lab.kill("m2")
    first = lab.ask("m1", "recover")
    term = lab.heartbeat("m1")["term"]
    second = lab.ask("m1", "recover")
    assert second["result"] == {**first["result"], "kept": ""}
    assert lab.heartbeat("m1")["term"] == term, "etcd was started once more"
    assert len(aside(lab, "m1", "before-recover")) == 1


def test_a_healthy_single_master_is_left_alone() -> None:
    lab = lab_of("m1")
    term = lab.heartbeat("m1")["term"]
    assert lab.ask("m1", "recover")["ok"]
    assert lab.heartbeat("m1")["term"] == term


def test_while_there_is_a_quorum_it_is_refused() -> None:
    lab = lab_of("m1", "m2", "m3")
    lab.kill("m3")
    code, message = error(lab.ask("m1", "recover"))
    assert (code, "etcd has a quorum" in message) == ("refused", True)
    assert sorted(members(lab)) == ["m1", "m2", "m3"]


def test_a_newcomer_without_data_recovers_nothing() -> None:
    lab = lab_of("m1", "m2")
    lab.insert("m3")
    lab.install("m3", role="joiner")
    lab.kill("m1")
    lab.kill("m2")
    code, message = error(lab.ask("m3", "recover"))
    assert (code, "holds no etcd data" in message) == ("refused", True)


def test_who_was_removed_recovers_nothing() -> None:
    lab = lab_of("m1", "m2")
    lab.ask("m1", "expel", member_id=lab.member_id("m2"))
    lab.kill("m1")
    code, message = error(lab.ask("m2", "recover"))
    assert (code, "was removed from the cluster" in message) == ("refused", True)


@pytest.mark.parametrize("cut_after", ["copy", "stop_etcd", "start_etcd"])
def test_after_a_power_cut_in_its_midst_it_is_asked_for_again(cut_after: str) -> None:
    """The data as it was before the first attempt is what is kept."""
    lab = lab_of("m1", "m2", "m3")
    put(lab, "/registry/a", "1")
    lab.kill("m2")
    lab.kill("m3")
    machine: Any = lab.machine("m1")
    owner = machine.data if cut_after == "copy" else machine.services
    happen = getattr(owner, cut_after)

    class PowerCut(BaseException):
        pass

    def cut(*args: object, **kwargs: object) -> None:
        happen(*args, **kwargs)
        raise PowerCut

    setattr(owner, cut_after, cut)
    with pytest.raises(PowerCut):
        lab.ask("m1", "recover")
    delattr(owner, cut_after)
    lab.kill("m1")
    lab.start("m1")
    lab.clock.advance(10)
    answer = lab.ask("m1", "recover")
    assert answer["ok"], answer
    assert get(lab, "/registry/a") == "1"
    assert members(lab) == {"m1": "voter"}
    assert len(aside(lab, "m1", "before-recover")) in (1, 2)


# ---------------------------------------------------------------------------------- restore


def lost(*names: str, key: str = "/registry/a") -> tuple[RecordsLab, str]:
    """Return a lab whose masters and disks are gone but for a snapshot of the last one's disk."""
    lab = lab_of(*names)
    put(lab, key, "saved earlier")
    assert lab.ask(names[-1], "snapshot")["ok"]
    lab.clock.advance(1)
    put(lab, key, "saved")
    for name in names:
        put(lab, f"{LEASES}/{lab.vms[name].internal_ip}", "")
    assert lab.ask(names[-1], "snapshot")["ok"]
    lab.runtime.keep_snapshot("1", lab.vms[names[-1]].data_disk_id)
    put(lab, key, "written later")
    for name in names:
        lab.kill(name)
        lab.runtime.forget_disk(lab.vms[name].data_disk_id)
    lab.runtime.fill_disk("7777", "1")
    return lab, "7777"


def test_a_new_master_begins_with_the_newest_saved_database() -> None:
    lab, disk = lost("m1", "m2", "m3")
    lab.insert("n1", data_disk=disk)
    answer = lab.install_with("n1", restore=True)
    assert answer["ok"], answer
    restored = answer["result"]["restored"]
    assert restored["bumped"] is True
    assert get(lab, "/registry/a", "n1") == "saved"
    assert members(lab, "n1") == {"n1": "voter"}
    membership, own = etcd_of(lab, "n1")
    assert membership.disk(own).revision > 1_000_000_000 + restored["revision"] - 1
    assert membership.keys(own, LEASES) == ()
    assert lab.runtime.serves(lab.vms["n1"])
    assert aside(lab, "n1", "before-restore") == [
        f"etcd-before-restore-{restored['name'].removesuffix('.db')}"
    ]
    lab.clock.advance(10)
    assert lab.join("n2", via="n1")["ok"]


def test_the_new_cluster_is_another_one_even_at_the_same_address() -> None:
    lab = lab_of("m1")
    before = lab.heartbeat("m1")["cluster_id"]
    lab.ask("m1", "snapshot")
    lab.runtime.keep_snapshot("1", lab.vms["m1"].data_disk_id)
    lab.kill("m1")
    lab.runtime.fill_disk("7777", "1")
    address = lab.vms["m1"].internal_ip
    lab.insert("m1", data_disk="7777", address=address, instance="99")
    assert lab.install_with("m1", restore=True)["ok"]
    assert lab.heartbeat("m1")["cluster_id"] != before


def test_where_the_tools_cannot_bump_it_is_said() -> None:
    lab, disk = lost("m1")
    lab.insert("n1", data_disk=disk)
    databases = lab.machine("n1").ports.databases
    assert isinstance(databases, RecordsDatabases)
    databases.bumps = False
    assert lab.install_with("n1", restore=True)["result"]["restored"]["bumped"] is False


def test_a_second_run_of_the_same_operation_keeps_what_was_written_since() -> None:
    lab, disk = lost("m1")
    lab.insert("n1", data_disk=disk)
    first = lab.install_with("n1", restore=True)["result"]
    put(lab, "/registry/b", "since", "n1")
    assert lab.install_with("n1", restore=True)["result"]["restored"] == first["restored"]
    assert get(lab, "/registry/b", "n1") == "since"


def test_a_damaged_newest_one_is_passed_over() -> None:
    lab, disk = lost("m1", "m2")
    files = lab.runtime.world.disks[disk]
    files.write("snapshots/29991231T235959.000000Z.db", b"0\nnonsense")
    lab.insert("n1", data_disk=disk)
    assert lab.install_with("n1", restore=True)["ok"]
    assert get(lab, "/registry/a", "n1") == "saved"


def test_without_a_whole_one_it_fails_and_says_why() -> None:
    lab, disk = lost("m1")
    files = lab.runtime.world.disks[disk]
    for name in files.names("snapshots"):
        files.write(f"snapshots/{name}", b"0\nnonsense")
    lab.insert("n1", data_disk=disk)
    code, message = error(lab.install_with("n1", restore=True))
    assert (code, "no saved database that is whole" in message) == ("failed", True)
    assert "damaged" in lab.heartbeat("n1")["detail"]


def test_another_cluster_s_disk_is_refused() -> None:
    lab, disk = lost("m1")
    files = lab.runtime.world.disks[disk]
    files.write("cluster.json", b'{"uid": "ffffffffffffffff", "member": "m1"}')
    lab.insert("n1", data_disk=disk)
    code, message = error(lab.install_with("n1", restore=True))
    assert (code, "belongs to cluster ffffffffffffffff" in message) == ("refused", True)


def test_without_the_argument_another_member_s_disk_is_still_refused() -> None:
    lab, disk = lost("m1")
    lab.insert("n1", data_disk=disk)
    assert error(lab.install("n1", role="founder"))[0] == "refused"


def test_what_etcd_left_on_a_copied_disk_is_never_started() -> None:
    lab, disk = lost("m1")
    before = dict(lab.runtime.world.clusters)
    lab.insert("m1", data_disk=disk, address=lab.vms["m1"].internal_ip, instance="99")
    assert error(lab.install("m1", role="founder"))[0] == "failed"
    assert lab.runtime.world.clusters.keys() == before.keys(), "a new cluster was founded"


def test_a_joiner_restores_nothing() -> None:
    lab = lab_of("m1")
    lab.insert("m2")
    code, message = error(lab.install_with("m2", role="joiner", restore=True))
    assert (code, "only a founder" in message) == ("failed", True)
