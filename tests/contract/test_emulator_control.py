"""Starting, finding and ending a lab as processes, and ``hakube emulator``."""

import http.client
import io
import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hakube_gce import __version__
from hakube_gce.clock import SystemClock
from hakube_gce.emulator import control
from hakube_gce.emulator import home as labs
from hakube_gce.emulator.commands import main
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import profile
from hakube_gce.emulator.refusals import EmulatorError
from hakube_gce.emulator.server import serve
from tests.contract.emulator_bench import Bench, instance
from tests.fakes.clock import FakeClock
from tests.fakes.fake_runtime import FakeRuntime

ENVIRON = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "GOOGLE_APPLICATION_CREDENTIALS": "/secret/key.json",
    "CLOUDSDK_AUTH_ACCESS_TOKEN": "ya29.secret",
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "hakube" / "emulator"
    yield folder
    control.stop(folder)


def ensure(home: Path, **wish: str) -> control.LabInfo:
    wanted = {"runtime": "records", "latency": "none", **wish}
    return control.ensure_running(home, environ=ENVIRON, **wanted)  # type: ignore[arg-type]  # port is not among them


def run(home: Path, *argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = main(argv, home=home, environ=ENVIRON, stdout=out, stderr=err)
    return status, out.getvalue(), err.getvalue()


def modes(home: Path) -> dict[str, int]:
    return {entry.name: entry.stat().st_mode & 0o777 for entry in home.iterdir()}


def test_a_lab_is_started_once_and_found_again(home: Path) -> None:
    first = ensure(home)
    assert ensure(home) == first
    assert control.find_running(home) == first
    assert control.about(first)["pid"] == first.pid != os.getpid()
    assert first.token not in repr(first)


def test_everything_a_lab_writes_is_private(home: Path) -> None:
    ensure(home)
    assert home.stat().st_mode & 0o777 == 0o700
    found = modes(home)
    assert {"lab", "lab.json", "lock", "running", "state.json", "token"} < set(found)
    assert {mode & 0o077 for mode in found.values()} == {0}


def test_two_callers_at_once_start_one_daemon(home: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: ensure(home), range(4)))
    assert len({info.pid for info in found}) == 1


def test_no_credential_reaches_the_daemon(home: Path) -> None:
    info = ensure(home)
    environment = Path(f"/proc/{info.pid}/environ").read_bytes()
    names = {entry.split(b"=")[0] for entry in environment.split(b"\0") if entry}
    assert names == {b"PATH", b"LANG"}
    command = Path(f"/proc/{info.pid}/cmdline").read_bytes()
    assert info.token.encode() not in command


def test_the_daemon_is_in_a_session_of_its_own(home: Path) -> None:
    info = ensure(home)
    assert os.getsid(info.pid) != os.getsid(0)


def test_a_lab_left_behind_by_a_dead_daemon_is_started_anew(home: Path) -> None:
    first = ensure(home)
    os.kill(first.pid, signal.SIGKILL)
    assert labs.await_end(home, SystemClock().sleep, timeout_s=10)
    assert (home / "lab.json").exists(), "the dead do not tidy up"
    assert control.find_running(home) is None
    second = ensure(home)
    assert second.pid != first.pid
    assert control.about(second)["lab_id"] == json.loads((home / "lab").read_text())["lab_id"]


def test_a_pid_file_proves_nothing(home: Path) -> None:
    ensure(home)
    control.stop(home)
    forged = labs.Daemon(
        pid=os.getpid(), port=9, lab_id="x", runtime="records", latency="none", version="0.1.0"
    )
    labs.write_daemon(home, forged)
    assert control.find_running(home) is None


def test_sigterm_ends_the_daemon_and_keeps_the_lab(home: Path) -> None:
    info = ensure(home)
    os.kill(info.pid, signal.SIGTERM)
    assert labs.await_end(home, SystemClock().sleep, timeout_s=10)
    assert not (home / "lab.json").exists()
    assert (home / "state.json").exists()


def test_a_lab_of_another_runtime_is_not_run_as_this_one(home: Path) -> None:
    ensure(home)
    for _ in range(2):  # running, then stopped
        with pytest.raises(EmulatorError, match="made with the runtime records") as refused:
            ensure(home, runtime="process")
        assert "HAKUBE_RUNTIME=records" in refused.value.hint
        control.stop(home)
    assert ensure(home, runtime="").runtime == "records"


