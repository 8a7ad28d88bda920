"""From a verified line to a `Report`. Pure.

A signature says who wrote a line, not that its author was in his right mind: fields of the wrong
type make the whole line count as not written, because half a report would be read as a healthy
one.
"""

from collections.abc import Mapping
from datetime import datetime

from hakube_gce.model import Member, Report, Role
from hakube_gce.timestamps import parse_rfc3339

Fields = Mapping[str, object]


class Malformed(ValueError):
    """A field is missing or of the wrong type."""


def report_of(line: Fields) -> Report | None:
    """Return what a heartbeat, or an answer to ``report``, says; None for every other line."""
    fields = _fields(line)
    if fields is None:
        return None
    try:
        return _report(line, fields)
    except Malformed:
        return None


def _fields(line: Fields) -> Fields | None:
    if line.get("type") == "heartbeat":
        return line
    result = line.get("result")
    if (line.get("type"), line.get("verb"), line.get("ok")) != ("answer", "report", True):
        return None
    return result if isinstance(result, dict) else None


def _report(line: Fields, fields: Fields) -> Report:
    return Report(
        time=_moment(line, "time"),
        boot_id=_text(line, "boot_id"),
        phase=_text(fields, "phase"),
        epoch=_number(fields, "epoch"),
        cluster_id=_text(fields, "cluster_id", ""),
        member_id=_text(fields, "member_id", ""),
        role=_role(fields),
        leader_id=_text(fields, "leader_id", ""),
        term=_number(fields, "term", 0),
        applied_index=_number(fields, "applied_index", 0),
        db_size_bytes=_number(fields, "db_size_bytes", 0),
        etcd_healthy=_flag(fields, "etcd_healthy"),
        etcd_version=_text(fields, "etcd_version", ""),
        alarms=tuple(_texts(fields, "alarms")),
        members=tuple(_member(m) for m in _items(fields, "members")),
        apiserver_ready=_flag(fields, "apiserver_ready"),
        apiserver_kind=_text(fields, "apiserver_kind", "hollow"),
        certificates_expire=_optional_moment(fields, "certificates_expire"),
        detail=_text(fields, "detail", ""),
    )


def _member(value: object) -> Member:
    if not isinstance(value, dict):
        raise Malformed
    role = _role(value)
    if role is None:
        raise Malformed
    return Member(
        id=_text(value, "id"),
        name=_text(value, "name", ""),
        peer_url=_text(value, "peer_url"),
        role=role,
    )


def _role(fields: Fields) -> Role | None:
    text = _text(fields, "role", "")
    if not text:
        return None
    try:
        return Role(text)
    except ValueError as error:
        raise Malformed from error


def _text(fields: Fields, name: str, default: str | None = None) -> str:
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise Malformed
    return value


def _number(fields: Fields, name: str, default: int | None = None) -> int:
    value = fields.get(name)
    if value is None and default is not None:
        return default
    # type() and not isinstance: true is an int in Python, and is no epoch
    if type(value) is not int or value < 0:
        raise Malformed
    return value


def _flag(fields: Fields, name: str) -> bool:
    value = fields.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Malformed
    return value


def _items(fields: Fields, name: str) -> list[object]:
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed
    return value


def _texts(fields: Fields, name: str) -> list[str]:
    texts = [item for item in _items(fields, name) if isinstance(item, str)]
    if len(texts) != len(_items(fields, name)):
        raise Malformed
    return texts


def _moment(fields: Fields, name: str) -> datetime:
    moment = parse_rfc3339(fields.get(name))
    if moment is None:
        raise Malformed
    return moment


def _optional_moment(fields: Fields, name: str) -> datetime | None:
    return None if fields.get(name) in (None, "") else _moment(fields, name)
