"""How each step reads on a screen: a sign, a kind, a name, a place, a detail. Pure."""

from dataclasses import dataclass
from typing import assert_never

from hakube_gce import balancer_steps, network_steps, node_steps, steps
from hakube_gce.label_steps import LabelRule
from hakube_gce.network_steps import NetworkStep
from hakube_gce.node_steps import NodeStep
from hakube_gce.steps import MasterStep, Sign, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One step in words."""

    sign: Sign
    kind: str
    name: str
    where: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return (
            f"{self.sign} {self.kind:<12} {self.name:<34} {self.where:<16} {self.detail}".rstrip()
        )


def describe(step: Step) -> Line:
    """Put a step into words."""
    if isinstance(step, NodeStep):
        return _of_nodes(step)
    if isinstance(step, NetworkStep):
        return _of_networks(step)
    return _resource(step) or _change(step)


def _line(sign: Sign, kind: str, name: str, where: str = "", detail: str = "") -> Line:
    return Line(sign=sign, kind=kind, name=name, where=where, detail=detail)


def _of_nodes(step: NodeStep) -> Line:
    match step:
        case node_steps.CreateNodeTemplate(spec=spec):
            return _line(Sign.CREATE, "template", spec.name, "", spec.machine_type)
        case node_steps.CreateNodeGroup(name=name, zone=zone, size=size):
            return _line(Sign.CREATE, "nodes", name, zone, str(size))
        case node_steps.AwaitNodeGroup(name=name, zone=zone):
            return _line(Sign.WAIT, "nodes", name, zone, "all VMs run")
        case node_steps.DeleteNodeGroup(name=name, zone=zone, nodes=count):
            return _line(Sign.DELETE, "nodes", name, zone, f"{count}, and their disks")
        case node_steps.DeleteNodeTemplate(name=name):
            return _line(Sign.DELETE, "template", name)
        case node_steps.DeleteRoute(name=name):
            return _line(Sign.DELETE, "route", name)
        case _:
            assert_never(step)


def _of_networks(step: NetworkStep) -> Line:
    match step:
        case network_steps.CreateNetwork(spec=spec):
            ranges = "a subnetwork in every region" if spec.automatic else "custom"
            return _line(Sign.CREATE, "network", spec.name, "", ranges)
        case network_steps.CreateSubnetwork(spec=subnet):
            more = "".join(f", {name} {ip_range}" for name, ip_range in subnet.secondary)
            return _line(
                Sign.CREATE, "subnetwork", subnet.name, subnet.region, subnet.ip_range + more
            )
        case network_steps.ExpandSubnetwork(name=name, region=region, prefix_length=length):
            return _line(Sign.CHANGE, "subnetwork", name, region, f"grows to a /{length}")
        case network_steps.DeleteSubnetwork(name=name, region=region):
            return _line(Sign.DELETE, "subnetwork", name, region)
        case network_steps.DeleteNetwork(name=name):
            return _line(Sign.DELETE, "network", name)
        case _:
            assert_never(step)


def _resource(step: MasterStep) -> Line | None:  # noqa: C901, PLR0911, PLR0912 - a table, one row a kind
    """Describe steps that make or delete one resource; None for the others."""
    match step:
        case steps.ReserveAddress(name=name, region=region):
            return _line(Sign.CREATE, "address", name, region)
        case steps.ReleaseAddress(name=name, region=region):
            return _line(Sign.DELETE, "address", name, region, "the lock goes with it")
        case steps.CreateFirewall(spec=spec):
            ports = ", ".join(f"{protocol} {','.join(p)}".rstrip() for protocol, p in spec.allowed)
            return _line(Sign.CREATE, "firewall", spec.name, "", ports)
        case steps.CreateDisk(name=name, zone=zone, snapshot=snapshot) if snapshot:
            return _line(Sign.CREATE, "disk", name, zone, f"from {snapshot}")
        case steps.CreateDisk(name=name, zone=zone, size_gb=size, disk_type=kind):
            return _line(Sign.CREATE, "disk", name, zone, f"{size} GB {kind}")
        case steps.CreateSnapshot(name=name, replica=replica):
            return _line(Sign.CREATE, "snapshot", name, "", f"of {replica}")
        case steps.CreateInstance(spec=spec):
            return _line(Sign.CREATE, "instance", spec.name, spec.zone, spec.machine_type)
        case balancer_steps.CreateGroup(name=name, zone=zone):
            return _line(Sign.CREATE, "group", name, zone)
        case balancer_steps.CreateHealthCheck(name=name):
            return _line(Sign.CREATE, "health check", name)
        case balancer_steps.CreateBackendService(name=name):
            return _line(Sign.CREATE, "backends", name)
        case balancer_steps.CreateHttpCheck(name=name):
            return _line(Sign.CREATE, "health check", name, "", "legacy, on the agents' port")
        case balancer_steps.CreatePool(name=name):
            return _line(Sign.CREATE, "target pool", name)
        case balancer_steps.CreateRule(name=name):
            return _line(Sign.CREATE, "rule", name, "", "the cluster IP on the load balancer")
        case balancer_steps.CreateTemporaryRule(name=name):
            return _line(Sign.CREATE, "rule", name, "", "temporary, to prove the balancer")
        case _:
            return _deletion(step)


def _deletion(step: MasterStep) -> Line | None:  # noqa: C901, PLR0911, PLR0912 - a table, one row a kind
    match step:
        case steps.DeleteFirewall(name=name):
            return _line(Sign.DELETE, "firewall", name)
        case steps.DeleteDisk(name=name, zone=zone):
            return _line(Sign.DELETE, "disk", name, zone, "and the data on it")
        case steps.DeleteInstance(name=name, zone=zone):
            return _line(Sign.DELETE, "instance", name, zone)
        case balancer_steps.DeleteGroup(name=name, zone=zone):
            return _line(Sign.DELETE, "group", name, zone)
        case balancer_steps.DeleteHealthCheck(name=name):
            return _line(Sign.DELETE, "health check", name)
        case balancer_steps.DeleteBackendService(name=name):
            return _line(Sign.DELETE, "backends", name)
        case balancer_steps.DeleteHttpCheck(name=name):
            return _line(Sign.DELETE, "health check", name)
        case balancer_steps.DeletePool(name=name):
            return _line(Sign.DELETE, "target pool", name)
        case balancer_steps.DeleteTemporaryRule(name=name):
            return _line(Sign.DELETE, "rule", name, "", "the temporary one")
        case balancer_steps.DeleteRule(name=name):
            return _line(Sign.DELETE, "rule", name)
        case steps.ExpelMember(member_name=name, through=through):
            return _line(Sign.DELETE, "member", name, "etcd", f"by id, through {through}")
        case steps.RemoveKubeconfig(context=context):
            return _line(Sign.DELETE, "kubeconfig", context)
        case steps.DeleteSnapshot(name=name):
            return _line(Sign.DELETE, "snapshot", name, "", "an older one")
        case _:
            return None


def _change(step: MasterStep) -> Line:  # noqa: C901, PLR0911, PLR0912, PLR0915 - a table, one row a kind
    match step:
        case steps.StartInstance(name=name, zone=zone):
            return _line(Sign.CHANGE, "instance", name, zone, "power on")
        case steps.RememberAddress(disk=name, zone=zone):
            return _line(Sign.CHANGE, "disk", name, zone, "remembers its master's address")
        case steps.ProveQuorumLost(replica=name, zone=zone):
            return _line(Sign.WAIT, "no quorum", name, zone, "heard once more")
        case steps.RecoverMember(replica=name, zone=zone):
            return _line(Sign.CHANGE, "member", name, zone, "forgets all others")
        case steps.ForgetAddress(disk=name, zone=zone):
            return _line(Sign.CHANGE, "disk", name, zone, "kept, but no member's any more")
        case steps.InstallReplica(replica=name, zone=zone, restore=True):
            return _line(Sign.CREATE, "certificates", name, zone, "etcd from the saved database")
        case steps.InstallReplica(replica=name, zone=zone, founder=founder, returning=returning):
            what = "starts a new etcd" if founder else "waits to be admitted"
            what = "its etcd goes on" if returning else what
            return _line(Sign.CREATE, "certificates", name, zone, what)
        case steps.RenewCertificates(replica=name, zone=zone):
            return _line(Sign.CHANGE, "certificates", name, zone, "renewed")
        case steps.AdmitReplica(replica=name, through=through):
            return _line(Sign.CREATE, "member", name, "etcd", f"learner, then voter, by {through}")
        case steps.AwaitBoot(replica=name, zone=zone):
            return _line(Sign.WAIT, "booted", name, zone, "before anything is taken away")
        case steps.AwaitReady(replica=name, zone=zone):
            return _line(Sign.WAIT, "ready", name, zone, "etcd and API server")
        case balancer_steps.JoinGroup(replica=name, zone=zone, group=group):
            return _line(Sign.CHANGE, "group", group, zone, f"add {name}")
        case balancer_steps.LeaveGroup(replica=name, zone=zone, group=group, drain=drain):
            return _line(Sign.CHANGE, "group", group, zone, f"drop {name}" + ", drain" * drain)
        case balancer_steps.JoinPool(replica=name, zone=zone, pool=pool):
            return _line(Sign.CHANGE, "target pool", pool, zone, f"add {name}")
        case balancer_steps.LeavePool(replica=name, zone=zone, pool=pool, drain=drain):
            return _line(
                Sign.CHANGE, "target pool", pool, zone, f"drop {name}" + ", drain" * drain
            )
        case balancer_steps.SetBackends(name=name, groups=groups):
            return _line(Sign.CHANGE, "backends", name, "", f"zones {_zones(groups)}")
        case LabelRule(name=name):
            return _line(Sign.CHANGE, "rule", name, "", "labels")
        case balancer_steps.AwaitBackends(replicas=replicas):
            return _line(Sign.WAIT, "healthy", ", ".join(replicas), "", "through the balancer")
        case balancer_steps.PromoteEndpoint(address=address, holder=holder):
            return _line(Sign.CHANGE, "cluster IP", address, "", f"{holder} -> load balancer")
        case balancer_steps.DemoteEndpoint(address=address, holder=holder):
            return _line(Sign.CHANGE, "cluster IP", address, "", f"load balancer -> {holder}")
        case balancer_steps.CarryAddress(replica=name, address=address):
            return _line(Sign.CHANGE, "cluster IP", address, "", f"on {name}, nobody had it")
        case balancer_steps.AttachEphemeral(replica=name, zone=zone):
            return _line(Sign.CHANGE, "instance", name, zone, "ephemeral address on")
        case balancer_steps.DetachEphemeral(replica=name, zone=zone):
            return _line(Sign.CHANGE, "instance", name, zone, "ephemeral address off")
        case steps.YieldLeadership(replica=name, to=to):
            return _line(Sign.CHANGE, "leader", name, "etcd", f"-> {to}")
        case steps.WriteKubeconfig(context=context, server=server):
            return _line(Sign.CREATE, "kubeconfig", context, "", server)
        case (
            steps.ReserveAddress()
            | steps.ReleaseAddress()
            | steps.CreateFirewall()
            | steps.CreateDisk()
            | steps.CreateInstance()
            | balancer_steps.CreateGroup()
            | balancer_steps.CreateHealthCheck()
            | balancer_steps.CreateBackendService()
            | balancer_steps.CreateHttpCheck()
            | balancer_steps.CreatePool()
            | balancer_steps.CreateRule()
            | balancer_steps.CreateTemporaryRule()
            | steps.DeleteFirewall()
            | steps.DeleteDisk()
            | steps.DeleteInstance()
            | balancer_steps.DeleteGroup()
            | balancer_steps.DeleteHealthCheck()
            | balancer_steps.DeleteBackendService()
            | balancer_steps.DeleteHttpCheck()
            | balancer_steps.DeletePool()
            | balancer_steps.DeleteTemporaryRule()
            | balancer_steps.DeleteRule()
            | steps.ExpelMember()
            | steps.RemoveKubeconfig()
            | steps.CreateSnapshot()
            | steps.DeleteSnapshot()
        ):
            msg = f"{type(step).__name__} is described as a resource"
            raise AssertionError(msg)
        case _:
            assert_never(step)


def _zones(groups: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(zone for zone, _ in groups)
