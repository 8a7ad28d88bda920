"""What all kinds share: get, list, aggregated list, labels, and deletion in two halves."""

from collections.abc import Callable
from dataclasses import dataclass

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import PROJECT, ZONE, Change, Read, change, get
from hakube_gce.emulator.listing import aggregated, page, regional_scopes, zonal_scopes
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.world import (
    World,
    check_fingerprint,
    check_labels,
    check_place,
    fingerprint,
    public,
)


def shown_as_is(_world: World, _path: str, record: Json) -> Json:
    """Show a record without anything computed."""
    return public(record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of resource and where it lives."""

    kind: str
    """``compute#disk``"""
    service: str
    """First half of its method ids."""
    collection: str
    """Last part of its collection's path."""
    parameter: str
    """Name of its path parameter."""
    parent: str
    """Template of what it lies in."""
    show: Callable[[World, str, Json], Json] = shown_as_is
    """Adds what Google computes when it is read."""

    @property
    def template(self) -> str:
        return f"{self.parent}/{self.collection}/{{{self.parameter}}}"

    def path(self, call: Call) -> str:
        """Return the short path of the resource a request's path names."""
        check_place(call)
        return call.path(self.collection, self.parameter)

    def get(self) -> Read:
        def answer(world: World, call: Call) -> Json:
            path = self.path(call)
            return self.show(world, path, world.need(path))

        return get(f"{self.service}.get", self.template, answer)

    def list(self) -> Read:
        def answer(world: World, call: Call) -> Json:
            check_place(call)
            path = f"{call.parent}/{self.collection}"
            items = [self.show(world, p, record) for p, record in world.store.under(path)]
            return page(call, self.kind, path, items)

        return get(f"{self.service}.list", f"{self.parent}/{self.collection}", answer)

    def aggregated_list(self) -> Read:
        def answer(world: World, call: Call) -> Json:
            scopes = zonal_scopes() if self.parent == ZONE else {"global": [], **regional_scopes()}
            for path, record in world.store.of_kind(self.kind, call.project):
                scopes["/".join(path.split("/")[2:4])].append(self.show(world, path, record))
            return aggregated(call, self.kind, self.collection, scopes, world.unreachable)

        template = f"{PROJECT}/aggregated/{self.collection}"
        return get(f"{self.service}.aggregatedList", template, answer)

    def delete(
        self,
        refuse: Callable[[World, str], None],
        complete: Callable[[World, Operation], None] | None = None,
    ) -> Change:
        """Return the route that deletes; ``refuse`` raises when the resource is still used."""

        def accept(world: World, call: Call) -> Accepted:
            path = self.path(call)
            world.settled(path)
            refuse(world, path)
            return Accepted(target=path)

        return change(
            f"{self.service}.delete", f"DELETE {self.template}", accept, complete or remove
        )

    def set_labels(self, template: str = "") -> Change:
        def accept(world: World, call: Call) -> Accepted:
            check_place(call)
            parameter = self.parameter if self.parameter in call.parameters else "resource"
            path = call.path(self.collection, parameter)
            write_labels(world, path, call)
            return Accepted(target=path)

        request = f"POST {template or self.template}/setLabels"
        return change(f"{self.service}.setLabels", request, accept)


def remove(world: World, operation: Operation) -> None:
    """Second half of a deletion."""
    world.store.remove(operation.target)


def write_labels(world: World, path: str, call: Call) -> None:
    """Replace a resource's labels, if the request has seen the current ones.

    Judged and written when the request is accepted: of two writers with one fingerprint exactly
    one wins.

    Raises:
        Refusal: 404, 400, or 412 for a stale fingerprint.
    """
    record = world.settled(path)
    check_fingerprint(call.body.get("labelFingerprint"), record["labelFingerprint"], "labels")
    world.store.change(path, **label_fields(call.body.get("labels")))


def label_fields(labels: object) -> Json:
    """Return the two fields that hold labels; no ``labels`` at all when there are none."""
    checked = check_labels(labels)
    return {"labels": checked or None, "labelFingerprint": fingerprint(checked)}
