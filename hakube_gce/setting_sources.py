"""Reads variables out of the process environment and .env, remembering whence, and what was wrong.

It goes on after a problem, so that one run names them all. The process environment wins over
.env, and a variable set to nothing counts as not set, as it did in the original scripts. Pure:
the mappings are handed in. Values of variables it does not know are never shown: they may be
secrets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from hakube_gce.misspellings import closest, is_injected
from hakube_gce.variables import table
from hakube_gce.variables.row import Variable

T = TypeVar("T")

ENVIRONMENT = "environment"
DEFAULT = "default"

_SHOWN = 60
_OURS = "HAKUBE_"
_WARNED_ABOUT = ("KUBE", "ETCD", "ENABLE_ETCD", "MASTER_", "SERVICE_CLUSTER")


@dataclass(slots=True, kw_only=True)
class Reader:
    """One reading of all variables; problems and sources grow while it goes on."""

    environment: Mapping[str, str]
    dotenv: Mapping[str, str]
    dotenv_path: str
    problems: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)

    def read(self, variable: Variable[T]) -> T:
        """Return a variable's value; the default's when it is not set or cannot be read."""
        value = self.read_if_set(variable)
        return variable.kind.parse(variable.default) if value is None else value

    def read_if_set(self, variable: Variable[T]) -> T | None:
        """Return a variable's value, None when it is not set or cannot be read."""
        name, text, source = self.find(variable)
        self.sources[variable.name] = source if name == variable.name else f"{source}: {name}"
        if source == DEFAULT:
            return None
        try:
            return _parse(variable, text)
        except ValueError as reason:
            self.problem(variable, name, text, str(reason))
            return None

    def is_set(self, variable: Variable[T]) -> bool:
        """Tell whether a variable that was read had been set by somebody."""
        return self.sources[variable.name] != DEFAULT

    def find(self, variable: Variable[T]) -> tuple[str, str, str]:
        """Return the name under which a variable is set, its text, and the source."""
        for name in (variable.name, *variable.aliases):
            text, source = self.text(name)
            if text:
                return name, text, source
        return variable.name, variable.default, DEFAULT

    def text(self, name: str) -> tuple[str, str]:
        if name in self.environment:
            return self.environment[name], ENVIRONMENT
        return self.dotenv.get(name, ""), self.dotenv_path

    def problem(self, variable: Variable[T], name: str, text: str, reason: str) -> None:
        """Note what is wrong with a variable that we know."""
        from_file = name in self.dotenv and name not in self.environment
        where = f" (from {self.dotenv_path})" if from_file else ""
        # A URL with a password in it is a mistake, and no reason to show the password.
        value = "(not shown)" if "@" in text else shown(text)
        self.problems.append(
            f"{name}={value}{where}: {reason}; for example {name}={variable.example}"
        )

    def unknown_names(self) -> list[str]:
        """Note each variable that must be a misspelling; return notes on those that may be."""
        notes = []
        for name in sorted({*self.environment, *self.dotenv}):
            text, _source = self.text(name)
            if not text or _is_known(name) or is_injected(name, text):
                continue
            if problem := _misspelt(name):
                self.problems.append(problem)
            elif name.upper().startswith(_WARNED_ABOUT) and (
                meant := closest(name, _ORIGINAL_NAMES)
            ):
                notes.append(f"{_plain(name)} is no variable of ours and was ignored; {meant} is")
        return notes

    def refused_names(self) -> None:
        """Note variables that we know and whose wish we do not fulfil."""
        for row in table.REFUSED:
            text, _source = self.text(row.name)
            if text.strip().lower() not in {"", "false", "0", "no"}:
                self.problems.append(f"{row.name}={shown(text)}: {row.why}")

    def ignored_names(self) -> list[str]:
        names = sorted(
            row.name for row in table.IGNORED if not row.quiet and self.text(row.name)[0]
        )
        if not names:
            return []
        return ["set, but without a meaning here, and ignored: " + ", ".join(names)]


def shown(text: str) -> str:
    """Write a value so that it can be shown on any terminal: escaped, quoted, not endless."""
    if len(text) <= _SHOWN:
        return ascii(text)
    return f"{text[:_SHOWN]!a}… ({len(text)} characters)"


def _parse(variable: Variable[T], text: str) -> T:
    kind = variable.kind
    text = text.strip() if kind.trimmed else text
    if len(text) > kind.max_length:
        raise ValueError(f"is longer than {kind.max_length} characters")
    if kind.ascii_only and not text.isascii():
        raise ValueError("holds characters outside ASCII")
    if not text.isprintable():
        raise ValueError("holds control characters")
    return kind.parse(text)


_NAMES = tuple(name for v in table.VARIABLES for name in (v.name, *v.aliases))
_OUR_NAMES = tuple(name for name in _NAMES if name.startswith(_OURS))
_ORIGINAL_NAMES = tuple(name for name in _NAMES if not name.startswith(_OURS))
_DECISIVE = tuple(v.name for v in table.VARIABLES if v.decisive)
_KNOWN = frozenset({*_NAMES, *(row.name for row in table.ROWS)})


def _is_known(name: str) -> bool:
    return name in _KNOWN or name.startswith(table.OUR_OWN_TESTS)


def _misspelt(name: str) -> str:
    # KUBE_HOME is two slips from HAKUBE_HOME and somebody else's: at ours, one counts.
    meant = closest(name, _DECISIVE) or closest(name, _OUR_NAMES, slips=1)
    if name.startswith(_OURS):
        meant = meant or closest(name, _OUR_NAMES, slips=4)
        return f"{_plain(name)}: there is no such variable{meant and f'; did you mean {meant}?'}"
    return (
        meant
        and f"{_plain(name)}: no variable of ours, but very close to {meant}; did you mean that?"
    )


def _plain(name: str) -> str:
    return ascii(name)[1:-1]
