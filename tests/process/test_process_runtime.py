"""VMs of the process runtime: what they are given, and that nothing of them outlives its end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from hakube_gce.emulator.addresses import can_bind
from hakube_gce.emulator.runtime import Route, Runtime, VirtualMachine
from hakube_gce.emulator.runtimes.process import ProcessRuntime
from hakube_gce.emulator.supervise import members
from hakube_gce.errors import SettingsError
from tests.process.waiting import until

HERE = Path(__file__).parent
STAND_IN = (sys.executable, str(HERE / "stand_in_agent.py"))
NO_ETCD = Path("/bin/false")


def lab(home: Path) -> ProcessRuntime:
    return ProcessRuntime(home, etcd=NO_ETCD, agent=STAND_IN)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[ProcessRuntime]:
    with lab(tmp_path / "home") as runtime:
        yield runtime


@pytest.fixture
def vm(runtime: ProcessRuntime) -> VirtualMachine:
    return machine(runtime, 0)


def machine(runtime: ProcessRuntime, index: int) -> VirtualMachine:
    return VirtualMachine(
        name=f"kubernetes-master-00{index}",
        zone="europe-west1-b",
        id=str(4711 + index),
        project="hakube-lab",
        internal_ip=runtime.internal_ip(index),
        data_disk_id=str(200 + index),
        boot_disk_id=str(100 + index),
    )


def boot(runtime: ProcessRuntime, vm: VirtualMachine) -> None:
    lines = runtime.serial_output(vm, 2).count(b"\n")
    runtime.power_on(vm)
    until(lambda: runtime.serial_output(vm, 2).count(b"\n") > lines, "the VM said its id")
    until(lambda: len(runtime.pids(vm)) == 3, "agent, child and grandchild run")


def test_it_is_a_runtime(runtime: ProcessRuntime) -> None:
    port: Runtime = runtime
    assert port.name == "process"


def test_a_vm_asks_its_own_metadata_server_who_it_is(
    runtime: ProcessRuntime, vm: VirtualMachine
) -> None:
    boot(runtime, vm)
    assert runtime.serial_output(vm, 2) == b"4711\n"
    assert runtime.serial_offset(vm, 2) == 0
    assert runtime.serial_output(vm, 3) == b""


def test_a_vm_inherits_nothing_of_the_daemon_s_environment(
    runtime: ProcessRuntime, vm: VirtualMachine
) -> None:
    boot(runtime, vm)
    environment = json.loads(runtime.serial_output(vm, 1).splitlines()[0])
    assert environment.keys() - {"LC_CTYPE"} == {
        "PATH",
        "LANG",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "GCE_METADATA_HOST",
    }
    assert environment["GCE_METADATA_HOST"] == f"{vm.internal_ip}:8775"


def test_power_off_ends_every_process_and_frees_every_port(
    runtime: ProcessRuntime, vm: VirtualMachine
) -> None:
    boot(runtime, vm)
    pids = runtime.pids(vm)
    assert not can_bind(vm.internal_ip, 2379)
    runtime.power_off(vm)
    assert runtime.pids(vm) == ()
    assert members(pids[0]) == ()
    assert all(can_bind(vm.internal_ip, port) for port in (2379, 8775, runtime.api_port))


def test_power_off_ends_what_a_dead_agent_left(
    runtime: ProcessRuntime, vm: VirtualMachine
) -> None:
    boot(runtime, vm)
    agent, *others = runtime.pids(vm)
    os.kill(agent, signal.SIGKILL)
    until(lambda: runtime.pids(vm) == tuple(others), "the agent alone is gone")
    runtime.power_off(vm)
    assert runtime.pids(vm) == ()


def test_power_on_twice_is_one_vm(runtime: ProcessRuntime, vm: VirtualMachine) -> None:
    boot(runtime, vm)
    pids = runtime.pids(vm)
    runtime.power_on(vm)
    assert runtime.pids(vm) == pids


def test_power_off_of_what_is_off_is_nothing(runtime: ProcessRuntime, vm: VirtualMachine) -> None:
    runtime.power_off(vm)
    boot(runtime, vm)
    runtime.power_off(vm)
    runtime.power_off(vm)
    assert runtime.pids(vm) == ()


def test_serial_output_survives_a_power_cycle(runtime: ProcessRuntime, vm: VirtualMachine) -> None:
    boot(runtime, vm)
    runtime.power_off(vm)
    boot(runtime, vm)
    assert runtime.serial_output(vm, 2) == b"4711\n4711\n"


def test_a_new_vm_of_the_same_name_begins_with_empty_ports(
    runtime: ProcessRuntime, vm: VirtualMachine
) -> None:
    boot(runtime, vm)
    runtime.power_off(vm)
    assert runtime.serial_output(replace(vm, id="4799"), 2) == b""


def test_a_forgotten_boot_disk_takes_its_vm_s_traces_along(
    runtime: ProcessRuntime, vm: VirtualMachine, tmp_path: Path
) -> None:
    boot(runtime, vm)
    runtime.power_off(vm)
    for disk in (vm.boot_disk_id, vm.data_disk_id):
        (tmp_path / "home/disks" / disk / "file").write_text("data")
    runtime.forget_disk(vm.data_disk_id)
    assert sorted(p.name for p in (tmp_path / "home/disks").iterdir()) == [vm.boot_disk_id]
    runtime.forget_disk(vm.boot_disk_id)
    assert list((tmp_path / "home/disks").iterdir()) == []
    assert list((tmp_path / "home/vms").iterdir()) == []


def test_disks_outlive_their_vms_and_their_lab(tmp_path: Path) -> None:
    with lab(tmp_path / "home") as first:
        vm = machine(first, 0)
        boot(first, vm)
        file = tmp_path / "home/disks" / vm.data_disk_id / "file"
        file.write_text("data")
    with lab(tmp_path / "home") as again:
        boot(again, machine(again, 0))
        assert file.read_text() == "data"
        assert again.serial_output(machine(again, 0), 2) == b"4711\n4711\n"


def test_everything_it_keeps_is_private(
    runtime: ProcessRuntime, vm: VirtualMachine, tmp_path: Path
) -> None:
    boot(runtime, vm)
    runtime.power_off(vm)
    for path in (tmp_path / "home").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("bad", ["../../etc", "", "4711/..", "x"])
def test_an_id_that_is_no_number_never_becomes_a_path(
    runtime: ProcessRuntime, vm: VirtualMachine, bad: str
) -> None:
    with pytest.raises(ValueError, match="no numeric id"):
        runtime.power_on(replace(vm, id=bad))
    with pytest.raises(ValueError, match="no numeric id"):
        runtime.forget_disk(bad)


def test_an_address_outside_the_lab_is_never_opened_nor_dialled(
    runtime: ProcessRuntime, vm: VirtualMachine
) -> None:
    with pytest.raises(ValueError, match="no address of this lab"):
        runtime.power_on(replace(vm, internal_ip="10.128.0.2"))
    for route in (
        Route(address="203.0.113.5", port=443, backends=(vm.internal_ip,)),
        Route(address=runtime.external_ip(0), port=443, backends=("10.128.0.2",)),
    ):
        with pytest.raises(ValueError, match="no address of this lab"):
            runtime.route([route])


def test_many_vms_start_and_end_at_once(runtime: ProcessRuntime) -> None:
    vms = [machine(runtime, index) for index in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda vm: boot(runtime, vm), vms))
        list(pool.map(runtime.power_off, vms))
    assert all(runtime.pids(vm) == () for vm in vms)


def test_a_stand_in_that_speaks_no_tls_does_not_serve(
    runtime: ProcessRuntime, vm: VirtualMachine
) -> None:
    boot(runtime, vm)
    front = runtime.external_ip(0)
    runtime.route([Route(address=front, port=None, backends=(vm.internal_ip,))])
    assert not runtime.serves(vm)
    assert not runtime.answers(front)
    assert runtime.etcd_environment(vm) == {}


def test_the_api_server_is_hollow_unless_a_real_one_was_pointed_at(tmp_path: Path) -> None:
    for binaries, program in ((None, "hakube_gce.emulator.hollow"), (tmp_path, "kube-apiserver")):
        (tmp_path / "kube-apiserver").touch()
        home = tmp_path / f"home-of-{program}"
        with ProcessRuntime(home, etcd=NO_ETCD, agent=STAND_IN, binaries=binaries) as runtime:
            vm = machine(runtime, 0)
            boot(runtime, vm)
            words = Path(f"/proc/{runtime.pids(vm)[0]}/cmdline").read_text().split("\0")
        command = json.loads(words[words.index("--apiserver-command") + 1])
        assert any(word.endswith(program) for word in command[:3])
        placeholders = {"{address}", "{cert}", "{key}", "{client_ca}", "{etcd_ca}", "{etcd}"}
        assert placeholders <= {word.split("=")[-1] for word in command}


def test_close_ends_all_and_may_be_repeated(tmp_path: Path) -> None:
    runtime = lab(tmp_path / "home")
    vm = machine(runtime, 0)
    boot(runtime, vm)
    (sid, *_) = runtime.pids(vm)
    runtime.close()
    runtime.close()
    assert members(sid) == ()


def test_two_labs_run_side_by_side_and_one_home_has_one_lab(
    runtime: ProcessRuntime, tmp_path: Path
) -> None:
    with lab(tmp_path / "other") as other:
        boot(runtime, machine(runtime, 0))
        boot(other, machine(other, 0))
    with pytest.raises(SettingsError, match="in use by another lab"):
        lab(tmp_path / "home")


def killed_daemon(home: Path, *, with_guard: bool) -> tuple[int, ...]:
    """Boot a VM in a daemon of its own, kill the daemon, and return the VM's process ids."""
    command = [sys.executable, "-m", "tests.process.daemon", str(home), STAND_IN[1]]
    root = HERE.parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        said = json.loads(daemon.stdout.readline())
        pids = tuple(said["pids"])
        if with_guard:
            for guard in set(said["children"]) - set(pids):
                os.kill(guard, signal.SIGKILL)
        daemon.kill()
    return pids


