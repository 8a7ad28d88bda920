"""How the hollow API server says no: Kubernetes' Status objects, as kubectl's users know them.

Pure. Codes and reasons are Kubernetes' own (k8s.io/apimachinery/pkg/api/errors).
"""

from http import HTTPStatus
from typing import Any

from hakube_gce.emulator.hollow_kinds import Kind


class Refusal(Exception):
    """A request that is not carried out; ends in a Status object."""

    def __init__(
        self, status: HTTPStatus, reason: str, message: str, *, kind: str = "", name: str = ""
    ) -> None:
        """Give HTTP status, Kubernetes' reason word, a message, and what it is about."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = {k: v for k, v in (("name", name), ("kind", kind)) if v}

    def as_object(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.status.value,
        }


def not_found(kind: Kind, name: str) -> Refusal:
    """The object is not there."""
    return _about(kind, name, HTTPStatus.NOT_FOUND, "NotFound", "not found")


def already_exists(kind: Kind, name: str) -> Refusal:
    """An object of that name is there already."""
    return _about(kind, name, HTTPStatus.CONFLICT, "AlreadyExists", "already exists")


def conflict(kind: Kind, name: str) -> Refusal:
    """The object is not as the write demanded."""
    message = (
        f'Operation cannot be fulfilled on {kind.plural} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return Refusal(HTTPStatus.CONFLICT, "Conflict", message, kind=kind.plural, name=name)


def invalid(kind: Kind, name: str, what: str) -> Refusal:
    """The object breaks a rule of its kind."""
    message = f'{kind.kind} "{name}" is invalid: {what}'
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message, kind=kind.kind, name=name)


def bad_request(message: str) -> Refusal:
    """The request makes no sense."""
    return Refusal(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def forbidden(message: str) -> Refusal:
    """The caller, or anybody, may not do this."""
    return Refusal(HTTPStatus.FORBIDDEN, "Forbidden", message)


def unauthorized() -> Refusal:
    """The caller did not say who he is."""
    return Refusal(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


def no_such_page() -> Refusal:
    """Nothing is served at this path."""
    message = "the server could not find the requested resource"
    return Refusal(HTTPStatus.NOT_FOUND, "NotFound", message)


def not_allowed(verb: str, what: str) -> Refusal:
    """The kind does not have this verb here."""
    message = f"the server does not allow this method on the requested resource ({verb} {what})"
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message)


def unsupported_media(message: str) -> Refusal:
    """The body is written in a way that is not read here."""
    return Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)


def not_acceptable() -> Refusal:
    """The client reads nothing that is written here."""
    return Refusal(HTTPStatus.NOT_ACCEPTABLE, "NotAcceptable", "only JSON is written here")


def too_large(message: str) -> Refusal:
    """The body is larger than Kubernetes takes."""
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", message)


def expired() -> Refusal:
    """The changes asked for are no longer in etcd."""
    return Refusal(HTTPStatus.GONE, "Expired", "too old resource version: changes were compacted")


def unavailable(why: str) -> Refusal:
    """The etcd behind does not answer, or has no quorum."""
    message = f"the hollow API server's etcd does not answer: {why}"
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", message)


def _about(kind: Kind, name: str, status: HTTPStatus, reason: str, what: str) -> Refusal:
    return Refusal(status, reason, f'{kind.plural} "{name}" {what}', kind=kind.plural, name=name)
