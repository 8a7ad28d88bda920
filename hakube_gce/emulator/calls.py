"""A request as handlers see it, and the two shapes a handler may have.

A `Read` answers from what is there. A `Change` accepts or refuses at once, and may have a second
half that runs when its operation completes. Nothing here parses HTTP.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hakube_gce.emulator.operations import Operation
    from hakube_gce.emulator.world import World

Json = dict[str, Any]
"""A JSON object. Stored ones are values: whoever changes one makes a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to the Compute API."""

    method: str
    """Google's method id without the leading ``compute.``, e.g. ``instances.insert``."""
    parameters: Mapping[str, str]
    """What the path names: project, zone, instance …"""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json = field(default_factory=dict)

    @property
    def project(self) -> str:
        return self.parameters["project"]

    @property
    def scope(self) -> str:
        """Where it plays: ``zones/Z``, ``regions/R`` or ``global``."""
        for kind in ("zone", "region"):
            if kind in self.parameters:
                return f"{kind}s/{self.parameters[kind]}"
        return "global"

    @property
    def parent(self) -> str:
        return f"projects/{self.project}/{self.scope}"

    def path(self, collection: str, parameter: str) -> str:
        """Return the short path of the resource that a path parameter names."""
        return f"{self.parent}/{collection}/{self.parameters[parameter]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A change that was taken on: an operation now stands for the rest of it."""

    target: str
    """Short path of the resource it is about."""
    arguments: Json = field(default_factory=dict)
    """What the second half needs; survives a restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A route that answers from what is there."""

    method: str
    verb: str
    template: str
    answer: "Callable[[World, Call], Json]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A route that changes something: ``accept`` at once, ``complete`` when the time is over."""

    method: str
    verb: str
    template: str
    accept: "Callable[[World, Call], Accepted]"
    complete: "Callable[[World, Operation], None] | None" = None


Route = Read | Change

PROJECT = "projects/{project}"
GLOBAL = f"{PROJECT}/global"
REGION = f"{PROJECT}/regions/{{region}}"
ZONE = f"{PROJECT}/zones/{{zone}}"


def get(method: str, template: str, answer: "Callable[[World, Call], Json]") -> Read:
    """Return a route that reads with GET."""
    return Read(method=method, verb="GET", template=template, answer=answer)


def change(
    method: str,
    request: str,
    accept: "Callable[[World, Call], Accepted]",
    complete: "Callable[[World, Operation], None] | None" = None,
) -> Change:
    """Return a route that changes something; ``request`` is verb and template."""
    verb, _, template = request.partition(" ")
    return Change(method=method, verb=verb, template=template, accept=accept, complete=complete)
