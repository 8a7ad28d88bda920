"""The words of the channel: lines up the serial port, requests down the metadata, who is obeyed.

Pure: bytes and values in, values out. It signs nothing itself, reads no clock and carries no
request out. `docs/CHANNEL.md` is the contract; this is its receiving half.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

SCHEMA = 1

Fields = dict[str, object]
"""One JSON object."""

Sign = Callable[[Fields], str]
"""Signs an object and returns the signature in base64."""


class Code(StrEnum):
    """Why a request was not carried out."""

    REFUSED = "refused"
    """Unsafe at this moment; nothing was changed."""
    FAILED = "failed"
    """Tried, did not work."""
    STALE = "stale"
    """Of an older epoch, expired, or meant for another VM."""
    UNKNOWN_VERB = "unknown-verb"


class RequestError(Exception):
    """A request cannot or may not be carried out; ends in an ``answer`` with an error."""

    def __init__(self, code: Code, message: str) -> None:
        """Say which of the protocol's codes it is, and what was seen and what rule it met."""
        super().__init__(message)
        self.code = code
        self.message = message


def refused(message: str) -> RequestError:
    """Return the error for what is unsafe now."""
    return RequestError(Code.REFUSED, message)


def failed(message: str) -> RequestError:
    """Return the error for what was tried and did not work."""
    return RequestError(Code.FAILED, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One job, as the operator wrote it into ``hakube-request``."""

    id: str
    verb: str
    instance_id: str
    epoch: int
    expires: datetime
    args: Mapping[str, object]


def format_time(moment: datetime) -> str:
    """Write a moment as the channel does: RFC 3339, UTC, milliseconds.

    >>> format_time(datetime(2026, 11, 21, 6, 20, tzinfo=UTC))
    '2026-11-21T06:20:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 moment; one without an offset is no moment.

    Raises:
        ValueError: The text is not a date and time with an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = f"{text!r} has no UTC offset"
        raise ValueError(msg)
    return moment.astimezone(UTC)


def parse_request(text: str) -> Request:
    """Read a request.

    Raises:
        ValueError: It is not a request of this schema; the message says what is wrong. A request
            whose id cannot be read cannot be answered either.
    """
    found = json.loads(text)
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        msg = f"not a request of schema {SCHEMA}"
        raise ValueError(msg)
    args = found.get("args", {})
    if not isinstance(args, dict):
        msg = "args is not an object"
        raise ValueError(msg)  # noqa: TRY004 - callers catch what is wrong with the text as one kind
    epoch = found.get("epoch")
    if not isinstance(epoch, int) or isinstance(epoch, bool):
        msg = "epoch is not a whole number"
        raise ValueError(msg)  # noqa: TRY004 - as above
    return Request(
        id=text_field(found, "id"),
        verb=text_field(found, "verb"),
        instance_id=text_field(found, "instance_id"),
        epoch=epoch,
        expires=parse_time(text_field(found, "expires")),
        args=args,
    )


def text_field(found: Mapping[str, object], key: str) -> str:
    """Return a field that must be a text and must not be empty.

    Raises:
        ValueError: It is missing, empty or no text.
    """
    value = found.get(key)
    if not isinstance(value, str) or not value:
        msg = f"{key} is missing or not a text"
        raise ValueError(msg)
    return value


def check_admission(
    request: Request, *, instance_id: str, highest_epoch: int, now: datetime
) -> None:
    """Refuse a request that is not for this VM, is overtaken, or came too late.

    Raises:
        RequestError: With code ``stale``; the message says which rule.
    """
    if request.instance_id != instance_id:
        raise RequestError(
            Code.STALE, f"the request is for instance {request.instance_id}, this is {instance_id}"
        )
    if request.epoch < highest_epoch:
        raise RequestError(
            Code.STALE,
            f"the request's epoch {request.epoch} is behind {highest_epoch}: "
            "another run holds the lock",
        )
    if request.expires <= now:
        raise RequestError(
            Code.STALE,
            f"the request expired at {format_time(request.expires)}, "
            f"it is {format_time(now)} here",
        )


def canonical(fields: Fields) -> bytes:
    """Return the one form of an object that signatures cover."""
    unsigned = {key: value for key, value in fields.items() if key != "sig"}
    return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode(
        "ascii"
    )


def signed_line(fields: Fields, sign: Sign) -> bytes:
    """Return one line for the serial port, signed, with its end of line."""
    whole = {**fields, "sig": sign(fields)}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"
