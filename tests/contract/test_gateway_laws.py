"""The laws of the gateway, over the emulator and real HTTP: what calls do, and how they refuse."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from hakube_gce.emulator.faults import Fault
from hakube_gce.errors import (
    GatewayError,
    PermissionMissing,
    QuotaExceeded,
    RequestInvalid,
    ResourceConflict,
    ResourceInUse,
    ResourceNotFound,
    StaleFingerprint,
    Unavailable,
    ZoneExhausted,
)
from hakube_gce.gce.gateway import GoogleCompute
from hakube_gce.marks import mark_description
from hakube_gce.model import Mark
from hakube_gce.ports import ComputeGateway
from hakube_gce.resources import (
    Address,
    BackendService,
    Firewall,
    FirewallSpec,
    ForwardingRule,
    HealthCheck,
    Instance,
    InstanceGroup,
    InstanceSpec,
    RuleTarget,
    TargetKind,
)
from tests.fakes.emulated import PROJECT, Emulated, emulated

REGION = "europe-west1"
B, C = "europe-west1-b", "europe-west1-c"
LABELS = {"hakube-cluster": "kubernetes", "hakube-uid": "0123456789abcdef"}
MARK = "cluster=kubernetes,uid=0123456789abcdef"
MASTER = "kubernetes-master"
ADDRESS = "kubernetes-master-ip"
SERVICE = RuleTarget(kind=TargetKind.BACKEND_SERVICE, name=MASTER)
POOL = RuleTarget(kind=TargetKind.POOL, name=MASTER)

FIREWALL = FirewallSpec(
    name="kubernetes-master-https",
    network="default",
    allowed=(("tcp", ("443",)),),
    source_ranges=("0.0.0.0/0",),
    target_tags=(MASTER,),
    description=MARK,
)


@pytest.fixture
def cloud() -> Iterator[Emulated]:
    with emulated() as running:
        yield running


@pytest.fixture
def gateway(cloud: Emulated) -> GoogleCompute:
    return cloud.gateway


def new_id() -> str:
    return str(uuid.uuid4())


def spec(name: str = MASTER, zone: str = B, address: str = "") -> InstanceSpec:
    return InstanceSpec(
        name=name,
        zone=zone,
        machine_type="n1-standard-1",
        image="projects/debian-cloud/global/images/family/debian-12",
        boot_disk_size_gb=20,
        data_disk=f"{name}-pd",
        network="default",
        subnetwork="",
        address=address,
        tags=(MASTER,),
        scopes=("https://www.googleapis.com/auth/compute",),
        labels=LABELS,
        metadata={"cluster-name": "kubernetes"},
    )


def make_address(gateway: GoogleCompute, name: str = ADDRESS) -> Address:
    gateway.insert_address(REGION, name, description=MARK, request_id=new_id())
    return address(gateway, name)


def address(gateway: GoogleCompute, name: str = ADDRESS) -> Address:
    found = gateway.find_address(REGION, name)
    assert found is not None
    return found


def make_disk(gateway: GoogleCompute, name: str, zone: str = B) -> None:
    gateway.insert_disk(
        zone, name, size_gb=20, disk_type="pd-ssd", labels=LABELS, request_id=new_id()
    )


def make_master(
    gateway: GoogleCompute, name: str = MASTER, zone: str = B, address: str = ""
) -> Instance:
    make_disk(gateway, f"{name}-pd", zone)
    gateway.insert_instance(spec(name, zone, address), request_id=new_id())
    return master(gateway, name, zone)


def master(gateway: GoogleCompute, name: str = MASTER, zone: str = B) -> Instance:
    found = gateway.find_instance(zone, name)
    assert found is not None
    return found


def make_group(gateway: GoogleCompute, zone: str, member: str) -> None:
    group = f"{MASTER}-{zone}"
    gateway.balancers.insert_group(
        zone, group, network="default", description=MARK, request_id=new_id()
    )
    gateway.balancers.add_to_group(zone, group, member, request_id=new_id())


def make_balancer(gateway: GoogleCompute) -> None:
    """One master in its group, behind a service nobody refers to yet."""
    make_master(gateway)
    make_group(gateway, B, MASTER)
    gateway.balancers.insert_health_check(
        REGION, MASTER, port=443, description=MARK, request_id=new_id()
    )
    gateway.balancers.insert_backend_service(
        REGION,
        MASTER,
        health_check=MASTER,
        groups=[(B, f"{MASTER}-{B}")],
        drain_s=30,
        description=MARK,
        request_id=new_id(),
    )


def make_rule(
    gateway: GoogleCompute, name: str = MASTER, address: str = "", target: RuleTarget = SERVICE
) -> None:
    gateway.balancers.insert_forwarding_rule(
        REGION,
        name,
        address=address,
        port=443,
        target=target,
        description=MARK,
        request_id=new_id(),
    )


def test_it_is_the_port(gateway: GoogleCompute) -> None:
    port: ComputeGateway = gateway
    assert port is gateway


# ------------------------------------------------------------------------------ reading


def test_zones_are_found_by_name(gateway: GoogleCompute) -> None:
    found = gateway.find_zone(B)
    assert found is not None
    assert (found.name, found.region, found.status) == (B, REGION, "UP")
    assert gateway.find_zone("mars-north1-a") is None
    names = gateway.zone_names()
    assert {B, C, "us-central1-a"} <= set(names)
    assert list(names) == sorted(names)


def test_the_time_is_the_servers(cloud: Emulated) -> None:
    apart = abs((cloud.lab.clock.now() - cloud.gateway.server_time()).total_seconds())
    assert apart < 5  # the gateway's own clock stands hours or months away
    assert abs((cloud.clock.now() - cloud.lab.clock.now()).total_seconds()) > 5


def test_what_is_not_there_is_none(gateway: GoogleCompute) -> None:
    assert gateway.find_address(REGION, ADDRESS) is None
    assert gateway.find_instance(B, MASTER) is None


def test_an_address_is_found_in_whichever_regions_hold_it(gateway: GoogleCompute) -> None:
    assert gateway.address_regions(ADDRESS) == ()
    make_address(gateway)
    gateway.insert_address("us-central1", ADDRESS, description=MARK, request_id=new_id())
    make_address(gateway, "another")
    assert sorted(gateway.address_regions(ADDRESS)) == [REGION, "us-central1"]


# ------------------------------------------------------------------------------ create and delete

Act = Callable[[GoogleCompute, str], None]


def _insert_disk(gateway: GoogleCompute, request_id: str) -> None:
    gateway.insert_disk(
        B, "d", size_gb=20, disk_type="pd-ssd", labels=LABELS, request_id=request_id
    )


def _insert_group(gateway: GoogleCompute, request_id: str) -> None:
    gateway.balancers.insert_group(
        B, "g", network="default", description=MARK, request_id=request_id
    )


CREATED_AND_DELETED: Mapping[str, tuple[Act, Act]] = {
    "address": (
        lambda g, r: g.insert_address(REGION, "a", description=MARK, request_id=r),
        lambda g, r: g.delete_address(REGION, "a", request_id=r),
    ),
    "firewall": (
        lambda g, r: g.networks.insert_firewall(FIREWALL, request_id=r),
        lambda g, r: g.networks.delete_firewall(FIREWALL.name, request_id=r),
    ),
    "disk": (_insert_disk, lambda g, r: g.delete_disk(B, "d", request_id=r)),
    "group": (_insert_group, lambda g, r: g.balancers.delete_group(B, "g", request_id=r)),
    "health check": (
        lambda g, r: g.balancers.insert_health_check(
            REGION, "h", port=443, description=MARK, request_id=r
        ),
        lambda g, r: g.balancers.delete_health_check(REGION, "h", request_id=r),
    ),
}

kinds = pytest.mark.parametrize(
    ("insert", "delete"), CREATED_AND_DELETED.values(), ids=CREATED_AND_DELETED.keys()
)


@kinds
def test_creating_twice_is_a_conflict_and_deleting_twice_is_not_found(
    gateway: GoogleCompute, insert: Act, delete: Act
) -> None:
    insert(gateway, new_id())
    with pytest.raises(ResourceConflict):
        insert(gateway, new_id())
    delete(gateway, new_id())
    with pytest.raises(ResourceNotFound):
        delete(gateway, new_id())
    insert(gateway, new_id())


@kinds
def test_the_same_request_twice_is_one_request(
    gateway: GoogleCompute, insert: Act, delete: Act
) -> None:
    first, second = new_id(), new_id()
    insert(gateway, first)
    insert(gateway, first)
    delete(gateway, second)
    delete(gateway, second)


@kinds
@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_is_nobodys_business(
    cloud: Emulated, insert: Act, delete: Act, drop: str
) -> None:
    """Whether the request arrived or not: it is sent again as the same request, and done once."""
    cloud.suffer(Fault(match=".insert ", drop=drop))
    cloud.suffer(Fault(match=".delete ", drop=drop))
    first, second = new_id(), new_id()
    insert(cloud.gateway, first)
    with pytest.raises(ResourceConflict):
        insert(cloud.gateway, new_id())
    delete(cloud.gateway, second)
    with pytest.raises(ResourceNotFound):
        delete(cloud.gateway, new_id())
    ids = [call["query"]["requestId"] for call in cloud.lab.calls]
    assert ids.count(first) == 2
    assert ids.count(second) == 2


@kinds
def test_a_storm_of_503_is_sat_out(cloud: Emulated, insert: Act, delete: Act) -> None:
    cloud.suffer(Fault(error={"http": 503, "reason": "backendError"}, count=4))
    insert(cloud.gateway, new_id())
    assert len(cloud.clock.naps) == 4
    delete(cloud.gateway, new_id())


def _take(gateway: GoogleCompute, name: str = "s", request_id: str = "") -> None:
    gateway.create_snapshot(
        B, "d", name, labels=LABELS, description="what", request_id=request_id or new_id()
    )


def test_a_snapshot_is_taken_found_listed_and_a_disk_made_of_it(cloud: Emulated) -> None:
    gateway = cloud.gateway
    make_disk(gateway, "d")
    _take(gateway)
    found = gateway.find_snapshot("s")
    assert found is not None
    assert (found.status, found.disk, found.zone) == ("READY", "d", B)
    assert (found.labels, found.description, found.disk_size_gb) == (LABELS, "what", 20)
    assert gateway.inventory(REGION).snapshots == (found,)
    gateway.insert_disk(
        C,
        "copy",
        size_gb=30,
        disk_type="pd-ssd",
        labels=LABELS,
        request_id=new_id(),
        source_snapshot="s",
    )
    (asked,) = [c["body"] for c in cloud.sent("disks.insert") if c["body"]["name"] == "copy"]
    assert asked["sourceSnapshot"].endswith("/global/snapshots/s")
    gateway.delete_snapshot("s", request_id=new_id())
    assert gateway.find_snapshot("s") is None
    assert gateway.inventory(REGION).snapshots == ()


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_snapshot_whose_answer_was_lost_is_taken_once(cloud: Emulated, drop: str) -> None:
    make_disk(cloud.gateway, "d")
    cloud.suffer(Fault(method="disks.createSnapshot", drop=drop))
    _take(cloud.gateway)
    with pytest.raises(ResourceConflict):
        _take(cloud.gateway)
    with pytest.raises(ResourceNotFound):
        cloud.gateway.delete_snapshot("another", request_id=new_id())


def test_a_snapshot_somebody_else_took_is_not_taken_for_ours(cloud: Emulated) -> None:
    make_disk(cloud.gateway, "d")
    body = {"name": "s", "labels": {"whose": "theirs"}}
    path = f"/compute/v1/projects/{PROJECT}/zones/{B}/disks/d/createSnapshot"
    cloud.lab.answer("POST", path, {}, body)
    cloud.suffer(Fault(method="disks.createSnapshot", drop="before"))
    with pytest.raises(ResourceConflict):
        _take(cloud.gateway)
    assert cloud.gateway.inventory(REGION).snapshots == ()


def test_a_storm_without_end_is_unavailable(cloud: Emulated) -> None:
    cloud.suffer(Fault(error={"http": 503, "reason": "backendError"}, count=0))
    with pytest.raises(Unavailable, match=r"\d+ attempts in \d+ s"):
        cloud.gateway.inventory(REGION)


def test_creating_in_a_zone_that_does_not_exist_names_the_zone(gateway: GoogleCompute) -> None:
    with pytest.raises((ResourceNotFound, RequestInvalid), match="mars-north1-a"):
        make_disk(gateway, "d", "mars-north1-a")


def test_a_value_that_is_not_accepted_is_named(gateway: GoogleCompute) -> None:
    with pytest.raises(RequestInvalid, match="Not_A_Name"):
        gateway.insert_address(REGION, "Not_A_Name", description=MARK, request_id=new_id())


def test_a_missing_permission_is_named(cloud: Emulated) -> None:
    text = "Required 'compute.addresses.create' permission for 'projects/p/regions/r/addresses/a'"
    error = {"http": 403, "reason": "forbidden", "message": text}
    cloud.suffer(Fault(method="addresses.insert", error=error))
    with pytest.raises(
        PermissionMissing, match=r"permission compute\.addresses\.create is missing"
    ):
        make_address(cloud.gateway)


# ------------------------------------------------------------------------------ addresses


def test_labels_are_written_by_compare_and_set(gateway: GoogleCompute) -> None:
    born = make_address(gateway)
    assert born.description == MARK
    assert born.status == "RESERVED"

    def write(labels: Mapping[str, str], fingerprint: str) -> None:
        gateway.set_address_labels(
            REGION, ADDRESS, labels=labels, fingerprint=fingerprint, request_id=new_id()
        )

    write({"lock": "mine"}, born.label_fingerprint)
    with pytest.raises(StaleFingerprint):
        write({"lock": "theirs"}, born.label_fingerprint)
    now = address(gateway)
    assert now.labels == {"lock": "mine"}
    write({}, now.label_fingerprint)
    assert address(gateway).labels == {}


def test_a_rules_labels_are_written_by_compare_and_set(gateway: GoogleCompute) -> None:
    make_balancer(gateway)
    make_rule(gateway)
    born = gateway.balancers.find_forwarding_rule(REGION, MASTER)
    assert born is not None
    assert born.labels == {}

    def write(labels: Mapping[str, str], fingerprint: str) -> None:
        gateway.balancers.set_rule_labels(
            REGION, MASTER, labels=labels, fingerprint=fingerprint, request_id=new_id()
        )

    write({"team": "dev"}, born.label_fingerprint)
    with pytest.raises(StaleFingerprint):
        write({"team": "prod"}, born.label_fingerprint)
    found = gateway.balancers.find_forwarding_rule(REGION, MASTER)
    assert found is not None
    assert found.labels == {"team": "dev"}
    with pytest.raises(ResourceNotFound):
        gateway.balancers.set_rule_labels(
            REGION, "gone", labels={}, fingerprint="", request_id=new_id()
        )


def test_a_static_address_moves_from_a_vm_to_a_rule_only_when_it_is_free(
    gateway: GoogleCompute,
) -> None:
    ip = make_address(gateway).address
    make_balancer(gateway)
    config = master(gateway).access_config
    assert config is not None
    gateway.delete_access_config(B, MASTER, name=config.name, request_id=new_id())
    assert master(gateway).access_config is None
    gateway.add_access_config(B, MASTER, name="external-nat", address=ip, request_id=new_id())
    assert address(gateway).users == (f"zones/{B}/instances/{MASTER}",)
    with pytest.raises(ResourceInUse):
        make_rule(gateway, address=ip)
    with pytest.raises(ResourceInUse):
        gateway.delete_address(REGION, ADDRESS, request_id=new_id())
    gateway.delete_access_config(B, MASTER, name="external-nat", request_id=new_id())
    make_rule(gateway, address=ip)
    assert address(gateway).users == (f"regions/{REGION}/forwardingRules/{MASTER}",)
    gateway.add_access_config(B, MASTER, name="external-nat", address="", request_id=new_id())
    ephemeral = master(gateway).access_config
    assert ephemeral is not None
    assert ephemeral.nat_ip not in {"", ip}


def test_a_vm_is_born_with_the_static_address(gateway: GoogleCompute) -> None:
    ip = make_address(gateway).address
    config = make_master(gateway, address=ip).access_config
    assert config is not None
    assert (config.name, config.nat_ip) == ("external-nat", ip)


# ------------------------------------------------------------------------------ VMs and disks


def test_a_vm_stands_when_its_insert_returns(gateway: GoogleCompute) -> None:
    made = make_master(gateway)
    assert made.status == "RUNNING"
    assert made.labels == LABELS
    assert made.tags == (MASTER,)
    assert made.machine_type == "n1-standard-1"
    assert made.metadata == {"cluster-name": "kubernetes"}
    assert made.internal_ip
    assert made.id.isdecimal()
    boot, data = made.disks
    assert (boot.disk, boot.boot, boot.auto_delete) == (MASTER, True, True)
    assert (data.disk, data.device_name, data.boot, data.auto_delete) == (
        f"{MASTER}-pd",
        "master-pd",
        False,
        False,
    )
    disks = {disk.name: disk for disk in gateway.inventory(REGION).disks}
    assert disks[MASTER].labels == LABELS
    assert disks[MASTER].users == disks[f"{MASTER}-pd"].users == (f"zones/{B}/instances/{MASTER}",)
    assert (disks[f"{MASTER}-pd"].size_gb, disks[f"{MASTER}-pd"].type) == (20, "pd-ssd")


def test_an_attached_disk_is_not_deleted_and_outlives_its_vm(gateway: GoogleCompute) -> None:
    make_master(gateway)
    with pytest.raises(ResourceInUse):
        gateway.delete_disk(B, f"{MASTER}-pd", request_id=new_id())
    gateway.delete_instance(B, MASTER, request_id=new_id())
    assert gateway.find_instance(B, MASTER) is None
    assert [disk.name for disk in gateway.inventory(REGION).disks] == [f"{MASTER}-pd"]
    gateway.delete_disk(B, f"{MASTER}-pd", request_id=new_id())
    assert gateway.inventory(REGION).disks == ()


def test_a_vm_without_its_data_disk_is_refused(gateway: GoogleCompute) -> None:
    with pytest.raises((ResourceNotFound, RequestInvalid), match=f"{MASTER}-pd"):
        gateway.insert_instance(spec(), request_id=new_id())


def test_a_disk_is_not_given_to_two_vms(gateway: GoogleCompute) -> None:
    make_master(gateway)
    with pytest.raises(ResourceInUse):
        gateway.insert_instance(
            replace(spec("kubernetes-master-7c1"), data_disk=f"{MASTER}-pd"), request_id=new_id()
        )


@pytest.mark.parametrize(
    ("code", "http", "error"),
    [
        ("ZONE_RESOURCE_POOL_EXHAUSTED", 503, ZoneExhausted),
        ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", 503, ZoneExhausted),
        ("QUOTA_EXCEEDED", 403, QuotaExceeded),
        ("INTERNAL_ERROR", 500, Unavailable),
    ],
)
def test_a_vm_that_fails_after_it_was_accepted_is_an_error(
    cloud: Emulated, code: str, http: int, error: type[GatewayError]
) -> None:
    failure = {"code": code, "http": http, "message": f"text of {code}"}
    cloud.suffer(Fault(method="instances.insert", operation_error=failure))
    with pytest.raises(error, match=f"text of {code}") as caught:
        make_master(cloud.gateway)
    assert type(caught.value) is error
    assert caught.value.resource == f"zones/{B}/instances/{MASTER}"
    assert len(cloud.sent("instances.insert")) == 1
    assert cloud.gateway.find_instance(B, MASTER) is None


def test_a_used_up_quota_names_metric_and_limit() -> None:
    with emulated({"STATIC_ADDRESSES": 1}) as cloud:
        make_address(cloud.gateway, "first")
        with pytest.raises(QuotaExceeded, match=r"quota STATIC_ADDRESSES is used up \(limit 1"):
            make_address(cloud.gateway, "second")


def test_a_stopped_vm_starts(cloud: Emulated) -> None:
    make_master(cloud.gateway)
    cloud.post(f"zones/{B}/instances/{MASTER}/stop")
    assert master(cloud.gateway).status == "TERMINATED"
    cloud.gateway.start_instance(B, MASTER, request_id=new_id())
    assert master(cloud.gateway).status == "RUNNING"


def test_metadata_is_replaced_under_its_fingerprint(gateway: GoogleCompute) -> None:
    born = make_master(gateway)

    def write(items: Mapping[str, str], fingerprint: str) -> None:
        gateway.set_metadata(B, MASTER, items=items, fingerprint=fingerprint, request_id=new_id())

    write({"a": "1"}, born.metadata_fingerprint)
    assert master(gateway).metadata == {"a": "1"}
    with pytest.raises(StaleFingerprint):
        write({"b": "2"}, born.metadata_fingerprint)
    assert master(gateway).metadata == {"a": "1"}


def test_serial_output_is_read_from_an_offset(gateway: GoogleCompute) -> None:
    make_master(gateway)
    whole = gateway.serial_output(B, MASTER, port=1, start=0)
    assert (whole.start, whole.next) == (0, len(whole.contents.encode()))
    rest = gateway.serial_output(B, MASTER, port=1, start=whole.next)
    assert (rest.contents, rest.start, rest.next) == ("", whole.next, whole.next)


# ------------------------------------------------------------------------------ the balancer


def test_a_balancer_is_built_and_taken_down(gateway: GoogleCompute) -> None:
    make_balancer(gateway)
    assert (
        gateway.balancers.backend_health(REGION, SERVICE) == {}
    )  # nothing is probed without a rule
    make_rule(gateway)
    assert set(gateway.balancers.backend_health(REGION, SERVICE)) == {MASTER}
    with pytest.raises(ResourceInUse):
        gateway.balancers.delete_backend_service(REGION, MASTER, request_id=new_id())
    gateway.balancers.delete_forwarding_rule(REGION, MASTER, request_id=new_id())
    with pytest.raises(ResourceInUse):
        gateway.balancers.delete_health_check(REGION, MASTER, request_id=new_id())
    gateway.balancers.delete_backend_service(REGION, MASTER, request_id=new_id())
    gateway.balancers.delete_health_check(REGION, MASTER, request_id=new_id())
    gateway.balancers.remove_from_group(B, f"{MASTER}-{B}", MASTER, request_id=new_id())
    gateway.balancers.delete_group(B, f"{MASTER}-{B}", request_id=new_id())
    left = gateway.inventory(REGION)
    assert (left.groups, left.backend_services, left.forwarding_rules, left.health_checks) == (
        (),
        (),
        (),
        (),
    )


def test_a_target_pool_is_built_and_taken_down(gateway: GoogleCompute) -> None:
    """With a legacy check, which Google's library does not know."""
    mark = mark_description(Mark(cluster="kubernetes", uid="0" * 16, operation="0" * 12))
    make_master(gateway)
    gateway.balancers.insert_http_check(MASTER, port=8777, description=mark, request_id=new_id())
    gateway.balancers.insert_pool(
        REGION, MASTER, http_check=MASTER, description=mark, request_id=new_id()
    )
    gateway.balancers.add_to_pool(REGION, MASTER, B, MASTER, request_id=new_id())
    assert gateway.balancers.backend_health(REGION, POOL) == {}  # nothing is probed without a rule
    make_rule(gateway, target=POOL)
    assert gateway.balancers.backend_health(REGION, POOL) == {MASTER: "UNHEALTHY"}
    seen = gateway.inventory(REGION)
    (pool,), (check,), (rule,) = seen.target_pools, seen.http_health_checks, seen.forwarding_rules
    assert (pool.members, pool.health) == (((B, MASTER),), {MASTER: "UNHEALTHY"})
    assert (pool.description, check.description) == (mark, mark)
    assert rule.target == f"regions/{REGION}/targetPools/{MASTER}"
    with pytest.raises(ResourceInUse):
        gateway.balancers.delete_pool(REGION, MASTER, request_id=new_id())
    with pytest.raises(ResourceInUse):
        gateway.balancers.delete_http_check(MASTER, request_id=new_id())
    gateway.balancers.delete_forwarding_rule(REGION, MASTER, request_id=new_id())
    gateway.balancers.remove_from_pool(REGION, MASTER, B, MASTER, request_id=new_id())
    assert gateway.inventory(REGION).target_pools[0].members == ()
    gateway.balancers.delete_pool(REGION, MASTER, request_id=new_id())
    gateway.balancers.delete_http_check(MASTER, request_id=new_id())
    left = gateway.inventory(REGION)
    assert (left.target_pools, left.http_health_checks) == ((), ())


