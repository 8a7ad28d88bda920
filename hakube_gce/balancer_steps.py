"""The steps about the cluster IP and what stands behind it: part of the closed union in `steps`.

Data only. The cluster IP moves in two of them, `PromoteEndpoint` and `DemoteEndpoint`; everything
else is made ready before that, or tidied up after it.
"""

from dataclasses import dataclass

from hakube_gce.label_steps import LabelRule
from hakube_gce.resources import RuleTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateGroup:
    """An unmanaged instance group of a zone is there, for the service's backends."""

    name: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinGroup:
    """A replica's VM is in its zone's group."""

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
    """A zone's group is gone; no VM goes with it."""

    name: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateHealthCheck:
    """The check that asks masters for ``/readyz`` is there."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteHealthCheck:
    """The check is gone."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBackendService:
    """The service is there; without backends it sends nobody anywhere."""

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
    """The service is gone."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateHttpCheck:
    """The legacy health check of a target pool, on the agents' readiness port."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteHttpCheck:
    """The target pool's check is gone."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePool:
    """The target pool is there, empty."""

    name: str
    http_check: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPool:
    """A replica's VM is in the target pool."""

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
    """The target pool is gone; no VM goes with it."""

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
    """The rule that tried the balancer out is gone, and its address with it."""

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
class CarryAddress:
    """The cluster IP, which nobody holds, is on the only master's VM: nobody is cut off by it."""

    replica: str
    zone: str
    address: str


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
class DeleteRule:
    """Teardown only: nobody is served on the cluster IP any more."""

    name: str


BalancerStep = (
    CreateGroup
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
    | AwaitBackends
    | DeleteTemporaryRule
    | PromoteEndpoint
    | CarryAddress
    | AttachEphemeral
    | DetachEphemeral
    | DemoteEndpoint
    | DeleteRule
    | LabelRule
)
