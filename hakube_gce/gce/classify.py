"""What a failure means: which error of the tree, what to tell people, and whether to repeat.

Pure on `Failure`. By reason first and by status last: 503 is an overloaded server or a zone
without machines, and only one of the two gets better by asking again.
"""

import re
from collections.abc import Callable

from hakube_gce.errors import (
    GatewayError,
    PermissionMissing,
    QuotaExceeded,
    RequestInvalid,
    ResourceConflict,
    ResourceInUse,
    ResourceNotFound,
    StaleFingerprint,
    Unavailable,
    ZoneExhausted,
)
from hakube_gce.gce.failures import Failure, Outcome
from hakube_gce.gce.paths import region_of

_TRANSIENT = frozenset(
    {
        "ratelimitexceeded",
        "userratelimitexceeded",
        "concurrentoperationsquotaexceeded",
        "resourceoperationrateexceeded",
        "backenderror",
        "internalerror",
        "tokenserverunreachable",
    }
)
"""Reasons that pass by themselves, whatever status carries them. Looked for before all others: a
concurrency limit comes with the word of a quota beside it."""

_MEANINGS: dict[str, type[GatewayError]] = {
    "quotaexceeded": QuotaExceeded,
    "limitexceeded": QuotaExceeded,
    "stockout": ZoneExhausted,
    "zoneresourcepoolexhausted": ZoneExhausted,
    "zoneresourcepoolexhaustedwithdetails": ZoneExhausted,
    "resourcepoolexhausted": ZoneExhausted,
    "notfound": ResourceNotFound,
    "resourcenotfound": ResourceNotFound,
    "membernotfound": ResourceNotFound,
    "alreadyexists": ResourceConflict,
    "resourcealreadyexists": ResourceConflict,
    "duplicate": ResourceConflict,
    "memberalreadyexists": ResourceConflict,
    "resourceinuse": ResourceInUse,
    "resourceinusebyanotherresource": ResourceInUse,
    "ipinusebyanotherresource": ResourceInUse,
    "conditionnotmet": StaleFingerprint,
    "forbidden": PermissionMissing,
    "permissionserror": PermissionMissing,
    "permissiondenied": PermissionMissing,
    "insufficientpermissions": PermissionMissing,
    "accessnotconfigured": PermissionMissing,
    "servicedisabled": PermissionMissing,
    "credentialsrejected": PermissionMissing,
    # Another operation is still at work on it. Not repeated here: only the caller knows whether it
    # waits for something to appear or has come too early by mistake.
    "resourcenotready": Unavailable,
}
"""Google's words, written once as in errors (``alreadyExists``), once as in operations
(``RESOURCE_ALREADY_EXISTS``): compared in lower case without underscores."""

_BY_STATUS: dict[int, type[GatewayError]] = {
    0: Unavailable,
    401: PermissionMissing,
    403: PermissionMissing,
    404: ResourceNotFound,
    408: Unavailable,
    409: ResourceConflict,
    412: StaleFingerprint,
    429: Unavailable,
    501: RequestInvalid,
}

_IN_USE = re.compile(r"\bin-use\b|\balready being used by\b|\balready in use\b")
_PERMISSION = re.compile(r"'?([a-z]+(?:\.[a-zA-Z]+){2,})'? (?:permission|access)")
_NO_ACCOUNT = (
    "log in with: gcloud auth application-default login; "
    "or try without an account: KUBERNETES_PROVIDER=emulator"
)


def meaning(failure: Failure) -> type[GatewayError]:
    """Tell which error of the tree a failure is."""
    words = _words(failure)
    if any(w in _TRANSIENT for w in words):
        return Unavailable
    for word in words:
        if word in _MEANINGS:
            return _MEANINGS[word]
    # A forwarding rule on an address in use gets 400 `invalid`; only the text tells.
    if failure.status in {400, 409} and _IN_USE.search(failure.message):
        return ResourceInUse
    if failure.status >= 500:
        return _BY_STATUS.get(failure.status, Unavailable)
    return _BY_STATUS.get(failure.status, RequestInvalid)


