"""Draws clusters as `Observed` values, one character a master."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from hakube_gce import marks, names
from hakube_gce.model import (
    Mark,
    Member,
    Networks,
    Observed,
    Operation,
    Replica,
    Report,
    Role,
)
from hakube_gce.network_resources import Network
from hakube_gce.plan.blueprint import CONFIG_KEY
from hakube_gce.resources import (
    AccessConfig,
    Address,
    BackendService,
    Disk,
    Firewall,
    ForwardingRule,
    HealthCheck,
    Instance,
    InstanceGroup,
    TargetPool,
    Zone,
)

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
UID = "0123456789abcdef"
REGION = "europe-west1"
ZONES = tuple(f"{REGION}-{z}" for z in "bcd")
IP = "203.0.113.5"
DEFAULT_NETWORK = Networks(found=(Network(name="default", automatic=True),))
"""As every project has it."""


def cluster(
    sketch: str,
    *,
    zones: Sequence[str] = (),
    operation: Operation | None = None,
    balancer: bool | None = None,
    leader: int = 0,
) -> Observed:
    """Draw a cluster.

    ``+`` healthy voter · ``-`` voter whose VM is off · ``?`` voter whose agent is silent,
    though its last words were good ·
    ``l`` learner · ``v`` VM that is no member yet (installed).

    Args:
        sketch: One character a master; the first is ``kubernetes-master``.
        zones: Zones of the masters; b, c, d, b, … unless given.
        operation: The unfinished operation.
        balancer: Whether the cluster IP is on the balancer; by default from two voters on.
        leader: Index of the leading master.
    """
    places = [zones[i] if zones else ZONES[i % 3] for i in range(len(sketch))]
    members = tuple(
        _member(i, Role.LEARNER if c == "l" else Role.VOTER)
        for i, c in enumerate(sketch)
        if c in "+-?l"
    )
    voters = sum(m.role is Role.VOTER for m in members)
    on_balancer = voters > 1 if balancer is None else balancer
    replicas = tuple(
        _replica(i, c, places[i], members, leader, on_vm=i == 0 and not on_balancer)
        for i, c in enumerate(sketch)
    )
    healthy = sum(c == "+" for c in sketch)
    seen = Observed(
        project="p",
        region=REGION,
        cluster="kubernetes",
        server_time=NOW,
        zones=tuple(Zone(name=z, region=REGION) for z in ZONES),
        uid=UID,
        address=Address(name="kubernetes-master-ip", address=IP, status="IN_USE"),
        operation=operation,
        replicas=replicas,
        members=members if healthy > voters // 2 else (),
        members_known=healthy > voters // 2,
        cluster_id="c0ffee" if healthy > voters // 2 else "",
        disks=tuple(_disk(i, places[i]) for i in range(len(sketch))),
        firewalls=(
            Firewall(name="kubernetes-master-https"),
            Firewall(name="kubernetes-master-etcd"),
        ),
        networks=DEFAULT_NETWORK,
        kubeconfig_present=True,
        kubeconfig_current=True,
    )
    return with_balancer(seen) if on_balancer else seen


def nothing() -> Observed:
    """Draw a region without the cluster."""
    return Observed(
        project="p",
        region=REGION,
        cluster="kubernetes",
        server_time=NOW,
        zones=tuple(Zone(name=z, region=REGION) for z in ZONES),
        networks=DEFAULT_NETWORK,
    )


def with_balancer(seen: Observed) -> Observed:
    """Put the cluster IP on a balancer over all voters."""
    zones = sorted({r.zone for r in seen.replicas})
    voters = {m.name for m in seen.members if m.role is Role.VOTER} or {
        r.name for r in seen.replicas
    }
    return replace(
        seen,
        groups=tuple(
            InstanceGroup(
                name=names.group("kubernetes", zone),
                zone=zone,
                members=tuple(
                    r.name for r in seen.replicas if r.zone == zone and r.name in voters
                ),
            )
            for zone in zones
        ),
        health_check=HealthCheck(name="kubernetes-master"),
        backend_service=BackendService(
            name="kubernetes-master",
            groups=tuple((z, names.group("kubernetes", z)) for z in zones),
        ),
        rule=ForwardingRule(
            name="kubernetes-master",
            address=IP,
            target=f"regions/{REGION}/backendServices/kubernetes-master",
        ),
    )


def with_pool(seen: Observed) -> Observed:
    """Put the cluster IP on a target pool of all masters."""
    bare = replace(with_balancer(seen), groups=(), health_check=None, backend_service=None)
    return replace(
        bare,
        http_check=HealthCheck(name="kubernetes-master"),
        pool=TargetPool(
            name="kubernetes-master",
            members=tuple(sorted((r.zone, r.name) for r in seen.replicas)),
        ),
    )


def with_prepared(seen: Observed, name: str, zone: str, *, operation: str = "f" * 12) -> Observed:
    """Add a VM that was made for a master to come."""
    labels = marks.mark_labels(Mark(cluster="kubernetes", uid=UID, operation=operation))
    number = 100 + len(seen.prepared)
    instance = replace(
        _instance(number, zone, running=True, on_vm=False),
        name=name,
        metadata={"hakube-prepared": operation},
        labels=labels,
    )
    vm = Replica(instance=instance, report=None, fresh=False)
    disk = replace(_disk(number, zone), name=names.data_disk(name), labels=labels, users=(name,))
    return replace(seen, prepared=(*seen.prepared, vm), disks=(*seen.disks, disk))


def remembering(seen: Observed, inherited: Mapping[str, str]) -> Observed:
    """Let every master remember what its cluster was made with."""
    config = json.dumps({"inherited": dict(inherited)})
    return replace(
        seen,
        replicas=tuple(
            replace(
                r,
                instance=replace(r.instance, metadata={**r.instance.metadata, CONFIG_KEY: config}),
            )
            for r in seen.replicas
        ),
    )


def name_of(index: int) -> str:
    return "kubernetes-master" if index == 0 else f"kubernetes-master-{index:03x}"


def _member(index: int, role: Role) -> Member:
    return Member(
        id=f"{index + 0xA0:x}",
        name=name_of(index),
        peer_url=f"https://10.0.0.{index + 2}:2380",
        role=role,
    )


def _replica(
    index: int, state: str, zone: str, members: tuple[Member, ...], leader: int, *, on_vm: bool
) -> Replica:
    running = state != "-"
    own = next((m for m in members if m.id == f"{index + 0xA0:x}"), None)
    report = Report(
        time=NOW,
        boot_id="boot",
        phase="installed" if state == "v" else "running",
        epoch=1,
        cluster_id="c0ffee" if own else "",
        member_id=own.id if own else "",
        role=own.role if own else None,
        leader_id=f"{leader + 0xA0:x}",
        applied_index=100 - index,
        etcd_healthy=state in "+?",
        members=members,
        apiserver_ready=state in "+?",
    )
    return Replica(
        instance=_instance(index, zone, running=running, on_vm=on_vm),
        report=report,
        fresh=state not in "-?",
    )


def _instance(index: int, zone: str, *, running: bool, on_vm: bool) -> Instance:
    external = IP if on_vm else f"198.51.100.{index + 2}"
    return Instance(
        name=name_of(index),
        zone=zone,
        id=str(1000 + index),
        status="RUNNING" if running else "TERMINATED",
        internal_ip=f"10.0.0.{index + 2}",
        access_config=AccessConfig(name="external-nat", nat_ip=external),
        machine_type="e2-standard-2",
        metadata={"hakube-certificates": "{}"},
        metadata_fingerprint="f",
        labels={},
        created=f"2026-11-21T05:{index:02}:00Z",
    )


def _disk(index: int, zone: str) -> Disk:
    return Disk(
        name=f"{name_of(index)}-pd",
        zone=zone,
        id=str(2000 + index),
        size_gb=20,
        type="pd-ssd",
        labels=marks.home_labels({}, f"10.0.0.{index + 2}"),
    )
