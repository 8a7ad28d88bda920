"""Signals while the cluster IP moves, and a window that cannot be completed.

The first signal lets an open window be closed (or rolled back) and then ends the run; the second
one ends it at once. Either way the last line on stderr is the command that goes on, and it does.
"""

import shlex
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.end_states import lock_and_operation
from tests.e2e.forks import Ended, Running
from tests.e2e.lab_on_records import B, C, D, Desk, ServedLab, lab_on_records, warm_up

pytestmark = pytest.mark.forks

FIRST = "kubernetes-master"
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}
VERBS = {"kube-up.sh": "up", "kube-down.sh": "down"}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def labs_at_rest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders ``1`` and ``2``: labs at rest with so many masters."""
    warm_up()
    root = tmp_path_factory.mktemp("at-rest")
    with lab_on_records(root / "1/lab") as lab:
        assert Desk(folder=root / "1/desk", lab=lab).up(B).status == 0
    shutil.copytree(root / "1", root / "2")
    with lab_on_records(root / "2/lab") as lab:
        assert Desk(folder=root / "2/desk", lab=lab).replicate(C).status == 0
    return root


@pytest.fixture
def desk(labs_at_rest: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """An operator before a cluster of as many masters as the test's ``masters`` mark says."""
    masters = getattr(request, "param", 1)
    shutil.copytree(labs_at_rest / str(masters), tmp_path / "place")
    with lab_on_records(tmp_path / "place/lab") as lab:
        yield Desk(folder=tmp_path / "place/desk", lab=lab)


two_masters = pytest.mark.parametrize("desk", [2], indirect=True)


def until(true: Callable[[], bool], *, timeout_s: float = 20.0) -> None:
    """Wait for something that has to come true soon."""
    deadline, pause = time.monotonic() + timeout_s, threading.Event()
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        pause.wait(0.01)


def arrived(lab: ServedLab, method: str, count: int) -> Callable[[], bool]:
    """Tell whether so many changes of a kind have reached the lab."""
    return lambda: sum(c["method"] == method for c in lab.calls()) >= count


def begin_replicate(desk: Desk) -> Running:
    """Begin to replicate; the rule on the cluster IP waits until the lab is healed."""
    # the first rule is the temporary one
    desk.lab.fault(method="forwardingRules.insert", nth=2, hold=True)
    return desk.begin(["up"], {"KUBE_GCE_ZONE": C, "KUBE_REPLICATE_EXISTING_MASTER": "true"})


def said_by(running: Running) -> str:
    return running.out.read_text(encoding="utf-8")


def run_line(desk: Desk, line: str) -> Ended:
    """Run a command as it was printed, in the shell it was printed to."""
    words = shlex.split(line)
    variables = dict(word.split("=", 1) for word in words[:-1])
    program = ROOT / words[-1]
    assert program.is_file(), line
    return desk.run(VERBS[program.name], **variables)


def address_of(desk: Desk) -> str:
    return str(desk.status()["endpoint"]["address"])


def owners(lab: ServedLab, address: str) -> list[str]:
    """Name the resources that carry an address now."""
    found = []
    for path, record in lab.dump().items():
        configs = [
            c for n in record.get("networkInterfaces", []) for c in n.get("accessConfigs", [])
        ]
        if record.get("IPAddress") == address or any(c.get("natIP") == address for c in configs):
            found.append(path.rsplit("/", 2)[1] + "/" + record["name"])
    return found


def is_resumable(ended: Ended, desk: Desk, status: int, operation: Mapping[str, str]) -> None:
    """Check what every interrupted run owes to whoever comes next."""
    assert ended.status == status, ended
    assert "Traceback" not in ended.stderr
    labels = lock_and_operation(desk.lab)
    assert not [name for name in labels if name.startswith("hakube-lock")], labels
    assert {k: labels.get(k) for k in operation} == dict(operation)