def may_repeat(failure: Failure) -> bool:
    """Tell whether the same request, under the same request id, may help."""
    if failure.outcome is Outcome.FINAL or failure.untrusted:
        return False
    return meaning(failure) is Unavailable and "resourcenotready" not in _words(failure)


def _words(failure: Failure) -> tuple[str, ...]:
    return tuple(r.replace("_", "").lower() for r in failure.reasons)


def error_for(failure: Failure, *, resource: str, project: str, tried: str = "") -> GatewayError:
    """Make the error that people read.

    Args:
        failure: What the last attempt came to.
        resource: Short path of what the request was about.
        project: Project id, for hints that name a command.
        tried: How often and how long it was tried, when it was repeated.
    """
    kind = meaning(failure)
    message, hint = _WORDS.get(kind, _plainly)(failure, resource, project)
    reason = failure.reasons[0] if failure.reasons else ""
    told = f"{message} ({tried})" if tried else message
    return kind(told, resource=resource, reason=reason, hint=hint)


def _plainly(failure: Failure, resource: str, _project: str) -> tuple[str, str]:
    return f"{resource}: {failure.message}", ""


def _stale(failure: Failure, resource: str, _project: str) -> tuple[str, str]:
    return (
        f"{resource} was changed by somebody else in between: {failure.message}",
        "look again; then run the same command again",
    )


def _quota(failure: Failure, resource: str, project: str) -> tuple[str, str]:
    metric, limit = failure.quota
    what = f"quota {metric} is used up" if metric else "a quota is used up"
    bound = f" (limit {limit})" if limit else ""
    return (
        f"{what}{bound} for {resource}: {failure.message}",
        f"free some, or ask for more: gcloud compute project-info describe --project={project}; "
        "then run the same command again",
    )


def _stockout(failure: Failure, resource: str, _project: str) -> tuple[str, str]:
    found = re.search(r"zones/([a-z0-9-]+)", f"{resource} {failure.message}")
    zone = found[1] if found else ""
    others = f"another zone of {region_of(zone)}" if zone else "another zone of the region"
    return (
        f"zone {zone or '(unnamed)'} has no machines left for {resource}: {failure.message}",
        f"run the same command again later; or give this up and set KUBE_GCE_ZONE to {others}",
    )


def _permission(failure: Failure, resource: str, project: str) -> tuple[str, str]:
    if set(_words(failure)) & {"accessnotconfigured", "servicedisabled"}:
        return (
            f"the Compute Engine API is not enabled in project {project}: {failure.message}",
            f"enable it: gcloud services enable compute.googleapis.com --project={project}",
        )
    if failure.status == 401:
        return f"the credentials were not accepted: {failure.message}", _NO_ACCOUNT
    named = _PERMISSION.search(failure.message)
    missing = f"permission {named[1]} is missing" if named else "a permission is missing"
    return (
        f"{missing} on {resource}: {failure.message}",
        f"ask an owner of project {project} for a role that holds it, "
        "or log in as somebody who has one: gcloud auth application-default login",
    )


def _unavailable(failure: Failure, resource: str, _project: str) -> tuple[str, str]:
    if failure.untrusted:
        return (
            f"{resource}: the server's certificate does not verify: {failure.message}",
            "is a proxy in between? name its CA with REQUESTS_CA_BUNDLE",
        )
    status = f"HTTP {failure.status} " if failure.status else ""
    if failure.refused:
        hint = "if this is the emulator: hakube emulator status; then run the same command again"
    else:
        hint = "run the same command again"
    return f"{resource}: {status}{failure.message}", hint


_WORDS: dict[type[GatewayError], Callable[[Failure, str, str], tuple[str, str]]] = {
    StaleFingerprint: _stale,
    QuotaExceeded: _quota,
    ZoneExhausted: _stockout,
    PermissionMissing: _permission,
    Unavailable: _unavailable,
}


def no_credentials(detail: str) -> PermissionMissing:
    """Make the error for a machine that has no account at all."""
    return PermissionMissing(
        f"no Google Cloud credentials were found: {detail}",
        reason="noCredentials",
        hint=_NO_ACCOUNT,
    )
