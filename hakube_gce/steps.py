"""The closed union of steps: what a plan is made of. Data only; `execute` gives them their effect.

Every step says what shall be true afterwards, so that performing it twice, or after somebody else
did, is fine. There is no step that adds a voter, and none that deletes a VM whose member is still
listed except in a teardown: `AdmitReplica` and `ExpelMember` are whole jobs of the agents.
"""

from dataclasses import dataclass
from enum import StrEnum

from hakube_gce.balancer_steps import BalancerStep
from hakube_gce.network_steps import NetworkStep
from hakube_gce.node_steps import NodeStep
from hakube_gce.resources import FirewallSpec, InstanceSpec


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
    | BalancerStep
    | YieldLeadership
    | ExpelMember
    | DeleteInstance
    | DeleteDisk
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
