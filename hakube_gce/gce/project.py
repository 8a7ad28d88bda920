"""One project: reading, creating, changing and deleting one resource in it.

What the methods of the gateway have in common. Here stands how to see that a request whose answer
was lost has been carried out: by the mark that the request itself carried.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hakube_gce.errors import ResourceNotFound
from hakube_gce.gce.calls import CALL_TIMEOUT_S, Change, Changes, Persistence
from hakube_gce.gce.clients import Waits
from hakube_gce.gce.kinds import Place
from hakube_gce.gce.library import compute


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project, and the patience with which it is asked."""

    persistence: Persistence
    changes: Changes

    @property
    def id(self) -> str:
        return self.persistence.project

    def read(self, call: Callable[..., Any], request: Mapping[str, Any], *, about: str) -> Any:
        """Send one reading request; ``about`` is the resource's short path."""
        return self.persistence.carry(
            lambda: call(request=request, retry=None, timeout=CALL_TIMEOUT_S), about=about
        )

    def existing(self, place: Place) -> Any:
        """Read a resource's message. Raises `ResourceNotFound` when there is none."""
        return self.read(place.kind.client.get, place.request(self.id), about=place.path)

    def find(self, place: Place) -> Any | None:
        """Read a resource's message; None when there is none."""
        try:
            return self.existing(place)
        except ResourceNotFound:
            return None

    def insert(self, place: Place, message: Any, request_id: str) -> None:
        """Create a resource, and wait until it is there."""
        self._perform(
            place,
            place.kind.client.insert_unary,
            place.insert_request(self.id, message, request_id),
            lambda: _came_to_be(self.find(place), message),
        )

    def derive(
        self,
        source: Place,
        made: Place,
        send: Callable[..., compute.Operation],
        request: Mapping[str, Any],
        message: Any,
    ) -> None:
        """Create a resource by a method of another, where its operation lives too."""
        self._perform(
            source, send, request, lambda: _came_to_be(self.find(made), message, _MAKING)
        )

    def delete(self, place: Place, request_id: str) -> None:
        """Delete a resource, and wait until it is gone."""
        self._perform(
            place,
            place.kind.client.delete_unary,
            place.request(self.id, request_id=request_id),
            lambda: _went_away(self.find(place)),
        )

    def change(
        self,
        place: Place,
        send: Callable[..., compute.Operation],
        request: Mapping[str, Any],
        happened: Callable[[Any], bool | None],
    ) -> None:
        """Change a resource, and wait until it is changed.

        Args:
            place: The resource.
            send: The client's method.
            request: All of the request.
            happened: Tells from the resource's message whether the change has happened, has not,
                or is under way (None). A resource that is not there has not changed.
        """

        def look() -> bool | None:
            found = self.find(place)
            return False if found is None else happened(found)

        self._perform(place, send, request, look)

    def _perform(
        self,
        place: Place,
        send: Callable[..., compute.Operation],
        request: Mapping[str, Any],
        happened: Callable[[], bool | None],
    ) -> None:
        change = Change(
            about=place.path,
            scope=place.scope,
            send=lambda: send(request=request, retry=None, timeout=CALL_TIMEOUT_S),
            happened=happened,
        )
        self.changes.perform(change)


def project_of(persistence: Persistence, operations: dict[str, Waits]) -> Project:
    """Return the project that a persistence asks; operations are waited for where they are."""
    changes = Changes(persistence=persistence, operations=operations)
    return Project(persistence=persistence, changes=changes)


_BECOMING = frozenset({"RESERVING", "CREATING", "RESTORING", "PENDING", "PROVISIONING", "STAGING"})
_LEAVING = frozenset({"DELETING", "STOPPING", "PENDING_STOP", "DEPROVISIONING"})


_MAKING = frozenset({"CREATING"})
"""A snapshot that is uploading has been taken: its operation is over."""


def _came_to_be(
    found: Any | None, wanted: Any, becoming: frozenset[str] = _BECOMING
) -> bool | None:
    """Tell whether the resource that stands there is the one that was asked for."""
    if found is None or not same_mark(found, wanted):
        return False
    return None if _status(found) in becoming else True


def _went_away(found: Any | None) -> bool | None:
    if found is None:
        return True
    return None if _status(found) in _LEAVING else False


def _status(message: Any) -> str:
    return str(getattr(message, "status", ""))


def same_mark(found: Any, wanted: Any) -> bool:
    """Compare marks: labels where the request has them, else the description.

    The mark names the operation that makes the resource. Without one nothing is recognised: a
    resource of the right name may be anybody's.
    """
    labels = dict(getattr(wanted, "labels", {}))
    if labels:
        return labels.items() <= dict(found.labels).items()
    return bool(wanted.description) and bool(found.description == wanted.description)