def test_a_legacy_check_is_made_once_and_deleted_once(gateway: GoogleCompute) -> None:
    gateway.balancers.insert_http_check(MASTER, port=8777, description=MARK, request_id=new_id())
    with pytest.raises(ResourceConflict):
        gateway.balancers.insert_http_check(
            MASTER, port=8777, description="x", request_id=new_id()
        )
    gateway.balancers.delete_http_check(MASTER, request_id=new_id())
    with pytest.raises(ResourceNotFound):
        gateway.balancers.delete_http_check(MASTER, request_id=new_id())


def test_somebody_elses_pool_is_named_and_nobody_asked_about_it(cloud: Emulated) -> None:
    make_master(cloud.gateway)
    gateway = cloud.gateway
    gateway.balancers.insert_http_check(MASTER, port=8777, description=MARK, request_id=new_id())
    gateway.balancers.insert_pool(
        REGION, "old", http_check=MASTER, description="", request_id=new_id()
    )
    gateway.balancers.add_to_pool(REGION, "old", B, MASTER, request_id=new_id())
    make_rule(gateway, target=RuleTarget(kind=TargetKind.POOL, name="old"))
    (pool,) = gateway.inventory(REGION).target_pools
    assert (pool.name, pool.members, pool.health) == ("old", ((B, MASTER),), {})


