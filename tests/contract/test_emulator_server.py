"""The emulator's HTTP: who is heard, how it is answered, the admin API, and probing."""

import http.client
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from hakube_gce.clock import SystemClock
from hakube_gce.emulator.health import Health, Target
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import Latency, profile
from hakube_gce.emulator.machines import virtual_machine
from hakube_gce.emulator.refusals import EmulatorError
from hakube_gce.emulator.server import LabServer, serve
from hakube_gce.emulator.world import LIMITS
from tests.contract.emulator_bench import REGION, ZONE, Bench, instance, manager, template
from tests.fakes.clock import FakeClock
from tests.fakes.fake_runtime import FakeRuntime

TOKEN = "t0ken"  # noqa: S105 - of a lab that lives for one test
DISKS = "/compute/v1/projects/hakube-lab/zones/europe-west1-b/disks"


class Wire:
    """One kept-alive connection to a served lab."""

    def __init__(self, server: LabServer) -> None:
        self.server, self.lab = server, server.lab
        self._connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        self.headers: http.client.HTTPMessage = http.client.HTTPMessage()

    def ask(
        self, verb: str, path: str, body: Any = None, /, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        text = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(verb, path, body=text, headers=sent)
        answer = self._connection.getresponse()
        self.headers = answer.headers
        return answer.status, json.loads(answer.read())

    def admin(self, verb: str, path: str, body: Any = None, /) -> tuple[int, dict[str, Any]]:
        return self.ask(verb, f"/hakube/v1/{path}", body, X_Hakube_Token=TOKEN)

    def bench(self, runtime: FakeRuntime) -> Bench:
        """Return a short way in, past the wire."""
        return Bench(self.lab, runtime, FakeClock())

    def close(self) -> None:
        self._connection.close()


@contextmanager
def served(runtime: FakeRuntime | None = None, latency: Latency | None = None) -> Iterator[Wire]:
    lab = Lab(
        runtime=runtime or FakeRuntime(),
        clock=SystemClock(),
        latency=latency or profile("none"),
    )
    with serve(lab, token=TOKEN) as server:
        wire = Wire(server)
        try:
            yield wire
        finally:
            wire.close()


def eventually(condition: Callable[[], bool], *, within_s: float = 5.0) -> bool:
    """Look again and again, for a while, whether something has come true."""
    pause = threading.Event()
    for _ in range(int(within_s / 0.01)):
        if condition():
            return True
        pause.wait(0.01)
    return condition()


# -------------------------------------------------------------------------------- the wire
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "localhost:99"}, 200),
        ({"Host": "127.9.9.9:1"}, 200),
        ({"Host": "[::1]:1"}, 200),
        ({"Host": "www.googleapis.com"}, 403),
        ({"Host": "127.0.0.1.example.org"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_only_programs_of_this_machine_are_heard(headers: dict[str, str], status: int) -> None:
    with served() as wire:
        got, answer = wire.ask("GET", DISKS, None, **headers)
        assert got == status
        assert (status == 200) is ("error" not in answer)


def test_one_connection_carries_many_requests_even_refused_ones() -> None:
    with served() as wire:
        assert wire.ask("POST", DISKS, {"name": "d"})[0] == 200
        assert wire.ask("POST", DISKS, {"name": "d"})[0] == 409
        assert wire.ask("POST", DISKS, "{not json")[0] == 400
        assert wire.ask("POST", DISKS, "[]")[0] == 400
        assert wire.ask("GET", "/favicon.ico")[0] == 404
        assert wire.ask("GET", f"{DISKS}/d?alt=json&prettyPrint=false")[0] == 200


def test_errors_have_googles_shape() -> None:
    with served() as wire:
        _, answer = wire.ask("GET", f"{DISKS}/none")
        text = "The resource 'projects/hakube-lab/zones/europe-west1-b/disks/none' was not found"
        detail = {"message": text, "domain": "global", "reason": "notFound"}
        assert answer == {"error": {"code": 404, "message": text, "errors": [detail]}}


def test_the_date_is_the_labs() -> None:
    runtime, clock = FakeRuntime(), FakeClock(datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC))
    with serve(Lab(runtime=runtime, clock=clock, latency=profile("none"))) as server:
        wire = Wire(server)
        wire.ask("GET", DISKS)
        wire.close()
        assert parsedate_to_datetime(wire.headers["Date"]) == clock.now()


def test_an_answer_can_get_lost_after_the_work_is_done() -> None:
    with served() as wire:
        wire.admin("POST", "faults", {"method": "disks.insert", "drop": "after"})
        with pytest.raises(http.client.RemoteDisconnected):
            wire.ask("POST", DISKS, {"name": "d"})
        assert wire.ask("GET", f"{DISKS}/d")[0] == 200


def test_a_request_can_get_lost_before_any_work_is_done() -> None:
    with served() as wire:
        wire.admin("POST", "faults", {"method": "disks.insert", "drop": "before"})
        with pytest.raises(http.client.RemoteDisconnected):
            wire.ask("POST", DISKS, {"name": "d"})
        assert wire.ask("GET", f"{DISKS}/d")[0] == 404


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with served() as wire:
        lab = Lab(runtime=FakeRuntime(), clock=SystemClock(), latency=profile("none"))
        with pytest.raises(EmulatorError, match="cannot be used"):
            LabServer(lab, port=wire.server.server_port)


def test_operations_end_by_themselves() -> None:
    runtime = FakeRuntime()
    with served(runtime) as wire:
        body = instance("vm")
        wire.ask("POST", DISKS.replace("disks", "instances"), body)
        assert eventually(lambda: len(runtime.on) == 1), "nobody asked, and it runs"


# --------------------------------------------------------------------------- the admin API
@pytest.mark.parametrize(
    ("verb", "path"),
    [("GET", "dump"), ("GET", "faults"), ("POST", "faults"), ("POST", "vms/vm/kill"),
     ("POST", "shutdown"), ("GET", "env?vm=vm"), ("GET", "calls"), ("GET", "serving")],
)  # fmt: skip
def test_the_admin_api_asks_for_the_token(verb: str, path: str) -> None:
    with served() as wire:
        assert wire.ask(verb, f"/hakube/v1/{path}")[0] == 401
        assert wire.ask(verb, f"/hakube/v1/{path}", None, X_Hakube_Token="wrong")[0] == 401  # noqa: S106 - wrong on purpose
        assert wire.server.stop_wanted.empty()


def test_a_lab_says_what_it_is_to_everybody() -> None:
    runtime = FakeRuntime()
    with served(runtime) as wire:
        vm = wire.bench(runtime).instance("vm")
        status, about = wire.ask("GET", "/hakube/v1/lab")
        assert status == 200
        assert about["compute_endpoint"] == wire.server.endpoint
        assert about["lab_id"] == wire.lab.id
        nic = vm["networkInterfaces"][0]
        (shown,) = about["vms"]
        assert shown == {
            "name": "vm",
            "zone": "europe-west1-b",
            "project": "bench-project",
            "status": "RUNNING",
            "internal_ip": nic["networkIP"],
            "external_ip": nic["accessConfigs"][0]["natIP"],
            "pids": shown["pids"],
            "etcd_client_url": f"https://{nic['networkIP']}:2379",
        }
        assert len(shown["pids"]) == 1


def test_a_killed_vm_is_off_at_once_and_comes_back() -> None:
    runtime = FakeRuntime()
    with served(runtime) as wire:
        lab = wire.bench(runtime)
        static = lab.address()
        lab.instance("vm", address=static)
        runtime.serving = {"vm"}
        assert wire.admin("GET", f"serving?address={static}") == (200, {"serving": True})
        status, killed = wire.admin("POST", "vms/vm/kill")
        assert (status, killed["status"], killed["pids"]) == (200, "TERMINATED", [])
        assert runtime.on == {}
        assert killed["external_ip"] == static
        assert wire.admin("GET", f"serving?address={static}") == (200, {"serving": False})
        assert wire.admin("GET", "env?vm=vm") == (200, {})
        assert wire.admin("POST", "vms/vm/kill")[0] == 400
        assert wire.admin("POST", "vms/vm/start")[1]["status"] == "RUNNING"
        assert wire.admin("GET", f"serving?address={static}") == (200, {"serving": True})
        assert wire.admin("POST", "vms/vm/reset")[0] == 200
        assert [w for w, _ in runtime.history if w != "metadata_changed"].count("power_on") == 3
        assert wire.admin("GET", "env?vm=vm")[1]["ETCDCTL_ENDPOINTS"].startswith("https://")


def test_a_vm_is_found_by_name_and_told_from_others_by_project() -> None:
    runtime = FakeRuntime()
    with served(runtime) as wire:
        lab = wire.bench(runtime)
        lab.instance("vm")
        lab.project = "other-project"
        lab.instance("vm")
        assert wire.admin("POST", "vms/vm/kill")[0] == 400
        assert wire.admin("POST", "vms/vm/kill?project=other-project")[0] == 200
        assert wire.admin("POST", "vms/none/kill")[0] == 404
        assert wire.admin("POST", "vms/vm/explode")[0] == 404
        assert len(runtime.on) == 1


def test_faults_and_calls_can_be_seen_and_cleared() -> None:
    with served() as wire:
        assert wire.admin("POST", "faults", {"method": "x", "delay": 1})[0] == 400
        script = {"method": "disks.insert", "error": {"http": 429, "reason": "rateLimitExceeded"}}
        assert wire.admin("POST", "faults", script) == (200, {"id": 1})
        assert wire.ask("POST", DISKS, {"name": "d"})[0] == 429
        (shown,) = wire.admin("GET", "faults")[1]["faults"]
        assert (shown["method"], shown["met"]) == ("disks.insert", 1)
        assert wire.admin("DELETE", "faults")[0] == 200
        assert wire.admin("GET", "faults")[1] == {"faults": []}
        calls = wire.admin("GET", "calls")[1]["calls"]
        assert [(c["method"], c["path"]) for c in calls] == [("disks.insert", DISKS)]
        wire.ask("POST", DISKS, {"name": "d"})
        assert (
            f"{DISKS.removeprefix('/compute/v1/')}/d" in wire.admin("GET", "dump")[1]["resources"]
        )


def test_a_quota_that_is_raised_lets_go_on_what_waits_for_room() -> None:
    with served() as wire:
        assert wire.admin("POST", "quotas", {"INSTANCES": 1})[1]["quotas"]["INSTANCES"] == 1
        lab = wire.bench(FakeRuntime())
        lab.project = "hakube-lab"
        lab.do("POST", "global/instanceTemplates", template())
        lab.do("POST", f"{ZONE}/instanceGroupManagers", manager(2))
        path = f"{ZONE}/instanceGroupManagers/nodes"
        assert eventually(lambda: bool(lab.get(path)["currentActions"]["none"]))
        assert lab.get(path)["currentActions"]["creating"] == 1
        for wrong in ({"NODES": 1}, {"CPUS": -1}, {"CPUS": "many"}, {"CPUS": True}):
            assert wire.admin("POST", "quotas", wrong)[0] == 400, wrong
        assert wire.admin("GET", "quotas")[1]["quotas"]["CPUS"] == LIMITS["CPUS"]
        assert wire.admin("POST", "quotas", {"INSTANCES": 2})[0] == 200
        assert eventually(lambda: bool(lab.get(path)["status"]["isStable"]))
        shown = {q["metric"]: q["limit"] for q in lab.get(REGION)["quotas"]}
        assert shown["INSTANCES"] == 2


# ----------------------------------------------------------------------------------- probing
def test_a_backend_must_prove_itself_and_is_given_up_as_slowly() -> None:
    target = Target(
        key=("s", "i"), machine=None, interval_s=1, healthy_threshold=2, unhealthy_threshold=3
    )
    health, seen = Health(), ""
    for answer in (True, False, True, True, False, True, False, False, True, False, False, False):
        health.note({target.key: answer}, [target])
        seen += "+" if health.healthy("s", "i") else "-"
    assert seen == "---++++++++-"


def test_real_machines_are_probed_from_the_first_rule_on() -> None:
    runtime = FakeRuntime("process")
    latency = Latency(name="none", seconds=MappingProxyType({}))
    with served(runtime, latency) as wire:
        lab = wire.bench(runtime)
        one, two = lab.instance("one"), lab.instance("two")
        group = lab.group("g", members=("one", "two"))
        path = lab.service(groups=(group,))
        runtime.serving = {"one", "two"}
        assert not runtime.probed.wait(0.3), "probed before any rule refers to the service"
        address = lab.rule("r", path)["IPAddress"]
        one_ip, two_ip = (vm["networkInterfaces"][0]["networkIP"] for vm in (one, two))
        both = tuple(sorted([one_ip, two_ip]))

        def states() -> list[str]:
            found = lab.ask("POST", f"{path}/getHealth", {"group": group})
            return sorted(s["healthState"] for s in found["healthStatus"])

        assert eventually(lambda: states() == ["HEALTHY", "HEALTHY"])
        assert runtime.backends_of(address) == both
        runtime.serving = {"one"}
        assert eventually(lambda: runtime.backends_of(address) == (one_ip,))
        runtime.serving = {"one", "two"}
        assert eventually(lambda: runtime.backends_of(address) == both)
        vm = virtual_machine(
            lab.lab.world.store,
            f"projects/{lab.project}/{ZONE}/instances/two",
            lab.get(f"{ZONE}/instances/two"),
        )
        wire.admin("POST", f"vms/{vm.name}/kill")
        assert runtime.backends_of(address) == (one_ip,), "who is off gets nothing at once"
        lab.do("DELETE", f"{REGION}/forwardingRules/r")
        assert lab.ask("POST", f"{path}/getHealth", {"group": group}).get("healthStatus") is None


def test_a_lab_that_cannot_keep_its_state_says_that_and_why(tmp_path: Path) -> None:
    home = tmp_path / "lab"
    home.mkdir()
    lab = Lab(runtime=FakeRuntime(), clock=SystemClock(), latency=profile("none"), home=home)
    with serve(lab, token=TOKEN) as server:
        wire = Wire(server)
        shutil.rmtree(home)
        status, answer = wire.ask("POST", DISKS, {"name": "d", "sizeGb": "20"})
        wire.close()
        home.mkdir()
    assert status == 500
    assert answer["error"]["message"] == (
        "the lab cannot write down what changes: No such file or directory"
    )
