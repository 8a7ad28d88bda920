"""List filters: an honest part of both of Google's dialects; the rest is refused, never guessed.

Legacy: ``field eq REGEX``, ``field ne REGEX`` (the whole value must match), one or several in
parentheses. Newer: ``field = value``, ``!=``, ``field:*`` (is set), ``field:text`` (holds the
text [K]), joined by AND or by standing side by side. The two cannot be mixed in one filter.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.refusals import Refusal

_FIELD = r"(?P<field>[A-Za-z][\w.\-]*)"
_VALUE = r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s()]+)"
_LEGACY = re.compile(rf"{_FIELD}\s+(?P<operator>eq|ne)\s+{_VALUE}", re.ASCII)
_NEWER = re.compile(rf"{_FIELD}\s*(?P<operator>!=|=|:)\s*{_VALUE}", re.ASCII)
_GLUE = re.compile(r"[\s()]*(?:AND\b[\s()]*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    field: str
    operator: str
    value: str

    def fits(self, record: Json) -> bool:
        found = _text(_look_up(record, self.field))
        match self.operator:
            case "eq":
                return found is not None and re.fullmatch(self.value, found) is not None
            case "ne":
                return found is None or re.fullmatch(self.value, found) is None
            case "=":
                return found == self.value
            case "!=":
                return found != self.value
            case _:
                return found is not None and (self.value == "*" or self.value in found)


def parse(text: str) -> Callable[[Json], bool]:
    """Return a judge of records; an empty filter lets everything pass.

    >>> judge = parse('name eq "kube.*"')
    >>> judge({"name": "kubernetes-master"}), judge({"name": "other"})
    (True, False)

    Raises:
        Refusal: 400 invalid for anything outside the supported part.
    """
    if not text.strip():
        return lambda _: True
    if text.count("(") != text.count(")"):
        raise _refused(text)
    terms = _terms(text, _LEGACY) or _terms(text, _NEWER)
    if terms is None:
        raise _refused(text)
    return lambda record: all(term.fits(record) for term in terms)


def _terms(text: str, pattern: re.Pattern[str]) -> list[_Term] | None:
    terms, position = [], _skip(text, 0)
    while position < len(text):
        found = pattern.match(text, position)
        if found is None:
            return None
        field, operator, value = found["field"], found["operator"], _unquoted(found["value"])
        terms.append(_Term(field=field, operator=operator, value=value))
        position = _skip(text, found.end())
    return terms if _regexes_compile(terms) else None


def _skip(text: str, position: int) -> int:
    glue = _GLUE.match(text, position)
    return glue.end() if glue else position


def _regexes_compile(terms: list[_Term]) -> bool:
    try:
        for term in terms:
            if term.operator in {"eq", "ne"}:
                re.compile(term.value)
    except re.error:
        return False
    return True


def _unquoted(value: str) -> str:
    if value[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _look_up(record: Json, field: str) -> object:
    value: object = record
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _refused(text: str) -> Refusal:
    why = f"Invalid value for field 'filter': '{text}'. Invalid list filter expression."
    return Refusal(400, "invalid", why)