def test_a_group_that_is_listed_is_there_whatever_its_members_say(cloud: Emulated) -> None:
    make_group(cloud.gateway, B, make_master(cloud.gateway).name)
    nowhere = {"http": 404, "reason": "notFound"}
    cloud.suffer(Fault(method="instanceGroups.listInstances", error=nowhere))
    (group,) = cloud.gateway.inventory(REGION).groups
    assert (group.name, group.members) == (f"{MASTER}-{B}", ())


def test_members_of_a_managed_group_are_known_without_asking(cloud: Emulated) -> None:
    """Managed VMs name their manager themselves; a project full of node pools costs no calls."""
    make_disk(cloud.gateway, "node-pd")
    manager = f"projects/1/zones/{B}/instanceGroupManagers/pool"
    managed = replace(spec("node"), metadata={"created-by": manager})
    cloud.gateway.insert_instance(managed, request_id=new_id())
    cloud.gateway.balancers.insert_group(
        B, "pool", network="default", description="", request_id=new_id()
    )
    (group,) = cloud.gateway.inventory(REGION).groups
    assert group.members == ("node",)


def test_the_health_of_a_service_that_is_not_there_is_not_found(gateway: GoogleCompute) -> None:
    with pytest.raises(ResourceNotFound):
        gateway.balancers.backend_health(REGION, SERVICE)