def test_a_daemon_of_another_version_is_said_to_be(home: Path) -> None:
    info = ensure(home)
    fields = {**json.loads((home / "lab.json").read_text()), "version": "0.0.1"}
    labs.write_daemon(home, labs.Daemon(**fields))
    with pytest.raises(EmulatorError, match=r"version 0\.0\.1") as refused:
        ensure(home)
    assert "hakube emulator stop" in refused.value.hint
    assert control.stop(home), "stopping works whatever its version"
    assert info.pid


@pytest.mark.parametrize(
    ("wish", "text"),
    [({"runtime": "vmware"}, "no runtime 'vmware'"), ({"latency": "/nowhere"}, "/nowhere")],
)
def test_a_lab_that_cannot_start_says_why(home: Path, wish: dict[str, str], text: str) -> None:
    with pytest.raises(EmulatorError, match=text):
        ensure(home, **wish)
    assert control.find_running(home) is None
    ensure(home)


def test_a_folder_with_other_things_in_it_does_not_become_a_lab(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "thesis.tex").touch()
    with pytest.raises(EmulatorError, match=r"thesis\.tex"):
        ensure(home)


def test_destroy_removes_a_lab_and_nothing_else(home: Path) -> None:
    ensure(home)
    elsewhere = home.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keep").touch()
    (home / "link").symlink_to(elsewhere)
    assert control.destroy(home)
    assert not home.exists()
    assert (elsewhere / "keep").exists()
    assert not control.destroy(home)


def test_who_waited_for_a_lab_that_was_destroyed_holds_a_new_lock(home: Path) -> None:
    started = threading.Event()

    def wait_and_look() -> bool:
        started.set()
        with labs.exclusive(home):
            return (home / "lock").exists()

    with ThreadPoolExecutor(1) as pool:
        with labs.exclusive(home):
            labs.prepare(home, "records")
            waiting = pool.submit(wait_and_look)
            started.wait(5)
            labs.remove(home)
        assert waiting.result(timeout=5), "a lock in a folder that is gone excludes nobody"


@pytest.mark.parametrize("kind", ["plain", "link", "empty"])
def test_destroy_refuses_what_is_no_lab(home: Path, tmp_path: Path, kind: str) -> None:
    home.mkdir(parents=True)
    target = home
    if kind == "plain":
        (home / "keep").touch()
    if kind == "link":
        labs.prepare(home, "records")
        target = tmp_path / "link"
        target.symlink_to(home)
    with pytest.raises(EmulatorError, match="nothing was removed"):
        control.destroy(target)
    assert home.is_dir()


# -------------------------------------------------------------------------------- commands
def insert_vm(info: control.LabInfo, name: str) -> None:
    port = int(info.endpoint.rsplit(":", 1)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port)
    path = "/compute/v1/projects/hakube-lab/zones/europe-west1-b"
    try:
        connection.request("POST", f"{path}/instances", body=json.dumps(instance(name)))
        operation = json.loads(connection.getresponse().read())
        connection.request("POST", f"{path}/operations/{operation['name']}/wait")
        assert json.loads(connection.getresponse().read())["status"] == "DONE"
    finally:
        connection.close()


def test_the_commands_tell_a_whole_story(home: Path) -> None:
    status, out, _ = run(home, "status")
    assert (status, "hakube emulator start" in out) == (0, True)
    status, out, _ = run(home, "start", "--runtime", "records", "--output", "json")
    started: dict[str, Any] = json.loads(out)
    assert status == 0
    assert {
        "schema_version", "compute_endpoint", "pid", "home", "runtime", "latency", "vms"
    } <= set(started)  # fmt: skip
    info = ensure(home)
    insert_vm(info, "vm")
    status, out, _ = run(home, "status", "--output", "json")
    (vm,) = json.loads(out)["vms"]
    assert {
        "name", "zone", "status", "internal_ip", "external_ip", "pids", "etcd_client_url"
    } <= set(vm)  # fmt: skip
    assert vm["status"] == "RUNNING"
    assert "RUNNING" in run(home, "status")[1]
    assert run(home, "vm", "kill", "vm")[0] == 0
    assert "TERMINATED" in run(home, "status")[1]
    status, _, err = run(home, "vm", "start", "none")
    assert (status, "no VM called 'none'" in err) == (3, True)
    assert run(home, "vm", "start", "vm")[0] == 0
    assert run(home, "stop")[0] == 0
    assert run(home, "stop")[1] == "No emulator was running.\n"
    assert json.loads(run(home, "status", "--output", "json")[1])["pid"] is None
    assert "RUNNING" in run(home, "start")[1], "what was running boots again"
    assert run(home, "destroy")[0] == 0
    assert not home.exists()


