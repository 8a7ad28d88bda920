"""Target pools and their legacy health checks: who takes connections, and what is refused."""

from collections.abc import Iterator

import pytest

from hakube_gce.emulator.health import probe, targets
from tests.contract.emulator_bench import OTHER_ZONE, REGION, ZONE, Bench, Json, bench, listed

POOL = f"{REGION}/targetPools/pool"
CHECK = "global/httpHealthChecks/check"
PORT = 8777
IN_USE = (400, "resourceInUseByAnotherResource")


@pytest.fixture
def lab() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


def make_check(lab: Bench, name: str = "check") -> None:
    body = {"name": name, "port": PORT, "requestPath": "/readyz", "description": "mine"}
    lab.do("POST", "global/httpHealthChecks", body)


def make_pool(lab: Bench, *, check: str = CHECK) -> Json:
    """Two VMs in two zones, in a pool behind a rule."""
    lab.instance("one")
    lab.instance("two", OTHER_ZONE)
    checks = {"healthChecks": [check]} if check else {}
    lab.do("POST", f"{REGION}/targetPools", {"name": "pool", **checks})
    both = listed(f"{ZONE}/instances/one", f"{OTHER_ZONE}/instances/two")
    lab.do("POST", f"{POOL}/addInstance", both)
    body = {"name": "r", "target": POOL, "portRange": "443"}
    lab.do("POST", f"{REGION}/forwardingRules", body)
    return lab.get(f"{REGION}/forwardingRules/r")


def ready(lab: Bench, *names: str) -> None:
    lab.runtime.readiness = {(name, PORT, "/readyz") for name in names}
    with lab.lab.changed:
        lab.lab.refresh_traffic()


def ip(lab: Bench, path: str) -> str:
    return str(lab.get(path)["networkInterfaces"][0]["networkIP"])


def health(lab: Bench, path: str) -> list[str]:
    answer = lab.ask("POST", f"{POOL}/getHealth", {"instance": path})
    return [status["healthState"] for status in answer.get("healthStatus", [])]


def test_a_legacy_check_keeps_its_fields_and_has_googles_defaults(lab: Bench) -> None:
    make_check(lab)
    found = lab.get(CHECK)
    assert (found["port"], found["requestPath"], found["description"]) == (PORT, "/readyz", "mine")
    assert (found["checkIntervalSec"], found["timeoutSec"]) == (5, 5)
    lab.do("POST", "global/httpHealthChecks", {"name": "plain"})
    assert (lab.get("global/httpHealthChecks/plain")["port"]) == 80
    names = [check["name"] for check in lab.get("global/httpHealthChecks")["items"]]
    assert names == ["check", "plain"]
    lab.do("DELETE", CHECK)
    assert lab.refusal("GET", CHECK) == (404, "notFound")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "c", "port": 0},
        {"name": "c", "port": 65536},
        {"name": "c", "requestPath": "readyz"},
        {"name": "c", "checkIntervalSec": 2},
        {"name": "c", "healthyThreshold": 11},
        {"name": "c", "nonsense": 1},
    ],
)
def test_a_legacy_check_that_makes_no_sense_is_refused(lab: Bench, body: Json) -> None:
    status, _ = lab.refusal("POST", "global/httpHealthChecks", body)
    assert status == 400


def test_only_members_whose_plain_port_is_ready_take_connections(lab: Bench) -> None:
    """The API server's own answer does not count here, nor another port's or path's."""
    make_check(lab)
    rule = make_pool(lab)
    one, two = ip(lab, f"{ZONE}/instances/one"), ip(lab, f"{OTHER_ZONE}/instances/two")
    lab.runtime.serving = {"one", "two"}
    lab.runtime.readiness = {("one", PORT, "/readyz"), ("two", PORT, "/"), ("two", 80, "/readyz")}
    with lab.lab.changed:
        lab.lab.refresh_traffic()
    assert lab.runtime.backends_of(rule["IPAddress"]) == (one,)
    assert health(lab, f"{ZONE}/instances/one") == ["HEALTHY"]
    assert health(lab, f"{OTHER_ZONE}/instances/two") == ["UNHEALTHY"]
    ready(lab, "two")
    assert lab.runtime.backends_of(rule["IPAddress"]) == (two,)


