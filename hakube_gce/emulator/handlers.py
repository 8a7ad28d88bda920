"""The two shapes a request's handler may have.

A `Read` answers from what is there. A `Change` accepts or refuses at once, and may have a second
half that runs when its operation completes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A route that answers from what is there."""

    method: str
    verb: str
    template: str
    answer: Callable[[World, Call], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A route that changes something: ``accept`` at once, ``complete`` when the time is over."""

    method: str
    verb: str
    template: str
    accept: Callable[[World, Call], Accepted]
    complete: Callable[[World, Operation], None] | None = None


Route = Read | Change

PROJECT = "projects/{project}"
GLOBAL = f"{PROJECT}/global"
REGION = f"{PROJECT}/regions/{{region}}"
ZONE = f"{PROJECT}/zones/{{zone}}"


def get(method: str, template: str, answer: Callable[[World, Call], Json]) -> Read:
    """Return a route that reads with GET."""
    return Read(method=method, verb="GET", template=template, answer=answer)


def change(
    method: str,
    request: str,
    accept: Callable[[World, Call], Accepted],
    complete: Callable[[World, Operation], None] | None = None,
) -> Change:
    """Return a route that changes something; ``request`` is verb and template."""
    verb, _, template = request.partition(" ")
    return Change(method=method, verb=verb, template=template, accept=accept, complete=complete)
