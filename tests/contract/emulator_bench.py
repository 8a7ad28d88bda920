"""A lab on the bench: requests go straight in, time stands still until told otherwise.

Every answer is parsed, strictly, into the message Google's own library would make of it: a field
that Google does not know fails the test that met it.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.cloud.compute_v1.types import compute
from google.protobuf import json_format

from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import Latency, profile
from hakube_gce.emulator.refusals import Refusal
from hakube_gce.emulator.routes import find
from hakube_gce.emulator.world import LIMITS
from tests.contract.emulator_google_description import LEGACY_CHECK, methods
from tests.fakes.clock import FakeClock
from tests.fakes.fake_runtime import FakeRuntime

Json = dict[str, Any]
ZONE = "zones/europe-west1-b"
OTHER_ZONE = "zones/europe-west1-c"
REGION = "regions/europe-west1"
OTHER_REGION = "regions/us-central1"
PROJECT = "bench-project"
IMAGE = "projects/debian-cloud/global/images/family/debian-12"


def parse_strictly(message: str, answer: Json) -> None:
    """Fail when Google's library would not know what was answered."""
    if message.startswith("HttpHealthCheck"):
        checks = answer.get("items", [answer])
        known = {*LEGACY_CHECK, *({"items"} if message.endswith("List") else ())}
        assert all(set(check) <= known for check in checks), answer
        return
    kind = getattr(compute, message)
    json_format.ParseDict(answer, kind.pb(kind()))


class Bench:
    """One lab without its server and threads."""

    def __init__(self, lab: Lab, runtime: FakeRuntime, clock: FakeClock) -> None:
        self.lab, self.runtime, self.clock = lab, runtime, clock
        self.project = PROJECT

    # -------------------------------------------------------------------------- requests
    def ask(self, verb: str, path: str, body: Json | None = None, /, **query: str) -> Json:
        """Send a request that must be taken; return its answer."""
        full = f"/compute/v1/projects/{self.project}/{path}".rstrip("/")
        if path.startswith("projects/"):
            full = f"/compute/v1/{path}"
        route, _ = find(verb, full, query, body or {})
        answer = self.lab.answer(verb, full, query, body or {})
        parse_strictly(methods()[route.method].response, answer)
        return answer

    def get(self, path: str, **query: str) -> Json:
        return self.ask("GET", path, None, **query)

    def start(self, verb: str, path: str, body: Json | None = None, /, **query: str) -> Json:
        """Send a change; return its operation, which has not ended yet."""
        operation = self.ask(verb, path, body, **query)
        assert operation["status"] == "RUNNING", "a client that does not wait must be caught"
        return operation

    def end(self, operation: Json) -> Json:
        """Return the operation as it is now."""
        path = operation["selfLink"].removeprefix("https://www.googleapis.com/compute/v1/")
        return self.get(path)

    def do(self, verb: str, path: str, body: Json | None = None, /, **query: str) -> Json:
        """Send a change and see it through."""
        operation = self.end(self.start(verb, path, body, **query))
        assert operation["status"] == "DONE"
        assert "error" not in operation, operation
        return operation

    def fails(self, verb: str, path: str, body: Json | None = None, /, **query: str) -> Json:
        """Send a change whose operation must fail; return that operation."""
        operation = self.end(self.start(verb, path, body, **query))
        assert operation["status"] == "DONE"
        assert operation["error"]["errors"]
        assert operation["httpErrorMessage"]
        return operation

    def refusal(
        self, verb: str, path: str, body: Json | None = None, /, **query: str
    ) -> tuple[int, str]:
        """Send a request that must be refused and change nothing; return status and reason."""
        self.get("")  # whatever is due is done before the refusal, not by it
        before = copy.deepcopy(self.lab.world.store.snapshot())
        try:
            answer = self.ask(verb, path, body, **query)
        except Refusal as refusal:
            error = refusal.body()["error"]
            assert error["message"] == error["errors"][0]["message"]
            now = self.lab.world.store.snapshot()
            assert now == before, "refused, but something changed"
            return error["code"], error["errors"][0]["reason"]
        raise AssertionError(f"not refused: {answer}")

    # --------------------------------------------------------------------------- makings
    def address(self, name: str = "ip", region: str = REGION) -> str:
        self.do("POST", f"{region}/addresses", {"name": name})
        return str(self.get(f"{region}/addresses/{name}")["address"])

    def disk(self, name: str, zone: str = ZONE) -> None:
        self.do("POST", f"{zone}/disks", {"name": name, "sizeGb": "20"})

    def instance(self, name: str, zone: str = ZONE, **changes: Any) -> Json:
        """Insert a VM with an ephemeral address and return it."""
        self.do("POST", f"{zone}/instances", instance(name, zone, **changes))
        return self.get(f"{zone}/instances/{name}")

    def group(self, name: str, zone: str = ZONE, members: tuple[str, ...] = ()) -> str:
        path = f"{zone}/instanceGroups/{name}"
        self.do("POST", f"{zone}/instanceGroups", {"name": name})
        for member in members:
            self.do("POST", f"{path}/addInstances", listed(f"{zone}/instances/{member}"))
        return path

    def service(self, name: str = "lb", groups: tuple[str, ...] = ()) -> str:
        """Insert a health check and a backend service of one name."""
        check = {"name": name, "type": "HTTPS", "httpsHealthCheck": {"port": 443}}
        self.do("POST", f"{REGION}/healthChecks", check)
        self.do("POST", f"{REGION}/backendServices", service(name, groups))
        return f"{REGION}/backendServices/{name}"

    def rule(self, name: str, target: str, **changes: Any) -> Json:
        body = {"name": name, "backendService": target, "ports": ["443"], **changes}
        self.do("POST", f"{REGION}/forwardingRules", body)
        return self.get(f"{REGION}/forwardingRules/{name}")


