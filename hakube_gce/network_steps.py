"""The steps about networks: part of the closed union in `steps`. Data only."""

from dataclasses import dataclass

from hakube_gce.network_resources import NetworkSpec, SubnetworkSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNetwork:
    """The cluster's network is there, with our mark."""

    spec: NetworkSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSubnetwork:
    """The masters' and nodes' subnetwork is there, with our mark."""

    spec: SubnetworkSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandSubnetwork:
    """A subnetwork that came with our network holds more machines; there is no way back."""

    name: str
    region: str
    prefix_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSubnetwork:
    """A subnetwork of ours is gone, or somebody else's thing in it was named."""

    name: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteNetwork:
    """A network of ours is gone, or somebody else's thing in it was named."""

    name: str


NetworkStep = (
    CreateNetwork | CreateSubnetwork | ExpandSubnetwork | DeleteSubnetwork | DeleteNetwork
)
