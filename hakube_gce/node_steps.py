"""The steps about worker nodes: part of the closed union in `steps`. Data only."""

from dataclasses import dataclass

from hakube_gce.node_resources import TemplateSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNodeTemplate:
    """The template that every zone's groups make nodes from is there."""

    spec: TemplateSpec
    """Without the startup script, which names an address that may not be reserved yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNodeGroup:
    """A zone has a managed group of so many nodes."""

    name: str
    zone: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitNodeGroup:
    """A group has made all of its VMs."""

    name: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteNodeGroup:
    """A group and its VMs are gone."""

    name: str
    zone: str
    nodes: int
    """How many VMs go with it, for the screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteNodeTemplate:
    """The template is gone; only once no group uses it."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRoute:
    """A route that Kubernetes made to a node."""

    name: str


NodeStep = (
    CreateNodeTemplate
    | CreateNodeGroup
    | AwaitNodeGroup
    | DeleteNodeGroup
    | DeleteNodeTemplate
    | DeleteRoute
)
