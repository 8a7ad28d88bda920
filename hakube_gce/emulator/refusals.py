"""How Compute Engine says no: every refusal the emulator can give, in Google's error JSON.

Shapes are Google's (recorded from its clients' parsers); texts marked [K] are believed, not
verified. Handlers raise; the server serialises in one place. `EmulatorError` is another thing:
trouble with the lab itself, for people.
"""

from http import HTTPStatus

from hakube_gce.emulator.calls import Json
from hakube_gce.errors import HakubeError

NAME_PATTERN = "(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)"


class EmulatorError(HakubeError):
    """The lab itself cannot do what was asked: not running, of another runtime, damaged."""

    exit_status = 7


class NoSuchMachine(EmulatorError):
    """The lab holds no VM of that name."""

    exit_status = 3


class Refusal(Exception):
    """An immediate no: the request changed nothing."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message

    def body(self) -> Json:
        """Return Google's error object."""
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        return {"error": {"code": self.status, "message": self.message, "errors": [detail]}}


class OperationFailed(Exception):
    """A late no: the request was taken on, and its operation ends in an error."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message

    def fields(self) -> Json:
        """Return an operation's error fields: always all of them.

        Google's Python client takes an operation with ``error`` but neither of the http fields
        for a success.
        """
        return {
            "error": {"errors": [{"code": self.code, "message": self.message}]},
            "httpErrorStatusCode": self.status,
            "httpErrorMessage": HTTPStatus(self.status).phrase.upper(),
        }


def not_found(path: str) -> Refusal:
    """404: it is not there."""
    return Refusal(404, "notFound", f"The resource '{path}' was not found")


def already_exists(path: str) -> Refusal:
    """409: the name is taken."""
    return Refusal(409, "alreadyExists", f"The resource '{path}' already exists")


def invalid(field: str, value: object, why: str) -> Refusal:
    """400: a value is not acceptable."""
    return Refusal(400, "invalid", f"Invalid value for field '{field}': '{value}'. {why}")


def required(field: str) -> Refusal:
    """400: a field is missing."""
    return Refusal(400, "required", f"Required field '{field}' not specified")


def in_use(kind: str, path: str, user: str) -> Refusal:
    """400: something else still uses it."""
    text = f"The {kind} resource '{path}' is already being used by '{user}'"
    return Refusal(400, "resourceInUseByAnotherResource", text)


def in_use_late(kind: str, path: str, user: str) -> OperationFailed:
    """Late 400: what Google says of a network that something else still uses."""
    text = f"The {kind} resource '{path}' is already being used by '{user}'"
    return OperationFailed("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", 400, text)


def not_ready(path: str) -> Refusal:
    """400: it is being made, changed or deleted [K]."""
    return Refusal(400, "resourceNotReady", f"The resource '{path}' is not ready")


def stale(what: str) -> Refusal:
    """412: somebody wrote in between."""
    text = f"Supplied fingerprint does not match current {what} fingerprint."
    return Refusal(412, "conditionNotMet", text)


def address_in_use(field: str, address: str) -> Refusal:
    """400, not 409: what Google says of an external address that is taken."""
    why = "Specified IP address is in-use and would result in a conflict."
    return invalid(field, address, why)


def not_emulated(method: str) -> Refusal:
    """501: Google has this method, the emulator has not."""
    text = f"compute.{method} exists at Google, but this emulator does not have it"
    return Refusal(501, "notImplemented", text)


def zone_exhausted(zone_path: str) -> OperationFailed:
    """Late 503: the zone has no capacity."""
    text = (
        f"The zone '{zone_path}' does not have enough resources available to fulfill the request."
        "  Try a different zone, or try again later."
    )
    return OperationFailed("ZONE_RESOURCE_POOL_EXHAUSTED", 503, text)


def quota_exceeded(metric: str, limit: float, scope: str) -> OperationFailed:
    """Late 403: the project may hold no more."""
    text = f"Quota '{metric}' exceeded.  Limit: {float(limit)} in {scope}."
    return OperationFailed("QUOTA_EXCEEDED", 403, text)