def test_a_killed_daemon_takes_its_vms_along(tmp_path: Path) -> None:
    pids = killed_daemon(tmp_path / "home", with_guard=False)
    assert len(pids) == 3
    until(lambda: members(pids[0]) == (), "the guard ended the VM")


def test_what_a_killed_daemon_left_is_ended_by_the_next(tmp_path: Path) -> None:
    pids = killed_daemon(tmp_path / "home", with_guard=True)
    assert members(pids[0]) == pids
    with lab(tmp_path / "home") as runtime:
        assert members(pids[0]) == ()
        boot(runtime, machine(runtime, 0))  # on the same addresses, which are free again


def test_a_snapshot_is_a_copy_that_outlives_its_disk_and_fills_new_ones(
    runtime: ProcessRuntime, tmp_path: Path
) -> None:
    disks = tmp_path / "home/disks"
    (disks / "200/etcd").mkdir(parents=True)
    (disks / "200/etcd/wal").write_text("before")
    runtime.keep_snapshot("7", "200")
    (disks / "200/etcd/wal").write_text("after")
    runtime.keep_snapshot("7", "200")
    runtime.forget_disk("200")
    runtime.fill_disk("201", "7")
    assert (disks / "201/etcd/wal").read_text() == "before"
    (disks / "201/etcd/wal").write_text("of the copy")
    runtime.fill_disk("201", "7")
    assert (disks / "201/etcd/wal").read_text() == "of the copy"
    assert (disks / "201").stat().st_mode & 0o777 == 0o700
    runtime.forget_snapshot("7")
    runtime.fill_disk("202", "7")
    assert list((disks / "202").iterdir()) == []
    with pytest.raises(ValueError, match="no numeric id"):
        runtime.keep_snapshot("../8", "200")
