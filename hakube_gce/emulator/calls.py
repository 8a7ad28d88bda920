"""A request as handlers see it, and what taking it on leaves behind. Nothing here parses HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
