"""The closed union of steps: what a plan is made of. Data only; `execute` gives them their effect.

Every step says what shall be true afterwards, so that performing it twice, or after somebody else
did, is fine. There is no step that adds a voter, and none that deletes a VM whose member is still
listed except in a teardown: `AdmitReplica` and `ExpelMember` are whole jobs of the agents.
"""

from dataclasses import dataclass
from enum import StrEnum

from hakube_gce.label_steps import LabelRule
from hakube_gce.network_steps import NetworkStep
from hakube_gce.node_steps import NodeStep
from hakube_gce.resources import FirewallSpec, InstanceSpec, RuleTarget


class Sign(StrEnum):
    """What a step does to what it names, as Terraform's screens show it."""

    CREATE = "+"
    CHANGE = "~"
    DELETE = "-"
    WAIT = " "


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveAddress:
    """The cluster IP exists. Acquiring the lock has made it; this is the line on the screen."""

    name: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFirewall:
    spec: FirewallSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDisk:
    """The persistent disk that will hold the replica's etcd data."""

    name: str
    zone: str
    size_gb: int
    disk_type: str
    snapshot: str = ""
    """The snapshot it is made from; empty for a blank one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateInstance:
    spec: InstanceSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberAddress:
    """The data disk remembers its master's internal IP, for a VM made again on it."""

    disk: str
    zone: str
    replica: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartInstance:
    """Power a stopped VM on again."""

    name: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallReplica:
    """Take the VM's certificate requests, sign them, hand it certificates and the sealed keys.

    A founder starts a new etcd cluster with them; a joiner waits to be admitted.
    """

    replica: str
    zone: str
    founder: bool
    peer_urls: tuple[str, ...]
    returning: bool = False
    """Its data disk was this member's before: nobody is founded and nobody is admitted."""
    restore: bool = False
    """As a founder: begin with the newest saved database on the data disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSnapshot:
    """A master has saved its database, and a snapshot of its data disk is ready."""

    name: str
    replica: str
    zone: str
    disk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSnapshot:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveQuorumLost:
    """The survivor was heard, and it has no quorum: the last look before anything is deleted."""

    replica: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverMember:
    """The survivor's etcd is a cluster of one: one job of its agent."""

    replica: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetAddress:
    """A lost master's data disk does not say any more where its member was known."""

    disk: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewCertificates:
    """A running replica's certificates are issued again for the keys it has."""

    replica: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitReplica:
    """Learner added, caught up, promoted, proven: one job of a healthy voter's agent."""

    replica: str
    zone: str
    through: str
    through_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitBoot:
    """A VM that was prepared has introduced itself: all that it lacks are its certificates."""

    replica: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitReady:
    """The replica is a healthy voter and its API server answers."""

    replica: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateGroup:
    name: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinGroup:
    group: str
    zone: str
    replica: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveGroup:
    """Take a replica out of the balancer; its open connections drain."""

    group: str
    zone: str
    replica: str
    drain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGroup:
    name: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateHealthCheck:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteHealthCheck:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBackendService:
    name: str
    health_check: str
    groups: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBackends:
    """The backend service spreads over exactly these (zone, group) pairs."""

    name: str
    groups: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteBackendService:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateHttpCheck:
    """The legacy health check of a target pool, on the agents' readiness port."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteHttpCheck:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePool:
    name: str
    http_check: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPool:
    pool: str
    zone: str
    replica: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavePool:
    """Take a replica out of the pool; what it was asked by then it may answer while we wait."""

    pool: str
    zone: str
    replica: str
    drain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePool:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTemporaryRule:
    """A rule on an ephemeral address: the balancer is proven before it gets the cluster IP."""

    name: str
    target: RuleTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRule:
    """The cluster IP, which nobody holds, belongs to the balancer: nobody is cut off by it."""

    name: str
    target: RuleTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitBackends:
    """Compute Engine finds these replicas healthy, and TLS is answered through ``rule``."""

    target: RuleTarget
    rule: str
    replicas: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTemporaryRule:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteEndpoint:
    """Move the cluster IP from a VM to the load balancer: the outage window of going 1 to 2."""

    rule: str
    target: RuleTarget
    address: str
    holder: str
    """The replica whose VM carries the address, or carried it before an interruption."""
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachEphemeral:
    """Give a VM that has no external address an ephemeral one."""

    replica: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachEphemeral:
    """Make room on the survivor's interface for the cluster IP, before the window opens."""

    replica: str
    zone: str
    address: str
    """The cluster IP, which is never detached here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoteEndpoint:
    """Move the cluster IP from the balancer to the last VM: the window of going 2 to 1."""

    rule: str
    target: RuleTarget
    address: str
    holder: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class YieldLeadership:
    """Let another voter lead, so that the leader's departure costs no election."""

    replica: str
    zone: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpelMember:
    """Remove a member by id through a survivor and prove it gone."""

    member_id: str
    """Empty: whoever is listed at ``peer_url``, if anybody is."""
    member_name: str
    through: str
    peer_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteInstance:
    name: str
    zone: str
    id: str
    """The numeric id seen when it was decided: a newer VM of that name is not deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDisk:
    name: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRule:
    """Teardown only: nobody is served on the cluster IP any more."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFirewall:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAddress:
    """The very last step of a teardown: the lock goes with it."""

    name: str
    region: str
    keep_keys: bool = False
    """Snapshots are left: a cluster restored from one has the same keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKubeconfig:
    context: str
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveKubeconfig:
    context: str


MasterStep = (
    ReserveAddress
    | CreateFirewall
    | CreateDisk
    | CreateInstance
    | RememberAddress
    | StartInstance
    | InstallReplica
    | RenewCertificates
    | AdmitReplica
    | AwaitBoot
    | AwaitReady
    | CreateGroup
    | JoinGroup
    | LeaveGroup
    | DeleteGroup
    | CreateHealthCheck
    | DeleteHealthCheck
    | CreateBackendService
    | SetBackends
    | DeleteBackendService
    | CreateHttpCheck
    | DeleteHttpCheck
    | CreatePool
    | JoinPool
    | LeavePool
    | DeletePool
    | CreateTemporaryRule
    | CreateRule
    | LabelRule
    | AwaitBackends
    | DeleteTemporaryRule
    | PromoteEndpoint
    | AttachEphemeral
    | DetachEphemeral
    | DemoteEndpoint
    | YieldLeadership
    | ExpelMember
    | DeleteInstance
    | DeleteDisk
    | DeleteRule
    | DeleteFirewall
    | ReleaseAddress
    | CreateSnapshot
    | DeleteSnapshot
    | ProveQuorumLost
    | RecoverMember
    | ForgetAddress
    | WriteKubeconfig
    | RemoveKubeconfig
)

Step = MasterStep | NodeStep | NetworkStep