def instance(name: str, zone: str = ZONE, **changes: Any) -> Json:
    """Return an instance's insert body; ``address`` and ``data_disk`` are short for more."""
    config: Json = {"name": "external-nat", "type": "ONE_TO_ONE_NAT"}
    if changes.get("address"):
        config["natIP"] = changes["address"]
    disks: list[Json] = [
        {"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": IMAGE}}
    ]
    if changes.get("data_disk"):
        source = f"{zone}/disks/{changes['data_disk']}"
        disks.append({"deviceName": "master-pd", "source": source})
    body = {
        "name": name,
        "machineType": f"{zone}/machineTypes/n1-standard-1",
        "disks": disks,
        "networkInterfaces": [{"network": "global/networks/default", "accessConfigs": [config]}],
    }
    extra = {key: v for key, v in changes.items() if key not in {"address", "data_disk"}}
    return {**body, **extra}


def service(name: str, groups: tuple[str, ...] = ()) -> Json:
    return {
        "name": name,
        "protocol": "TCP",
        "loadBalancingScheme": "EXTERNAL",
        "healthChecks": [f"{REGION}/healthChecks/{name}"],
        "backends": [{"group": group, "balancingMode": "CONNECTION"} for group in groups],
        "connectionDraining": {"drainingTimeoutSec": 10},
    }


def template(name: str = "t", **changes: Any) -> Json:
    """Return a node template's insert body; ``changes`` are to its properties."""
    boot = {"sourceImage": IMAGE, "diskSizeGb": "100", "diskType": "pd-standard"}
    properties = {
        "machineType": "n1-standard-2",
        "canIpForward": True,
        "disks": [{"boot": True, "autoDelete": True, "initializeParams": boot}],
        "networkInterfaces": [
            {
                "network": "global/networks/default",
                "accessConfigs": [{"name": "external-nat", "type": "ONE_TO_ONE_NAT"}],
            }
        ],
        "metadata": {"items": [{"key": "kube-env", "value": "A: b"}]},
        "scheduling": {"automaticRestart": True},
        "serviceAccounts": [{"email": "default", "scopes": ["monitoring"]}],
        "labels": {"owner": "me"},
        "tags": {"items": ["kubernetes-minion"]},
    }
    return {"name": name, "properties": {**properties, **changes}}


def manager(size: int, name: str = "nodes", **changes: Any) -> Json:
    """Return a managed group's insert body; its template is ``t``."""
    base = {"name": name, "baseInstanceName": name, "targetSize": size}
    return {**base, "instanceTemplate": "global/instanceTemplates/t", **changes}


def listed(*instances: str) -> Json:
    return {"instances": [{"instance": path} for path in instances]}


@contextmanager
def bench(
    *,
    latency: Latency | None = None,
    home: Path | None = None,
    limits: Mapping[str, float] | None = None,
    runtime: FakeRuntime | None = None,
) -> Iterator[Bench]:
    """Open a lab on the bench."""
    runtime, clock = runtime or FakeRuntime(), FakeClock()
    lab = Lab(
        runtime=runtime,
        clock=clock,
        latency=latency or profile("none"),
        home=home,
        limits={**LIMITS, **(limits or {})},
    )
    lab.resume()
    try:
        yield Bench(lab, runtime, clock)
    finally:
        lab.close()