def test_faults_can_be_scripted_from_the_shell(home: Path) -> None:
    ensure(home)
    assert run(home, "fault", "list")[1] == "No fault stands.\n"
    assert run(home, "fault", "add", '{"method": "disks.insert", "delay_s": 1}')[0] == 0
    assert "disks.insert" in run(home, "fault", "list")[1]
    assert run(home, "fault", "clear")[0] == 0
    for bad in ("", "{", "[]", '{"methode": "x"}'):
        assert run(home, "fault", "add", bad)[0] == 2, bad


def test_quotas_are_kept_over_a_restart(home: Path) -> None:
    ensure(home)
    assert "INSTANCES=72\n" in run(home, "quota")[1]
    assert "INSTANCES=2000\n" in run(home, "quota", "INSTANCES=2000", "CPUS=9000")[1]
    assert run(home, "stop")[0] == 0
    ensure(home)
    found = json.loads(run(home, "quota", "--output", "json")[1])["quotas"]
    assert (found["INSTANCES"], found["CPUS"], found["STATIC_ADDRESSES"]) == (2000, 9000, 8)
    for bad in ("INSTANCES", "INSTANCES=", "INSTANCES=-1", "=1", "NODES=3"):
        status, out, err = run(home, "quota", "CPUS=1", bad)
        assert (status, out) == (2, ""), bad
        assert f"quota {bad}: give METRIC=N" in err
        assert "METRIC is one of CPUS, DISKS_TOTAL_GB," in err
    assert "CPUS=9000\n" in run(home, "quota")[1], "nothing was set beside a mistake"


def test_dump_is_json_with_every_resource(home: Path) -> None:
    insert_vm(ensure(home), "vm")
    dumped = json.loads(run(home, "dump")[1])
    path = "projects/hakube-lab/zones/europe-west1-b/instances/vm"
    assert dumped["resources"][path]["status"] == "RUNNING"


@pytest.mark.parametrize(
    "argv",
    [("vm", "kill", "vm"), ("env", "vm"), ("dump",), ("fault", "list"), ("quota",)],
)
def test_commands_that_need_a_running_lab_say_so(home: Path, argv: tuple[str, ...]) -> None:
    status, out, err = run(home, *argv)
    assert (status, out) == (9, "")
    assert "hakube emulator start" in err


@pytest.mark.parametrize(
    "argv",
    [(), ("nonsense",), ("vm", "burn", "vm"), ("start", "--runtime", "vmware"),
     ("start", "--port", "x"), ("vm",), ("status", "--output", "yaml")],
)  # fmt: skip
def test_wrong_usage_is_status_2_and_nothing_on_stdout(home: Path, argv: tuple[str, ...]) -> None:
    status, out, err = run(home, *argv)
    assert (status, out) == (2, "")
    assert "usage: hakube emulator" in err
    assert not home.exists()


def test_help_is_no_error(home: Path) -> None:
    status, out, err = run(home, "--help")
    assert (status, err) == (0, "")
    assert "destroy" in out
    assert run(home, "start", "-h")[0] == 0


def test_env_prints_lines_a_shell_can_read(home: Path) -> None:
    runtime, clock = FakeRuntime(), SystemClock()
    marker = labs.prepare(home, "records")
    lab = Lab(
        runtime=runtime, clock=clock, latency=profile("none"), home=home, lab_id=marker.lab_id
    )
    token = labs.read_token(home)
    with labs.held_by_daemon(home), serve(lab, token=token) as server:
        daemon = labs.Daemon(
            pid=os.getpid(),
            port=server.server_port,
            lab_id=marker.lab_id,
            runtime="records",
            latency="none",
            version=__version__,
        )
        labs.write_daemon(home, daemon)
        Bench(lab, runtime, FakeClock()).instance("vm")
        status, out, _ = run(home, "env", "vm")
        assert status == 0
        assert "export ETCDCTL_CACERT='/lab/a folder/ca.crt'\n" in out
        assert set(json.loads(run(home, "env", "vm", "--output", "json")[1])) == {
            "schema_version", "ETCDCTL_ENDPOINTS", "ETCDCTL_CACERT", "ETCDCTL_CERT", "ETCDCTL_KEY"
        }  # fmt: skip
        run(home, "vm", "kill", "vm")
        status, out, err = run(home, "env", "vm")
        assert (status, out, "no etcd runs on vm" in err) == (7, "", True)