def test_joining_twice_is_a_conflict_and_leaving_twice_is_not_found(
    gateway: GoogleCompute,
) -> None:
    make_master(gateway)
    make_group(gateway, B, MASTER)
    group = f"{MASTER}-{B}"
    with pytest.raises(ResourceConflict):
        gateway.balancers.add_to_group(B, group, MASTER, request_id=new_id())
    gateway.balancers.remove_from_group(B, group, MASTER, request_id=new_id())
    with pytest.raises(ResourceNotFound):
        gateway.balancers.remove_from_group(B, group, MASTER, request_id=new_id())


def test_backends_are_set_as_a_whole_even_to_none(gateway: GoogleCompute) -> None:
    make_balancer(gateway)
    make_master(gateway, "kubernetes-master-7c1", C)
    make_group(gateway, C, "kubernetes-master-7c1")
    both = ((B, f"{MASTER}-{B}"), (C, f"{MASTER}-{C}"))

    def now() -> BackendService:
        (service,) = gateway.inventory(REGION).backend_services
        return service

    for wanted in (both, both[1:], ()):
        gateway.balancers.set_backends(REGION, MASTER, groups=wanted, request_id=new_id())
        assert now().groups == wanted
        assert now().description == MARK


def test_a_rule_without_an_address_gets_one(gateway: GoogleCompute) -> None:
    make_balancer(gateway)
    make_rule(gateway, "kubernetes-master-probe")
    (rule,) = gateway.inventory(REGION).forwarding_rules
    assert rule.address
    assert rule == ForwardingRule(
        name="kubernetes-master-probe",
        address=rule.address,
        target=f"regions/{REGION}/backendServices/{MASTER}",
        description=MARK,
        label_fingerprint=rule.label_fingerprint,
    )


