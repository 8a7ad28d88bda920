"""Where traffic goes, and who counts as healthy."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest

from hakube_gce.emulator.latency import Latency, profile
from tests.contract.emulator_bench import (
    OTHER_ZONE,
    REGION,
    ZONE,
    Bench,
    bench,
    instance,
    listed,
    service,
)

SLOW = profile("realistic")


@pytest.fixture
def lab() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


@pytest.fixture
def slow() -> Iterator[Bench]:
    with bench(latency=SLOW) as opened:
        yield opened


def external(vm: dict[str, Any]) -> str:
    return str(vm["networkInterfaces"][0]["accessConfigs"][0].get("natIP", ""))


def internal(vm: dict[str, Any]) -> str:
    return str(vm["networkInterfaces"][0]["networkIP"])


# --------------------------------------------------------------------------------- traffic
def test_traffic_follows_an_access_config(lab: Bench) -> None:
    address = lab.address()
    one, two = lab.instance("one", address=address), lab.instance("two")
    assert lab.runtime.backends_of(address) == (internal(one),)
    gone = {"accessConfig": "external-nat", "networkInterface": "nic0"}
    lab.do("POST", f"{ZONE}/instances/one/deleteAccessConfig", None, **gone)
    assert address not in {route.address for route in lab.runtime.routes}
    lab.do("POST", f"{ZONE}/instances/two/deleteAccessConfig", None, **gone)
    body = {"name": "mine", "natIP": address}
    lab.do("POST", f"{ZONE}/instances/two/addAccessConfig", body, networkInterface="nic0")
    assert lab.runtime.backends_of(address) == (internal(two),)


def test_a_way_is_gone_when_its_end_is_accepted_and_there_when_its_making_is_done() -> None:
    """The window is judged against us: both halves of it count."""
    table = {"instances.addAccessConfig": 3, "instances.deleteAccessConfig": 3}
    latency = Latency(name="test", seconds=MappingProxyType(table))
    with bench(latency=latency) as lab:
        vm, path = lab.instance("vm"), f"{ZONE}/instances/vm"
        gone = {"accessConfig": "external-nat", "networkInterface": "nic0"}
        lab.start("POST", f"{path}/deleteAccessConfig", None, **gone)
        assert lab.runtime.backends_of(external(vm)) == ()
        lab.clock.advance(3)
        lab.start("POST", f"{path}/addAccessConfig", {"name": "x"}, networkInterface="nic0")
        address = external(lab.get(path))
        assert lab.runtime.backends_of(address) == ()
        lab.clock.advance(3)
        lab.get("")
        assert lab.runtime.backends_of(address) == (internal(vm),)


def test_a_rule_leads_to_the_healthy(lab: Bench) -> None:
    one, two = lab.instance("one"), lab.instance("two", OTHER_ZONE)
    groups = lab.group("a", members=("one",)), lab.group("b", OTHER_ZONE, ("two",))
    path = lab.service(groups=groups)
    lab.runtime.serving = {"one"}
    rule = lab.rule("r", path)
    assert lab.runtime.backends_of(rule["IPAddress"]) == (internal(one),)
    (route,) = [r for r in lab.runtime.routes if r.address == rule["IPAddress"]]
    assert (route.port, route.drain_s) == (443, 10.0)
    lab.runtime.serving = {"one", "two"}
    lab.do("POST", f"{groups[1]}/removeInstances", listed(f"{OTHER_ZONE}/instances/two"))
    assert lab.runtime.backends_of(rule["IPAddress"]) == (internal(one),)
    lab.do("POST", f"{groups[1]}/addInstances", listed(f"{OTHER_ZONE}/instances/two"))
    both = tuple(sorted([internal(one), internal(two)]))
    assert lab.runtime.backends_of(rule["IPAddress"]) == both


def test_when_nobody_is_healthy_all_get_traffic(lab: Bench) -> None:
    one, two = lab.instance("one"), lab.instance("two")
    path = lab.service(groups=(lab.group("g", members=("one", "two")),))
    rule = lab.rule("r", path)
    both = tuple(sorted([internal(one), internal(two)]))
    assert lab.runtime.backends_of(rule["IPAddress"]) == both
    lab.do("POST", f"{ZONE}/instances/two/stop")
    assert lab.runtime.backends_of(rule["IPAddress"]) == (internal(one),)


def test_a_rule_leads_nowhere_from_the_moment_its_deletion_is_accepted(slow: Bench) -> None:
    slow.start("POST", f"{REGION}/addresses", {"name": "ip"})
    slow.start("POST", f"{ZONE}/instances", instance("vm"))
    slow.start("POST", f"{ZONE}/instanceGroups", {"name": "g"})
    check = {"name": "lb", "type": "TCP"}
    slow.start("POST", f"{REGION}/healthChecks", check)
    slow.clock.advance(8)
    group = f"{ZONE}/instanceGroups/g"
    slow.start("POST", f"{group}/addInstances", listed(f"{ZONE}/instances/vm"))
    slow.start("POST", f"{REGION}/backendServices", service("lb", (group,)))
    slow.clock.advance(2)
    address = slow.get(f"{REGION}/addresses/ip")["address"]
    target = f"{REGION}/backendServices/lb"
    body = {"name": "r", "backendService": target, "ports": ["443"], "IPAddress": address}
    slow.start("POST", f"{REGION}/forwardingRules", body)
    slow.clock.advance(5)
    slow.get("")
    assert slow.runtime.backends_of(address) != ()
    slow.start("DELETE", f"{REGION}/forwardingRules/r")
    assert slow.runtime.backends_of(address) == ()
    assert slow.get(f"{REGION}/addresses/ip")["status"] == "IN_USE", "until it is done"
    slow.clock.advance(5)
    assert slow.get(f"{REGION}/addresses/ip")["status"] == "RESERVED"


def test_a_rule_leads_nowhere_until_it_has_spread() -> None:
    table = {"forwardingRules.insert": 5, "forwardingRules.propagation_s": 2}
    latency = Latency(name="test", seconds=MappingProxyType(table))
    with bench(latency=latency) as lab:
        vm = lab.instance("vm")
        path = lab.service(groups=(lab.group("g", members=("vm",)),))
        body = {"name": "r", "backendService": path, "ports": ["443"]}
        lab.start("POST", f"{REGION}/forwardingRules", body)
        address = lab.get(f"{REGION}/forwardingRules/r")["IPAddress"]
        for seconds, backends in ((4.9, ()), (0.1, ()), (1.9, ()), (0.1, (internal(vm),))):
            lab.clock.advance(seconds)
            lab.get("")
            assert lab.runtime.backends_of(address) == backends


def test_a_target_pool_leads_to_all_its_running_instances(lab: Bench) -> None:
    one = lab.instance("one")
    lab.do("POST", f"{REGION}/targetPools", {"name": "pool"})
    pool = f"{REGION}/targetPools/pool"
    lab.do("POST", f"{pool}/addInstance", listed(f"{ZONE}/instances/one"))
    body = {"name": "r", "target": pool, "portRange": "443"}
    lab.do("POST", f"{REGION}/forwardingRules", body)
    rule = lab.get(f"{REGION}/forwardingRules/r")
    assert rule["portRange"] == "443-443"
    assert lab.runtime.backends_of(rule["IPAddress"]) == (internal(one),)
    assert lab.refusal("DELETE", pool) == (400, "resourceInUseByAnotherResource")
    lab.do("POST", f"{pool}/removeInstance", listed(f"{ZONE}/instances/one"))
    assert lab.runtime.backends_of(rule["IPAddress"]) == ()


# ---------------------------------------------------------------------------------- health
def test_health_is_unknown_before_a_rule_refers_to_the_service(lab: Bench) -> None:
    vm = lab.instance("vm")
    group = lab.group("g", members=("vm",))
    path = lab.service(groups=(group,))
    lab.runtime.serving = {"vm"}
    ask = ("POST", f"{path}/getHealth", {"group": group})
    assert "healthStatus" not in lab.ask(*ask)
    rule = lab.rule("r", path)
    (status,) = lab.ask(*ask)["healthStatus"]
    assert status["healthState"] == "HEALTHY"
    assert (status["instance"], status["ipAddress"]) == (vm["selfLink"], internal(vm))
    assert status["forwardingRuleIp"] == rule["IPAddress"]
    lab.runtime.serving = set()
    assert lab.ask(*ask)["healthStatus"][0]["healthState"] == "UNHEALTHY"


def test_a_deleted_instance_leaves_its_group(lab: Bench) -> None:
    lab.instance("vm")
    group = lab.group("g", members=("vm",))
    assert lab.get(group)["size"] == 1
    listing = lab.ask("POST", f"{group}/listInstances", {})
    assert listing["items"][0]["status"] == "RUNNING"
    lab.do("DELETE", f"{ZONE}/instances/vm")
    assert lab.get(group)["size"] == 0
    assert "items" not in lab.ask("POST", f"{group}/listInstances", {})
