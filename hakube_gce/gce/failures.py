"""Google's ways of saying no, read into one value.

There are four: an HTTP error with a JSON body, an operation that was accepted and then failed, a
connection that did not work, and credentials that did not. Reading only: what a failure means, and
whether it may be repeated, is `classify`'s business.

The status alone says little: 403 is a missing permission, a used-up quota or a rate limit, and
only the reason words tell which.
"""

import errno
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto

import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.protobuf.json_format import ParseError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from hakube_gce.gce.library import compute

TROUBLE = (api.GoogleAPICallError, auth.GoogleAuthError, requests.RequestException, ParseError)
"""Everything a call can raise on purpose. Connection errors come as requests' own classes, not as
google.api_core's; `ParseError` is an answer that is no Compute API's (a captive portal's page)."""


class Outcome(Enum):
    """What a failed request may have done."""

    NOTHING = auto()
    """Refused, or never sent."""
    UNKNOWN = auto()
    """Perhaps carried out: the connection broke after sending, or the server failed."""
    FINAL = auto()
    """An accepted operation ended in this: sending the same request again only returns it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What one attempt came to."""

    status: int
    """HTTP status; 0 when no answer came."""
    reasons: tuple[str, ...]
    """Google's reason words, most specific first; may be empty."""
    message: str
    outcome: Outcome
    retry_after_s: float | None = None
    """How long the server asked to be left alone."""
    quota: tuple[str, str] = ("", "")
    """Metric and limit, when the error says them."""
    refused: bool = False
    """Nobody listens at that port."""
    untrusted: bool = False
    """The server's certificate does not verify."""


def read_failure(error: BaseException) -> Failure:
    """Read an exception of `TROUBLE`.

    Raises:
        TypeError: The exception is none of them: a bug, not a failure.
    """
    match error:
        case api.GoogleAPICallError():
            return _from_answer(error)
        case auth.GoogleAuthError():
            return _from_credentials(error)
        case requests.RequestException():
            return _from_connection(error)
        case ParseError():
            return Failure(
                status=0,
                reasons=("unintelligibleAnswer",),
                message=f"the answer is not a Compute API's: {error}",
                outcome=Outcome.UNKNOWN,
            )
        case _:
            msg = f"not a failed call: {error!r}"
            raise TypeError(msg) from error


def read_operation(operation: compute.Operation) -> Failure | None:
    """Read a finished operation's failure; None when it succeeded.

    The error block counts even when no HTTP status stands beside it: the library's own poller
    takes such an operation for a success.
    """
    errors = list(operation.error.errors)
    if not errors and operation.http_error_status_code < 400:
        return None
    text = "; ".join(e.message or e.code for e in errors) or operation.http_error_message
    details = [d for e in errors for d in e.error_details]
    reasons = [d.error_info.reason for d in details] + [e.code for e in errors]
    quota = next((d.quota_info for d in details if d.quota_info.metric_name), None)
    return Failure(
        status=operation.http_error_status_code,
        reasons=tuple(r for r in reasons if r),
        message=text,
        outcome=Outcome.FINAL,
        quota=(quota.metric_name, f"{quota.limit:g}") if quota else _quota_in(text),
    )


def _from_answer(error: api.GoogleAPICallError) -> Failure:
    status = int(error.code or 0)
    errors = [e for e in error.errors if isinstance(e, Mapping)]
    reasons = [str(error.reason or "")] + [str(e.get("reason", "")) for e in errors]
    text = "; ".join(str(e["message"]) for e in errors if e.get("message")) or error.message
    headers = getattr(error.response, "headers", {})
    # 408 and 5xx leave open whether the request was carried out; 501 refuses it.
    open_ended = status == 408 or (status >= 500 and status != 501)
    return Failure(
        status=status,
        reasons=tuple(r for r in reasons if r),
        message=text,
        outcome=Outcome.UNKNOWN if open_ended else Outcome.NOTHING,
        retry_after_s=_retry_after_s(headers),
        quota=_quota_in(text),
    )


def _from_credentials(error: auth.GoogleAuthError) -> Failure:
    # A broken network on the way to the token server is transport trouble, and passes; everything
    # else about credentials (expired, revoked, of the wrong kind) stays as it is.
    passing = isinstance(error, auth.TransportError) or error.retryable
    return Failure(
        status=0 if passing else 401,
        reasons=("tokenServerUnreachable",) if passing else ("credentialsRejected",),
        message=str(error.args[0]) if error.args else type(error).__name__,
        outcome=Outcome.NOTHING,
    )


def _from_connection(error: requests.RequestException) -> Failure:
    causes = tuple(_causes(error))
    never_sent = isinstance(error, requests.ConnectTimeout) or any(
        isinstance(c, NewConnectionError) for c in causes
    )
    return Failure(
        status=0,
        reasons=(type(error).__name__,),
        message=_plain(causes[-1]),
        outcome=Outcome.NOTHING if never_sent else Outcome.UNKNOWN,
        refused=any(isinstance(c, OSError) and c.errno == errno.ECONNREFUSED for c in causes),
        untrusted="CERTIFICATE_VERIFY_FAILED" in str(error),
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from requests' exception down to the operating system's."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        inner = current.reason if isinstance(current, MaxRetryError) else None
        wrapped = next((a for a in current.args if isinstance(a, BaseException)), None)
        current = inner or wrapped or current.__cause__ or current.__context__


def _plain(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return text or str(error) or type(error).__name__


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After``: seconds, or a date, made a duration by the server's own Date."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    until, now = parse_date(text), parse_date(headers.get("Date", ""))
    return max(0.0, (until - now).total_seconds()) if until and now else None


def parse_date(text: str) -> datetime | None:
    """Read an HTTP date as UTC; None when there is none."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (TypeError, ValueError):
        return None


_QUOTA = re.compile(r"[Qq]uota '?([\w./-]+)'? exceeded\.?\s*(?:[Ll]imit: ([\d.]*\d))?")


def _quota_in(text: str) -> tuple[str, str]:
    """Find metric and limit in an error's text.

    >>> _quota_in("Quota 'CPUS' exceeded.  Limit: 24.0 in region europe-west1.")
    ('CPUS', '24.0')
    """
    found = _QUOTA.search(text)
    return (found[1], found[2] or "") if found else ("", "")