def test_when_none_is_healthy_all_get_traffic(lab: Bench) -> None:
    make_check(lab)
    rule = make_pool(lab)
    ready(lab)
    assert len(lab.runtime.backends_of(rule["IPAddress"])) == 2


def test_without_a_check_nobody_is_ever_unhealthy_and_nobody_is_probed(lab: Bench) -> None:
    rule = make_pool(lab, check="")
    assert len(lab.runtime.backends_of(rule["IPAddress"])) == 2
    assert health(lab, f"{ZONE}/instances/one") == ["HEALTHY"]
    assert targets(lab.lab.world) == []


def test_a_check_comes_and_goes_and_is_in_use_meanwhile(lab: Bench) -> None:
    make_check(lab)
    make_pool(lab, check="")
    lab.do("POST", f"{POOL}/addHealthCheck", {"healthChecks": [{"healthCheck": CHECK}]})
    assert lab.refusal("DELETE", CHECK) == IN_USE
    assert len(targets(lab.lab.world)) == 2
    make_check(lab, "second")
    second = {"healthChecks": [{"healthCheck": "global/httpHealthChecks/second"}]}
    assert lab.refusal("POST", f"{POOL}/addHealthCheck", second) == (400, "invalid")
    lab.do("POST", f"{POOL}/removeHealthCheck", {"healthChecks": [{"healthCheck": CHECK}]})
    assert "healthChecks" not in lab.get(POOL)
    lab.do("DELETE", CHECK)


def test_a_pool_takes_no_other_kind_of_check(lab: Bench) -> None:
    lab.service("lb")
    body = {"name": "pool", "healthChecks": [f"{REGION}/healthChecks/lb"]}
    assert lab.refusal("POST", f"{REGION}/targetPools", body) == (400, "invalid")
    body = {"name": "pool", "healthChecks": ["global/httpHealthChecks/nobody"]}
    assert lab.refusal("POST", f"{REGION}/targetPools", body) == (404, "notFound")


def test_health_is_told_of_members_alone_and_only_behind_a_rule(lab: Bench) -> None:
    make_check(lab)
    make_pool(lab)
    lab.instance("three")
    asked = {"instance": f"{ZONE}/instances/three"}
    assert lab.refusal("POST", f"{POOL}/getHealth", asked) == (400, "invalid")
    lab.do("DELETE", f"{REGION}/forwardingRules/r")
    assert health(lab, f"{ZONE}/instances/one") == []


def test_a_deleted_member_stays_and_its_namesake_takes_its_place(lab: Bench) -> None:
    make_check(lab)
    rule = make_pool(lab)
    lab.do("DELETE", f"{ZONE}/instances/one")
    assert len(lab.get(POOL)["instances"]) == 2
    lab.instance("one")
    ready(lab, "one")
    one = ip(lab, f"{ZONE}/instances/one")
    assert lab.runtime.backends_of(rule["IPAddress"]) == (one,)
    lab.do("DELETE", f"{ZONE}/instances/one")
    lab.do("POST", f"{POOL}/removeInstance", listed(f"{ZONE}/instances/one"))
    assert len(lab.get(POOL)["instances"]) == 1


def test_a_member_that_is_off_fails_without_being_asked(lab: Bench) -> None:
    make_check(lab)
    make_pool(lab)
    ready(lab, "one", "two")
    lab.do("POST", f"{ZONE}/instances/one/stop")
    found = {target.key[1].rsplit("/", 1)[1]: target for target in targets(lab.lab.world)}
    assert found["one"].machine is None
    assert [probe(lab.lab.runtime, found[name]) for name in ("one", "two")] == [False, True]