# ------------------------------------------------------------------------------ the inventory


def test_the_inventory_holds_everything_of_the_region(cloud: Emulated) -> None:
    gateway = cloud.gateway
    ip = make_address(gateway).address
    make_balancer(gateway)
    make_rule(gateway, address=ip)
    make_master(gateway, "elsewhere", "us-central1-a")
    gateway.networks.insert_firewall(FIREWALL, request_id=new_id())
    seen = gateway.inventory(REGION)
    assert [zone.name for zone in seen.zones] == [B, C, "europe-west1-d"]
    assert [found.name for found in seen.addresses] == [ADDRESS]
    assert [found.name for found in seen.instances] == [MASTER]
    assert sorted(found.name for found in seen.disks) == [MASTER, f"{MASTER}-pd"]
    assert Firewall(name=FIREWALL.name, network="default", description=MARK) in seen.firewalls
    assert seen.groups == (
        InstanceGroup(name=f"{MASTER}-{B}", zone=B, members=(MASTER,), description=MARK),
    )
    assert seen.health_checks == (HealthCheck(name=MASTER, description=MARK),)
    (service,) = seen.backend_services
    assert service.groups == ((B, f"{MASTER}-{B}"),)
    assert set(service.health) == {MASTER}
    assert service.fingerprint
    (rule,) = seen.forwarding_rules
    assert (rule.address, rule.target) == (ip, f"regions/{REGION}/backendServices/{MASTER}")
    assert seen.target_pools == ()
    assert seen.unreadable == ()
    assert abs((cloud.lab.clock.now() - seen.server_time).total_seconds()) < 5


