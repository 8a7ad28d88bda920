"""Every variable, its value and whence it has it: for people and for programs. Pure.

What is secret is never shown, nor is the value of a variable that says nothing here, nor one that
could not be read: it may be anything.
"""

from collections.abc import Iterator, Sequence

from hakube_gce.setting_sources import DEFAULT
from hakube_gce.settings import Settings
from hakube_gce.variables import table
from hakube_gce.variables.row import Support, Variable

NOT_SHOWN = "(not shown)"
UNREADABLE = "(cannot be read)"
_NONE = "-"
_FOOTNOTE = "* as yet without effect; docs/CONFIGURATION.md says why"


def settings_lines(settings: Settings) -> Iterator[str]:
    """Write a line for each variable, those that belong together below their title."""
    for title, rows in _shown_groups(settings):
        yield f"{title}:"
        for row in rows:
            source = settings.sources.get(row.name, "")
            value = _value(row, settings) or _NONE
            yield f"  {row.name:<38} {value:<34} {source}{_mark(row)}"
    yield _FOOTNOTE


def settings_object(
    settings: Settings, problems: Sequence[str], exit_status: int
) -> dict[str, object]:
    """Give the same as JSON."""
    return {
        "schema_version": 1,
        "verb": "config",
        "changed": False,
        "exit_status": exit_status,
        "replica": None,
        "window": None,
        "next_command": None,
        "groups": [
            {"title": title, "variables": [_object(row, settings) for row in rows]}
            for title, rows in _shown_groups(settings)
        ],
        "warnings": list(settings.warnings),
        "problems": list(problems),
    }


def _shown_groups(settings: Settings) -> Iterator[tuple[str, Sequence[Variable[object]]]]:
    """Give every variable that is read, and of the others those that somebody set."""
    for group in table.GROUPS:
        rows = [row for row in group.rows if row.is_read or row.name in settings.sources]
        if rows:
            yield group.title, rows


def _object(row: Variable[object], settings: Settings) -> dict[str, object]:
    return {
        "name": row.name,
        "value": _value(row, settings),
        "source": settings.sources[row.name],
        "reach": row.reach.value if row.is_read else None,
        "support": row.support.value,
        "why": row.why or None,
        "without_effect": row.pending or None,
    }


def _value(row: Variable[object], settings: Settings) -> str:
    if row.secret or not row.is_read:
        return NOT_SHOWN
    text = settings.values[row.name]
    if settings.sources[row.name] == DEFAULT:
        return text
    text = text.strip() if row.kind.trimmed else text
    try:
        row.kind.parse(text)
    except ValueError:
        return UNREADABLE
    return text if text.isprintable() and len(text) <= row.kind.max_length else UNREADABLE


def _mark(row: Variable[object]) -> str:
    if row.support is Support.IGNORED:
        return f" (ignored: {row.why})"
    return " *" if row.pending else ""
