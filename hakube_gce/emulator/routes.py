"""Which request is which method: the emulator's own routes, and the names of Google's others.

A method that Google has and the emulator has not is refused by name (501); a path that Google has
not either is 404. Nothing is guessed.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from importlib import resources as package_files

from hakube_gce.emulator import bodies
from hakube_gce.emulator.calls import Call, Json
from hakube_gce.emulator.handlers import Route
from hakube_gce.emulator.refusals import Refusal, invalid, not_emulated
from hakube_gce.emulator.resources import (
    addresses,
    attachments,
    backend_services,
    disks,
    firewalls,
    forwarding_rules,
    groups,
    health_checks,
    http_health_checks,
    instance_templates,
    instances,
    interfaces,
    managers,
    metadata,
    networks,
    operations,
    shelves,
    snapshots,
    subnetworks,
    target_pools,
    vpc_routes,
)

ROUTES: tuple[Route, ...] = (
    *shelves.ROUTES,
    *networks.ROUTES,
    *subnetworks.ROUTES,
    *firewalls.ROUTES,
    *vpc_routes.ROUTES,
    *addresses.ROUTES,
    *disks.ROUTES,
    *snapshots.ROUTES,
    *instances.ROUTES,
    *attachments.ROUTES,
    *interfaces.ROUTES,
    *metadata.ROUTES,
    *groups.ROUTES,
    *instance_templates.ROUTES,
    *managers.ROUTES,
    *health_checks.ROUTES,
    *http_health_checks.ROUTES,
    *backend_services.ROUTES,
    *forwarding_rules.ROUTES,
    *target_pools.ROUTES,
    *operations.ROUTES,
)
BY_METHOD: Mapping[str, Route] = {route.method: route for route in ROUTES}

_PROJECT = re.compile(r"(?:[a-z0-9.\-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]", re.ASCII)
_PREFIX = "/compute/v1/"
_WILD = re.compile(r"\{\w+=([^}]*)\}", re.ASCII)
"""A parameter of several parts, such as ``{parent_name=reservations/*/reservationBlocks/*}``."""


def find(verb: str, path: str, query: Mapping[str, str], body: Json) -> tuple[Route, Call]:
    """Return the route of a request, and the request as its handler sees it.

    Raises:
        Refusal: 404 unknown path, 501 a method of Google's that is not emulated, 400 bad project.
    """
    if not path.startswith(_PREFIX):
        raise _unknown(path)
    parts = tuple(path.removeprefix(_PREFIX).split("/"))
    method, parameters = _match(verb, parts)
    if not method:
        raise _unknown(path)
    if method not in BY_METHOD:
        raise not_emulated(method)
    _check_project(parameters["project"])
    return BY_METHOD[method], Call(
        method=method,
        parameters=dict(parameters),
        query=query,
        body=bodies.check(method, body),
    )


@functools.lru_cache(maxsize=4096)
def _match(verb: str, parts: tuple[str, ...]) -> tuple[str, Mapping[str, str]]:
    """Return method id and parameters of a path; an empty id when no method of Google's fits."""
    for method, template in _methods_like(verb, len(parts), parts[2:3]):
        parameters = _parameters(template, parts)
        if parameters is not None:
            return method, parameters
    return "", {}


def _parameters(template: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    """Return a path's parameters when it fits a template of the same length, else None."""
    parameters = {}
    for name, part in zip(template, parts, strict=True):
        if name.startswith("{") and part:
            parameters[name[1:-1]] = part
        elif name != part:
            return None
    return parameters


@functools.cache
def _methods_like(
    verb: str, length: int, scope: tuple[str, ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return Google's methods of a verb, a path length and a third part such as ``zones``.

    Those with more fixed parts come first, so ``backendServices/listUsable`` is a method, not a
    backend service of that name. The third part is never a parameter.
    """
    found = [
        (method, tuple(template.split("/")))
        for method, known_verb, template in google_methods()
        if known_verb == verb and template.count("/") == length - 1
    ]
    found = [(method, parts) for method, parts in found if parts[2:3] == scope]
    return tuple(sorted(found, key=lambda entry: sum(p.startswith("{") for p in entry[1])))


def google_methods() -> Iterator[tuple[str, str, str]]:
    """Yield method id, verb and path template of every method Google's API has."""
    file = package_files.files(__package__) / "google_methods.txt"
    for line in file.read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            method, verb, template = line.split(" ")
            yield method, verb, _WILD.sub(lambda found: found[1].replace("*", "{part}"), template)


def _check_project(project: str) -> None:
    if not _PROJECT.fullmatch(project):
        raise invalid("project", project, f"Must be a match of regex '{_PROJECT.pattern}'")


def _unknown(path: str) -> Refusal:
    return Refusal(404, "notFound", f"The requested URL {path} was not found on this server.")