def test_an_empty_region_is_empty(gateway: GoogleCompute) -> None:
    seen = gateway.inventory(REGION)
    assert (seen.instances, seen.disks, seen.groups, seen.addresses) == ((), (), (), ())
    assert seen.unreadable == ()


def test_a_region_that_does_not_exist_is_not_found(gateway: GoogleCompute) -> None:
    with pytest.raises((ResourceNotFound, RequestInvalid), match="mars-north1"):
        gateway.inventory("mars-north1")


def test_a_zone_out_of_reach_is_unreadable_and_not_empty(cloud: Emulated) -> None:
    make_balancer(cloud.gateway)
    make_rule(cloud.gateway)
    make_master(cloud.gateway, "kubernetes-master-7c1", C)
    make_group(cloud.gateway, C, "kubernetes-master-7c1")
    both = [(B, f"{MASTER}-{B}"), (C, f"{MASTER}-{C}")]
    cloud.gateway.balancers.set_backends(REGION, MASTER, groups=both, request_id=new_id())
    cloud.suffer(Fault(unreachable_zone=C))
    seen = cloud.gateway.inventory(REGION)
    assert [found.name for found in seen.instances] == [MASTER]
    assert [found.name for found in seen.groups] == [f"{MASTER}-{B}"]
    assert seen.backend_services[0].groups == tuple(both)
    assert seen.unreadable == (f"zones/{C}: UNREACHABLE",)
    assert cloud.clock.naps == ()


def test_a_zone_of_another_region_out_of_reach_concerns_nobody_here(cloud: Emulated) -> None:
    cloud.suffer(Fault(unreachable_zone="us-central1-a"))
    assert cloud.gateway.inventory(REGION).unreadable == ()


def test_requests_name_their_project(cloud: Emulated) -> None:
    make_address(cloud.gateway)
    (call,) = cloud.sent("addresses.insert")
    assert call["path"].endswith(f"projects/{PROJECT}/regions/{REGION}/addresses")
