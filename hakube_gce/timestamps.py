"""RFC 3339 times as the channel writes and reads them: UTC, and never without a zone. Pure."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """Write a moment, to the second.

    >>> rfc3339(datetime(2026, 11, 21, 6, 20, tzinfo=UTC))
    '2026-11-21T06:20:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: object) -> datetime | None:
    """Read a moment, or return None for anything that is not one with a time zone.

    >>> parse_rfc3339("2026-11-21T07:20:00+01:00") == datetime(2026, 11, 21, 6, 20, tzinfo=UTC)
    True
    >>> parse_rfc3339("2026-11-21T06:20:00") is None
    True
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