REPLICATING = {"hakube-op": "replicate", "hakube-op-zone": C}


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_in_the_window_closes_it_and_the_printed_line_goes_on(
    desk: Desk, number: signal.Signals
) -> None:
    address = address_of(desk)
    running = begin_replicate(desk)
    until(arrived(desk.lab, "forwardingRules.insert", 2))
    assert owners(desk.lab, address) == [], "the window should be open now"
    running.signal(number)
    until(lambda: "once more to stop at once" in said_by(running))
    desk.lab.heal()
    ended = running.wait()

    is_resumable(ended, desk, SIGNALS[number], REPLICATING)
    assert owners(desk.lab, address) == [f"forwardingRules/{FIRST}"]
    assert desk.lab.serves(address)
    desk.lab.heal()

    resumed = run_line(desk, ended.last_line)
    assert resumed.status == 0, resumed
    status = desk.status()
    assert (status["verdict"], len(status["replicas"]), status["operation"]) == (
        "healthy",
        2,
        None,
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_the_second_signal_ends_the_run_at_once(desk: Desk, number: signal.Signals) -> None:
    address = address_of(desk)
    desk.lab.fault(method="forwardingRules.insert", nth=2, hold=True)
    running = desk.begin(["up"], {"KUBE_GCE_ZONE": C, "KUBE_REPLICATE_EXISTING_MASTER": "true"})
    until(arrived(desk.lab, "forwardingRules.insert", 2))
    running.signal(number)
    until(lambda: "once more" in said_by(running))
    began_s = time.monotonic()
    until(lambda: time.monotonic() > began_s + 0.1)  # as a hand would, and `timeout` does not
    running.signal(number)
    until(running.has_ended)  # which it does not while it waits for the call under way
    ended = running.wait()
    assert ended.status == SIGNALS[number], ended

    assert owners(desk.lab, address) == [], "the window should still be open"
    resumed = run_line(desk, ended.last_line)
    assert resumed.status == 0, resumed
    assert owners(desk.lab, address) == [f"forwardingRules/{FIRST}"]
    status = desk.status()
    assert (status["verdict"], len(status["replicas"]), status["operation"]) == (
        "healthy",
        2,
        None,
    )


@two_masters
def test_a_signal_in_the_window_of_a_demotion_closes_it_too(desk: Desk) -> None:
    address = address_of(desk)
    desk.lab.fault(method="instances.addAccessConfig", hold=True)
    running = desk.begin(["down"], {"KUBE_GCE_ZONE": C, "KUBE_DELETE_NODES": "false"})
    until(arrived(desk.lab, "instances.addAccessConfig", 1))
    assert owners(desk.lab, address) == [], "the window should be open now"
    running.signal(signal.SIGTERM)
    until(lambda: "once more" in said_by(running))
    desk.lab.heal()
    ended = running.wait()

    is_resumable(ended, desk, 143, {"hakube-op": "remove", "hakube-op-zone": C})
    assert owners(desk.lab, address) == [f"instances/{FIRST}"]
    resumed = run_line(desk, ended.last_line)
    assert resumed.status == 0, resumed
    status = desk.status()
    assert (status["verdict"], len(status["replicas"])) == ("healthy", 1)


def test_a_signal_before_anything_was_begun_leaves_nothing_behind(desk: Desk) -> None:
    before, calls = desk.lab.dump(), len(desk.lab.calls())
    desk.lab.fault(method="addresses.list", hold=True)
    running = desk.begin(["up"], {"KUBE_GCE_ZONE": C, "KUBE_REPLICATE_EXISTING_MASTER": "true"})
    until(lambda: desk.lab.admin("GET", "faults")["faults"][0]["met"] > 0)
    running.signal(signal.SIGINT)
    until(lambda: "once more" in said_by(running))
    desk.lab.heal()
    ended = running.wait()
    assert ended.status == 130, ended
    assert "Nothing was changed" in ended.stderr
    assert len(desk.lab.calls()) == calls, ended
    assert desk.lab.dump() == before


def test_a_window_that_cannot_be_completed_is_rolled_back(desk: Desk) -> None:
    address = address_of(desk)
    error = {
        "code": "QUOTA_EXCEEDED",
        "http": 403,
        "message": "Quota 'FORWARDING_RULES' exceeded.",
    }
    desk.lab.fault(method="forwardingRules.insert", nth=2, operation_error=error)
    ended = desk.replicate(C)

    is_resumable(ended, desk, 7, REPLICATING)
    assert owners(desk.lab, address) == [f"instances/{FIRST}"]
    assert desk.lab.serves(address)
    said = ended.stdout + ended.stderr
    assert "rolled back" in said
    assert "FORWARDING_RULES" in said
    assert "answers again" in said
    desk.lab.heal()

    resumed = run_line(desk, ended.last_line)
    assert resumed.status == 0, resumed
    assert owners(desk.lab, address) == [f"forwardingRules/{FIRST}"]
    status = desk.status()
    assert (status["verdict"], len(status["replicas"])) == ("healthy", 2)


@two_masters
def test_a_demotion_that_cannot_be_completed_is_rolled_back(desk: Desk) -> None:
    address = address_of(desk)
    error = {"code": "RESOURCE_OPERATION_RATE_EXCEEDED", "http": 403, "message": "Too often."}
    desk.lab.fault(method="instances.addAccessConfig", operation_error=error)
    ended = desk.remove(C)

    is_resumable(ended, desk, 7, {"hakube-op": "remove"})
    assert owners(desk.lab, address) == [f"forwardingRules/{FIRST}"]
    assert desk.lab.serves(address)
    assert "rolled back" in ended.stderr
    desk.lab.heal()
    resumed = run_line(desk, ended.last_line)
    assert resumed.status == 0, resumed
    assert owners(desk.lab, address) == [f"instances/{FIRST}"]


def test_a_step_that_fails_before_the_window_leaves_the_address_where_it_is(desk: Desk) -> None:
    address = address_of(desk)
    error = {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "http": 503, "message": "No capacity."}
    desk.lab.fault(method="instances.insert", operation_error=error)
    ended = desk.replicate(C)
    is_resumable(ended, desk, 7, REPLICATING)
    assert owners(desk.lab, address) == [f"instances/{FIRST}"]
    assert ended.last_line.endswith("kube-up.sh")
    desk.lab.heal()
    assert run_line(desk, ended.last_line).status == 0
    assert D not in str(desk.status()["replicas"])
